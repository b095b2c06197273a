import type { EventReader } from "../event/codec.ts";
import { type LetterReason, Refusal } from "../event/letter.ts";
import { CopyBuffer } from "../table/copy-buffer.ts";
import { type Day, dayOf } from "../table/days.ts";
import { type RowEncoder, shown } from "../table/row-encoder.ts";
import type { Records } from "../topic/fetched-batch.ts";
import type { Consumer } from "./consumer.ts";
import type { EventFilter } from "./event-filter.ts";
import { firstPublishedUs } from "./headers.ts";
import { SessionSieve, type SessionVerdict, UNKNOWN_SESSION } from "./session-sieve.ts";

/** An event set aside, by its record's index. */
export interface Letter {
  readonly index: number;
  readonly reason: LetterReason;
  readonly detail: string;
  readonly column?: string | undefined;
  readonly sqlstate?: string | undefined;
}

/** Rows of one table in COPY's binary format, in offset order. */
export interface Rows {
  readonly bytes: Buffer;
  /** Where each row ends in `bytes`. */
  readonly ends: readonly number[];
  /** The record each row came from. */
  readonly indexes: readonly number[];
}

/** Records made ready to land: [firstOffset, nextOffset) is covered by these rows and letters and by nothing else. */
export interface EncodedBatch {
  readonly partition: number;
  readonly firstOffset: number;
  readonly nextOffset: number;
  readonly records: Records;
  /** The records [from, to) of `records` are in this batch. */
  readonly from: number;
  readonly to: number;
  readonly rows: Rows;
  readonly letters: readonly Letter[];
  /** How many of its records the group doesn't serve: of a deleted session, or outside its filter. */
  readonly filtered: number;
  /** The sessions that its rows belong to, where the table has no parents to ask; live events belong to none. */
  readonly sessions: readonly string[];
  /** The UTC days that its rows need partitions of; empty where the table has none. */
  readonly days: readonly Day[];
}

/** What the records cover, the first one to take, and the sessions whose events don't land. */
export interface EncodeRange {
  readonly firstOffset: number;
  readonly nextOffset: number;
  readonly from: number;
  /** Where to stop; all records when absent. */
  readonly to?: number;
  readonly verdicts?: ReadonlyMap<string, SessionVerdict>;
}

export interface Encoder {
  readonly consumer: Consumer;
  readonly reader: EventReader;
  readonly rowEncoder: RowEncoder;
  readonly eventBytesMax: number;
  readonly newDaysPerBatchMax: number;
  readonly filter: EventFilter;
  /** Days whose partition is known to be there. */
  readonly knownDays: ReadonlySet<Day>;
}

/** An event may be ahead of the broker's clock by this much: a session that ends tomorrow may, a wrong zone may not. */
const TIME_AHEAD_US_MAX = 2 * 86_400_000_000;

type Fields = Readonly<Record<string, unknown>>;

/**
 * Turns fetched records into rows and letters. Pure but for its memory: what is wrong with a record is a letter, never
 * an exception. Cuts before the row that would need one more new day than the limit.
 */
export function encodeBatch(encoder: Encoder, partition: number, records: Records, range: EncodeRange): EncodedBatch {
  const out = new CopyBuffer(Math.max(4096, (records.count - range.from) * 128));
  const ends: number[] = [];
  const indexes: number[] = [];
  const letters: Letter[] = [];
  const days = new DayCut(encoder);
  const sessions = new SessionSieve(encoder.consumer, encoder.filter, range.verdicts);
  let outside = 0;
  const facts = { published_at: 0, source_partition: partition, source_offset: 0, first_published_at: 0 };
  let index = range.from;
  const to = range.to ?? records.count;
  for (; index < to; index++) {
    if (!encoder.filter.hasTime(records.publishedAtMs(index))) {
      outside++;
      continue;
    }
    const { value, headers } = records.record(index);
    const publishedUs = records.publishedAtMs(index) * 1000;
    const event = readEvent(encoder, value, publishedUs);
    if (event instanceof Refusal) {
      letters.push({ index, reason: event.reason, detail: event.detail, column: event.column });
      continue;
    }
    const session = sessions.sift(event);
    if (session === "filtered") continue;
    if (encoder.consumer.partitionedByDay && !days.takes(dayOf(event.timestamp as number))) break;
    if (session === "unknown") {
      letters.push({ index, ...UNKNOWN_SESSION });
      continue;
    }
    facts.published_at = publishedUs;
    facts.first_published_at = firstPublishedUs(headers, publishedUs);
    facts.source_offset = records.offsetOf(index);
    const refusal = encoder.rowEncoder.write(out, event, facts);
    if (refusal) letters.push({ index, reason: "invalid", detail: refusal.detail, column: refusal.column });
    else {
      ends.push(out.length);
      indexes.push(index);
    }
  }
  return {
    partition,
    firstOffset: range.firstOffset,
    nextOffset: index < to ? records.offsetOf(index) : range.nextOffset,
    records,
    from: range.from,
    to: index,
    rows: { bytes: out.bytes.subarray(0, out.length), ends, indexes },
    letters,
    filtered: outside + sessions.filtered,
    sessions: sessions.all,
    days: days.all,
  };
}

/** The event, or why it can't be one. The same for a record that has just come and for one that was parked. */
export function readEvent(encoder: Encoder, value: Buffer | null, publishedUs: number): Fields | Refusal {
  if (value !== null && value.length > encoder.eventBytesMax) {
    return new Refusal("too_large", `${value.length} bytes, more than ${encoder.eventBytesMax}`);
  }
  const event = encoder.reader.read(value);
  if (event instanceof Refusal) return event;
  const { time, check } = encoder.consumer;
  if (time !== undefined) {
    const at = (event as unknown as Fields)[time] as number;
    if (at < 0 || at > publishedUs + TIME_AHEAD_US_MAX) {
      return new Refusal("time_out_of_range", `${time} is ${isoOf(at)}, published ${isoOf(publishedUs)}`, time);
    }
  }
  const wrong = check?.(event);
  return wrong ? new Refusal("invalid", wrong.detail, wrong.column) : (event as unknown as Fields);
}

/** JavaScript's dates end in the year 275760; an event's needn't. */
const isoOf = (us: number): string => {
  const ms = us / 1000;
  return Math.abs(ms) <= 8.64e15 ? new Date(ms).toISOString() : `${shown(us)} microseconds since 1970`;
};

/** The days of one batch, of which only so many may be new: making a partition takes locks and time. */
class DayCut {
  readonly #encoder: Encoder;
  readonly #days = new Set<Day>();
  #newDays = 0;
  #last: Day | undefined;

  constructor(encoder: Encoder) {
    this.#encoder = encoder;
  }

  get all(): readonly Day[] {
    return [...this.#days];
  }

  /** Whether a row of this day may join the batch. */
  takes(day: Day): boolean {
    if (day === this.#last || this.#days.has(day)) return true;
    if (!this.#encoder.knownDays.has(day)) {
      if (this.#newDays >= this.#encoder.newDaysPerBatchMax) return false;
      this.#newDays++;
    }
    this.#days.add(day);
    this.#last = day;
    return true;
  }
}
