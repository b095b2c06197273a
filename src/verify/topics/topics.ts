import type { Consumer } from "../../batch/consumer.ts";
import { TradetapeError } from "../../errors.ts";
import { acceptedLosses, landedSpans } from "../../table/checks/left-out.ts";
import type { Connection } from "../../table/connection.ts";
import { shortName } from "../../topic/fetch/fetched-batch.ts";
import type { PartitionOffsets } from "../../topic/offsets.ts";
import type { EventLog } from "../rows/event-log.ts";
import { findHeldLosses, findLeftOut, type TopicFinding } from "./left-out-events.ts";
import { type AuditSpan, compareTold, type ToldReport } from "./told-entries.ts";

/** What landed, held against the topics while they have it; or why these couldn't be read. */
export type TopicsReport =
  | { readonly ok: true; readonly notRead: string }
  | (Omit<ToldReport, "findings"> & {
      readonly ok: boolean;
      readonly findings: readonly TopicFinding[];
      /** Topics that landed here and aren't in the cluster: of what came from them nothing is said. */
      readonly missing: readonly string[];
    });

/**
 * Holds a database against its topics: what its offsets, its ledger and its audit log say that landed. To be called in a
 * snapshot. A log that can't be read takes nothing from what the database's own checks have found.
 */
export async function verifyTopics(
  connection: Connection,
  consumers: readonly Consumer[],
  eventLog: EventLog,
): Promise<TopicsReport> {
  try {
    return await compareTopics(connection, consumers, eventLog);
  } catch (error) {
    if (error instanceof TradetapeError) return { ok: true, notRead: error.message };
    throw error;
  }
}

async function compareTopics(
  connection: Connection,
  consumers: readonly Consumer[],
  eventLog: EventLog,
): Promise<TopicsReport> {
  const kindOf = new Map(consumers.map((consumer) => [consumer.topic as string, consumer]));
  const all = (await landedSpans(connection)).filter(({ topic }) => kindOf.has(shortName(topic)));
  const names = [...new Set(all.map(({ topic }) => topic))];
  const ends = new Map<string, readonly PartitionOffsets[]>();
  for (const name of names) {
    const found = await endsOf(eventLog, name);
    if (found !== undefined) ends.set(name, found);
  }
  const there = all.filter(({ topic }) => ends.has(topic));
  const spans = there.map((span): AuditSpan => {
    const { low, high } = ends.get(span.topic)!.find(({ partition }) => partition === span.partition) ?? {
      low: 0,
      high: 0,
    };
    return { ...span, low, high };
  });
  const findings = spans.flatMap(beyondLog);
  for (const consumer of consumers.filter(({ landing }) => !landing.chained)) {
    const own = consumer.topic;
    const isThere = names.filter((name) => ends.has(name) && shortName(name) === own);
    findings.push(...(await findLeftOut(connection, consumer, isThere, eventLog)));
  }
  const losses = (await acceptedLosses(connection)).filter(({ topic }) => ends.has(topic));
  findings.push(
    ...(await findHeldLosses(
      losses.map((loss) => ({ ...loss, kind: kindOf.get(shortName(loss.topic))!.topic })),
      eventLog,
    )),
  );
  const told = await compareTold(
    connection,
    spans.filter(({ topic }) => shortName(topic) === "audit"),
    eventLog,
  );
  const found = [...findings, ...told.findings];
  return { ...told, ok: found.length === 0, findings: found, missing: names.filter((name) => !ends.has(name)) };
}

/** @returns undefined where there is no such topic */
async function endsOf(eventLog: EventLog, topic: string): Promise<readonly PartitionOffsets[] | undefined> {
  try {
    return await eventLog.ends(topic);
  } catch (error) {
    if (error instanceof TradetapeError && error.code === "topic_missing") return undefined;
    throw error;
  }
}

/** Where a partition says that it has landed what its log doesn't have, or that it began behind what the log has. */
function beyondLog({ topic, partition, origin, nextOffset, low, high, isPart }: AuditSpan): TopicFinding[] {
  const subject = `${topic}/${partition}`;
  return [
    ...(nextOffset > high
      ? [{ subject, detail: `landed up to offset ${nextOffset}, and the log ends at ${high}` }]
      : []),
    ...(origin > low && !isPart
      ? [
          {
            subject,
            detail: `began at offset ${origin}, and the log has what is before it from ${low} on: it never landed`,
          },
        ]
      : []),
  ];
}
