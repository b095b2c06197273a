import { type EventReader, HEADER_BYTES } from "../event/codec.ts";
import { type LetterReason, Refusal } from "../event/letter.ts";
import { type Day, dayOf } from "../table/days.ts";
import type { RowEncoder } from "../table/row-encoder.ts";
import { type Records, ValuePlace } from "../topic/fetched-batch.ts";
import type { Consumer } from "./consumer.ts";
import { DayCut } from "./day-cut.ts";
import type { EventFilter } from "./event-filter.ts";
import { firstPublishedUs } from "./headers.ts";
import { isTimely, readEvent } from "./read-event.ts";
import { type Rows, RowsWriter } from "./rows.ts";
import { SessionSieve, type SessionVerdict, UNKNOWN_SESSION } from "./session-sieve.ts";
import type { TickDays } from "./tick-days.ts";
import type { Transcoders } from "./transcoders.ts";

/** An event set aside, by its record's index. */
export interface Letter {
  readonly index: number;
  readonly reason: LetterReason;
  readonly detail: string;
  readonly column?: string | undefined;
  readonly sqlstate?: string | undefined;
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
  readonly transcoders: Pick<Transcoders, "of">;
  readonly eventBytesMax: number;
  readonly newDaysPerBatchMax: number;
  readonly filter: EventFilter;
  readonly days: TickDays;
}

/**
 * Turns fetched records into rows and letters. Pure but for its memory: what is wrong with a record is a letter, never
 * an exception. Cuts before the row that would need one more new day than the limit.
 */
export function encodeBatch(encoder: Encoder, partition: number, records: Records, range: EncodeRange): EncodedBatch {
  const work = new BatchEncoder(encoder, partition, records, range);
  const to = range.to ?? records.count;
  let index = range.from;
  while (index < to && work.take(index)) index++;
  return {
    partition,
    firstOffset: range.firstOffset,
    nextOffset: index < to ? records.offsetOf(index) : range.nextOffset,
    records,
    from: range.from,
    to: index,
    rows: work.rows.end(),
    letters: work.letters,
    filtered: work.outside + work.days.past + work.sessions.filtered,
    sessions: work.sessions.all,
    days: work.days.all,
  };
}

/** One batch in the making. Events go by the transcoder, and those that it declines by their objects. */
class BatchEncoder {
  readonly rows: RowsWriter;
  readonly letters: Letter[] = [];
  /** Records published outside of the time that is served. */
  outside = 0;
  readonly days: DayCut;
  readonly sessions: SessionSieve;
  readonly #encoder: Encoder;
  readonly #records: Records;
  readonly #place = new ValuePlace();
  readonly #facts = { published_at: 0, source_partition: 0, source_offset: 0, first_published_at: 0 };

  constructor(encoder: Encoder, partition: number, records: Records, range: EncodeRange) {
    this.#encoder = encoder;
    this.#records = records;
    this.#facts.source_partition = partition;
    this.rows = new RowsWriter((range.to ?? records.count) - range.from);
    this.days = new DayCut(encoder.days, encoder.newDaysPerBatchMax);
    this.sessions = new SessionSieve(encoder.consumer, encoder.filter, range.verdicts);
  }

  /** Takes one record. @returns false when the batch has to be cut before it */
  take(index: number): boolean {
    const records = this.#records;
    const facts = this.#facts;
    const publishedAtMs = records.publishedAtMs(index);
    if (!this.#encoder.filter.hasTime(publishedAtMs)) {
      this.outside++;
      return true;
    }
    facts.published_at = publishedAtMs * 1000;
    facts.source_offset = records.offsetOf(index);
    facts.first_published_at = facts.published_at;
    if (this.#encoder.consumer.landing.repeats === "revised") {
      facts.first_published_at = firstPublishedUs(records.record(index).headers, facts.published_at);
    }
    return this.#transcode(index) ?? this.#encode(index);
  }

  /** @returns what `take` does; undefined when it was declined, and nothing has happened */
  #transcode(index: number): boolean | undefined {
    const { out } = this.rows;
    const place = this.#place;
    const { transcoders, eventBytesMax } = this.#encoder;
    this.#records.locate(index, place);
    const { bytes, start, end } = place;
    const transcoder = end - start > eventBytesMax ? undefined : transcoders.of(place);
    const before = out.length;
    if (!transcoder?.write(out, bytes, start + HEADER_BYTES, end, this.#facts)) return undefined;
    if (!isTimely(transcoder.time, this.#facts.published_at)) {
      out.length = before;
      return undefined;
    }
    const admission = this.#admit(index, transcoder.time, transcoder.session);
    if (admission === "in") this.rows.close(index);
    else out.length = before;
    return admission !== "cut";
  }

  /** The same by an object, and what is wrong with an event becomes a letter. */
  #encode(index: number): boolean {
    const { consumer, rowEncoder } = this.#encoder;
    const event = readEvent(this.#encoder, this.#records.record(index).value, this.#facts.published_at);
    if (event instanceof Refusal) {
      this.letters.push({ index, reason: event.reason, detail: event.detail, column: event.column });
      return true;
    }
    const time = consumer.partitionedByDay ? (event.timestamp as number) : 0;
    const admission = this.#admit(index, time, (event.backtest_session_id ?? null) as string | null);
    if (admission !== "in") return admission !== "cut";
    const refusal = rowEncoder.write(this.rows.out, event, this.#facts);
    if (refusal) this.letters.push({ index, reason: "invalid", detail: refusal.detail, column: refusal.column });
    else this.rows.close(index);
    return true;
  }

  /** Whether a row of this time and session goes in, or the batch is to be cut before it. */
  #admit(index: number, time: number, session: string | null): "in" | "out" | "cut" {
    const verdict = this.sessions.sift(session);
    if (verdict === "filtered") return "out";
    const fate = this.#encoder.consumer.partitionedByDay ? this.days.take(dayOf(time)) : "in";
    if (fate !== "in") return fate;
    if (verdict === "unknown") this.letters.push({ index, ...UNKNOWN_SESSION });
    return verdict === undefined ? "in" : "out";
  }
}
