import { count, TradetapeError } from "../../errors.ts";
import { type FetchedBatch, shortName } from "../../topic/fetch/fetched-batch.ts";
import type { Breach, LandedLog, SeenLog } from "../../topic/log-history.ts";
import type { EpochEnd } from "../../topic/offsets.ts";

/** The error of a batch with offsets that hold nothing: in a topic that isn't compacted, these are records that are gone. */
export const missingRecords = (topicName: string, batch: FetchedBatch): TradetapeError => {
  const range = `offsets ${batch.fetchedOffset} to ${batch.nextOffset - 1}`;
  return new TradetapeError(
    "history_lost",
    `${topicName}/${batch.partition}: expected every one of ${range}, the log lacks ${count(batch.missing)} of them`,
    {
      next:
        "Find out what removed them: a compaction, a disk. The way on is a fresh database, filled from the log as it is now " +
        "by `tradetape replay --into URL` and consumed into from then on; this one keeps what the log has lost.",
    },
  );
};

/** The log begins behind what comes next: what is between them is gone for good, and may be accepted. */
export function lostRecords(topicName: string, partition: number, next: number, low: number): TradetapeError {
  const message = `${topicName}/${partition}: expected offset ${next} next, the log begins at ${low}`;
  const range = `${shortName(topicName)}/${partition}:${next}..${low}`;
  return new TradetapeError("history_lost", message, {
    next:
      "Find out what removed the records, such as a retention that is too short. Nothing of this partition lands until " +
      `then. If they are gone for good: \`tradetape consume --accept-loss ${range} --reason WHY\`.`,
  });
}

/** What a log is instead of the one that landed. */
export function breachText(breach: Breach, landed: LandedLog, { log, clusterId, topicId, epochEnd }: SeenLog): string {
  if (breach === "cluster") return `landed here from the Kafka cluster ${landed.clusterId}, and this is ${clusterId}`;
  if (breach === "topic") {
    return `the topic was made again: what landed here had the id ${landed.topicId}, this one has ${topicId}`;
  }
  if (log.high < landed.nextOffset) return `expected offset ${landed.nextOffset} next, the log ends at ${log.high}`;
  return cutText(landed.nextOffset, landed.leaderEpoch!, epochEnd!);
}

export function cutText(nextOffset: number, leaderEpoch: number, { epoch, end }: EpochEnd): string {
  const part = epoch === leaderEpoch ? "ends" : `is gone, and what lies before it, of epoch ${epoch}, ends`;
  const took = `what its leader of epoch ${leaderEpoch} took`;
  return `expected offset ${nextOffset} next, but the log was cut: ${took} ${part} at ${end}`;
}

/** This isn't the log that landed: its offsets name other records, from some offset on or all of them. */
export const otherLog = (topicName: string, partition: number, text: string): TradetapeError =>
  new TradetapeError("history_lost", `${topicName}/${partition}: ${text}`, {
    next:
      "Find out what happened: a cluster that was replaced, a topic made again, an election of a broker that lacked " +
      "records. Nothing of this partition lands until then. If the log is to stay as it is, " +
      `\`tradetape rewind ${shortName(topicName)} --reason WHY\` goes back to where it is still the one that landed ` +
      "and lands what it holds from there, audited; --dry-run in place of the reason says first what that means " +
      '(docs/kafka.md, "Another log").',
  });
