import { claimPartition } from "../../table/landing/landed.ts";
import { countParked } from "../../table/landing/parked.ts";
import { judge, type Patience } from "../patience.ts";
import type { GroupParts } from "./group-parts.ts";
import { checkHistory, epochEndOf } from "./history.ts";
import type { Claim, Lane } from "./lane.ts";
import type { LockWatch } from "./lock-watch.ts";

type ClaimParts = GroupParts & { readonly lockWatch: LockWatch; readonly patience: Patience };

/**
 * Has a lane begin where its partition stands in the database, and Kafka deliver from there on.
 * @param isCurrent whether the assignment for which it is claimed is still the last one
 * @throws TradetapeError history_lost
 */
export async function claim(parts: ClaimParts, lane: Lane, isCurrent: () => boolean): Promise<void> {
  await lane.idle();
  const claimed = await find(parts, lane.partition, isCurrent);
  if (claimed === undefined || !isCurrent()) return;
  lane.begin(claimed);
  // Kafka is sent one record back where there is a landmark: `checkLandmark` compares it, and the landing trims it.
  const at = { topicName: parts.plan.topicName, partition: lane.partition };
  parts.member.seek(at, claimed.landmark?.offset ?? claimed.nextOffset);
}

/**
 * Finds where a partition stands in the database, and holds it against what the log has. A partition that this database
 * doesn't know begins at the log's start. Undefined where it isn't ours any more: then it must not be claimed, because that
 * would have its owner's batches refused.
 */
function find(parts: ClaimParts, partition: number, isCurrent: () => boolean): Promise<Claim | undefined> {
  const { landing, lockWatch, patience } = parts;
  const { topicName } = parts.plan;
  return patience.insist(
    `claiming ${topicName}/${partition}`,
    async () => {
      const before = await parts.logOf(partition);
      const { low } = before.log;
      if (!isCurrent()) return undefined;
      const place = await landing.use((c) =>
        lockWatch.run(c, () => claimPartition(c, topicName, partition, low, before.clusterId, "local")),
      );
      // The owner before us may have landed what was appended after `before` was read, so an end below
      // nextOffset proves no loss: the log is asked once more.
      const seen = place.nextOffset > before.log.high ? await parts.logOf(partition) : before;
      const epochEnd = await epochEndOf(parts, partition, place.leaderEpoch);
      checkHistory(topicName, place, { ...seen, epochEnd });
      const topicId = place.topicId ?? seen.topicId ?? null;
      const parked = await landing.use((c) => countParked(c, topicName, partition));
      const { nextOffset, lastOffset: offset, lastDigest: digest, rewinds, claims, leaderEpoch } = place;
      const landmark = offset !== null && digest !== null && offset >= seen.log.low ? { offset, digest } : undefined;
      return { nextOffset, parked, landmark, rewinds, claims, topicId, leaderEpoch, end: seen.log.high };
    },
    (error) => judge(error, topicName),
  );
}
