import { randomUUID } from "node:crypto";
import { recordLetters } from "../operator/audit-entries.ts";
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
  const { connection } = ops;
  const { note, stop } = options;
  const filter = await asOfNow(connection, options.filter);
  const actionId = randomUUID();
  let discarded = 0;
  for (const place of await openPlaces(connection, filter)) {
    for (let afterOffset = -1; ; ) {
      const rowsMax = Math.min(PAGE_LETTERS_MAX, options.lettersMax - discarded);
      if (rowsMax <= 0 || stop.aborted) return discarded;
      const letters = await committed(connection, async () => {
        const at = { ...place, afterOffset, rowsMax, attemptsMax: EVERY_ATTEMPT };
        const locked = await lockOpenLetters(connection, filter, at);
        if (locked.length === 0) return locked;
        const offsets = locked.map(({ offset }) => offset);
        await markDiscarded(connection, place, offsets, ops.actor, note);
        await recordLetters(ops, { kind: "DISCARD", actionId, filter, ...place, letters: locked, note });
        return locked;
      });
      if (letters.length === 0) break;
      discarded += letters.length;
      afterOffset = letters.at(-1)!.offset;
    }
  }
  return discarded;
}
