import { DateTime, IANAZone } from "luxon";
import { TradetapeError } from "../errors.ts";
import { DAY_MS } from "../event/day.ts";
import type { BarEvent } from "../event/events.ts";
import { fixedMicros, partsOfInterval } from "./interval.ts";

const MINUTE_US = 60_000_000;
/** Every zone's clock changes on a quarter of an hour, so the offset is asked once per quarter, not once per tick. */
const SLOT_US = 15 * MINUTE_US;
/** A year of one zone's quarters; a file of many years starts over now and then, which costs nothing to notice. */
const SLOTS_MAX = 40_000;

/** Times of one zone's wall clock as times in UTC. */
export class ZoneClock {
  readonly name: string;
  readonly #zone: IANAZone;
  /** Minutes east of UTC by quarter of an hour, or the sentence why there is no one answer. */
  readonly #offsets = new Map<number, number | string>();
  #slot = Number.NaN;
  #shift: number | string = 0;

  /** @throws TradetapeError input_invalid for a name that isn't in the time zone database. */
  constructor(name: string) {
    if (!IANAZone.isValidZone(name)) {
      throw new TradetapeError("input_invalid", `--tz ${name} is no time zone`, {
        next: "Use a name like America/New_York, Europe/Berlin or UTC.",
      });
    }
    this.name = name;
    this.#zone = IANAZone.create(name);
  }

  /**
   * Microseconds since 1970 UTC of a wall-clock time given as if it were UTC; or, as text, why there is none: clocks
   * that go forward skip an hour, and one that goes back has an hour twice. Guessing would put two bars on one time.
   */
  toUtc(wallUs: number): number | string {
    const slot = Math.floor(wallUs / SLOT_US);
    if (slot !== this.#slot) {
      this.#slot = slot;
      this.#shift = this.#offsetOf(slot);
    }
    return typeof this.#shift === "string" ? this.#shift : wallUs - this.#shift * MINUTE_US;
  }

  /** Microseconds since 1970 UTC at which a day begins; where midnight is skipped, the first moment after it. */
  dayStart(wallUs: number): number {
    const { year, month, day } = DateTime.fromMillis(wallUs / 1000, { zone: "utc" });
    return DateTime.fromObject({ year, month, day }, { zone: this.#zone }).startOf("day").toMillis() * 1000;
  }

  /**
   * Microseconds since 1970 UTC at which a bar ends that begins at a moment. A day ends at the zone's next midnight, be it 23,
   * 24 or 25 hours on, and weeks and months with their last day. Null for those that begin within a day, a month that begins
   * within one, and what is no interval: when they end nobody can tell.
   */
  endOf(startUs: number, interval: string): number | null {
    const fixed = fixedMicros(interval);
    if (fixed !== null) return startUs + fixed;
    const parts = partsOfInterval(interval);
    if (parts === null) return null;
    const { count, unit } = parts;
    const start = DateTime.fromMillis(startUs / 1000, { zone: this.#zone });
    if (start.startOf(unit === "mo" ? "month" : "day").toMillis() * 1000 !== startUs) return null;
    const length = unit === "mo" ? { months: count } : { days: unit === "w" ? 7 * count : count };
    return start.plus(length).startOf("day").toMillis() * 1000;
  }

  #offsetOf(slot: number): number | string {
    const known = this.#offsets.get(slot);
    if (known !== undefined) return known;
    const offset = this.#ask(slot * (SLOT_US / 1000));
    if (this.#offsets.size >= SLOTS_MAX) this.#offsets.clear();
    this.#offsets.set(slot, offset);
    return offset;
  }

  #ask(wallMs: number): number | string {
    // The offsets a day before and after are the two between which a change on this day can lie.
    const candidates = new Set([this.#zone.offset(wallMs - DAY_MS), this.#zone.offset(wallMs + DAY_MS)]);
    const fitting = [...candidates].filter((minutes) => this.#zone.offset(wallMs - minutes * 60_000) === minutes);
    if (fitting.length === 1) return fitting[0]!;
    const text = DateTime.fromMillis(wallMs, { zone: "utc" }).toFormat("yyyy-MM-dd HH:mm");
    return fitting.length === 0
      ? `${text} doesn't exist in ${this.name}, whose clocks go forward then`
      : `${text} occurs twice in ${this.name}, whose clocks go back then: give times with an offset`;
  }
}

/** The zone of days that name none: a day without a zone is a UTC day. */
export const UTC = new ZoneClock("UTC");

/** When a bar ended, not counted in: what it says itself, else by UTC. Null where a bar of days doesn't tell whose days. */
export const endOfBar = (bar: Required<Pick<BarEvent, "timestamp" | "interval" | "ends_at">>): number | null =>
  bar.ends_at ?? UTC.endOf(bar.timestamp, bar.interval);
