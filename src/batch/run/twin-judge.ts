import { type BeatAnswer, SILENT_MS } from "../../table/beats.ts";
import type { BeatNote } from "./beat-note.ts";

/**
 * So many beats of one process on one timeline, each newer than the one before, that our database lacks: it beats in another
 * one. A failover can take back two at most that are seen: the one that was shown, and the one that was to be shown next.
 */
const TWIN_BEATS = 3;

/** A note that is older tells nothing: its process's row may have been forgotten (`forgetBeats`). */
const SHOWN_MS = 20 * 86_400_000;

/** How far the clocks of two databases may be apart. */
export const CLOCKS_APART_MS = 300_000;

/** A process whose beats our database should have, and hasn't. */
interface Lacking {
  readonly note: BeatNote;
  /** How many were seen, each newer than the one before. */
  readonly beats: number;
}

/**
 * Judges by the notes of others whether they land in our database. A process shows a beat only when that has committed in its
 * database, and our database is asked after the note was read. So a beat that it lacks was taken back, by a failover or a
 * restored backup, or was never its own. Whoever goes on after beats were taken back beats in the database that there is now;
 * who beats in another one goes on and on.
 */
export class TwinJudge {
  readonly #lacking = new Map<string, Lacking>();
  /** Whether another process that lands in our database was in the groups at the last look. */
  isAccompanied = false;
  /** The notes at the last look of processes that may run, and of which our database can't tell whether they land in it. */
  undecided: readonly BeatNote[] = [];

  /** @param notes read before our database gave this answer to the beat that asked for their processes */
  look(notes: readonly BeatNote[], answer: BeatAnswer): void {
    const newest = new Map<string, BeatNote>();
    for (const note of notes) {
      if ((newest.get(note.process)?.number ?? -1) < note.number) newest.set(note.process, note);
    }
    for (const note of newest.values()) this.#judge(note, answer);
    const known = [...newest.values()].filter((note) => isKnown(note, answer));
    this.isAccompanied = known.some((note) => isHere(note, answer) && note.atMs > answer.atMs - SILENT_MS);
    this.undecided = known.filter((note) => !isHere(note, answer) && note.atMs > answer.atMs - CLOCKS_APART_MS);
    for (const process of [...this.#lacking.keys()]) if (!newest.has(process)) this.#lacking.delete(process);
  }

  #judge(note: BeatNote, answer: BeatAnswer): void {
    const { process, number } = note;
    const before = this.#lacking.get(process);
    if (isKnown(note, answer) || note.atMs < answer.atMs - SHOWN_MS) this.#lacking.delete(process);
    else if (before?.note.timeline !== note.timeline) this.#lacking.set(process, { note, beats: 1 });
    else if (before.note.number < number) this.#lacking.set(process, { note, beats: before.beats + 1 });
  }

  /** What our database lacks, as far as anybody has seen. */
  get lacking(): readonly Lacking[] {
    return [...this.#lacking.values()];
  }

  /** A process that lands in another database. */
  get twin(): BeatNote | undefined {
    return this.lacking.find(({ beats }) => beats >= TWIN_BEATS)?.note;
  }
}

const isKnown = ({ process, number }: BeatNote, { known }: BeatAnswer): boolean => (known[process] ?? 0) >= number;

const isHere = ({ process }: BeatNote, { beatHere }: BeatAnswer): boolean => beatHere.includes(process);

/**
 * Whether of two databases under one id ours has to stand back: the one in which landing began later does. What they lack
 * tells nothing: after a failover it is production that does, and not the old server. Both sides decide by the same facts.
 */
export function standsBack(ours: Pick<BeatNote, "process" | "sinceMs">, twin: typeof ours): boolean {
  if (ours.sinceMs !== twin.sinceMs) return ours.sinceMs > twin.sinceMs;
  return ours.process > twin.process;
}
