import type { FetchedBatch } from "./fetch/fetched-batch.ts";
import type { LogAdmin } from "./log-client.ts";
import type { PartitionOffsets } from "./offsets.ts";

/** A record that somebody looked at. */
export interface Seen {
  readonly partition: number;
  readonly offset: number;
  /** The broker's time, in milliseconds since 1970; NO_BROKERS_TIME where there is none. */
  readonly publishedAtMs: number;
}

/** How a log is read by no group. */
export interface LogReading<S extends Seen> {
  readonly log: Pick<LogAdmin, "fetchRecords" | "fetchOffsets">;
  /** The full name. */
  readonly topicName: string;
  readonly partitionBytesMax: number;
  /** Aborted, the reading ends with what it has. */
  readonly stop: AbortSignal;
  /** Looks at a fetched batch's records. @returns those that are wanted, in their order */
  look(batch: FetchedBatch): Promise<readonly S[]>;
}

/** What is read of one partition: the newest records that are wanted, and down to which offset was looked. */
interface Found<S> {
  readonly low: number;
  readonly partition: number;
  at: number;
  /** The newest last. */
  seen: S[];
  /** Whether older records of it can't be among those asked for. */
  isDone: boolean;
}

/** Offsets that are looked at first and at most at a time: most are asked for the last 20, and a rare one lies far back. */
const LOOKED_FIRST = 500;
const LOOKED_MOST = 50_000;

/** So long an end of a log is waited for, where an open transaction keeps it back. */
const WAIT_MS = 100;

/**
 * The newest records of a topic that are wanted, `count` at most, the newest first. Each partition is read backwards in growing
 * parts, until no older record of it can be among them.
 * @param ends the partitions, and where each is read from and to
 * @throws TradetapeError broker_unreachable, topic_missing, and what `look` throws
 */
export async function readNewest<S extends Seen>(
  reading: LogReading<S>,
  ends: readonly PartitionOffsets[],
  count: number,
): Promise<S[]> {
  const all = ends.map(({ partition, low, high }): Found<S> => ({ partition, low, at: high, seen: [], isDone: false }));
  for (let part = Math.max(LOOKED_FIRST, count); !reading.stop.aborted; part = Math.min(2 * part, LOOKED_MOST)) {
    const open = all.filter(({ isDone, at, low }) => !isDone && at > low);
    if (open.length === 0) break;
    for (const found of open) await lookBack(reading, found, part, count);
    const last = mergedNewestFirst(all).at(count - 1);
    // The broker's times go up within a partition, but for records that have none: where there are those, all of it is read.
    for (const found of open) {
      const oldestMs = found.seen[0]?.publishedAtMs ?? 0;
      found.isDone =
        found.seen.length >= count || (last !== undefined && 0 < oldestMs && oldestMs < last.publishedAtMs);
    }
  }
  return mergedNewestFirst(all).slice(0, count);
}

/** Looks at the part of a log before what has been looked at. */
async function lookBack<S extends Seen>(
  reading: LogReading<S>,
  found: Found<S>,
  part: number,
  count: number,
): Promise<void> {
  const to = found.at;
  const from = Math.max(found.low, to - part);
  const seen: S[] = [];
  for (let at = from; at < to && !reading.stop.aborted; ) {
    const limits = { waitMs: WAIT_MS, partitionBytesMax: reading.partitionBytesMax };
    const [batch] = await reading.log.fetchRecords(
      [{ topicName: reading.topicName, partition: found.partition, offset: at }],
      limits,
    );
    // Retention has taken it meanwhile, or a transaction that is open holds the rest back.
    if (batch === undefined || batch.nextOffset === at) break;
    seen.push(...(await reading.look(batch)).filter(({ offset }) => offset >= at && offset < to));
    seen.splice(0, seen.length - count);
    at = batch.nextOffset;
  }
  found.seen = [...seen, ...found.seen].slice(-count);
  found.at = from;
}

/** Those of all partitions by the broker's time, each partition's in the order of its offsets. */
function mergedNewestFirst<S extends Seen>(all: readonly Found<S>[]): S[] {
  const left = all.map(({ seen }) => [...seen]).filter((seen) => seen.length > 0);
  const merged: S[] = [];
  while (left.length > 0) {
    const newest = left.reduce((a, b) => (b.at(-1)!.publishedAtMs > a.at(-1)!.publishedAtMs ? b : a));
    merged.push(newest.pop()!);
    if (newest.length === 0) left.splice(left.indexOf(newest), 1);
  }
  return merged;
}
