/** Writes the README's table of settings between its two marks. `test/tidy.test.ts` fails while it is another. */
import { readFileSync, writeFileSync } from "node:fs";
import { settingRows } from "../src/cli/settings.ts";

const BEGIN = "<!-- settings: made by `npm run generate` -->";
const END = "<!-- settings end -->";

export function settingsTable(): string {
  const cell = (text: string | undefined) => (text ?? "").replaceAll("|", "\\|");
  const lines = settingRows().map(
    (s) =>
      `| \`${s.env}\` | ${s.flag ? `\`${s.flag}\`` : ""} | ${s.standard === "-" ? "" : `\`${s.standard}\``} | ` +
      `${cell(s.unit)} | ${cell(s.doc)} |`,
  );
  return ["| variable | flag | default | unit | meaning |", "|---|---|---|---|---|", ...lines].join("\n");
}

/** The README as it should be. */
export function withSettingsTable(readme: string): string {
  const [before, rest] = readme.split(BEGIN);
  const after = rest?.split(END)[1];
  if (before === undefined || after === undefined) throw new Error(`README.md: no place between ${BEGIN} and ${END}`);
  return `${before}${BEGIN}\n${settingsTable()}\n${END}${after}`;
}

if (import.meta.main) {
  const file = new URL("../README.md", import.meta.url);
  writeFileSync(file, withSettingsTable(readFileSync(file, "utf8")));
}
