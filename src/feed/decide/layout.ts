import { shown } from "../../errors.ts";
import { byRows } from "../decision.ts";
import { type Opening, refusal } from "../format.ts";
import type { ColumnName, FeedMap } from "../map/schema.ts";
import { cellsOf, delimiterOf, fitted, normalName } from "../text/cells.ts";
import type { FeedDraft } from "./draft.ts";

/** Where a file's rows begin and how they are cut. */
export interface Layout {
  readonly delimiter: string;
  /** Lines before the first row. */
  readonly head: number;
  /** The header's names; "1", "2" and so on where there is none. */
  readonly names: readonly string[];
  /** The rows of the sample that have as many cells. */
  readonly rows: readonly (readonly string[])[];
}

/** The fields that a line of these names lacks to be the header. */
type Lacks = (names: readonly string[]) => readonly string[];

/** Banners and `sep=` lines stand before headers; further down a header would be data. */
const HEADER_AMONG = 6;

/**
 * Finds the rows. @param lacks what a line lacks to be the header; undefined where there is none
 * @throws TradetapeError input_invalid when nothing fits
 */
export function layoutOf(opening: Opening, { map, by }: FeedDraft, lacks?: Lacks): Layout {
  const { lines, decisions, file } = opening;
  let skip = map.skip ?? 0;
  let told = map.delimiter;
  const sep = /^"?sep=(.)"?\s*$/i.exec(lines[skip] ?? "");
  if (sep) {
    skip += 1;
    told ??= sep[1] as typeof told;
    decisions.take("delimiter", shown(sep[1]!), `the file's line ${shown(lines[skip - 1]!)}`);
  }
  const found =
    lacks === undefined ? rowsAt(lines, skip, told) : headerAt(lines, skip, told, map.skip === undefined, lacks);
  if (found === undefined) {
    const first = lines[skip] ?? "";
    const cells = cellsOf(first, told ?? delimiterOf(first) ?? ",");
    const missing = typeof cells === "string" ? cells : `lacks ${lacks?.(cells).join(", ")}`;
    const next = "Say --column FIELD=NAME for each, or what the file is by --map.";
    throw refusal(`${file} has no header: the line ${shown(first)} ${lacks ? missing : "has no columns"}`, next);
  }
  const { delimiter, head, names } = found;
  if (sep === null) decisions.take("delimiter", shown(delimiter), map.delimiter ? by : "the first lines");
  const before = head - (lacks === undefined ? 0 : 1);
  if (before > 0)
    decisions.take("lines skipped", String(before), sep ? "the file" : map.skip ? by : "they have one cell");
  const rows: string[][] = [];
  for (const line of lines.slice(head)) {
    const cells = isComment(line, map) ? "" : cellsOf(line, delimiter);
    if (typeof cells !== "string" && fitted(cells, names.length)) rows.push(cells);
  }
  if (rows.length === 0) {
    const other = lines[head] === undefined ? undefined : cellsOf(lines[head], delimiter);
    const counts = Array.isArray(other) ? `: it has ${names.length} columns, the line behind it ${other.length}` : "";
    throw refusal(`${file} has a header and no row that fits it${counts}`, "Check the file.");
  }
  return { delimiter, head, names, rows };
}

export const isComment = (line: string, { comments }: FeedMap) =>
  comments?.some((start) => line.startsWith(start)) ?? false;

type Found = Omit<Layout, "rows">;

function headerAt(
  lines: readonly string[],
  skip: number,
  told: string | undefined,
  maySkip: boolean,
  lacks: Lacks,
): Found | undefined {
  for (let at = skip; at < Math.min(lines.length, maySkip ? skip + HEADER_AMONG : skip + 1); at++) {
    const delimiter = told ?? delimiterOf(lines[at]!);
    if (delimiter === undefined) continue;
    const cells = cellsOf(lines[at]!, delimiter);
    if (typeof cells === "string") continue;
    while (cells.at(-1) === "") cells.pop();
    if (lacks(cells).length === 0) return { delimiter, head: at + 1, names: cells };
    // A line of several cells before the header would be a row.
    if (cells.length > 2) return undefined;
  }
  return undefined;
}

function rowsAt(lines: readonly string[], skip: number, told: string | undefined): Found | undefined {
  const delimiter = told ?? delimiterOf(lines[skip] ?? "");
  if (delimiter === undefined) return undefined;
  const widths = new Map<number, number>();
  for (const line of lines.slice(skip)) {
    const cells = cellsOf(line, delimiter);
    if (typeof cells !== "string") widths.set(cells.length, (widths.get(cells.length) ?? 0) + 1);
  }
  const [width] = [...widths].reduce((a, b) => (b[1] > a[1] ? b : a), [0, 0]);
  const names = Array.from({ length: width }, (_, i) => String(i + 1));
  return width === 0 ? undefined : { delimiter, head: skip, names };
}

/** The place of a column by its name or number; undefined when the file has none such, or two of the name. */
export function placeOf(column: ColumnName, names: readonly string[]): number | undefined {
  if (typeof column === "number") return column <= names.length ? column - 1 : undefined;
  const exact = places(names, (name) => name === column);
  const near = exact.length > 0 ? exact : places(names, (name) => normalName(name) === normalName(column));
  return near.length === 1 ? near[0] : undefined;
}

const places = (names: readonly string[], fits: (name: string) => boolean) =>
  names.flatMap((name, at) => (fits(name) ? [at] : []));

/** The same, for a map or a flag that names it. @throws TradetapeError input_invalid when there is no one such column */
export function neededPlace(column: ColumnName, names: readonly string[], by: string): number {
  const place = placeOf(column, names);
  if (place !== undefined) return place;
  throw refusal(
    `${by} names the column ${shown(String(column))}, which the file has not or twice`,
    `Its columns are ${names.join(", ")}.`,
  );
}

/** For `decidedBy`: all rows of the sample that the statement holds for. */
export const ofRows = (fitting: number, { rows }: Layout) => byRows(fitting, rows.length);
