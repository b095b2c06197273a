import { shown } from "../../errors.ts";
import type { Decisions } from "../decision.ts";
import type { Opening } from "../format.ts";
import type { MapKind } from "../map/fields.ts";
import { normalName } from "../text/cells.ts";
import { type Columns, isNotKept, mayBeVolume } from "./columns.ts";
import type { Layout } from "./layout.ts";

const NUMBER = /^[$+-]?[\d.,\s'’]*\d[\d.,]*(?:[eE][+-]?\d+)?[KMBT%]?$/;
const NOTHING = /^(?:|-|null|nan|n\/a|na|none|true|false)$/i;

/** What the cells of a column are, of those that say anything. */
function contentOf({ rows }: Layout, place: number): "nothing" | "numbers" | "texts" {
  const cells = rows.map((row) => row[place]!).filter((cell) => !NOTHING.test(cell));
  if (cells.length === 0) return "nothing";
  return cells.every((cell) => NUMBER.test(cell)) ? "numbers" : "texts";
}

/** Whether a column counts the rows, as programs write that keep an index. */
function isIndex({ rows, names }: Layout, place: number): boolean {
  if (names[place] !== "" || place > 0) return false;
  const first = Number(rows[0]![place]);
  return (first === 0 || first === 1) && rows.every((row, i) => Number(row[place]) === first + i);
}

/**
 * Looks at the columns that no field took: a text may be the symbol, a number may be the volume where none is named. Such
 * columns are asked about, because a bar without them would be another bar.
 * @param known places that are used, told to be ignored, or times
 * @param isVolumeTold whether a volume of 0 was told for a file without one
 */
export function checkLeftovers(
  opening: Opening,
  kind: MapKind,
  columns: Columns,
  known: ReadonlySet<number>,
  layout: Layout,
  isVolumeTold: boolean,
): SteadyCodes {
  const { decisions } = opening;
  const { names } = layout;
  const rest = names.flatMap((name, place) => (known.has(place) || isNotKept(name) ? [] : [place]));
  const currencies = names.flatMap((name, place) => (!known.has(place) && isCurrency(name) ? [place] : []));
  const called = (places: readonly number[]) => places.map((place) => shown(names[place]!)).join(", ");
  const texts = rest.filter((place) => contentOf(layout, place) === "texts");
  if (texts.length > 0 && columns.symbol === undefined) {
    const why = `the texts of ${called(texts)} may name the symbol`;
    const flag = "--column symbol=NAME or --column ignore=NAME";
    decisions.ask({ what: "column of symbol", why, flag, place: "symbol.column" }, undefined);
  }
  const several = [...texts, ...currencies].filter((place) => repeatedTexts(layout, place).length > 1);
  const apart = columns.symbol === undefined ? several.filter((place) => !texts.includes(place)) : several;
  if (apart.length > 0) {
    const why = `the texts of ${called(apart)} may tell instruments apart`;
    const flag = "--column ignore=NAME, or --map with the rows to take";
    decisions.ask({ what: "rows", why, flag, place: "rows" }, undefined);
  }
  const codes = rest.filter((place) => separates(layout, place, columns.times) || valuesOf(layout, place).length > 1);
  if (codes.length > 0 && columns.symbol === undefined) {
    const why = `the numbers of ${called(codes)} may be codes of symbols`;
    const flag = "--column symbol=NAME or --column ignore=NAME";
    decisions.ask({ what: "column of symbol", why, flag, place: "symbol.column" }, undefined);
  }
  const steady = rest.flatMap((place): [number, string][] => valuesOf(layout, place).map((value) => [place, value]));
  const fixed = [...texts, ...currencies].flatMap((place): [number, string][] => {
    const values = repeatedTexts(layout, place);
    return values.length === 1 ? [[place, values[0]!]] : [];
  });
  const isSteady = columns.symbol === undefined && codes.length === 0;
  if (kind === "bars" && !columns.fields.has("volume") && !isVolumeTold) {
    const volumes = names.flatMap((name, place) => (!known.has(place) && mayBeVolume(name) ? [place] : []));
    askVolume(decisions, [...new Set([...rest, ...volumes])], layout);
  }
  return new Map([...(isSteady ? steady : []), ...fixed]);
}

/** An id that counts a file's rows is another trade's in the next file, and the venue's own count may begin so, too. */
export function askCounted({ decisions }: Opening, { fields }: Columns, { rows, names }: Layout): void {
  const [place] = fields.get("trade_id") ?? [];
  if (place === undefined || rows.length < 2) return;
  const first = Number(rows[0]![place]);
  if ((first !== 0 && first !== 1) || !rows.every((row, i) => row[place] === String(first + i))) return;
  const why = `${shown(names[place]!)} counts the rows, so that it may be no trade's id`;
  const flag = "--column trade_id=NAME or --column ignore=NAME";
  decisions.ask({ what: "column of trade_id", why, flag, place: "columns.trade_id" }, undefined);
}

function askVolume(decisions: Decisions, rest: readonly number[], layout: Layout): void {
  const numbers = rest.filter((place) => contentOf(layout, place) === "numbers" && !isIndex(layout, place));
  if (numbers.length === 0) return;
  const called = numbers.map((place) => shown(layout.names[place]!)).join(", ");
  const why = `no column is called volume, and ${called} may be it`;
  const flag = "--column volume=NAME, or --missing-volume 0";
  decisions.ask({ what: "column of volume", why, flag, place: "columns.volume" }, undefined);
}

/** Money of two kinds makes two series of one symbol. */
const isCurrency = (name: string) => normalName(name) === "currency";

/** The different texts of a column of which most stand in several rows; of ids and notes, which don't, none. */
function repeatedTexts({ rows, names }: Layout, place: number): readonly string[] {
  const values = new Set(rows.map((row) => row[place]!));
  return values.size * 2 <= rows.length || isCurrency(names[place]!) ? [...values] : [];
}

/** Columns of one code in all rows of the sample, and the code: where it changes, the symbol may. */
export type SteadyCodes = ReadonlyMap<number, string>;

/** As many digits as codes of instruments have at least; weekdays, hours and flags have fewer. */
const CODE = /^\d{3,9}$/;

/** The different whole numbers of a column that is made of a few, each in many rows; none for any other column. */
function valuesOf({ rows }: Layout, place: number): readonly string[] {
  const values = new Set(rows.map((row) => row[place]!));
  const [first = ""] = values;
  const areCodes = [...values].every((value) => CODE.test(value) && value.length === first.length);
  return areCodes && values.size * 2 <= rows.length ? [...values] : [];
}

/** Whether many rows share their time with another one and this column alone tells them apart, as an instrument's number. */
function separates({ rows }: Layout, place: number, times: readonly number[]): boolean {
  const seen = new Map<string, Set<string>>();
  for (const row of rows) {
    const time = times.map((at) => row[at]).join(" ");
    const values = seen.get(time) ?? new Set();
    seen.set(time, values.add(row[place]!));
  }
  const distinct = new Set(rows.map((row) => row[place])).size;
  const pairs = [...seen.values()].reduce((sum, values) => sum + values.size, 0);
  return pairs === rows.length && rows.length >= seen.size * 1.5 && distinct * 2 <= rows.length;
}

/**
 * So many rows that repeat a time, a quarter of all, say that something else tells them apart. Fewer, or not many of one
 * time alone, may be damage.
 */
const REPEATS_MIN = 3;
const REPEATS_OF_ONE_MIN = 20;

/** Rows of one symbol and time that say different things mean that a column isn't known for what it is. */
export function checkRepeats(
  { decisions }: Opening,
  texts: readonly string[],
  { symbol, interval }: Columns,
  { rows }: Layout,
): void {
  const seen = new Map<string, string>();
  const repeated = new Set<string>();
  let repeats = 0;
  rows.forEach((row, i) => {
    const key = [texts[i], row[symbol ?? -1], row[interval ?? -1]].join("\n");
    const cells = row.join("\n");
    if ((seen.get(key) ?? cells) !== cells) {
      repeats++;
      repeated.add(key);
    }
    seen.set(key, cells);
  });
  if (repeats < (repeated.size > 1 ? REPEATS_MIN : REPEATS_OF_ONE_MIN) || repeats * 4 < rows.length) return;
  const why = `${repeats} of ${rows.length} rows have the time of another row and say otherwise, so that a column isn't known`;
  const flag = "--column symbol=NAME, or --column time=DAY --column time=CLOCK";
  decisions.ask({ what: "rows", why, flag }, undefined);
}
