import { shown } from "../../errors.ts";
import { DAY_US } from "../../event/day.ts";
import type { BarEvent } from "../../event/events.ts";
import { barId } from "../../event/identity.ts";
import type { WrittenTime } from "../../event/time/iso.ts";
import type { Settled } from "../decide/settle.ts";
import { isLastSecond, MINUTE_US } from "../decide/stamp.ts";
import { fixedMicros, intervalName } from "../interval.ts";
import { momentOf } from "../time.ts";
import { UTC, type ZoneClock } from "../zone.ts";
import { type Maker, nullsOf, type Row, startShift, textReader } from "./row.ts";

/** What rows of one length have in common. */
interface Length {
  /** How far before the time that a row writes its bar begins; null where nobody can tell. */
  readonly shift: number | null;
  /** Where a bar ends that begins at the time that a row writes; null where nobody can tell. */
  readonly endOf: (start: number, written: WrittenTime) => number | null;
}

/** Bars of rows. */
export function barMaker(settled: Settled, session: string | null): Maker<"bars"> {
  const { columns, price, source } = settled;
  const nulls = nullsOf(settled);
  const [openAt, highAt, lowAt, closeAt] = ["open", "high", "low", "close"].map(
    (field) => columns.fields.get(field)![0]!,
  );
  const volumeOf = volumeReader(settled, nulls);
  const venueOf = textReader(settled, "venue", nulls);
  const intervalOf = intervalReader(settled);
  const lengths = new Map<string, Length>();
  const isDay = settled.layout.rows.length > 0 && daysOf(settled);
  return (row) => {
    const { cells, symbolId, time } = row;
    if (time.ns !== 0) return "a bar can't start between microseconds";
    const interval = intervalOf(cells);
    if (interval === undefined) return `the length ${shown(lengthText(settled, cells))} is none of a bar`;
    let length = lengths.get(interval);
    if (length === undefined) {
      length = { shift: startShift(settled, interval, isDay), endOf: endReader(settled, interval) };
      lengths.set(interval, length);
    }
    const { shift } = length;
    if (shift === null) return `the end of a bar of ${interval} doesn't tell its start`;
    const start = shift === 0 ? time.us : startOf(row, shift, settled.zone);
    if (typeof start === "string") return start;
    const open = price(cells[openAt!]!);
    const high = price(cells[highAt!]!);
    const low = price(cells[lowAt!]!);
    const close = price(cells[closeAt!]!);
    if (Number.isNaN(open + high + low + close)) return whichIsWrong(settled, cells, nulls);
    if (high < low) return `high ${high} lies below low ${low}`;
    const volume = volumeOf(cells);
    if (typeof volume === "string") return volume;
    const made: BarEvent = {
      market_data_id: "",
      symbol_id: symbolId,
      timestamp: start,
      open,
      high,
      low,
      close,
      volume,
      interval,
      source,
      venue: venueOf(cells),
      received_at: null,
      revised_at: null,
      ends_at: shift === 0 ? length.endOf(start, row.written) : wholeMinute(time.us, shift),
      first_trade_at: null,
      last_trade_at: null,
      backtest_session_id: session,
    };
    made.market_data_id = barId(made);
    return made;
  };
}

/** Where a bar begins that ends at a row's time. Whole days go back on the clock that the file writes. */
function startOf({ time, written }: Row, shift: number, zone: ZoneClock | undefined): number | string {
  const isByClock = shift % DAY_US === 0 && !written.zoned;
  const moment = isByClock ? momentOf({ ...written, us: written.us - shift }, zone) : { us: time.us - shift };
  if (typeof moment === "string") return moment;
  return wholeMinute(moment.us, shift);
}

/** 09:30:59 is the last second of a bar whose end, which isn't counted in, is 09:31:00, and whose first one is 09:30:00. */
const wholeMinute = (us: number, shift: number): number =>
  shift >= MINUTE_US && isLastSecond(us) ? Math.ceil(us / MINUTE_US) * MINUTE_US : us;

/**
 * Days are those of the zone that was decided, and a day that no zone was asked for is a UTC day. An offset in the text is no
 * zone, so it tells no day's end; nor does a date that names the last day of a week or month.
 */
function endReader({ zone, map }: Settled, interval: string): Length["endOf"] {
  const fixed = fixedMicros(interval);
  if (fixed !== null) return (start) => start + fixed;
  const namesLastDay = map.time?.stamp === "end" && interval !== "1d";
  return (start, { dateOnly }) => {
    if (dateOnly && namesLastDay) return null;
    const days = zone ?? (dateOnly ? UTC : undefined);
    return days?.endOf(start, interval) ?? null;
  };
}

/** Whether the rows' times are days: a day is its bar's own name, at whichever end the bar is stamped. */
function daysOf({ layout, style, times }: Settled): boolean {
  const time = times.length === 1 ? style.read(layout.rows[0]![times[0]!]!) : "";
  return typeof time !== "string" && time.dateOnly;
}

function whichIsWrong({ columns, price }: Settled, cells: readonly string[], nulls: ReadonlySet<string>): string {
  for (const field of ["open", "high", "low", "close"]) {
    const text = cells[columns.fields.get(field)![0]!]!;
    if (nulls.has(text)) return `${field} is empty`;
    if (Number.isNaN(price(text))) return `${field} ${shown(text)} is no number as the rows before it write them`;
  }
  return "the prices are too large for a number";
}

function volumeReader(
  { columns, size, isVolumeZero }: Settled,
  nulls: ReadonlySet<string>,
): (cells: readonly string[]) => number | string {
  const places = columns.fields.get("volume");
  if (places === undefined) return () => 0;
  return (cells) => {
    let sum = 0;
    for (const place of places) {
      const text = cells[place]!;
      if (nulls.has(text)) {
        if (isVolumeZero) continue;
        return "volume is empty: --missing-volume 0 takes it for none";
      }
      const value = size(text);
      if (!(value >= 0)) return `volume ${shown(text)} is no number from 0 on`;
      sum += value;
    }
    return sum;
  };
}

const lengthText = ({ length }: Settled, cells: readonly string[]) =>
  length !== undefined && "place" in length ? cells[length.place]! : "";

function intervalReader({ length }: Settled): (cells: readonly string[]) => string | undefined {
  if (length === undefined) return () => undefined;
  if ("fixed" in length) return () => length.fixed;
  const known = new Map<string, string | undefined>(Object.entries(length.words));
  return (cells) => {
    const text = cells[length.place]!;
    return known.get(text) ?? intervalName(text) ?? undefined;
  };
}
