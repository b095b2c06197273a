import { isUtf8 } from "node:buffer";
import type { LetterReason } from "../event/letter.ts";
import type { EventTopic } from "../event/schemas.ts";
import { NO_BROKERS_TIME, type RawRecord, type Records } from "../topic/fetch/records.ts";
import type { Seen } from "../topic/read-newest.ts";
import type { RecordHeaders } from "../topic/wire/record-writer.ts";
import type { EventMessage, GoneMessage, MessageBytes, PoisonMessage } from "./message.ts";
import type { Strand } from "./strand.ts";

/** A record that was fetched and is read when its turn has come: as an object it would outlive the collector's first look. */
export class FetchedRecord implements Seen {
  readonly strand: Strand;
  readonly records: Records;
  readonly index: number;

  constructor(strand: Strand, records: Records, index: number) {
    this.strand = strand;
    this.records = records;
    this.index = index;
  }

  get partition(): number {
    return this.strand.partition;
  }

  get offset(): number {
    return this.records.offsetOf(this.index);
  }

  get publishedAtMs(): number {
    return this.records.publishedAtMs(this.index);
  }
}

/** A message with the strand that it is acknowledged by. */
abstract class Handed {
  readonly topic: EventTopic;
  readonly partition: number;
  readonly offset: number;
  readonly #strand: Strand;

  constructor(topic: EventTopic, strand: Strand, offset: number) {
    this.topic = topic;
    this.partition = strand.partition;
    this.offset = offset;
    this.#strand = strand;
  }

  ack(): Promise<boolean> {
    return this.#strand.ack(this.offset);
  }
}

/** A record's message. It keeps nothing of the fetch that it came by in memory. */
abstract class HandedRecord extends Handed {
  readonly key: MessageBytes;
  readonly headers: EventMessage<EventTopic>["headers"];

  constructor(topic: EventTopic, strand: Strand, offset: number, { key, headers }: RawRecord) {
    super(topic, strand, offset);
    this.key = readable(key);
    this.headers = headers === undefined ? NO_HEADERS : readableHeaders(headers);
  }
}

export class HandedEvent extends HandedRecord implements EventMessage<EventTopic> {
  readonly kind = "event";
  readonly event: EventMessage<EventTopic>["event"];
  readonly publishedAt: number;

  constructor(topic: EventTopic, { strand, offset, publishedAtMs }: FetchedRecord, raw: RawRecord, event: object) {
    super(topic, strand, offset, raw);
    this.event = event as EventMessage<EventTopic>["event"];
    this.publishedAt = publishedAtMs * 1000;
  }
}

export class HandedPoison extends HandedRecord implements PoisonMessage<EventTopic> {
  readonly kind = "poison";
  readonly reason: LetterReason;
  readonly detail: string;
  readonly event: PoisonMessage<EventTopic>["event"];
  readonly value: Buffer | null;
  readonly publishedAt: number | null;

  constructor(
    topic: EventTopic,
    { strand, offset, publishedAtMs }: FetchedRecord,
    raw: RawRecord,
    letter: Pick<PoisonMessage<EventTopic>, "reason" | "detail" | "event">,
  ) {
    super(topic, strand, offset, raw);
    this.reason = letter.reason;
    this.detail = letter.detail;
    this.event = letter.event;
    this.value = raw.value && Buffer.from(raw.value);
    this.publishedAt = publishedAtMs === NO_BROKERS_TIME ? null : publishedAtMs * 1000;
  }
}

export class HandedGone extends Handed implements GoneMessage<EventTopic> {
  readonly kind = "gone";
  readonly next: number;

  constructor(topic: EventTopic, strand: Strand, from: number, to: number) {
    super(topic, strand, from);
    this.next = to;
  }
}

const NO_HEADERS = Object.freeze({});

function readable(bytes: string | Buffer | null): MessageBytes {
  if (bytes === null || typeof bytes === "string") return bytes;
  return isUtf8(bytes) ? bytes.toString() : Buffer.from(bytes);
}

const readableHeaders = (headers: RecordHeaders): EventMessage<EventTopic>["headers"] =>
  Object.fromEntries(
    Object.entries(headers).map(([name, value = null]) => [
      name,
      Array.isArray(value) ? value.map(readable) : readable(value),
    ]),
  );
