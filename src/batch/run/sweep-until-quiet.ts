import type { Tally } from "../tally.ts";

/** What `sweepUntilQuiet` needs of a group. */
interface Sweeping {
  readonly tally: Pick<Tally, "parked">;
  sweep(): void;
  settled(): Promise<void>;
}

/**
 * Sweeps the groups until a whole round releases nothing. One round isn't enough, because what it releases may be the parent
 * of what waits: predictions, decisions and fills come free one after the other. The first `settled` waits until the groups
 * know their logs again: where all had landed before, nothing else holds the log against the database, and a lost history
 * must not pass for caught up.
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

/** Falls with every parked event that is released; it is below 0 where events are released that earlier calls parked. */
const parkedCount = (groups: readonly Sweeping[]): number => groups.reduce((sum, { tally }) => sum + tally.parked, 0);
