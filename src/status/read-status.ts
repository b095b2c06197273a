import { type HeardState, readStates } from "../table/checks/group-states.ts";
import { type PartitionStatus, readStatus } from "../table/checks/status.ts";
import type { Connection } from "../table/connection.ts";
import { type HeldAllowance, heldAllowances } from "../table/letters/allowed-letters.ts";
import type { LogAdmin } from "../topic/log-client.ts";
import { type Breach, breachOf, type SeenLog, seeLogs } from "../topic/log-history.ts";
import type { VisibleLog } from "../topic/offsets.ts";
import { type GroupWord, groupWord } from "./group-word.ts";
import {
  type CaughtUpIn,
  caughtUpIn,
  inWindows,
  type Lateness,
  type OverWindows,
  type TopicLateness,
  topicLateness,
  WINDOW_SECONDS,
} from "./lag.ts";

/** One partition, from both sides: the database's and Kafka's. Times are ISO 8601. */
export interface PartitionRow extends Lateness {
  /** The full name. */
  readonly topic: string;
  readonly partition: number;
  /** The worst that a process tells of the topic's group; where none tells any more, what the last one told. */
  readonly group: GroupWord;
  /** What each process tells of the topic's group. */
  readonly groups: readonly HeardState[];
  /** What of its events may become letters without stopping the group: of schemas, and of offsets that have not all landed. */
  readonly allowed: readonly HeldAllowance[];
  /** The next offset to land; null when no consumer has claimed the partition yet. */
  readonly landed: number | null;
  /** The offset the next event will get. */
  readonly end: number;
  /** Offsets at the log's end that nobody can read yet, because a transaction is open: they are no lag. */
  readonly inTransaction: number;
  /** When the broker took the first event of the oldest open transaction; null where there is none. */
  readonly transactionSince: string | null;
  /** When the broker took the first event that has not landed; null where there is none, or its time isn't known. */
  readonly oldestAt: string | null;
  /** Offsets a second. */
  readonly landedPerSecond: OverWindows<number>;
  /** Offsets a second. */
  readonly publishedPerSecond: OverWindows<number>;
  readonly caughtUpIn: OverWindows<CaughtUpIn>;
  /** All partitions of the topic taken together. */
  readonly ofTopic: TopicLateness;
  readonly letters: number;
  readonly parked: number;
  readonly outbox: number;
  readonly signing: PartitionStatus["signing"];
  readonly landedAt: string | null;
  /** Whether the log isn't the one that landed, as after an unclean election: nothing of it lands (`history_lost`). */
  readonly cut: boolean;
  /** How it isn't: cut, topic (made again) or cluster (another one); null where it is. */
  readonly breach: Breach | null;
  /** Where it was asked: whether records so old have not landed, and nothing else of the partition has since. */
  readonly stalled?: boolean;
}

/** What the database knows, read at one moment. */
interface DatabaseSide {
  readonly partitions: readonly PartitionStatus[];
  readonly groups: readonly HeardState[];
  readonly allowed: readonly HeldAllowance[];
}

/** Reads the database's side. */
export const readDatabaseSide = async (connection: Connection): Promise<DatabaseSide> => ({
  partitions: await readStatus(connection),
  groups: await readStates(connection),
  allowed: await heldAllowances(connection),
});

/**
 * All partitions of these topics. Nothing is remembered from one call to the next, and no consumer has to run: what has
 * landed is the database's word, and how long the next event has waited the log's.
 * @param known read before the call: what lands in between shows as lag, never as more landed than there is
 * @param topicNames full names
 * @param stalledAfterMs how long a record may wait while nothing lands; undefined asks for no `stalled`
 * @throws TradetapeError broker_unreachable, topic_missing
 */
