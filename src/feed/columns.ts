import { parse } from "csv-parse/sync";
import { decimal } from "./decimal.ts";

type Column = "date" | "time" | "open" | "high" | "low" | "close" | "volume" | "symbol";

/** Headers of vendors, in lower case and without blanks, brackets and underscores. */
const COLUMN_BY_NAME: Readonly<Record<string, Column>> = {
  date: "date",
  datetime: "date",
  timestamp: "date",
  opentime: "date",
  day: "date",
  time: "time",
  open: "open",
  o: "open",
  high: "high",
  h: "high",
  low: "low",
  l: "low",
  close: "close",
  "close/last": "close",
  c: "close",
  volume: "volume",
  vol: "volume",
  v: "volume",
  symbol: "symbol",
  ticker: "symbol",
};

type Columns = { readonly [C in Column]?: number };

/** What a header says about its rows. */
export interface Table {
  readonly delimiter: string;
  readonly columns: Columns;
  readonly width: number;
  readonly notes: string[];
}

export const PRICES = ["open", "high", "low", "close"] as const;

function delimiterOf(header: string): string {
  return [",", ";", "\t"].reduce((a, b) => (header.split(b).length > header.split(a).length ? b : a));
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

/** The columns a header names, or a sentence what it lacks. */
export function tableOf(header: string): Table | string {
  const delimiter = delimiterOf(header);
  const names = cellsOf(header, delimiter);
  if (typeof names === "string") return names;
  const columns: Record<string, number> = {};
  const ignored: string[] = [];
  names.forEach((name, at) => {
    const column = COLUMN_BY_NAME[name.toLowerCase().replace(/[\s_<>]/g, "")];
    if (column === undefined || columns[column] !== undefined) ignored.push(name);
    else columns[column] = at;
  });
  // A lone "time" column is the whole time; beside a date it is the time of day.
  if (columns.date === undefined && columns.time !== undefined) {
    columns.date = columns.time;
    delete columns.time;
  }
  const missing = (["date", ...PRICES] as const).filter((column) => columns[column] === undefined);
  if (missing.length > 0) return `the header lacks ${missing.join(", ")}`;
  const notes = [
    ...(ignored.length > 0 ? [`columns not kept: ${ignored.join(", ")}`] : []),
    ...(columns.volume === undefined ? ["there is no volume column: volume is 0"] : []),
  ];
  return { delimiter, columns, width: names.length, notes };
}

/** The text of a row's time, of one column or two. */
export const timeText = (cells: readonly string[], { columns }: Table) =>
  columns.time === undefined ? cells[columns.date!]! : `${cells[columns.date!]} ${cells[columns.time]}`;

/** Spreadsheets write $1,234.50: the sign and correct groups of three are taken away, anything else is no number. */
export function price(text: string): number {
  const grouped = /^\$?(\d{1,3}(?:,\d{3})+(?:\.\d+)?)$/.exec(text);
  return decimal(grouped ? grouped[1]!.replaceAll(",", "") : text.replace(/^\$/, ""));
}
