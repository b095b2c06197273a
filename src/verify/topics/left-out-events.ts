import { type Consumer, dayColumnOf } from "../../batch/consumer.ts";
import { sessionOf } from "../../batch/encode/session-sieve.ts";
import { count, TradetapeError } from "../../errors.ts";
import { isUuid } from "../../event/field/checks.ts";
import { Refusal } from "../../event/letter.ts";
import { type KeyedEvent, type LandedRange, nowhere, thinRanges } from "../../table/checks/left-out.ts";
import { lettersIn, unservedSessions } from "../../table/checks/rows-of-parts.ts";
import type { Connection } from "../../table/connection.ts";
import { hasSessions } from "../../table/rows/landing-table.ts";
import { keptFrom } from "../../table/upkeep/day-partitions.ts";
import type { EventLog, LogRecord } from "../rows/event-log.ts";

/** Something that doesn't hold between the topics and what landed from them. */
export interface TopicFinding {
  readonly subject: string;
  readonly detail: string;
}

const EXAMPLES_MAX = 5;

/**
 * Finds events that landed as repeats, as filtered or as nothing, and of which nothing is here: neither a row of their id, nor a
 * letter, nor a parked event, nor a reason to leave them out. The ledger says only how many those were, as whoever landed them
 * says it.
 * @param names the full names of the consumer's topic
 */
export async function findLeftOut(
  connection: Connection,
  consumer: Consumer,
  names: readonly string[],
  eventLog: EventLog,
): Promise<readonly TopicFinding[]> {
  const { landing, topic } = consumer;
  const byTopic = Map.groupBy(await thinRanges(connection, names), (range) => range.topic);
  const filtered = await filterOf(connection, consumer, eventLog);
  const findings: TopicFinding[] = [];
  for (const [name, ranges] of byTopic) {
    const { held } = await eventLog.held(name, ranges);
    const letters = new Set((await lettersIn(connection, name, held)).map(placeOf));
    const found = new Map<number, number[]>();
    await eventLog.records(topic, name, held, async (records) => {
      const events = records.filter((one) => !letters.has(placeOf(one)) && !filtered(one.event));
      const keyed = events.map((one) => keyedEvent(landing.key, one));
      for (const index of await nowhere(connection, landing, name, keyed)) add(found, keyed[index]!);
    });
    for (const [partition, offsets] of found) findings.push(leftOutOf(`${name}/${partition}`, offsets));
  }
  return findings;
}

const leftOutOf = (subject: string, offsets: readonly number[]): TopicFinding => ({
  subject,
  detail:
    `${count(offsets.length)} events landed and nothing of them is here: no row, no letter, no reason to leave them out; ` +
    `the first at offsets ${offsets.slice(0, EXAMPLES_MAX).join(", ")}`,
});

const placeOf = ({ partition, offset }: Pick<KeyedEvent, "partition" | "offset">) => `${partition}/${offset}`;

function add(found: Map<number, number[]>, { partition, offset }: Pick<KeyedEvent, "partition" | "offset">): void {
  const offsets = found.get(partition);
  if (offsets === undefined) found.set(partition, [offset]);
  else offsets.push(offset);
}

/** A record by its event's key; one that can't be read, or has no id that a row could have, by nothing: it would be a letter. */
function keyedEvent(key: readonly string[], { partition, offset, event }: LogRecord): KeyedEvent {
  const values = key.map((column) => (event instanceof Refusal ? null : event[column]));
  const fits = values.every((value) =>
    typeof value === "string" ? isUuid(value.toLowerCase()) : Number.isSafeInteger(value),
  );
  return { partition, offset, key: fits ? values : values.map(() => null) };
}

/** Whether an event has a reason not to be here: its session isn't served, or its day was dropped. */
async function filterOf(
  connection: Connection,
  consumer: Consumer,
  { sessionKinds }: EventLog,
): Promise<(event: LogRecord["event"]) => boolean> {
  const day = dayColumnOf(consumer);
  const kept = day === undefined ? undefined : await keptFrom(connection, consumer.landing.table);
  const keptUs = kept === undefined ? Number.NEGATIVE_INFINITY : Date.parse(`${kept}T00:00Z`) * 1000;
  const unserved = await unservedSessions(connection, sessionKinds);
  const servesLive = sessionKinds.includes("live");
  return (event) => {
    if (event instanceof Refusal) return false;
    if (day !== undefined && (event[day] as number) < keptUs) return true;
    if (!hasSessions(consumer.landing)) return false;
    const session = sessionOf(event);
    return session === null ? !servesLive : unserved.has(session);
  };
}

/** Finds losses that were accepted of what the log still holds. A batch that is damaged is lost, though the log holds it. */
export async function findHeldLosses(
  losses: readonly (LandedRange & { readonly kind: Consumer["topic"] })[],
  eventLog: EventLog,
): Promise<readonly TopicFinding[]> {
  const findings: TopicFinding[] = [];
  for (const { topic, partition, from, to, kind } of losses) {
    let records = 0;
    for (let at = from; at < to; ) {
      const { held } = await eventLog.held(topic, [{ partition, from: at, to }]);
      try {
        await eventLog.records(kind, topic, held, async (found) => {
          records += found.length;
        });
        break;
      } catch (error) {
        if (!(error instanceof TradetapeError && error.code === "batch_unreadable")) throw error;
        at = Math.max(at + 1, error.facts!.to as number);
      }
    }
    if (records === 0) continue;
    const detail = `offsets ${from} to ${to} were accepted as lost, and the log holds ${count(records)} records of them`;
    findings.push({ subject: `${topic}/${partition}`, detail });
  }
  return findings;
}
