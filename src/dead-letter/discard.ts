import { randomUUID } from "node:crypto";
import type { Ops } from "../operator/ops.ts";
import { committed } from "../table/committed.ts";
import type { LetterFilter } from "../table/letters/dead-letters.ts";
import { asOfNow, EVERY_ATTEMPT, lockOpenLetters, markDiscarded, openPlaces } from "../table/letters/letter-actions.ts";

/** A page is one transaction and one entry of the audit trail, whose payload names each letter by its offset. */
const PAGE_LETTERS_MAX = 5000;

interface DiscardOptions {
  readonly filter: LetterFilter;
  /** Why, for those who read the audit trail. */
  readonly note: string;
  readonly lettersMax: number;
  /** Aborting stops between two pages. */
  readonly stop: AbortSignal;
}

/** Gives letters up: their state changes, their bytes stay. @returns how many */
export async function discard(ops: Ops, options: DiscardOptions): Promise<number> {
  const { connection, osUser } = ops;
  const { note, stop } = options;
  const filter = await asOfNow(connection, options.filter);
  const actionId = randomUUID();
  let discarded = 0;
  for (const place of await openPlaces(connection, filter)) {
    for (let afterOffset = -1; ; ) {
      const rowsMax = Math.min(PAGE_LETTERS_MAX, options.lettersMax - discarded);
      if (rowsMax <= 0 || stop.aborted) return discarded;
      const page = await committed(connection, async () => {
        const at = { ...place, afterOffset, rowsMax, attemptsMax: EVERY_ATTEMPT };
        const found = await lockOpenLetters(connection, filter, at);
        const offsets = found.locked.map(({ offset }) => offset);
        const action = { ...place, filter, actionId, osUser };
        if (offsets.length > 0) await markDiscarded(connection, action, offsets, note);
        return found;
      });
      if (page.looked === 0) break;
      discarded += page.locked.length;
      afterOffset = page.lastOffset;
    }
  }
  return discarded;
}