export async function readPartitions(
  admin: LogAdmin,
  known: DatabaseSide,
  topicNames: readonly string[],
  stalledAfterMs?: number,
): Promise<PartitionRow[]> {
  const rows: PartitionRow[] = [];
  for (const name of topicNames) {
    const own = new Map(known.partitions.filter(({ topic }) => topic === name).map((one) => [one.partition, one]));
    const groups = known.groups.filter(({ topic }) => topic === name);
    const nowMs = Date.now();
    const logs = await seeWaiting(admin, name, own);
    const begun = {
      over10s: await admin.fetchOffsetsAt(name, nowMs - WINDOW_SECONDS.over10s * 1000),
      over60s: await admin.fetchOffsetsAt(name, nowMs - WINDOW_SECONDS.over60s * 1000),
    };
    const stalledSinceMs = stalledAfterMs === undefined ? undefined : nowMs - stalledAfterMs;
    const old = stalledSinceMs === undefined ? undefined : await admin.fetchOffsetsAt(name, stalledSinceMs);
    const partitions = logs.map((seen) => {
      const { partition, high } = seen.log;
      const status = own.get(partition);
      const waits = waitingOf(seen, nowMs);
      const landed = inWindows((window) => (window === "over10s" ? status?.landedOver10s : status?.landedOver60s) ?? 0);
      const published = inWindows(
        (window) => Math.max(0, high - (begun[window].get(partition) ?? high)) / WINDOW_SECONDS[window],
      );
      const breach = (status && breachOf(status, seen)) ?? null;
      return {
        topic: name,
        partition,
        group: groupWord(groups),
        groups,
        allowed: known.allowed.filter((one) => isMeant(one, name, partition)),
        landed: status?.nextOffset ?? null,
        ...waits,
        landedPerSecond: landed,
        publishedPerSecond: published,
        caughtUpIn: inWindows((window) => caughtUpIn(waits, landed[window], published[window])),
        letters: status?.letters ?? 0,
        parked: status?.parked ?? 0,
        outbox: status?.outbox ?? 0,
        signing: status?.signing ?? null,
        landedAt: status?.landedAt ?? null,
        cut: breach !== null,
        breach,
        ...(old && { stalled: isStalled(seen, status, old.get(partition) ?? high, stalledSinceMs!) }),
      };
    });
    const ofTopic = topicLateness(partitions);
    rows.push(...partitions.map((one) => ({ ...one, ofTopic })));
  }
  return rows;
}

const isMeant = (allowed: HeldAllowance, name: string, partition: number): boolean =>
  allowed.topic === name && (allowed.schemaId !== null || allowed.partition === partition);

/** A partition's log, and what of it waits; undefined where the log ends below what has landed. */
type WaitingLog = SeenLog & { readonly visible: VisibleLog | undefined };

async function seeWaiting(
  admin: LogAdmin,
  name: string,
  own: ReadonlyMap<number, PartitionStatus>,
): Promise<readonly WaitingLog[]> {
  for (;;) {
    const logs = await seeLogs(admin, name, own);
    const next = logs.map(({ log }) => [log, Math.max(log.low, own.get(log.partition)?.nextOffset ?? 0)] as const);
    const from = new Map(next.filter(([log, at]) => at <= log.high).map(([log, at]) => [log.partition, at]));
    const visible = await admin.fetchVisible(name, from);
    // Where a log was deleted or cut from under the question, it is another log that is asked about: it is looked at again.
    if (visible.size === from.size) return logs.map((seen) => ({ ...seen, visible: visible.get(seen.log.partition) }));
  }
}

type Waiting = Lateness & Pick<PartitionRow, "end" | "inTransaction" | "transactionSince" | "oldestAt">;

const isoTime = (timeMs: number | undefined): string | null =>
  timeMs === undefined ? null : new Date(timeMs).toISOString();

function waitingOf({ log, visible }: WaitingLog, nowMs: number): Waiting {
  const { end, logEnd, first, open } = visible ?? {
    end: log.high,
    logEnd: log.high,
    first: undefined,
    open: undefined,
  };
  const inTransaction = logEnd - end;
  const ends = { end: logEnd, inTransaction, transactionSince: isoTime(open?.publishedAtMs) };
  if (first === undefined) return { lag: 0, secondsBehind: 0, oldestAt: null, ...ends };
  const { offset, publishedAtMs } = first;
  const secondsBehind = publishedAtMs === undefined ? null : Math.max(0, nowMs - publishedAtMs) / 1000;
  return { lag: end - offset, secondsBehind, oldestAt: isoTime(publishedAtMs), ...ends };
}

/**
 * A process that is up may land nothing, and one without events has nothing to land: what counts is that records older
 * than the limit wait while nothing of their partition has landed since. What a transaction keeps open for so long waits, too.
 */
function isStalled({ visible }: WaitingLog, status: PartitionStatus | undefined, offsetSince: number, sinceMs: number) {
  const landedAt = status?.landedAt ? Date.parse(status.landedAt) : 0;
  const { first, open } = visible ?? {};
  const waits = first !== undefined && first.offset < offsetSince;
  return (waits || (open?.publishedAtMs ?? sinceMs) < sinceMs) && landedAt < sinceMs;
}
