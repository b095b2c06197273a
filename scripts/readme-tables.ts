/** Writes the README's tables of settings and errors between their marks; `test/tidy.test.ts` compares. */
import { readFileSync, writeFileSync } from "node:fs";
import { settingRows } from "../src/cli/settings.ts";
import { ERROR_CODES } from "../src/errors.ts";

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

/** The README as it should be. */
export function withTables(readme: string): string {
  return between(between(readme, "settings", settingsTable()), "errors", errorsTable());
}

function between(text: string, name: string, content: string): string {
  const begin = `<!-- ${name}: made by \`npm run generate\` -->`;
  const end = `<!-- ${name} end -->`;
  const [before, rest] = text.split(begin);
  const after = rest?.split(end)[1];
  if (before === undefined || after === undefined) throw new Error(`README.md: no place between ${begin} and ${end}`);
  return `${before}${begin}\n${content}\n${end}${after}`;
}

if (import.meta.main) {
  const file = new URL("../README.md", import.meta.url);
  writeFileSync(file, withTables(readFileSync(file, "utf8")));
}
