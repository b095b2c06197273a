import { LetterBreaker } from "./letter-breaker.ts";
import { OrphanBreaker } from "./orphan-breaker.ts";

/** What stops a group whose events become letters; each remembers the events before. */
export interface Breakers {
  readonly breaker: LetterBreaker;
  readonly orphanBreaker: OrphanBreaker;
}

/** @param shareMax letters per record that may be; 1 never trips */
export const openBreakers = (shareMax: number): Breakers => ({
  breaker: new LetterBreaker(shareMax),
  orphanBreaker: new OrphanBreaker(shareMax),
});
