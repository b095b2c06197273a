import { z } from "zod";
import { refusal } from "../format.ts";
import { intervalName } from "../interval.ts";
import { fieldsOf, KINDS, type MapKind, OF_SEVERAL } from "./fields.ts";

const text = z.string().min(1).max(200);
const column = z.union([text, z.int().min(1)]).describe("a column's name in the header, or its number, counted from 1");
const columns = z.union([column, z.array(column).min(1).max(4)]);

const isPowerOfTen = (value: number) => value > 0 && Number.isInteger(Number(Math.log10(value).toFixed(9)));
const scale = z.number().refine(isPowerOfTen, "is no power of ten");

const numbers = z
  .strictObject({
    decimal: z.enum([".", ","]).describe("the decimal sign"),
    group: z.enum(["", ".", ",", "'"]).describe("the sign between groups of three digits; blanks are always taken"),
    priceScale: scale.describe("what prices are multiplied by: 0.0001 where 1815200 means 181.52"),
    sizeScale: scale.describe("the same for sizes and volumes"),
  })
  .partial()
  .describe("how numbers are written");

const time = z
  .strictObject({
    columns: z.array(column).min(1).max(2).describe("the column of the time, or those of the day and the time of day"),
    format: text.describe(
      "iso, yyyymmdd, yyyy.mm.dd, dd/mm/yyyy, mm/dd/yyyy, excel, epoch, 'ms of day', or luxon's letters",
    ),
    unit: z.enum(["s", "ms", "us", "ns"]).describe("the unit of numbers since 1970"),
    zone: text.describe("the zone of times without one, as in America/New_York"),
    stamp: z.enum(["start", "end"]).describe("whether a bar's time is its start (as where nothing is said) or its end"),
    day: z.iso.date().describe("the day of times that are milliseconds since midnight"),
  })
  .partial()
  .describe("where times are and how they are written");

const symbol = z.union([
  z.strictObject({ fixed: text.describe("TICKER or TICKER@EXCHANGE of every row") }),
  z.strictObject({
    column,
    only: z.array(text).min(1).optional().describe("the rows to take; the others are left out"),
    exchange: text.optional().describe("the exchange of every ticker in the column"),
  }),
]);

const condition = z.strictObject({
  column,
  split: text.optional().describe("the sign between several"),
  words: z.record(z.string(), z.string().nullable()).optional().describe("what each text means; null is nothing"),
  prefix: z.string().optional().describe("put before each"),
});

const filter = z.strictObject({
  column,
  is: z.array(z.string()).min(1).optional().describe("rows with one of these are taken"),
  isNot: z.array(z.string()).min(1).optional().describe("rows with one of these are left out"),
});

const interval = z.union([
  text.refine((name) => intervalName(name) !== null, "is no length of a bar like 5min, 1h or 1d"),
  z.strictObject({ column, words: z.record(z.string(), text).optional().describe('as in {"D": "1d"}') }),
]);

/** What a map says. Everything but `version` and `kind` may be left out: then the file or a flag decides it, or it is asked. */
export const FEED_MAP = z.strictObject({
  version: z.literal(1).describe("of this description"),
  kind: z.enum(Object.keys(KINDS) as [MapKind, ...MapKind[]]).describe("what the rows are"),
  source: text.optional().describe("names the data set; part of every id"),
  encoding: z.enum(["utf-8", "utf-16le", "utf-16be", "windows-1252"]).optional().describe("of the text"),
  delimiter: z.enum([",", ";", "\t", "|", " "]).optional().describe("between cells"),
  skip: z.int().min(0).max(100).optional().describe("lines before the header or the first row"),
  header: z.boolean().optional().describe("whether a line with the columns' names comes before the rows"),
  comments: z.array(text).optional().describe("lines that begin so are no rows"),
  columns: z
    .record(z.string(), columns)
    .optional()
    .describe("field to column; of several, volume is the sum, and venue and trade_id are joined by -"),
  constants: z
    .record(z.string(), text)
    .optional()
    .describe('field to a text that holds for every row, as in {"venue": "CME"}'),
  numbers: numbers.optional(),
  missingVolume: z.literal(0).optional().describe("the volume where there is no such column, or an empty cell"),
  noQuote: z
    .array(z.string())
    .optional()
    .describe('prices that mean that nobody quotes the side, as in ["", "0"]; without it such rows are rejected'),
  nulls: z.array(z.string()).optional().describe("texts that mean nothing, besides null, NaN, N/A, - and empty ones"),
  time: time.optional(),
  symbol: symbol.optional(),
  conditions: z.array(condition).optional().describe("columns that become a tick's or a quote's conditions"),
  rows: z.array(filter).optional().describe("which rows to take"),
  interval: interval.optional().describe("the bars' length"),
});

export type FeedMap = z.infer<typeof FEED_MAP>;
export type ConditionPart = z.infer<typeof condition>;
export type ColumnName = z.infer<typeof column>;

/** Checks what a map file holds. @throws TradetapeError input_invalid that names every key that is wrong or unknown */
export function parseMap(value: unknown, file: string): FeedMap {
  const open = undecided(value, []);
  if (open.length > 0) throw refusal(`${file} still has ? for ${open.join(", ")}`, "Write what is right in its place.");
  const parsed = FEED_MAP.safeParse(value);
  if (!parsed.success) {
    const wrong = parsed.error.issues.map(({ path, message }) => `${path.join(".") || "the map"}: ${message}`);
    throw refusal(`${file} is no map: ${wrong.join("; ")}`, "docs/feeds.md has every key of a map.");
  }
  const map = parsed.data;
  const wrong = [...wrongColumns(map), ...Object.keys(map.constants ?? {}).flatMap((field) => wrongConstant(field))];
  if (wrong.length === 0) return map;
  throw refusal(
    `${file} is no map: ${wrong.join("; ")}`,
    `Fields of ${map.kind} are ${fieldsOf(map.kind).join(", ")}.`,
  );
}

function wrongColumns({ kind, columns: given = {} }: FeedMap): string[] {
  return Object.entries(given).flatMap(([field, column]) => {
    if (!fieldsOf(kind).includes(field)) return [`columns.${field} is no field`];
    const isSeveral = Array.isArray(column) && column.length > 1;
    return isSeveral && !OF_SEVERAL.includes(field) ? [`columns.${field} can only be one column`] : [];
  });
}

const wrongConstant = (field: string) => (field === "venue" ? [] : [`constants.${field} can't be one for every row`]);

/** The places where a proposed map still asks. */
function undecided(value: unknown, path: readonly string[]): string[] {
  if (value === "?") return [path.join(".")];
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) => undecided(inner, [...path, key]));
}
