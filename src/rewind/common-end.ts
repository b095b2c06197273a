import type { LandedEpoch } from "../table/upkeep/rewinds.ts";
import type { EpochEnd } from "../topic/offsets.ts";

/** Up to where a log is still the one that landed, and the epoch of the leader that took what lies just below. */
export interface CommonEnd {
  readonly offset: number;
  readonly epoch: number;
}

/**
 * Finds where a log that was cut parts from what landed, as a follower of Kafka's finds it: each leader wrote under an epoch of
 * its own, so two logs are the same up to where the last epoch that both have ends in either of them.
 * @param landed which leaders took what landed, in the order of `landedEpochs`
 * @param endOf where the log's part of an epoch, or of the last one before it, ends
 * @returns undefined where nothing tells: what landed has no epochs so far back, or the log knows of none of them
 */
export async function commonEnd(
  landed: readonly LandedEpoch[],
  nextOffset: number,
  endOf: (epoch: number) => Promise<EpochEnd | undefined>,
): Promise<CommonEnd | undefined> {
  const known = landed.flatMap(({ epoch, from }) => (epoch === null ? [] : [{ epoch, from }]));
  const unknownTo = Math.max(0, ...landed.flatMap(({ epoch, next }) => (epoch === null ? [next] : [])));
  // A batch is noted under the epoch of its last offset, so the part of an epoch ends here at the first batch of a later one.
  const ownEnd = (of: number) =>
    Math.min(nextOffset, ...known.filter(({ epoch }) => epoch > of).map(({ from }) => from));
  let asked = known.at(-1)?.epoch;
  while (asked !== undefined) {
    const found = await endOf(asked);
    if (found === undefined) return undefined;
    const own: number | undefined = known.findLast(({ epoch }) => epoch <= found.epoch)?.epoch;
    if (own === found.epoch) {
      const offset = Math.min(found.end, ownEnd(own));
      return offset < unknownTo ? undefined : { offset, epoch: own };
    }
    asked = own;
  }
  return undefined;
}
