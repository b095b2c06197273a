/** A table's cell: one line, and no bar of its own. */
export const cell = (text: string | undefined): string =>
  (text ?? "").replace(/\s+/g, " ").trim().replaceAll("|", "\\|");

/** A cell of code; empty for nothing, and for what a command's table shows as nothing. */
export const code = (text: string | undefined): string =>
  text === undefined || text === "" || text === "-" ? "" : `\`${cell(text)}\``;

/** A docstring as Markdown: its tags as words. */
export const prose = (doc: string): string =>
  doc
    .replace(/([^.:])\n@/g, "$1.\n@")
    .replace(/\n@/g, "\n\n@")
    .replace(/@param (\w+) /g, "`$1`: ")
    .replace(/@throws /g, "Throws ")
    .replace(/@returns /g, "Returns ");

export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  return [line(head), `|${"---|".repeat(head.length)}`, ...rows.map(line)].join("\n");
}
