import { encodeEvent } from "../../src/event/codec.ts";
import { bar, NOON, prediction, tick } from "../support/samples.ts";
import type { LogEntry, Parent, Truth } from "./fakes/fake-log.ts";
import type { Random } from "./virtual-time.ts";

/** The topic of a schedule: two land directly and wait for sessions, one of which is revised; one is staged and parks. */
export type SimulatedTopic = "ticks" | "bars" | "predictions";

/** Ids by which the fake registry knows its schemas; `UNKNOWN` is none of them. */
export const SCHEMA_IDS = { ticks: 1, predictions: 2, audit: 3, bars: 4 } as const;
const UNKNOWN_SCHEMA_ID = 99;

export const NOON_MS = NOON / 1000;
const DAY_US = 86_400_000_000;

export const uuid = (space: number, n: number): string =>
  `00000000-${space.toString(16).padStart(4, "0")}-5000-8000-${n.toString(16).padStart(12, "0")}`;

/** How a schedule's records are made up, as shares of all. */
export interface Mixture {
  readonly topic: SimulatedTopic;
  readonly parents: readonly Parent[];
  readonly marker: number;
  readonly aborted: number;
  readonly poison: number;
  readonly repeat: number;
  readonly days: number;
}

/** Makes records, and knows what must become of each. */
export class EventMaker {
  readonly #random: Random;
  readonly #mixture: Mixture;
  readonly #made: { n: number; amount: number; parent: Parent | undefined }[] = [];
  #count = 0;

  constructor(random: Random, mixture: Mixture) {
    this.#random = random;
    this.#mixture = mixture;
  }

  make(nowMs: number): LogEntry {
    const { marker, aborted, poison } = this.#mixture;
    const entry = { key: null, headers: {}, timestampMs: NOON_MS + Math.floor(nowMs) };
    const dice = this.#random.next();
    if (dice < marker) return this.marker(nowMs);
    if (dice < marker + aborted) return { ...entry, kind: "aborted", value: Buffer.from("never happened") };
    if (dice < marker + aborted + poison) {
      return { ...entry, kind: "record", key: Buffer.from(String(++this.#count)), ...this.#poisoned() };
    }
    return this.event(nowMs, this.#next());
  }

  /** This very event. @param n names its id */
  event(nowMs: number, { n, amount, parent }: { n: number; amount: number; parent?: Parent | undefined }): LogEntry {
    if (parent) parent.usedMs ??= nowMs;
    // Most bars leave it to the broker, whose clock never goes back; a feed's own may.
    const isOwn = this.#mixture.topic === "bars" && this.#random.chance(0.3);
    const revisedMs = isOwn ? this.#random.between(0, 9000) : Math.floor(nowMs);
    const change = isOwn ? { revised_at: (NOON_MS + revisedMs) * 1000 } : {};
    return {
      kind: "record",
      key: Buffer.from(String(++this.#count)),
      value: this.#encode(n, amount, parent, change),
      headers: {},
      timestampMs: NOON_MS + Math.floor(nowMs),
      truth: { id: uuid(1, n), amount, parent, appendedMs: nowMs, revisedMs },
    };
  }

  marker(nowMs: number): LogEntry {
    return { kind: "marker", key: null, value: Buffer.alloc(4), headers: {}, timestampMs: NOON_MS + Math.floor(nowMs) };
  }

  /** A new event, or one that was made before: the same, or of other content, and then often of another parent. */
  #next() {
    const { parents } = this.#mixture;
    const anyParent = () => (parents.length > 0 && this.#random.chance(0.7) ? this.#random.pick(parents) : undefined);
    const before = this.#random.chance(this.#mixture.repeat) && this.#made.length > 0;
    if (before) {
      const event = this.#random.pick(this.#made);
      if (this.#random.chance(0.6)) return event;
      // What waits behind its own id shows where the later one could land at once.
      const parent = this.#random.chance(0.5) ? event.parent : anyParent();
      // The amount tells contents apart, of which the parent is a part.
      const place = parent === undefined ? 0 : 1 + parents.indexOf(parent);
      return { ...event, parent, amount: event.amount + 1000 * (1 + place) };
    }
    const parent = anyParent();
    const event = { n: this.#made.length, amount: 1 + this.#made.length, parent };
    this.#made.push(event);
    return event;
  }

  #encode(n: number, amount: number, parent: Parent | undefined, change: object = {}): Buffer {
    const { topic, days } = this.#mixture;
    const timestamp = NOON - (n % days) * DAY_US;
    if (topic !== "predictions") {
      const session = parent?.id ?? null;
      const own = { market_data_id: uuid(1, n), symbol_id: uuid(2, 0), volume: amount, backtest_session_id: session };
      if (topic === "ticks")
        return encodeEvent("ticks", SCHEMA_IDS.ticks, { ...tick(0), ...own, timestamp, ...change });
      return encodeEvent("bars", SCHEMA_IDS.bars, { ...bar(0), ...own, revised_at: null, timestamp, ...change });
    }
    const own = { prediction_id: uuid(1, n), symbol_id: parent?.id ?? uuid(2, 0), predicted_price: amount };
    return encodeEvent("predictions", SCHEMA_IDS.predictions, { ...prediction(0), ...own, timestamp, ...change });
  }

  #poisoned(): { value: Buffer | null; truth: Truth } {
    const n = 1_000_000 + this.#count;
    const good = () => this.#encode(n, 1, undefined);
    const unknown = () => {
      const value = good();
      value.writeInt32BE(UNKNOWN_SCHEMA_ID, 1);
      return value;
    };
    const refused = () => this.#encode(n, 1, undefined, { volume: -1, probability_up: 2 });
    const kinds: readonly (readonly [string, () => Buffer | null])[] = [
      ["null_value", () => null],
      ["not_avro", () => Buffer.from("{}")],
      ["unknown_schema", unknown],
      ["undecodable", () => good().subarray(0, -3)],
      ["time_out_of_range", () => this.#encode(n, 1, undefined, { timestamp: 6.2e15 })],
      ["time_unit", () => this.#encode(n, 1, undefined, { timestamp: 1 })],
      ["refused", refused],
      ["refused", refused],
      ["refused", refused],
    ];
    const [letter, make] = this.#random.pick(kinds);
    return { value: make(), truth: { letter } };
  }
}
