import { CHAIN_FIELD_NAMES } from "../../audit/chain.ts";
import { deedEntry } from "../../audit/deed-entry.ts";
import { count } from "../../errors.ts";
import { isUuid } from "../../event/field/checks.ts";
import { Refusal } from "../../event/letter.ts";
import { entriesBefore, type LandedSpan } from "../../table/checks/left-out.ts";
import { lettersIn } from "../../table/checks/rows-of-parts.ts";
import { entriesBut, toldDeeds } from "../../table/checks/told-entries.ts";
import type { Connection } from "../../table/connection.ts";
import { type ChainEntry, entriesOf } from "../../table/landing/chain.ts";
import { jsonFormOrText } from "../../table/rows/json-form.ts";
import type { PartitionOffsets } from "../../topic/offsets.ts";
import type { EventLog, LogRecord } from "../rows/event-log.ts";
import type { TopicFinding } from "./left-out-events.ts";

/** A finding an entry, up to so many of a topic: behind a made-up entry no other is where it was. */
const FINDINGS_MAX = 20;

/** The audit log, held against the topics that it came from. */
export interface ToldReport {
  readonly findings: readonly TopicFinding[];
  /** Entries of the log that the topics have, too. */
  readonly entries: number;
  /** Entries that may have come from what the topics no longer have. */
  readonly notProvable: number;
}

/** A landed partition of an audit topic, and what the topic still has of it. */
export type AuditSpan = LandedSpan & Pick<PartitionOffsets, "low" | "high">;

/**
 * Holds the audit log against its topics: each entry is what a topic has, in the topic's order; each that landed is in the log;
 * and of each deed that somebody noted, the entry is in either.
 */
export async function compareTold(
  connection: Connection,
  spans: readonly AuditSpan[],
  eventLog: EventLog,
): Promise<ToldReport> {
  const gone = spans.filter(({ low, origin }) => low > origin);
  const before = await entriesBefore(connection, gone);
  const seen = new Set<number>();
  const findings: TopicFinding[] = [];
  const coming = new Set<string>();
  for (const span of spans) {
    const topic = new AuditTopic(connection, span, before, seen);
    const letters = await lettersIn(connection, span.topic, [{ ...span, from: span.low, to: span.nextOffset }]);
    const isLetter = new Set(letters.map(({ offset }) => offset));
    await eventLog.records("audit", span.topic, rangesOf(span), async (records) => {
      const events = records.filter(({ event, offset }) => !(event instanceof Refusal) && !isLetter.has(offset));
      for (const { event } of events.filter(({ offset }) => offset >= span.nextOffset)) coming.add(idOf(event));
      await topic.take(events.filter(({ offset }) => offset < span.nextOffset));
    });
    findings.push(...topic.findings);
  }
  const others = await entriesBut(connection, [...seen], before);
  if (others.behind > 0) {
    const detail = `${count(others.behind)} entries that no audit topic has: ${others.first.join(", ")}`;
    findings.push({ subject: "audit_log", detail });
  }
  findings.push(...(await untoldDeeds(connection, new Set(spans.map(({ topic }) => topic)), coming)));
  return { findings, entries: seen.size, notProvable: others.upTo };
}

const rangesOf = ({ partition, origin, low, high }: AuditSpan) => {
  const from = Math.max(origin, low);
  return from < high ? [{ partition, from, to: high }] : [];
};

const idOf = (event: LogRecord["event"]): string => String((event as { log_id?: unknown }).log_id).toLowerCase();

/** Reads one topic's entries, of which each id counts where it comes first. */
class AuditTopic {
  readonly #connection: Connection;
  readonly #span: AuditSpan;
  readonly #before: number;
  /** The numbers of entries that a topic has. */
  readonly #seen: Set<number>;
  readonly #ids = new Set<string>();
  #last = 0;
  readonly findings: TopicFinding[] = [];

  constructor(connection: Connection, span: AuditSpan, before: number, seen: Set<number>) {
    this.#connection = connection;
    this.#span = span;
    this.#before = before;
    this.#seen = seen;
  }

  async take(records: readonly LogRecord[]): Promise<void> {
    const first = records.filter(({ event }) => {
      const isNew = !this.#ids.has(idOf(event));
      this.#ids.add(idOf(event));
      return isNew;
    });
    const ids = first.map(({ event }) => idOf(event)).filter(isUuid);
    const stored = new Map((await entriesOf(this.#connection, ids)).map((entry) => [entry.id, entry]));
    for (const record of first) this.#look(record, stored.get(idOf(record.event)));
  }

  #look({ offset, event, signedBy }: LogRecord, entry: ChainEntry | undefined): void {
    const id = idOf(event);
    if (entry === undefined) {
      if (!this.#span.isPart) this.#find(offset, `entry ${id} landed, and the log doesn't have it`);
      return;
    }
    this.#seen.add(entry.seq);
    // What came before may have had the entry first, in other words.
    const isOld = entry.seq <= this.#before;
    const columns = isOld ? [] : differing(entry, { ...event, signed_by: signedBy });
    if (columns.length > 0) {
      this.#find(offset, `entry ${entry.seq} (${id}) isn't what the topic has: ${columns.join(", ")}`);
    } else if (!isOld && entry.seq < this.#last) {
      this.#find(offset, `entry ${entry.seq} (${id}) stands before entry ${this.#last}, which the topic has before it`);
    }
    this.#last = Math.max(this.#last, entry.seq);
  }

  #find(offset: number, detail: string): void {
    const { topic, partition } = this.#span;
    if (this.findings.length < FINDINGS_MAX) this.findings.push({ subject: `${topic}/${partition}/${offset}`, detail });
  }
}

/**
 * The columns in which an entry of the log differs from the topic's, and what the log has. That a key signed it may only be said
 * where it did, as far as its keys are known here; where it landed, they may not have been.
 */
function differing({ fields }: ChainEntry, event: Readonly<Record<string, unknown>>): string[] {
  return CHAIN_FIELD_NAMES.filter((name, i) => {
    const said = fields[i] ?? null;
    if (name === "signed_by" && (said === null || event[name] === undefined)) return false;
    return formOf(name, said) !== formOf(name, event[name] ?? null);
  });
}

function formOf(name: string, value: unknown): string | null {
  if (value === null) return null;
  if (name === "payload") return jsonFormOrText(String(value));
  return name === "log_id" || name === "backtest_session_id" ? String(value).toLowerCase() : String(value);
}

/** Deeds of which nobody owes the entry, and neither the log nor what is on its way has it. */
async function untoldDeeds(
  connection: Connection,
  topics: ReadonlySet<string>,
  coming: ReadonlySet<string>,
): Promise<TopicFinding[]> {
  const deeds = (await toldDeeds(connection)).filter(({ auditTopic }) => topics.has(auditTopic));
  const idsOf = ({ deed, databaseIds }: (typeof deeds)[number]) =>
    databaseIds.map((databaseId) => deedEntry({ ...deed, databaseId, session: null }).log_id);
  const told = new Set((await entriesOf(connection, deeds.flatMap(idsOf))).map(({ id }) => id));
  return deeds
    .filter((one) => !idsOf(one).some((id) => told.has(id) || coming.has(id)))
    .map(({ deedId, deed }) => ({
      subject: `deed ${deedId}`,
      detail:
        `the ${deed.kind} of ${deed.topic} by ${deed.login} has no entry: it is neither owed, nor in the topic, ` +
        "nor in the log",
    }));
}
