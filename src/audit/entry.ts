import { createHash } from "node:crypto";
import type { AuditEvent } from "../event/events.ts";
import { OWN_ID } from "../event/identity.ts";
import { EVENT_BY_TOPIC, EVENT_SCHEMAS, type EventTopic } from "../event/schemas.ts";
import { type Coordinates, entryId, letterId, receiptId, saidDigest } from "./log-id.ts";

export interface EntrySource {
  readonly at: Coordinates;
  readonly kind: EventTopic;
  readonly fields: Readonly<Record<string, unknown>>;
  readonly value: Buffer;
  /** Broker time, microseconds since 1970. */
  readonly publishedUs: number;
  readonly correlationId: string | null;
  /** The event that led to this one, as its publisher says; its column is the payload. */
  readonly causationId: string | null;
  /** Who published it, as it says itself; null where it doesn't. */
  readonly actor: string | null;
}

/** Above this a payload carries id and digest of the value only: the event itself is in its table and its topic. */
const PAYLOAD_BYTES_MAX = 256 * 1024;

/**
 * The audit entry of one event: a pure function of the record, so that whoever lands it, and however often, makes the
 * same bytes. The value's digest is part of the id: a topic that was deleted and made again gives other ids.
 */
export function eventEntry(
  source: EntrySource,
  note: { readonly eventType: string; readonly actor: string; readonly success: boolean },
): AuditEvent {
  const { topic, partition, offset } = source.at;
  const digest = createHash("sha256").update(source.value).digest("hex");
  const idField = OWN_ID[source.kind].field;
  const causation = source.causationId === null ? {} : { causation_id: source.causationId };
  const whole = JSON.stringify({ event: readable(source.kind, source.fields), value_sha256: digest, ...causation });
  const payload =
    Buffer.byteLength(whole) <= PAYLOAD_BYTES_MAX
      ? whole
      : JSON.stringify({ event: { [idField]: source.fields[idField] }, value_sha256: digest, ...causation });
  return {
    log_id: entryId(note.eventType, source.at, digest),
    timestamp: source.publishedUs,
    event_type: note.eventType,
    actor: source.actor ?? note.actor,
    payload,
    success: note.success,
    correlation_id: source.correlationId,
    source_topic: topic,
    source_partition: partition,
    source_offset: offset,
    backtest_session_id: (source.fields.backtest_session_id as string | null | undefined) ?? null,
  };
}

/** Field by field, with times as ISO text down to the microsecond: a payload is read by people. */
function readable(kind: EventTopic, fields: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const shown: Record<string, unknown> = {};
  for (const { name, type } of EVENT_SCHEMAS[EVENT_BY_TOPIC[kind]].fields) {
    const value = fields[name];
    if (value === null || value === undefined) continue;
    shown[name] = type === "timestamp" ? isoMicros(value as number) : value;
  }
  return shown;
}

/** 2013-10-07T13:30:00.123456Z. Times of landed events lie between 1970 and two days from their publishing. */
export function isoMicros(us: number): string {
  const seconds = Math.floor(us / 1_000_000);
  const micros = String(us - seconds * 1_000_000).padStart(6, "0");
  return `${new Date(seconds * 1000).toISOString().slice(0, 19)}.${micros}Z`;
}

/** What a receipt tells of one landed batch. */
interface ReceiptFacts {
  readonly databaseId: string;
  readonly topic: string;
  readonly partition: number;
  readonly firstOffset: number;
  readonly nextOffset: number;
  /** How often the partition had been rewound. */
  readonly rewinds: number;
  readonly counts: Readonly<Record<string, number>>;
  readonly digest: Buffer;
  /** Sums of the hashes of the rows that went in; undefined where it isn't known which did. */
  readonly rowSums?: Readonly<Record<string, string>> | undefined;
  readonly letters: readonly { readonly offset: number; readonly reason: string }[];
  /** Microseconds since 1970. */
  readonly landedUs: number;
}

/** Letters beyond this are counted, not listed: a batch of nothing but letters must not outgrow the message limit. */
const RECEIPT_LETTERS_MAX = 1000;

/** The audit entry of a big topic's landed batch. Two databases give two receipts: the id includes the database's. */
export function receiptEntry(facts: ReceiptFacts): AuditEvent {
  const { topic, partition, firstOffset, nextOffset, rewinds } = facts;
  const payload = JSON.stringify({
    database_id: facts.databaseId,
    first_offset: firstOffset,
    next_offset: nextOffset,
    rewinds: rewinds === 0 ? undefined : rewinds,
    ...facts.counts,
    values_sha256: facts.digest.toString("hex"),
    row_sums: facts.rowSums,
    letters: facts.letters.slice(0, RECEIPT_LETTERS_MAX),
  });
  return {
    log_id: receiptId(facts.databaseId, { topic, partition, offset: firstOffset }, nextOffset, saidDigest(payload)),
    timestamp: facts.landedUs,
    event_type: "RECEIPT",
    actor: "tradetape",
    payload,
    success: true,
    source_topic: topic,
    source_partition: partition,
    source_offset: firstOffset,
  };
}

/** A letter as its entry tells of it. */
interface LetterFacts {
  /** Broker time, milliseconds since 1970. */
  readonly publishedAtMs: number;
  readonly reason: string;
  readonly detail: string;
  readonly value: Buffer | null;
  /** The digest of the whole value, where only its beginning is kept. */
  readonly cut: { readonly sha256: string } | null;
}

/**
 * The audit entry of one letter of a topic that is audited one by one. The value's digest tells a letter from one of the log
 * that the topic had before, at the same offset.
 */
export function letterEntry(at: Coordinates, { publishedAtMs, reason, detail, value, cut }: LetterFacts): AuditEvent {
  const valueDigest =
    cut?.sha256 ??
    createHash("sha256")
      .update(value ?? "")
      .digest("hex");
  const payload = JSON.stringify({ reason, detail, value_sha256: valueDigest });
  return {
    log_id: letterId(at, saidDigest(payload)),
    timestamp: publishedAtMs * 1000,
    event_type: "DEAD_LETTER",
    actor: "tradetape",
    payload,
    success: false,
    source_topic: at.topic,
    source_partition: at.partition,
    source_offset: at.offset,
  };
}
