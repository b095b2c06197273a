import { setTimeout as sleep } from "node:timers/promises";

/** Microseconds of the machine's monotonic clock, which all its processes share. */
export const nowUs = (): number => Number(process.hrtime.bigint() / 1000n);

const AHEAD_US = 50_000;

/**
 * Calls `send(n, dueUs)` for n from 0 at an even pace, as a market does: it doesn't wait for anybody. Who comes late is
 * called for all that are due at once, with the times at which they were due, so that a stall counts for every event
 * that it held up and not for one.
 */
export async function paced(perSecond: number, count: number, send: (n: number, dueUs: number) => void): Promise<void> {
  const startUs = nowUs() + AHEAD_US;
  const stepUs = 1_000_000 / perSecond;
  for (let n = 0; n < count; ) {
    const now = nowUs();
    for (; n < count && startUs + n * stepUs <= now; n++) send(n, startUs + n * stepUs);
    await sleep(1);
  }
}
