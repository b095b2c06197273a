import { parse } from "csv-parse/sync";

const DELIMITERS = [",", ";", "\t", "|"] as const;

/** The sign that cuts the line into the most cells; undefined for a line of one cell. */
export function delimiterOf(line: string): string | undefined {
  const best = DELIMITERS.reduce((a, b) => (countOf(line, b) > countOf(line, a) ? b : a), ",");
  return countOf(line, best) > 0 ? best : undefined;
}

function countOf(line: string, sign: string): number {
  // Decimal commas in quotes aren't delimiters.
  const bare = line.includes('"') ? line.replace(/"[^"]*"/g, "") : line;
  return bare.split(sign).length - 1;
}

/** Cells of one line. Lines without a quote, nearly all, don't need a parser of CSV; text is why there are no cells. */
export function cellsOf(line: string, delimiter: string): string[] | string {
  if (!line.includes('"')) return line.split(delimiter).map((cell) => cell.trim());
  try {
    const [cells] = parse(line, { delimiter, relax_column_count: true, trim: true }) as string[][];
    return cells ?? [];
  } catch {
    return "the line's quotes don't match";
  }
}

/** Cells beyond the header's are nothing as long as they are empty: some programs end each row with a delimiter. */
export function fitted(cells: string[], width: number): boolean {
  while (cells.length > width && cells.at(-1) === "") cells.pop();
  return cells.length === width;
}

/** A column's name as lists have it: lower case, letters, digits, % and / alone. */
export const normalName = (name: string): string => name.toLowerCase().replace(/[^\p{L}\p{N}%/]/gu, "");
