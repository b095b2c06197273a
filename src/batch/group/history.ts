import { count, TradetapeError } from "../../errors.ts";
import type { Connection } from "../../table/connection.ts";
import { nextOffsets } from "../../table/landing/landed.ts";
import { parkedByPartition } from "../../table/landing/parked.ts";
import type { FetchedBatch } from "../../topic/fetch/fetched-batch.ts";
import type { PartitionOffsets } from "../../topic/offsets.ts";
import type { LandingPlan } from "../land/landing-plan.ts";
import { recordDigest } from "../land/landmark.ts";
import { judge } from "../patience.ts";
import type { GroupParts } from "./group-parts.ts";
import type { Lane } from "./lane.ts";

/**
 * Holds what the database expects next against what the log still has. Lost history is never passed over by itself: a
 * person has to accept the loss (`acceptLoss`).
 * @throws TradetapeError history_lost naming topic, partition, expected and found
 */
export function checkHistory(
  topicName: string,
  nextOffset: number,
  landedFrom: string | null,
  log: PartitionOffsets,
  clusterId: string,
): void {
  const at = `${topicName}/${log.partition}`;
  if (landedFrom !== null && landedFrom !== clusterId) {
    throw another(`${at} landed here from the Kafka cluster ${landedFrom}, and this is ${clusterId}`);
  }
  if (log.low > nextOffset) throw lost(topicName, log.partition, nextOffset, log.low);
  if (log.high < nextOffset) throw another(`${at}: expected offset ${nextOffset} next, the log ends at ${log.high}`);
}

type History = Pick<LandingPlan, "topicName" | "isCompacted">;

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
  another(`${topicName}/${partition}: another record than the one that landed is at offset ${offset}`);

/** The error of a batch with offsets that hold nothing: in a topic that isn't compacted, these are records that are gone. */
export const missingRecords = (topicName: string, batch: FetchedBatch): TradetapeError => {
  const range = `offsets ${batch.fetchedOffset} to ${batch.nextOffset - 1}`;
  return new TradetapeError(
    "history_lost",
    `${topicName}/${batch.partition}: expected every one of ${range}, the log lacks ${count(batch.missing)} of them`,
    { next: `Find out what removed them: a compaction, a disk. ${REFILL}` },
  );
};

/** The log begins behind what comes next: what is between them is gone for good, and may be accepted. */
function lost(topicName: string, partition: number, next: number, low: number): TradetapeError {
  const message = `${topicName}/${partition}: expected offset ${next} next, the log begins at ${low}`;
  const range = `${topicName.slice(topicName.lastIndexOf(".") + 1)}/${partition}:${next}..${low}`;
  return new TradetapeError("history_lost", message, {
    next:
      "Find out what removed the records, such as a retention that is too short. Nothing of this partition lands until " +
      `then. If they are gone for good: \`tradetape consume --accept-loss ${range} --reason WHY\`.`,
  });
}

/** This isn't the log that landed: its offsets name other records, so none of them can be gone on from. */
const another = (message: string): TradetapeError =>
  new TradetapeError("history_lost", message, {
    next:
      "Find out what happened: a cluster that was replaced, a topic made again, an election of a broker that lacked " +
      `records. Nothing of this partition lands until then. ${REFILL}`,
  });

const REFILL =
  "The way on is a fresh database, filled from the log as it is now by `tradetape replay --into URL` and consumed into from " +
  'then on; this one keeps what the log has lost (docs/kafka.md, "Another log").';

/**
 * Looks from time to time whether the log still has what the lanes expect: a log that lost what comes next, or that was
 * made again and is shorter, brings no batch by which `Intake` could notice. A topic that was made again and has grown
 * longer between two looks isn't noticed here, but by its landmark at the next claim. Looks at the topic's settings, too,
 * because somebody may change them while the group runs.
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
  for (const lane of lanes.values()) {
    const tail = lane.tail;
    if (tail === undefined) continue;
    const found = await parts.logOf(lane.partition).catch(passOver);
    if (found === undefined || lane.tail === undefined) continue;
    const { log, clusterId } = found;
    // `lane.tail` may have moved on while `logOf` asked the log. Its start is compared with the tail as it is now, because
    // retention may delete what has landed meanwhile. Its end is compared with the tail from before the question, because
    // the log may have grown since `logOf` read it, and the tail with the log.
    const at = log.low > tail ? lane.tail : tail;
    checkHistory(parts.plan.topicName, at, clusterId, log, clusterId);
  }
  for (const lane of await setBackLanes(parts, lanes.values())) sendBack(lane);
  if (parts.plan.consumer.landing.parents.length > 0) await recountParked(parts, lanes.values());
}

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
  const slot = parts.outboxSlot;
  return slot
    .use((connection) => question(connection, topicName))
    .catch((error: unknown) => {
      const judgement = judge(error, topicName, slot.isBroken);
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
