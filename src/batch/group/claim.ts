import { claimPartition } from "../../table/landing/landed.ts";
import { countParked } from "../../table/landing/parked.ts";
import type { ConnectionSlot } from "../../table/slot.ts";
import { judge, type Patience } from "../patience.ts";
import type { GroupParts } from "./group-parts.ts";
import { checkHistory } from "./history.ts";
import type { Claim } from "./lane.ts";

/**
 * Finds where a partition stands in the database, and holds it against what the log has. A partition that this database
 * doesn't know begins at the log's start.
 * @throws TradetapeError history_lost
 */
export function claim(parts: GroupParts, slot: ConnectionSlot, partition: number, patience: Patience): Promise<Claim> {
  const { topicName } = parts.plan;
  return patience.insist(
    `claiming ${topicName}/${partition}`,
    async () => {
      const before = await parts.logOf(partition);
      const { low } = before.log;
      const place = await slot.use((c) => claimPartition(c, topicName, partition, low, before.clusterId));
      // The owner before us may still land what was appended after `before` was read, so an end below
      // nextOffset proves no loss: the log is asked once more.
      const { log, clusterId } = place.nextOffset > before.log.high ? await parts.logOf(partition) : before;
      checkHistory(topicName, place.nextOffset, place.clusterId, log, clusterId);
      const parked = await slot.use((c) => countParked(c, topicName, partition));
      const { nextOffset, lastOffset: offset, lastDigest: digest } = place;
      const landmark = offset !== null && digest !== null && offset >= log.low ? { offset, digest } : undefined;
      return { nextOffset, parked, landmark };
    },
    (error) => judge(error, topicName, slot.isBroken),
  );
}
