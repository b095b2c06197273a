import type { Internals, RequestQueue } from "./kafkajs-internals.ts";

const CHECK_INTERVAL_MS = 10;

/**
 * Has kafkajs set its timer for held-back requests only when one is held back. kafkajs sets it always, to a moment long
 * past: Node warns of the negative delay, fires it a millisecond later, and so on for ever, on every connection (800
 * wake-ups a second when idle). Nothing waits for that timer, because a request that is held back sets it itself.
 */
export function quietRequestQueue(internals: Internals): void {
  internals.RequestQueue.prototype.scheduleCheckPendingRequests = scheduleCheckPendingRequests;
}

function scheduleCheckPendingRequests(this: RequestQueue): void {
  if (this.throttleCheckTimeoutId !== null || this.pending.length === 0) return;
  const delayMs = Math.max(this.throttledUntil - Date.now(), CHECK_INTERVAL_MS);
  this.throttleCheckTimeoutId = setTimeout(() => {
    this.throttleCheckTimeoutId = null;
    this.checkPendingRequests();
  }, delayMs);
}
