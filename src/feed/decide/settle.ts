import type { Opening } from "../format.ts";
import type { FeedMap } from "../map/schema.ts";
import type { DateStyle } from "../text/dates.ts";
import { type NumberStyle, numberReader } from "../text/numbers.ts";
import { timeText } from "../text/times.ts";
import type { ZoneClock } from "../zone.ts";
import { timeStyle } from "./clock.ts";
import { type Columns, headerColumns, lacksOf, namedColumns, toldColumns } from "./columns.ts";
import { numberStyles } from "./decimals.ts";
import type { FeedDraft } from "./draft.ts";
import { type HalfDays, halfDaysOf } from "./half-days.ts";
import { type Layout, layoutOf, neededPlace, placeOf } from "./layout.ts";
import { askCounted, checkLeftovers, checkRepeats, type SteadyCodes } from "./leftovers.ts";
import { type BarLength, barLength } from "./length.ts";
import { askStamp } from "./stamp.ts";
import { type SymbolRule, symbolRule } from "./symbols.ts";
import { timeColumns } from "./time-columns.ts";

/** Everything that reading a row rests on. */
export interface Settled {
  readonly map: FeedMap;
  readonly layout: Layout;
  readonly columns: Columns;
  readonly times: readonly number[];
  readonly style: DateStyle;
  readonly zone: ZoneClock | undefined;
  /** Watches for AM and PM that are missing, where a file's first rows leave room for them. */
  readonly halfDays: HalfDays | undefined;
  readonly numbers: { readonly price: NumberStyle; readonly size: NumberStyle };
  readonly price: (text: string) => number;
  readonly size: (text: string) => number;
  readonly isVolumeZero: boolean;
  readonly symbol: SymbolRule;
  readonly steady: SteadyCodes;
  /** Of bars alone. */
  readonly length: BarLength | undefined;
  readonly source: string;
}

/**
 * Decides everything about a file, by the draft, the flags and its first rows; what none of them decides is asked.
 * @param refine what a format has to say once it has seen how the rows are cut
 */
export function settleFeed(
  opening: Opening,
  given: FeedDraft,
  refine?: (layout: Layout, draft: FeedDraft) => FeedDraft,
): Settled {
  const { options } = opening;
  const layout = layoutOf(opening, given, headerTest(given, options.column));
  const draft = refine?.(layout, given) ?? given;
  const { map, by } = draft;
  const told = toldColumns(opening, map.kind, layout);
  const columns =
    map.columns === undefined ? headerColumns(opening, map.kind, told, layout) : namedColumns(map, by, told, layout);
  const found = map.time?.columns === undefined ? timeColumns(opening, columns, told, layout) : undefined;
  const times = found?.places ?? columns.times;
  const isVolumeZero = (options.missingVolume ?? map.missingVolume) !== undefined;
  let steady: SteadyCodes = new Map();
  if (map.columns === undefined) {
    const places = [columns.symbol, columns.interval, columns.conditions].filter((place) => place !== undefined);
    const taken = [...[...columns.fields.values()].flat(), ...places, ...times, ...(found?.alike ?? [])];
    const known = new Set([...taken, ...(told.get("ignore") ?? [])]);
    if (!told.has("trade_id")) askCounted(opening, columns, layout);
    steady = checkLeftovers(opening, map.kind, { ...columns, times }, known, layout, isVolumeZero);
  }
  tellColumns(opening, draft, columns, times, layout);
  const numbers = numberStyles(opening, draft, columns, layout);
  const texts = layout.rows.map((row) => timeText(row, times));
  const { style, zone } = timeStyle(opening, draft, layout, times, texts);
  if (map.kind === "bars") checkRepeats(opening, texts, columns, layout);
  const symbol = symbolRule(opening, map, by, columns.symbol, layout, draft.named?.ticker);
  const halfDays = halfDaysOf(opening, draft, layout, { texts, style }, symbol);
  const length = map.kind === "bars" ? barLength(opening, draft, columns, layout, { texts, style }, symbol) : undefined;
  if (length !== undefined)
    askStamp(opening, draft, { names: times.map((place) => layout.names[place]!), texts, style }, length);
  const price = numberReader(numbers.price);
  const size = numberReader(numbers.size);
  const source = sourceOf(opening, draft);
  return {
    map,
    layout,
    columns,
    times,
    style,
    zone,
    halfDays,
    numbers,
    price,
    size,
    isVolumeZero,
    symbol,
    steady,
    length,
    source,
  };
}

function sourceOf({ options, decisions }: Opening, { map, by }: FeedDraft): string {
  const source = options.source ?? map.source;
  if (source !== undefined) {
    decisions.take("source", source, options.source ? "--source" : by);
    return source;
  }
  const why = "nothing names the data set, and two vendors' rows under one name would overwrite each other";
  return decisions.ask({ what: "source", why, flag: "--source NAME", place: "source" }, "?");
}

/** A header by the names that a map says, or by the names that lists know; undefined for rows without one. */
function headerTest(
  { map }: FeedDraft,
  told: readonly string[] = [],
): ((names: readonly string[]) => string[]) | undefined {
  const named = [...Object.values(map.columns ?? {}).flat(), ...(map.time?.columns ?? [])];
  const wanted = named.filter((column) => typeof column === "string");
  if (!(map.header ?? (map.columns === undefined || wanted.length > 0))) return undefined;
  if (map.columns === undefined) return lacksOf(map.kind, told);
  return (names) => wanted.filter((column) => placeOf(column, names) === undefined);
}

/** Says which columns are read and which aren't. */
function tellColumns(
  { decisions, options }: Opening,
  { map, by }: FeedDraft,
  columns: Columns,
  times: readonly number[],
  { names }: Layout,
): void {
  const parts = (map.conditions ?? []).map(({ column }) => neededPlace(column, names, by));
  const extra: [string, number | undefined][] = [
    ["symbol", columns.symbol],
    ["interval", columns.interval],
    ["conditions", columns.conditions],
  ];
  const used: [string, readonly number[]][] = [
    ["time", times],
    ...columns.fields,
    ...extra.flatMap(([field, place]): [string, number[]][] => (place === undefined ? [] : [[field, [place]]])),
    ...(parts.length > 0 ? [["conditions", parts] as [string, number[]]] : []),
  ];
  const taken = new Set(used.flatMap(([, places]) => places));
  const rest = names.flatMap((name, place) => (taken.has(place) ? [] : [name === "" ? '""' : name]));
  const basis = map.columns === undefined ? "the header" : by;
  const decidedBy = options.column?.length ? `${basis}, --column` : basis;
  const shownPlaces = (places: readonly number[]) => places.map((place) => names[place]).join("+");
  decisions.take(
    "columns used",
    used.map(([field, places]) => `${field}=${shownPlaces(places)}`).join(", "),
    decidedBy,
  );
  if (rest.length > 0) decisions.take("columns not used", rest.join(", "), decidedBy);
  if (map.kind !== "bars" || columns.fields.has("volume")) return;
  const why = options.missingVolume === undefined ? `${basis}, which has no column for it` : "--missing-volume";
  decisions.take("volume", "0", why);
}
