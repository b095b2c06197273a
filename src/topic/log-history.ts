import type { LogAdmin } from "./log-client.ts";
import type { EpochEnd, PartitionOffsets } from "./offsets.ts";

/** What is known of a partition's log by what landed of it; null is what nothing has told yet. */
export interface LandedLog {
  readonly nextOffset: number;
  readonly clusterId: string | null;
  readonly topicId: string | null;
  /** The epoch of the leader that took what lies just below `nextOffset`. */
  readonly leaderEpoch: number | null;
}

/** A partition's log as it is now. */
export interface SeenLog {
  readonly log: PartitionOffsets;
  readonly clusterId: string;
  /** Undefined of brokers that don't tell. */
  readonly topicId: string | undefined;
  /** Where the part of the landed epoch ends, or of the last one before it; undefined where it isn't known. */
  readonly epochEnd: EpochEnd | undefined;
}

/**
 * How a log isn't the one that landed. `cluster`: it is another cluster's. `topic`: the topic was made again. `cut`: it lost
 * records that had landed, as by the election of a broker that lacked them, whether or not it has grown beyond since.
 */
export type Breach = "cluster" | "topic" | "cut";

/** @returns undefined where the log is the one that landed, as far as it can be told without its records */
export function breachOf(landed: LandedLog, { log, clusterId, topicId, epochEnd }: SeenLog): Breach | undefined {
  if (landed.clusterId !== null && landed.clusterId !== clusterId) return "cluster";
  if (landed.topicId !== null && topicId !== undefined && landed.topicId !== topicId) return "topic";
  if (log.high < landed.nextOffset) return "cut";
  if (landed.leaderEpoch === null || epochEnd === undefined) return undefined;
  return isCutAt(epochEnd, landed.leaderEpoch, landed.nextOffset) ? "cut" : undefined;
}

/**
 * Whether a log lacks something of what its leader of `epoch` had taken up to `nextOffset`. A leader writes under an epoch of
 * its own, so a log that lost records ends that epoch earlier, or has none of it.
 */
export const isCutAt = ({ epoch, end }: EpochEnd, leaderEpoch: number, nextOffset: number): boolean =>
  epoch !== leaderEpoch || end < nextOffset;

/**
 * What each of a topic's logs is now, of every partition that the cluster has.
 * @param landed by partition
 */
export async function seeLogs(
  admin: LogAdmin,
  topicName: string,
  landed: ReadonlyMap<number, Pick<LandedLog, "nextOffset" | "leaderEpoch">>,
): Promise<readonly SeenLog[]> {
  const first = await admin.fetchOffsets(topicName);
  // Asked twice where one seems to end early, as a broker may say that has just come to lead it.
  const isShort = first.some(({ partition, high }) => high < (landed.get(partition)?.nextOffset ?? 0));
  const logs = isShort ? await admin.fetchOffsets(topicName) : first;
  const { clusterId } = await admin.fetchCluster();
  const topicId = await admin.fetchTopicId(topicName);
  const epochs = new Map<number, number>();
  for (const [partition, { leaderEpoch }] of landed) if (leaderEpoch !== null) epochs.set(partition, leaderEpoch);
  const ends = await admin.fetchEpochEnds(topicName, epochs);
  return logs.map((log) => ({ log, clusterId, topicId, epochEnd: ends.get(log.partition) }));
}
