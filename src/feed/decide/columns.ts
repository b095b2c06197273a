import { shown } from "../../errors.ts";
import type { Decisions } from "../decision.ts";
import { type Opening, refusal } from "../format.ts";
import {
  fieldsOf,
  KINDS,
  type MapKind,
  NOT_KEPT,
  OF_SEVERAL,
  SHARED_FIELDS,
  SHARED_SYNONYMS,
  SYNONYMS,
} from "../map/fields.ts";
import type { FeedMap } from "../map/schema.ts";
import { normalName } from "../text/cells.ts";
import { type Layout, neededPlace } from "./layout.ts";

/** Which column is what. */
export interface Columns {
  readonly fields: ReadonlyMap<string, readonly number[]>;
  /** Columns that are called like a time, or look like one. */
  readonly times: readonly number[];
  readonly symbol: number | undefined;
  readonly interval: number | undefined;
  readonly conditions: number | undefined;
}

/** What several columns may be: a day and a time of day, a sum, a text that is joined, and any number of no use. */
const SEVERAL: ReadonlySet<string> = new Set(["time", "ignore", ...OF_SEVERAL]);

/** --column FIELD=NAME, as places by field. */
export function toldColumns({ options }: Opening, kind: MapKind, { names }: Layout): Map<string, number[]> {
  const fields = [...fieldsOf(kind), ...SHARED_FIELDS];
  const told = new Map<string, number[]>();
  for (const text of options.column ?? []) {
    const [field = "", ...rest] = text.split("=");
    if (!fields.includes(field)) {
      throw refusal(
        `--column ${shown(text)} begins with no field`,
        `Write FIELD=COLUMN with one of ${fields.join(", ")}.`,
      );
    }
    const name = rest.join("=");
    const place = neededPlace(/^\d+$/.test(name) ? Number(name) : name, names, `--column ${field}`);
    if (told.has(field) && !SEVERAL.has(field)) {
      throw refusal(`--column names two columns for ${field}`, "Name the one that it is.");
    }
    told.set(field, [...(told.get(field) ?? []), place]);
  }
  return told;
}

/** Columns that a map or a format names. */
export function namedColumns(map: FeedMap, by: string, told: ReadonlyMap<string, number[]>, layout: Layout): Columns {
  const { names } = layout;
  const fields = new Map<string, readonly number[]>();
  for (const [field, column] of Object.entries(map.columns ?? {})) {
    if (field === "ignore") continue;
    fields.set(field, told.get(field) ?? [column].flat().map((one) => neededPlace(one, names, by)));
  }
  for (const field of fieldsOf(map.kind)) if (told.has(field)) fields.set(field, told.get(field)!);
  const missing = KINDS[map.kind].required.filter((field) => !fields.has(field));
  if (missing.length > 0) throw refusal(`${by} says no column for ${missing.join(", ")}`, "Name each in `columns`.");
  const symbol =
    map.symbol !== undefined && "column" in map.symbol ? neededPlace(map.symbol.column, names, by) : undefined;
  const interval = typeof map.interval === "object" ? neededPlace(map.interval.column, names, by) : undefined;
  const times = told.get("time") ?? (map.time?.columns ?? []).map((column) => neededPlace(column, names, by));
  return { fields, times, symbol: told.get("symbol")?.[0] ?? symbol, interval, conditions: undefined };
}

const hasName = (synonyms: readonly string[] | undefined, name: string) =>
  synonyms?.includes(normalName(name)) ?? false;

/** The fields that a header names, as far as one column each has a name for it. */
function headerFields(names: readonly string[], kind: MapKind): ReadonlyMap<string, readonly number[]> {
  const all = { ...SYNONYMS[kind], ...SHARED_SYNONYMS };
  const found = new Map<string, number[]>();
  names.forEach((name, at) => {
    const field = Object.keys(all).find((key) => hasName(all[key], name));
    if (field !== undefined) found.set(field, [...(found.get(field) ?? []), at]);
  });
  return found;
}

/** What a line of these names lacks to be the header of a kind: a time and every field that the kind needs. */
export function lacksOf(kind: MapKind, told: readonly string[] = []): (names: readonly string[]) => string[] {
  const given = new Set(told.map((text) => text.split("=")[0]!));
  return (names) => {
    const found = headerFields(names, kind);
    return ["time", ...KINDS[kind].required].filter((field) => !found.has(field) && !given.has(field));
  };
}

/** Columns by the header's names and what stands below them. What may be anything is asked about. */
export function headerColumns(
  opening: Opening,
  kind: MapKind,
  told: ReadonlyMap<string, number[]>,
  layout: Layout,
): Columns {
  const { decisions } = opening;
  const { names } = layout;
  const taken = new Set([...told.values()].flat());
  const named = headerFields(names, kind);
  const fields = new Map<string, readonly number[]>();
  let symbol = told.get("symbol")?.[0];
  let interval = told.get("interval")?.[0];
  let conditions = told.get("conditions")?.[0];
  for (const [field, places] of named) {
    if (field === "time" || told.has(field)) continue;
    const free = places.filter((place) => !taken.has(place));
    if (free.length === 0) continue;
    const one = free.length === 1 ? free[0]! : askWhich(decisions, field, free, names);
    taken.add(one);
    if (field === "symbol") symbol = one;
    else if (field === "interval") interval = one;
    else if (field === "conditions") conditions = one;
    else fields.set(field, [one]);
  }
  for (const [field, places] of told) if (fieldsOf(kind).includes(field)) fields.set(field, places);
  const missing = KINDS[kind].required.filter((field) => !fields.has(field));
  if (missing.length > 0) {
    throw refusal(`${opening.file}: the header lacks ${missing.join(", ")}`, "Say --column FIELD=NAME for each.");
  }
  const times = told.get("time") ?? (named.get("time") ?? []).filter((place) => !taken.has(place));
  return { fields, times, symbol, interval, conditions };
}

function askWhich(decisions: Decisions, field: string, places: readonly number[], names: readonly string[]): number {
  const all = places.map((place) => shown(names[place]!)).join(" and ");
  const why = `the columns ${all} may both be the ${field}`;
  return decisions.ask(
    { what: `column of ${field}`, why, flag: `--column ${field}=NAME`, place: `columns.${field}` },
    places[0]!,
  );
}

/** Whether a header name is known to be nothing that a bar or a tick keeps. */
export const isNotKept = (name: string): boolean => NOT_KEPT.has(normalName(name));

/**
 * Whether a column that is not kept beside a volume may be the volume where none is named: turnover is shares at some
 * exchanges and money at others.
 */
export const mayBeVolume = (name: string): boolean => /volume|turnover/.test(normalName(name));
