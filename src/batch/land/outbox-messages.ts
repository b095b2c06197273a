import { eventEntry, letterEntry, receiptEntry } from "../../audit/entry.ts";
import { encodeEvent } from "../../event/codec.ts";
import type { AuditEvent } from "../../event/events.ts";
import { Refusal } from "../../event/letter.ts";
import { WORKFLOW_HEADERS } from "../../event/workflow.ts";
import type { LedgerRow } from "../../table/landing/ledger.ts";
import type { LetterRow, StoredHeaders } from "../../table/landing/letters.ts";
import type { OutboxMessage, Owed } from "../../table/landing/outbox.ts";
import type { EncodedBatch } from "../encode/encoded-batch.ts";
import { base64, carriedHeaders, firstHeader, rawHeaders } from "../encode/headers.ts";
import { readEvent } from "../encode/read-event.ts";
import { valuesDigest } from "../encode/values-digest.ts";
import type { Outcome } from "../write/outcome.ts";
import type { LandingPlan } from "./landing-plan.ts";

/** Every message that a batch owes: its letters and its audit entries; none in a replay. */
export function outboxMessages(
  plan: LandingPlan,
  batch: EncodedBatch,
  outcome: Outcome,
  letters: readonly LetterRow[],
  ledger: LedgerRow,
): Owed[] {
  if (!plan.publishes) return [];
  const { partition } = batch;
  const owed = letters.map((letter): Owed => ({ partition, message: letterMessage(plan, partition, letter) }));
  for (const { entry, headers } of auditEntries(plan, batch, outcome, letters, ledger)) {
    const value = encodeEvent("audit", plan.auditSchemaId, entry);
    owed.push({ partition, message: { topic: plan.auditTopicName, key: null, value, headers } });
  }
  return owed;
}

function auditEntries(
  plan: LandingPlan,
  batch: EncodedBatch,
  outcome: Outcome,
  letters: readonly LetterRow[],
  ledger: LedgerRow,
): Audited[] {
  const { audit } = plan.consumer;
  if (audit === "none") return [];
  if (audit === "receipt") return [{ entry: receipt(plan, batch, outcome, letters, ledger), headers: {} }];
  const { partition } = batch;
  const entries = letters.map((letter): Audited => {
    const entry = letterEntry({ topic: plan.topicName, partition, offset: letter.offset }, letter);
    return { entry, headers: carriedHeaders(rawHeaders(letter.headers)) };
  });
  for (const index of outcome.toAudit) entries.push(...eventEntries(plan, batch, index));
  return entries;
}

/** An audit entry, and the headers of its record. */
interface Audited {
  readonly entry: AuditEvent;
  readonly headers: StoredHeaders;
}

function eventEntries(plan: LandingPlan, batch: EncodedBatch, index: number): Audited[] {
  const { consumer, encoder, topicName } = plan;
  const { value, headers } = batch.records.record(index);
  const publishedUs = batch.records.publishedAtMs(index) * 1000;
  const fields = readEvent(encoder, value, publishedUs);
  if (fields instanceof Refusal || consumer.audit === "none" || consumer.audit === "receipt") {
    throw new Error(`${topicName}: a record that landed can't be read again`);
  }
  const source = {
    at: { topic: topicName, partition: batch.partition, offset: batch.records.offsetOf(index) },
    kind: consumer.topic,
    fields,
    value: value!,
    publishedUs,
    correlationId: firstHeader(headers, WORKFLOW_HEADERS.correlation),
    causationId: firstHeader(headers, WORKFLOW_HEADERS.causation),
    actor: firstHeader(headers, WORKFLOW_HEADERS.actor),
  };
  const carried = carriedHeaders(headers);
  return consumer.audit(fields as never).map((note) => ({ entry: eventEntry(source, note), headers: carried }));
}

function receipt(
  plan: LandingPlan,
  batch: EncodedBatch,
  { rowSums }: Outcome,
  letters: readonly LetterRow[],
  ledger: LedgerRow,
): AuditEvent {
  const { firstOffset, nextOffset, kind: _kind, ...counts } = ledger;
  return receiptEntry({
    databaseId: plan.databaseId,
    topic: plan.topicName,
    partition: batch.partition,
    firstOffset,
    nextOffset,
    rewinds: batch.origin?.rewinds ?? 0,
    counts,
    digest: valuesDigest(batch),
    rowSums,
    letters: letters.map(({ offset, reason }) => ({ offset, reason })),
    landedUs: Date.now() * 1000,
  });
}

/** Where letters come from, and where their copies go: full names. */
type LetterTopics = Pick<LandingPlan, "topicName" | "deadLettersTopicName">;

/** Below the dead-letters topic's limit, which key and headers may exceed: a compressed batch may have held far more. */
const LETTER_BYTES_MAX = 7 * 1024 * 1024;

/**
 * A letter as a message of the dead-letters topic: the original bytes, and in headers why it is one and where it came from.
 * One whose value the table has only the beginning of has the value's length and digest in its place. One that wouldn't fit has
 * why and whence only: the table has the rest.
 */
export function letterMessage(plan: LetterTopics, partition: number, letter: LetterRow): OutboxMessage {
  const coordinates = `${plan.topicName}/${partition}/${letter.offset}`;
  const told: Record<string, string | null> = {
    "tradetape-reason": letter.reason,
    "tradetape-detail": letter.detail,
    "tradetape-topic": plan.topicName,
    "tradetape-partition": String(partition),
    "tradetape-offset": String(letter.offset),
    "tradetape-timestamp": String(letter.publishedAtMs),
    "tradetape-column": letter.column,
    "tradetape-sqlstate": letter.sqlstate,
    "tradetape-value-bytes": letter.cut === null ? null : String(letter.cut.bytes),
    "tradetape-value-sha256": letter.cut?.sha256 ?? null,
  };
  const why = Object.entries(told).flatMap(([name, text]) => (text === null ? [] : [[name, base64(text)] as const]));
  const key = Buffer.from(coordinates);
  const value = letter.cut === null ? letter.value : null;
  const original = (value?.length ?? 0) + (letter.key?.length ?? 0) + JSON.stringify(letter.headers).length;
  if (original > LETTER_BYTES_MAX) {
    return { topic: plan.deadLettersTopicName, key, value: null, headers: Object.fromEntries(why) };
  }
  const headers: Record<string, StoredHeaders[string]> = { ...letter.headers, ...Object.fromEntries(why) };
  if (letter.key !== null) headers["tradetape-key"] = base64(letter.key);
  return { topic: plan.deadLettersTopicName, key, value, headers };
}
