import { createRequire } from "node:module";

/** The part of kafkajs 2.2.4's request queue that is touched here. */
interface RequestQueue {
  readonly pending: readonly unknown[];
  /** The end of a broker's throttling, in ms since 1970; -1 is none. */
  readonly throttledUntil: number;
  throttleCheckTimeoutId: NodeJS.Timeout | null;
  checkPendingRequests(): void;
}

const CHECK_INTERVAL_MS = 10;

/**
 * kafkajs sets its timer for held-back requests even when none is held back, to a moment long past: Node warns of the
 * negative delay, fires it a millisecond later, and so on for ever, on every connection (800 wake-ups a second when
 * idle). Nothing waits for that timer: a request that is held back sets it when it is queued. So it is set only then.
 */
export function quietRequestQueue(): void {
  const load = createRequire(import.meta.url);
  const { prototype } = load("kafkajs/src/network/requestQueue/index.js") as { prototype: object };
  Object.assign(prototype, { scheduleCheckPendingRequests });
}

function scheduleCheckPendingRequests(this: RequestQueue): void {
  if (this.throttleCheckTimeoutId !== null || this.pending.length === 0) return;
  const delayMs = Math.max(this.throttledUntil - Date.now(), CHECK_INTERVAL_MS);
  this.throttleCheckTimeoutId = setTimeout(() => {
    this.throttleCheckTimeoutId = null;
    this.checkPendingRequests();
  }, delayMs);
}
