import { randomUUID } from "node:crypto";
import { aborted } from "../clock.ts";
import type { FetchedBatch } from "./fetch/fetched-batch.ts";
import type { LogClient, LogMember, MemberOptions } from "./log-client.ts";

/** Offsets [from, to) of one partition. */
export interface OffsetRange {
  readonly partition: number;
  readonly from: number;
  readonly to: number;
}

/**
 * Takes offsets of a batch that are asked for, all or the first of them.
 * @returns the offset behind what it took; it is called again for the rest, with a heartbeat between
 */
type TakeRange = (batch: FetchedBatch, asked: OffsetRange) => Promise<number>;

interface RangeOptions extends Pick<MemberOptions, "fetchPartitionBytesMax" | "sessionTimeoutMs"> {
  /** Aborting ends the reading before the ranges' ends. */
  readonly stop?: AbortSignal;
}

/** What is left to read of one partition: `at` lies in the first of the ranges, of which there is one at least. */
interface Remaining {
  at: number;
  readonly ranges: OffsetRange[];
}

/**
 * Reads parts of a topic's log once, each partition's in the order of their offsets, as a group of its own that nobody else
 * is in. Batches come one after the other.
 * @param ranges which the log holds to their ends; of one partition ascending and apart
 * @param take is told with each batch which of its offsets are asked for
 * @throws TradetapeError broker_unreachable, topic_missing; and what `take` throws
 */
export async function readRanges(
  client: LogClient,
  topicName: string,
  ranges: readonly OffsetRange[],
  { stop, fetchPartitionBytesMax, sessionTimeoutMs }: RangeOptions,
  take: TakeRange,
): Promise<void> {
  const byPartition = new Map<number, Remaining>();
  for (const [partition, own] of Map.groupBy(ranges, (range) => range.partition))
    byPartition.set(partition, { at: own[0]!.from, ranges: [...own] });
  if (byPartition.size === 0) return;
  const groupId = `tradetape.ranges.${randomUUID()}`;
  const limits = { fetchPartitionBytesMax, sessionTimeoutMs };
  const member = client.member({ ...limits, groupId, topicNames: [topicName], assignment: "sole" });
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  try {
    const start = member.start({
      onAssigned: (partitions) => {
        for (const at of partitions) steer(member, topicName, at.partition, byPartition.get(at.partition));
      },
      onLeft: () => {},
      onBatch: async (batch, heartbeat, isStale) => {
        const remaining = byPartition.get(batch.partition);
        if (isStale() || remaining === undefined) return;
        // What has been taken is noted before a heartbeat, which throws when the group has to be joined again.
        for (let asked = askedOf(batch, remaining); asked !== undefined; asked = askedOf(batch, remaining)) {
          advance(remaining, await take(batch, asked));
          if (remaining.ranges.length === 0) byPartition.delete(batch.partition);
          if (byPartition.size === 0) resolve();
          if (stop?.aborted) return;
          await heartbeat();
        }
        if (batch.nextOffset !== remaining.at || remaining.ranges.length === 0)
          steer(member, topicName, batch.partition, byPartition.get(batch.partition));
      },
      onCrash: reject,
    });
    await Promise.race([start.then(() => promise), promise, ...(stop ? [aborted(stop)] : [])]);
  } finally {
    await member.stop();
  }
}

function steer(member: LogMember, topicName: string, partition: number, remaining: Remaining | undefined): void {
  if (remaining === undefined) member.hold({ topicName, partition });
  else member.seek({ topicName, partition }, remaining.at);
}

/** What is asked for next of a batch, which may hold several ranges, and begin before the first of them. */
function askedOf({ partition, nextOffset }: FetchedBatch, { at, ranges }: Remaining): OffsetRange | undefined {
  const [first] = ranges;
  if (first === undefined || at >= nextOffset) return undefined;
  return { partition, from: at, to: Math.min(first.to, nextOffset) };
}

/** Goes on behind what was taken: in the same range, or where the next one begins. */
function advance(remaining: Remaining, taken: number): void {
  const { ranges } = remaining;
  remaining.at = taken;
  if (taken < ranges[0]!.to) return;
  ranges.shift();
  remaining.at = ranges[0]?.from ?? taken;
}
