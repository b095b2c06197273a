import type { BatchInside, GroupSide, Internals } from "./kafkajs-internals.ts";

/** How long a member's first fetch waits for records, before the broker answers that there are none. */
const FIRST_WAIT_MS = 20;

/**
 * Has a member's fetches wait a little at first, and twice as long after each that brought nothing, up to what it was made
 * with. A seek and a stop wait for the end of a fetch, so that a member that has just begun, and lands in 200 ms what there
 * is, would spend most of its life in waiting for nothing. One that has been idle for a second asks as seldom as before.
 */
export function shortenFirstFetches({ ConsumerGroup }: Internals): void {
  const group = ConsumerGroup.prototype;
  const { fetch } = group;
  const longest = new WeakMap<GroupSide, number>();
  group.fetch = async function (this: GroupSide, nodeId) {
    if (!longest.has(this)) {
      longest.set(this, this.maxWaitTime);
      this.maxWaitTime = Math.min(FIRST_WAIT_MS, this.maxWaitTime);
    }
    const batches = await fetch.call(this, nodeId);
    if (batches.every(isEmpty)) this.maxWaitTime = Math.min(2 * this.maxWaitTime, longest.get(this)!);
    return batches;
  };
}

const isEmpty = ({ messagesWithinOffset }: BatchInside): boolean => messagesWithinOffset.length === 0;
