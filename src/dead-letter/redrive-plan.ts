import type { LetterCount } from "../table/letters/dead-letters.ts";

/** What a redrive would do. */
export interface RedrivePlan {
  readonly letters: readonly LetterCount[];
  readonly wouldSend: number;
  /** Left alone because they have been redriven too often. */
  readonly worn: number;
  /** Left alone because they are of record batches that nobody can read: there is no event to send. */
  readonly unreadable: number;
}

/**
 * @param found the open letters that are meant
 * @param again whether those that were redriven too often are sent, too
 */
export function redrivePlan(found: readonly LetterCount[], again: boolean, lettersMax: number): RedrivePlan {
  const sendable = found.filter(({ reason }) => reason !== "unreadable_batch");
  const all = found.reduce((sum, { letters }) => sum + letters, 0);
  const toSend = sendable.reduce((sum, { letters }) => sum + letters, 0);
  const worn = again ? 0 : sendable.reduce((sum, letter) => sum + letter.worn, 0);
  return { letters: found, wouldSend: Math.min(toSend - worn, lettersMax), worn, unreadable: all - toSend };
}
