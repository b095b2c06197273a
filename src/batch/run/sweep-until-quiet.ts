import type { Tally } from "../tally.ts";

/** A group, as far as sweeping goes. */
export interface Sweeping {
  readonly tally: Pick<Tally, "parked">;
  sweep(): void;
  settled(): Promise<void>;
}

/**
 * Sweeps the groups until a whole round releases nothing. A release may be the parent of the next one: predictions,
 * decisions and fills come free one after the other. The first wait is for the groups to know their logs
 * again: where all had landed before, nothing else holds the log against the database, and a lost history must not pass
 * as caught up.
 */
export async function sweepUntilQuiet(groups: readonly Sweeping[], stop: AbortSignal): Promise<void> {
  for (const group of groups) await group.settled();
  for (let before: number | undefined; before !== parkedCount(groups) && !stop.aborted; ) {
    before = parkedCount(groups);
    for (const group of groups) {
      group.sweep();
      await group.settled();
    }
  }
}

/** Falls with every parked event that is released; below 0 when earlier calls parked them. */
const parkedCount = (groups: readonly Sweeping[]): number => groups.reduce((sum, { tally }) => sum + tally.parked, 0);
