import { shown } from "../../errors.ts";
import { type Opening, refusal } from "../format.ts";
import { intervalName, intervalOfMicros, microsOfInterval, toldInterval } from "../interval.ts";
import type { DateStyle } from "../text/dates.ts";
import { wallOf } from "../text/times.ts";
import type { Columns } from "./columns.ts";
import type { FeedDraft } from "./draft.ts";
import { gapsOf, intervalAmong, intervalByGaps, type Starts } from "./gaps.ts";
import { type Layout, ofRows } from "./layout.ts";
import type { SymbolRule } from "./symbols.ts";

/** The length of a file's bars: one for all rows, or the column that says it. */
export type BarLength =
  | { readonly fixed: string }
  | { readonly place: number; readonly words: Readonly<Record<string, string>> };

/** By --interval, then the map or the format, then a column, then the gaps between rows. */
export function barLength(
  opening: Opening,
  { map, by, among }: FeedDraft,
  columns: Columns,
  layout: Layout,
  times: { readonly texts: readonly string[]; readonly style: DateStyle },
  symbol: SymbolRule,
): BarLength {
  const { options, decisions, file } = opening;
  const { series, areDays } = startsOf(layout, times, symbol);
  const fixed =
    toldInterval(options.interval) ?? (typeof map.interval === "string" ? intervalName(map.interval)! : undefined);
  const fixedBy = options.interval ? "--interval" : by;
  const words = typeof map.interval === "object" ? (map.interval.words ?? {}) : {};
  const named = columns.interval === undefined ? [] : [...new Set(layout.rows.map((row) => row[columns.interval!]!))];
  const known = named.map((name) => words[name] ?? intervalName(name));
  const other = known.find((name) => name !== null && name !== fixed);
  if (fixed !== undefined && typeof other === "string") {
    const column = shown(layout.names[columns.interval!]!);
    throw refusal(
      `${fixedBy} says ${shown(fixed)}, and the column ${column} of ${file} ${shown(other)}`,
      "Leave it out.",
    );
  }
  if (fixed !== undefined) {
    refuseOverlap(fixed, fixedBy, series, file);
    decisions.take("interval", fixed, fixedBy);
    const isSame = named.length > 0 && known.every((name) => name === fixed);
    return isSame ? { place: columns.interval!, words } : { fixed };
  }
  if (columns.interval !== undefined && known.every((name) => name !== null)) {
    const each = `${[...new Set(known)].join(", ")}, as each row says`;
    decisions.take("interval", each, ofRows(layout.rows.length, layout));
    return { place: columns.interval, words };
  }
  const one = among === undefined ? undefined : intervalAmong(series, among);
  if (one !== undefined) {
    decisions.take(
      "interval",
      one,
      `${by}, whose bars are ${among!.map(([name]) => name).join(", ")}, and the gaps between rows`,
    );
    return { fixed: one };
  }
  const found = intervalByGaps(series, areDays);
  if (found.interval !== undefined) {
    decisions.take("interval", found.interval, found.by);
    return { fixed: found.interval };
  }
  const why = `it doesn't tell how long its bars are: ${found.why}`;
  const question = { what: "interval", why, flag: "--interval, as in 1min, 1h or 1d", place: "interval" };
  return { fixed: decisions.ask(question, "?") };
}

/** Times on the clock that the file writes, by symbol: the gap of a day is a day there, also when clocks change. */
function startsOf(
  { rows }: Layout,
  { texts, style }: { readonly texts: readonly string[]; readonly style: DateStyle },
  symbol: SymbolRule,
): { series: Starts[]; areDays: boolean } {
  const bySymbol = new Map<string, number[]>();
  let areDays = true;
  rows.forEach((row, i) => {
    const time = style.read(texts[i]!);
    if (typeof time === "string") return;
    areDays &&= time.dateOnly;
    const key = "place" in symbol ? row[symbol.place]! : "";
    const walls = bySymbol.get(key) ?? [];
    bySymbol.set(key, walls);
    walls.push(wallOf(texts[i]!, time.us));
  });
  return { series: [...bySymbol.values()].map((walls) => ({ walls })), areDays };
}

/** The shortest month. */
const MONTH_US_MIN = 28 * 86_400_000_000;

/** Bars that begin before the one before them has ended aren't as long as was said. */
function refuseOverlap(interval: string, by: string, series: readonly Starts[], file: string): void {
  const length = microsOfInterval(interval) ?? MONTH_US_MIN * Number.parseInt(interval, 10);
  const gaps = gapsOf(series);
  const smallest = gaps.length > 0 ? Math.min(...gaps) : Number.POSITIVE_INFINITY;
  // Where clocks go forward a day has 23 hours, and so has the gap.
  if (smallest >= length - (length >= 86_400_000_000 ? 3_600_000_000 : 0)) return;
  const gap = intervalOfMicros(smallest) ?? `${smallest} us`;
  throw refusal(
    `${by} says ${shown(interval)}, and bars of ${file} begin ${gap} apart`,
    "Say the length that they have.",
  );
}
