import { TradetapeError } from "../../errors.ts";
import type { Connection } from "../../table/connection.ts";
import { nextOffsets } from "../../table/landing/landed.ts";
import { parkedByPartition } from "../../table/landing/parked.ts";
import type { FetchedBatch } from "../../topic/fetch/fetched-batch.ts";
import { breachOf, isCutAt, type LandedLog, type SeenLog } from "../../topic/log-history.ts";
import type { EpochEnd } from "../../topic/offsets.ts";
import type { LandingPlan } from "../land/landing-plan.ts";
import { recordDigest } from "../land/landmark.ts";
import { judge } from "../patience.ts";
import type { GroupParts } from "./group-parts.ts";
import type { Lane } from "./lane.ts";
import { breachText, cutText, lostRecords, otherLog } from "./lost-history.ts";

/**
 * Holds what the database expects next against what the log still has. Lost history is never passed over by itself: a
 * person has to accept the loss (`acceptLoss`), or go back to where the log is still the one that landed (`tradetape rewind`).
 * @throws TradetapeError history_lost naming topic, partition, expected and found
 */
export function checkHistory(topicName: string, landed: LandedLog, seen: SeenLog): void {
  const { partition, low } = seen.log;
  const breach = breachOf(landed, seen);
  const isLost = low > landed.nextOffset && (breach === undefined || breach === "cut");
  if (isLost) throw lostRecords(topicName, partition, landed.nextOffset, low);
  if (breach !== undefined) throw otherLog(topicName, partition, breachText(breach, landed, seen));
}

/** Where the log's part of the landed epoch ends; undefined where nothing tells of an epoch. */
export const epochEndOf = async (
  parts: GroupParts,
  partition: number,
  leaderEpoch: number | null,
): Promise<EpochEnd | undefined> => (leaderEpoch === null ? undefined : parts.epochEndOf(partition, leaderEpoch));

type History = Pick<LandingPlan, "topicName" | "isCompacted">;
type LeaderParts = Pick<GroupParts, "epochEndOf"> & { readonly plan: Pick<LandingPlan, "topicName"> };

/**
 * Holds a lane's landmark against what the log has at its offset now, because a topic that was made again, or a log that
 * was cut by an unclean election, may be as long as before. In a compacted topic a missing record proves nothing.
 * @throws TradetapeError history_lost
 */
export function checkLandmark(plan: History, lane: Lane, batch: FetchedBatch): void {
  const { landmark } = lane;
  const { records } = batch;
  if (landmark === undefined || batch.fetchedOffset > landmark.offset || batch.nextOffset <= landmark.offset) return;
  for (let index = 0; index < records.count && records.offsetOf(index) <= landmark.offset; index++) {
    if (records.offsetOf(index) !== landmark.offset) continue;
    if (!recordDigest(records.record(index)).equals(landmark.digest)) throw anotherRecord(plan, lane, landmark.offset);
    lane.recognise();
    return;
  }
  if (!plan.isCompacted) throw anotherRecord(plan, lane, landmark.offset);
  lane.recognise();
}

const anotherRecord = ({ topicName }: History, { partition }: Lane, offset: number): TradetapeError =>
  otherLog(topicName, partition, `another record than the one that landed is at offset ${offset}`);

/** Whether another leader took this batch than what lies before it in the lane. */
export function isOfOtherLeader({ tail, leaderEpoch }: Lane, batch: FetchedBatch): boolean {
  if (tail === undefined || leaderEpoch === null) return false;
  const epoch = batch.leaderEpochAt(Math.max(tail, batch.fetchedOffset));
  return epoch !== undefined && epoch !== leaderEpoch;
}

/**
 * Whether the log still has all that was taken in, where another leader has followed: it may have lacked records, and the log
 * may have grown beyond since, so that its offsets alone show nothing.
 * @throws TradetapeError history_lost
 */
