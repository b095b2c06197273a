/** Writes the tables of the documents between their marks; `test/tidy.test.ts` compares. */
import { readFileSync, writeFileSync } from "node:fs";
import { settingRows } from "../src/cli/settings.ts";
import { ERROR_CODES } from "../src/errors.ts";
import { roomsTable } from "./rooms.ts";

const cell = (text: string | undefined) => (text ?? "").replaceAll("|", "\\|");
const code = (text: string | undefined) => (text === undefined || text === "-" ? "" : `\`${text}\``);
const row = (...cells: string[]) => `| ${cells.join(" | ")} |`;

function settingsTable(): string {
  const lines = settingRows().map((s) => row(code(s.env), code(s.flag), code(s.standard), cell(s.unit), cell(s.doc)));
  return [row("variable", "flag", "default", "unit", "meaning"), "|---|---|---|---|---|", ...lines].join("\n");
}

function errorsTable(): string {
  const lines = Object.entries(ERROR_CODES).map(([name, doc]) => row(code(name), cell(doc)));
  return [row("code", "meaning"), "|---|---|", ...lines].join("\n");
}

/** Which document has which table. */
export const DOC_TABLES: readonly { readonly file: string; readonly name: string; readonly make: () => string }[] = [
  { file: "README.md", name: "settings", make: settingsTable },
  { file: "README.md", name: "errors", make: errorsTable },
  { file: "ARCHITECTURE.md", name: "rooms", make: roomsTable },
];

/** A document as it should be. @param text as it is */
export function withTables(file: string, text: string): string {
  return DOC_TABLES.filter((table) => table.file === file).reduce(
    (made, { name, make }) => between(made, name, make(), file),
    text,
  );
}

function between(text: string, name: string, content: string, file: string): string {
  const begin = `<!-- ${name}: made by \`npm run generate\` -->`;
  const end = `<!-- ${name} end -->`;
  const [before, rest] = text.split(begin);
  const after = rest?.split(end)[1];
  if (before === undefined || after === undefined) throw new Error(`${file}: no place between ${begin} and ${end}`);
  return `${before}${begin}\n${content}\n${end}${after}`;
}

if (import.meta.main) {
  for (const file of new Set(DOC_TABLES.map((table) => table.file))) {
    const url = new URL(`../${file}`, import.meta.url);
    writeFileSync(url, withTables(file, readFileSync(url, "utf8")));
  }
}
