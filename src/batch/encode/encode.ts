import { HEADER_BYTES } from "../../event/codec.ts";
import { dayOf } from "../../event/day.ts";
import { Refusal } from "../../event/letter.ts";
import { isAhead } from "../../event/time/range.ts";
import { SIGNATURE_HEADER } from "../../signature/entry-signature.ts";
import { NO_BROKERS_TIME, type Records, ValuePlace } from "../../topic/fetch/records.ts";
import { held } from "../loop-watch.ts";
import { DayCut } from "./day-cut.ts";
import { brokenLetter, type EncodedBatch, type EncodeRange, type Letter } from "./encoded-batch.ts";
import type { Encoder } from "./encoder.ts";
import { firstPublishedUs } from "./headers.ts";
import { readEvent } from "./read-event.ts";
import { RowsWriter } from "./rows.ts";
import { SessionSieve, UNKNOWN_SESSION } from "./session-sieve.ts";

/**
 * Turns fetched records into rows and letters. A bad record becomes a letter and throws nothing. The batch ends before
 * the row that would need one new day partition more than `newDaysPerBatchMax`.
 */
export function encodeBatch(encoder: Encoder, partition: number, records: Records, range: EncodeRange): EncodedBatch {
  const { firstOffset: offset, nextOffset } = range;
  const step = { step: "encode", topic: encoder.consumer.topic, partition, offset, nextOffset } as const;
  return held(step, () => encodeAll(encoder, partition, records, range));
}

function encodeAll(encoder: Encoder, partition: number, records: Records, range: EncodeRange): EncodedBatch {
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

/**
 * One batch in the making. An event goes from Avro's bytes to COPY's by a `Transcoder`. One that the transcoder declines is
 * read as an object, by which it is refused or written.
 */
class BatchEncoder {
  readonly rows: RowsWriter;
  readonly letters: Letter[] = [];
  /** How many records were published outside the filter's window. */
  outside = 0;
  readonly days: DayCut;
  readonly sessions: SessionSieve;
  readonly #encoder: Encoder;
  readonly #records: Records;
  readonly #place = new ValuePlace();
  readonly #facts = {
    ...{ published_at: 0, source_partition: 0, source_offset: 0, first_published_at: 0 },
    signed_by: null as string | null,
  };

  constructor(encoder: Encoder, partition: number, records: Records, range: EncodeRange) {
    this.#encoder = encoder;
    this.#records = records;
    this.#facts.source_partition = partition;
    this.rows = new RowsWriter((range.to ?? records.count) - range.from);
    this.days = new DayCut(encoder.days, encoder.newDaysPerBatchMax);
    this.sessions = new SessionSieve(encoder.consumer, encoder.filter, range.fates);
  }

  /** Takes one record. @returns false when the batch has to be cut before it */
  take(index: number): boolean {
    const records = this.#records;
    const facts = this.#facts;
    const publishedAtMs = records.publishedAtMs(index);
    if (publishedAtMs === NO_BROKERS_TIME) {
      this.letters.push({
        index,
        reason: "producer_time",
        detail: "the record has its producer's time, not the broker's",
      });
      return true;
    }
    if (!this.#encoder.filter.hasTime(publishedAtMs)) {
      this.outside++;
      return true;
    }
    facts.published_at = publishedAtMs * 1000;
    facts.source_offset = records.offsetOf(index);
    facts.first_published_at = facts.published_at;
    if (this.#encoder.consumer.landing.repeats === "revised") {
      facts.first_published_at = firstPublishedUs(records.headersOf(index), facts.published_at);
    }
    facts.signed_by = null;
    return (this.#isSigned(index) ? undefined : this.#transcode(index)) ?? this.#encode(index);
  }

  /** Whether a record has a signature that is looked at: by which actor's words it counts, the transcoder doesn't say. */
  #isSigned(index: number): boolean {
    return this.#encoder.signerOf !== undefined && this.#records.headersOf(index)?.[SIGNATURE_HEADER] !== undefined;
  }

  /** @returns what `take` returns; undefined when the transcoder declined the event, and nothing of it is kept */
  #transcode(index: number): boolean | undefined {
    const { out } = this.rows;
    const place = this.#place;
    const { transcoders, eventBytesMax } = this.#encoder;
    this.#records.locate(index, place);
    const { bytes, start, end } = place;
    const transcoder = end - start > eventBytesMax ? undefined : transcoders.of(place);
    const before = out.length;
    if (!transcoder?.write(out, bytes, start + HEADER_BYTES, end, this.#facts)) return undefined;
    if (isAhead(transcoder.time, this.#facts.published_at)) {
      out.length = before;
      return undefined;
    }
    const admission = this.#admit(index, transcoder.time, transcoder.session);
    if (admission === "in") this.rows.close(index);
    else out.length = before;
    return admission !== "cut";
  }

  /** Reads an event that is signed, or that `#transcode` declined, as an object: it makes a letter of what is wrong. */
  #encode(index: number): boolean {
    const { consumer, rowEncoder, signerOf } = this.#encoder;
    const record = this.#records.record(index);
    const { value } = record;
    const fault = value === null ? this.#records.faultAt(index) : undefined;
    if (fault !== undefined) {
      this.letters.push({ index, reason: "unreadable_batch", detail: fault });
      return true;
    }
    const event = readEvent(this.#encoder, value, this.#facts.published_at);
    if (event instanceof Refusal) {
      this.letters.push({ index, reason: event.reason, detail: event.detail, column: event.column });
      return true;
    }
    const time = consumer.partitionedByDay ? (event[consumer.time] as number) : 0;
    const admission = this.#admit(index, time, (event.backtest_session_id ?? null) as string | null);
    if (admission !== "in") return admission !== "cut";
    if (this.#isSigned(index)) {
      const signer = signerOf!(record, event.actor as string, this.#records.publishedAtMs(index));
      if ("fault" in signer) {
        this.letters.push({ index, reason: "wrong_signature", detail: signer.fault });
        return true;
      }
      this.#facts.signed_by = signer.name;
    }
    const before = this.rows.out.length;
    const refusal = rowEncoder.write(this.rows.out, event, this.#facts);
    const broken = refusal ? undefined : this.#encoder.judge(event);
    if (refusal) this.letters.push({ index, reason: "invalid", detail: refusal.detail, column: refusal.column });
    else if (broken === undefined) this.rows.close(index);
    else {
      this.rows.out.length = before;
      this.letters.push({ index, ...brokenLetter(broken) });
    }
    return true;
  }

  /** Whether a row of this time and session goes in, is left out (filtered or a letter), or ends the batch before it. */
  #admit(index: number, time: number, session: string | null): "in" | "out" | "cut" {
    const fate = this.sessions.sift(session);
    if (fate === "filtered") return "out";
    const day = this.#encoder.consumer.partitionedByDay ? this.days.take(dayOf(time)) : "in";
    if (day !== "in") return day;
    if (fate === "unknown") this.letters.push({ index, ...UNKNOWN_SESSION });
    return fate === undefined ? "in" : "out";
  }
}
