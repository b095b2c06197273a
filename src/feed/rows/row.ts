import type { EventOfTopic } from "../../event/events.ts";
import type { Moment, WrittenTime } from "../../event/time/iso.ts";
import type { Settled } from "../decide/settle.ts";
import { microsOfInterval } from "../interval.ts";
import type { MapKind } from "../map/fields.ts";

/** What a row's own maker gets: its cells, and what every kind of row says. */
export interface Row {
  readonly cells: readonly string[];
  readonly symbolId: string;
  readonly time: Moment;
  /** The same as the file writes it, before a zone was applied. */
  readonly written: WrittenTime;
}

/** Makes one kind of event of a row; a string is the reason why it is rejected. */
export type Maker<T extends MapKind> = (row: Row) => EventOfTopic[T] | string;

const NULLS = ["", "-", "null", "Null", "NULL", "NaN", "nan", "NA", "N/A", "n/a", "None", "none"];

/** The texts that mean nothing in a file. */
export const nullsOf = ({ map }: Settled): ReadonlySet<string> => new Set([...NULLS, ...(map.nulls ?? [])]);

/** How far before the time that a row writes its bar begins; null for a month, which has no one length. */
export function startShift({ map }: Settled, interval: string, isDay: boolean): number | null {
  return map.time?.stamp === "end" && !isDay ? microsOfInterval(interval) : 0;
}

/** The text of a field: of several columns joined, of none the constant. */
export function textReader(
  { columns, map }: Settled,
  field: string,
  nulls: ReadonlySet<string>,
): (cells: readonly string[]) => string | null {
  const places = columns.fields.get(field);
  const constant = map.constants?.[field] ?? null;
  if (places === undefined) return () => constant;
  return (cells) => {
    const text = places.length === 1 ? cells[places[0]!]! : places.map((place) => cells[place]).join("-");
    return nulls.has(text) ? constant : text;
  };
}