export async function checkLeader(parts: LeaderParts, { tail, leaderEpoch, partition }: Lane): Promise<void> {
  if (tail === undefined || leaderEpoch === null) return;
  const epochEnd = await parts.epochEndOf(partition, leaderEpoch);
  if (epochEnd === undefined || !isCutAt(epochEnd, leaderEpoch, tail)) return;
  throw otherLog(parts.plan.topicName, partition, cutText(tail, leaderEpoch, epochEnd));
}

/**
 * Looks from time to time whether the log still has what the lanes expect: a log that lost what comes next, or that was
 * made again, may bring no batch by which `Intake` could notice. Looks at the topic's settings, too, because somebody may
 * change them while the group runs.
 * @param sendBack is called with each lane that the database is behind of
 * @throws TradetapeError history_lost, topic_missing, topic_misconfigured; a broker that is away is passed over here, as
 * fetching waits for it anyway
 */
export async function watchHistory(
  parts: GroupParts,
  lanes: ReadonlyMap<number, Lane>,
  sendBack: (lane: Lane) => void,
): Promise<void> {
  await parts.checkTopic().catch(passOver);
  const asked = [...lanes.values()].filter((lane) => lane.tail !== undefined);
  const before = new Map(asked.map((lane) => [lane.partition, { ...landedOf(lane), lane }]));
  const logs = before.size === 0 ? undefined : await parts.logsOf(before).catch(passOver);
  for (const [partition, { lane, ...landed }] of before) {
    const seen = logs?.get(partition);
    if (seen === undefined || lane.tail === undefined) continue;
    // `lane.tail` may have moved on while `logsOf` asked the log. Its start is compared with the tail as it is now, because
    // retention may delete what has landed meanwhile. Its end is compared with the tail from before the question, because
    // the log may have grown since `logsOf` read it, and the tail with the log.
    const isPassed = seen.log.low > landed.nextOffset && lane.tail !== landed.nextOffset;
    const now = isPassed ? { ...landed, nextOffset: lane.tail, leaderEpoch: null } : landed;
    checkHistory(parts.plan.topicName, now, seen);
  }
  for (const lane of await setBackLanes(parts, lanes.values())) sendBack(lane);
  if (parts.plan.consumer.landing.parents.length > 0) await recountParked(parts, lanes.values());
}

const landedOf = ({ tail, claim, leaderEpoch }: Lane): LandedLog => ({
  nextOffset: tail!,
  clusterId: null,
  topicId: claim?.topicId ?? null,
  leaderEpoch,
});

/** Passes over what a retry may help with. */
function passOver(error: unknown): undefined {
  if (!(error instanceof TradetapeError && error.canRetry)) throw error;
}

/**
 * Counts the parked events of idle lanes anew: a release that was lost in a failover shows in `parked_event` only, because
 * it covers no offsets.
 */
async function recountParked(parts: GroupParts, lanes: Iterable<Lane>): Promise<void> {
  const idle = [...lanes].filter((lane) => lane.isIdle).map((lane) => ({ lane, jobs: lane.jobsBegun }));
  const counts = await ask(parts, parkedByPartition);
  if (counts === undefined) return;
  for (const { lane, jobs } of idle) if (lane.jobsBegun === jobs) lane.parked = counts.get(lane.partition) ?? 0;
}

/** Asks the database about a topic's partitions; undefined while it doesn't answer. */
async function ask<R>(parts: GroupParts, question: (connection: Connection, topic: string) => Promise<R>) {
  const { topicName } = parts.plan;
  return parts.outbox
    .use((connection) => question(connection, topicName))
    .catch((error: unknown) => {
      const judgement = judge(error, topicName);
      if (judgement !== "retry") throw judgement;
    });
}

/**
 * Finds the lanes that the database is behind of, because a failover went to a replica without the last commits. On a
 * topic where nothing more comes, no landing would notice.
 */
async function setBackLanes(parts: GroupParts, lanes: Iterable<Lane>): Promise<readonly Lane[]> {
  const heard = [...lanes].filter((lane) => lane.tail !== undefined).map((lane) => ({ lane, next: lane.nextOffset }));
  const landed = await ask(parts, nextOffsets);
  return heard.filter(({ lane, next }) => (landed?.get(lane.partition) ?? next) < next).map(({ lane }) => lane);
}
