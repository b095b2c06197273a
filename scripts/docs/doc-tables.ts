/** Writes the parts of the documents that are made from code, between their marks; `test/tidy.test.ts` compares. */
import { readFileSync, writeFileSync } from "node:fs";
import { settingRows } from "../../src/cli/settings.ts";
import { RUNBOOK } from "../../src/errors/runbook.ts";
import { ERROR_CODES, type ErrorCode } from "../../src/errors.ts";
import { roomsTable } from "../rooms.ts";
import { apiReference } from "./api-reference.ts";
import { commandReference } from "./cli-reference.ts";
import { formatsTable, mapTable, synonymsTable } from "./feed-tables.ts";
import { cell, code, table } from "./markdown.ts";
import { metricsTable } from "./metrics-reference.ts";
import { rulesTable } from "./rules-reference.ts";

const settingsTable = () =>
  table(
    ["variable", "flag", "option of `connect`", "default", "unit", "meaning"],
    settingRows().map((s) => [code(s.env), code(s.flag), code(s.name), code(s.standard), cell(s.unit), cell(s.doc)]),
  );

const errorsTable = () =>
  table(
    ["code", "meaning"],
    Object.entries(ERROR_CODES).map(([name, doc]) => [`[${code(name)}](operations.md#${name})`, cell(doc)]),
  );

/** A section for each error, in the order of their declaration. */
const runbookSections = () =>
  (Object.entries(ERROR_CODES) as [ErrorCode, string][])
    .map(([name, doc]) => {
      const { look, act, wake } = RUNBOOK[name];
      return `### ${name}\n\n${doc}\n\n- **Look at**: ${look}\n- **Do**: ${act}\n- **Wake**: ${wake}\n`;
    })
    .join("\n");

/** A part of a document that is made. */
export interface DocTable {
  readonly file: string;
  readonly name: string;
  readonly make: () => string;
}

export const DOC_TABLES: readonly DocTable[] = [
  { file: "docs/settings.md", name: "settings", make: settingsTable },
  { file: "docs/errors.md", name: "errors", make: errorsTable },
  { file: "docs/operations.md", name: "runbook", make: runbookSections },
  { file: "docs/operations.md", name: "metrics", make: metricsTable },
  { file: "docs/rules.md", name: "rules", make: rulesTable },
  { file: "docs/cli.md", name: "commands", make: commandReference },
  { file: "docs/api.md", name: "api", make: apiReference },
  { file: "docs/feeds.md", name: "map", make: mapTable },
  { file: "docs/feeds.md", name: "formats", make: formatsTable },
  { file: "docs/feeds.md", name: "synonyms", make: synonymsTable },
  { file: "ARCHITECTURE.md", name: "rooms", make: roomsTable },
];

/** A document as it should be. @param text as it is */
export function withTables(file: string, text: string): string {
  return DOC_TABLES.filter((made) => made.file === file).reduce(
    (whole, { name, make }) => withTable(file, whole, name, make()),
    text,
  );
}

/** @param content what stands between the marks from now on @throws Error where the document lacks the marks */
export function withTable(file: string, text: string, name: string, content: string): string {
  const begin = new RegExp(`<!-- ${name}: made by [^>]* -->`);
  const end = `<!-- ${name} end -->`;
  const [mark = ""] = begin.exec(text) ?? [];
  const [before, rest] = text.split(mark || begin);
  const after = rest?.split(end)[1];
  if (before === undefined || after === undefined) throw new Error(`${file}: no place between ${begin} and ${end}`);
  return `${before}${mark}\n${content}\n${end}${after}`;
}

if (import.meta.main) {
  for (const file of new Set(DOC_TABLES.map((made) => made.file))) {
    const url = new URL(`../../${file}`, import.meta.url);
    writeFileSync(url, withTables(file, readFileSync(url, "utf8")));
  }
}
