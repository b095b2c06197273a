import { TradetapeError } from "../errors.ts";
import type { LandedOffset } from "../table/landed.ts";
import type { PartitionOffsets } from "../topic/offsets.ts";

/**
 * Holds what the database expects next against what the log still has. Lost history is never jumped over: somebody has
 * to say that it is lost.
 * @throws TradetapeError history_lost naming topic, partition, expected and found
 */
export function checkHistory(topicName: string, landed: LandedOffset, log: PartitionOffsets, clusterId: string): void {
  const at = `${topicName}/${log.partition}`;
  if (landed.clusterId !== null && landed.clusterId !== clusterId) {
    throw lost(`${at} landed here from the Kafka cluster ${landed.clusterId}, and this is ${clusterId}`);
  }
  if (log.low > landed.nextOffset) {
    throw lost(`${at}: expected offset ${landed.nextOffset} next, the log begins at ${log.low}`);
  }
  if (log.high < landed.nextOffset) {
    throw lost(`${at}: expected offset ${landed.nextOffset} next, the log ends at ${log.high}`);
  }
}

const lost = (message: string): TradetapeError =>
  new TradetapeError("history_lost", message, {
    next: "Find out what removed the records (retention, a topic made again, another cluster). Nothing of this partition lands until then.",
  });
