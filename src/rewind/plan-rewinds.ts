import { recordDigest } from "../batch/land/landmark.ts";
import type { Config } from "../config.ts";
import { TradetapeError } from "../errors.ts";
import type { Connection } from "../table/connection.ts";
import { type LandedOffset, landedLogs } from "../table/landing/landed.ts";
import { type CutOff, countCutOff, landedEpochs } from "../table/upkeep/rewinds.ts";
import type { LogAdmin, LogClient } from "../topic/log-client.ts";
import { type Breach, breachOf, type SeenLog, seeLogs } from "../topic/log-history.ts";
import { readRanges } from "../topic/read-ranges.ts";
import { type CommonEnd, commonEnd } from "./common-end.ts";

/** A partition whose log isn't the one that landed, and what going back to where it is would mean. */
export interface PlannedRewind extends CutOff {
  /** The full name. */
  readonly topic: string;
  readonly partition: number;
  /** `record`: another record lies where the last one that landed was, and nothing else tells of the log. */
  readonly breach: Breach | "record";
  readonly landed: LandedOffset;
  readonly seen: SeenLog;
  /** Up to where the log is the one that landed; null where nothing tells. */
  readonly commonEnd: number | null;
  readonly to: number;
  /** The epoch of what lies just below `to`; null where it isn't known. */
  readonly leaderEpoch: number | null;
  /** The first offset of which what was set aside or parked is no longer in the log. */
  readonly cutFrom: number;
}

interface Services {
  readonly connection: Connection;
  readonly client: LogClient;
  readonly admin: LogAdmin;
  readonly config: Pick<Config, "fetchPartitionBytesMax" | "sessionTimeoutMs" | "compactedTopics">;
}

/** Which partition is meant, and where to go back to; all that need it, and as far as they have to, where it is undefined. */
interface AskedRewind {
  readonly partition: number | undefined;
  readonly to: number | undefined;
}

/**
 * Looks which partitions of a topic have another log than the one that landed, and how far each has to go back.
 * @param topic the full name
 * @throws TradetapeError input_invalid where `to` would pass over records that nobody knows to have landed; topic_missing
 */
export async function planRewinds(services: Services, topic: string, asked: AskedRewind): Promise<PlannedRewind[]> {
  const { connection, admin } = services;
  const landed = await landedLogs(connection, topic);
  if (landed.size === 0) return [];
  const logs = new Map((await seeLogs(admin, topic, landed)).map((seen) => [seen.log.partition, seen]));
  const found = new Map<number, PlannedRewind["breach"]>();
  const landmarks = new Map<number, number>();
  for (const [partition, own] of landed) {
    const seen = logs.get(partition);
    const breach = seen && breachOf(own, seen);
    if (seen === undefined) continue;
    if (breach !== undefined) found.set(partition, breach);
    else if (own.lastOffset !== null && own.lastOffset >= seen.log.low) landmarks.set(partition, own.lastOffset);
  }
  for (const [partition, digest] of await digestsAt(services, topic, landmarks)) {
    const isGone = digest === undefined && services.config.compactedTopics !== "land";
    if (isGone || (digest && !digest.equals(landed.get(partition)!.lastDigest!))) found.set(partition, "record");
  }
  const plans: PlannedRewind[] = [];
  for (const [partition, breach] of [...found].sort(([a], [b]) => a - b)) {
    if (asked.partition !== undefined && asked.partition !== partition) continue;
    const place = { topic, partition, breach, landed: landed.get(partition)!, seen: logs.get(partition)! };
    plans.push(await planOne(services, place, asked.to));
  }
  return plans;
}

type Found = Pick<PlannedRewind, "topic" | "partition" | "breach" | "landed" | "seen">;

async function planOne(services: Services, found: Found, asked: number | undefined): Promise<PlannedRewind> {
  const { topic, partition, breach, seen } = found;
  const { low, high } = seen.log;
  const common = await commonEndOf(services, found);
  const farthest = common?.offset ?? low;
  const to = asked ?? Math.min(farthest, high);
  if (to > farthest) await requireLandmarkBelow(services, found, to);
  const cutFrom = breach === "topic" || breach === "cluster" ? 0 : to;
  return {
    ...found,
    commonEnd: common?.offset ?? null,
    to,
    leaderEpoch: common !== undefined && to === common.offset ? common.epoch : null,
    cutFrom,
    ...(await countCutOff(services.connection, { topic, partition }, cutFrom)),
  };
}

/** Of another topic or cluster nothing is the one that landed. */
async function commonEndOf(
  { connection, admin }: Services,
  { topic, partition, breach, landed }: Found,
): Promise<{ readonly offset: number; readonly epoch: CommonEnd["epoch"] | null } | undefined> {
  if (breach === "topic" || breach === "cluster") return { offset: 0, epoch: null };
  if (breach === "record") return undefined;
  const endOf = async (epoch: number) =>
    (await admin.fetchEpochEnds(topic, new Map([[partition, epoch]]))).get(partition);
  return commonEnd(await landedEpochs(connection, { topic, partition }), landed.nextOffset, endOf);
}

/** @throws TradetapeError input_invalid unless the record below an offset is the last one that landed */
async function requireLandmarkBelow(services: Services, { topic, partition, landed, seen }: Found, to: number) {
  const { low, high } = seen.log;
  const isThere = to > low && to <= high;
  const digests = await digestsAt(services, topic, new Map(isThere ? [[partition, to - 1]] : []));
  const digest = digests.get(partition);
  if (landed.lastDigest !== null && digest?.equals(landed.lastDigest)) return;
  throw new TradetapeError(
    "input_invalid",
    `${topic}/${partition} can't go on at offset ${to}: the record below it isn't the last one that landed here, so what ` +
      "lies before might never land",
    {
      next: "Leave --to away, or give the offset behind the record that landed last; ids keep what comes twice apart.",
    },
  );
}

/** The digests of single records, by partition; undefined where the log has no record at that offset. */
async function digestsAt(
  { client, config }: Services,
  topic: string,
  offsets: ReadonlyMap<number, number>,
): Promise<ReadonlyMap<number, Buffer | undefined>> {
  const digests = new Map<number, Buffer | undefined>([...offsets.keys()].map((partition) => [partition, undefined]));
  const ranges = [...offsets].map(([partition, from]) => ({ partition, from, to: from + 1 }));
  await readRanges(client, topic, ranges, config, async ({ records }, { partition, from, to }) => {
    for (let index = 0; index < records.count; index++) {
      if (records.offsetOf(index) === from) digests.set(partition, recordDigest(records.record(index)));
    }
    return to;
  });
  return digests;
}
