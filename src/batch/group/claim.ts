import { claimPartition } from "../../table/landing/landed.ts";
import { countParked } from "../../table/landing/parked.ts";
import type { ConnectionSlot } from "../../table/slot.ts";
import { judge, type Patience } from "../patience.ts";
import type { GroupParts } from "./group-parts.ts";
import { checkHistory } from "./history.ts";
import type { Claim } from "./lane.ts";

/**
 * Where a partition stands in the database, held against what the log has. A partition that was never here begins at
 * the log's start.
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
      // The log grows and its owner before us lands on while we ask: an end read before the place proves no loss.
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
