import { readFileSync, renameSync } from "node:fs";
import { z } from "zod";
import { type Clock, SYSTEM_CLOCK } from "../../clock.ts";
import { TradetapeError } from "../../errors.ts";
import type { FeedDescription, FeedOptions, Place } from "../../feed/feed.ts";
import { START } from "../../feed/lines.ts";
import { readMap } from "../../feed/map/file.ts";
import { writeOwnFile } from "../../own-file.ts";
import { FEED_FLAGS } from "../feed-flags.ts";

/** Seldom enough that the disk isn't what publishing waits for. */
const SAVED_EVERY_MS = 1000;

const DECIDED = z.object({ what: z.string(), value: z.string() });
const FILE = z.object({ lines: z.int(), bytes: z.int(), sha256: z.string(), decided: z.array(DECIDED) });
const STATE = z.object({
  version: z.literal(1),
  /** What was published, where to, and how it was read: another run has to be the same in all of it. */
  topic: z.string(),
  cluster: z.string(),
  flags: z.record(z.string(), z.unknown()),
  files: z.record(z.string(), FILE),
});
type State = z.infer<typeof STATE>;

const refuse = (message: string, cause?: unknown) =>
  new TradetapeError("input_invalid", message, {
    next: "Publish with the same flags as before, or name another state file to begin anew: nothing lands twice.",
    cause,
  });

/** The flags that decide what a file's lines say; of a map, its content. */
export function flagsOf(options: FeedOptions): State["flags"] {
  const given = FEED_FLAGS.map((name) => [name, options[name]]).filter(([, value]) => value !== undefined);
  return { ...Object.fromEntries(given), ...(options.map === undefined ? {} : { map: readMap(options.map) }) };
}

/**
 * How far files have been published, in a file that the next run goes on from. A file's place moves when all events before
 * it are acknowledged; what was sent behind it is sent again, under the same ids, because the next run reads the file
 * from its start and counts equal ticks anew.
 */
export class ResumeState {
  readonly #path: string;
  readonly #state: State;
  readonly #clock: Pick<Clock, "now">;
  /** Called before a place is written down: what was rejected up to it has to be on the disk, too. */
  readonly #beforeSave: () => void;
  #savedMs: number;
  #isSaved = true;
  #file = "";
  /** Places that have been read and whose events aren't acknowledged yet. */
  #waiting: { readonly place: Place; readonly events: number }[] = [];
  #acked = 0;

  private constructor(path: string, state: State, beforeSave: () => void, clock: Pick<Clock, "now">) {
    this.#path = path;
    this.#state = state;
    this.#beforeSave = beforeSave;
    this.#clock = clock;
    this.#savedMs = clock.now();
  }

  /** @throws TradetapeError input_invalid when the file is none of ours, or is of another publishing */
  static open(
    path: string,
    run: Pick<State, "topic" | "cluster" | "flags">,
    beforeSave: () => void,
    clock: Pick<Clock, "now"> = SYSTEM_CLOCK,
  ): ResumeState {
    const before = readState(path);
    const differing = (["topic", "cluster", "flags"] as const).filter(
      (what) => before !== undefined && JSON.stringify(before[what]) !== JSON.stringify(run[what]),
    );
    if (differing.length > 0)
      throw refuse(`--resume: ${path} is of another publishing: ${differing.join(", ")} differ`);
    return new ResumeState(path, before ?? { version: 1, ...run, files: {} }, beforeSave, clock);
  }

  /** @returns the place to go on from. @throws TradetapeError input_invalid when the file was read in another way before */
  begin({ file, decisions }: FeedDescription): Place {
    const decided = decisions.map(({ what, value }) => ({ what, value }));
    const before = this.#state.files[file];
    if (before !== undefined && JSON.stringify(before.decided) !== JSON.stringify(decided)) {
      const now = new Map(decided.map(({ what, value }) => [what, value]));
      const { what, value } = before.decided.find((one) => now.get(one.what) !== one.value) ?? decided.at(-1)!;
      throw refuse(`--resume: ${file} was read with ${what} ${value} before, and now with ${now.get(what) ?? "none"}`);
    }
    this.#file = file;
    this.#waiting = [];
    this.#acked = 0;
    this.#state.files[file] ??= { ...START, decided };
    // At once, so that a state that can't be written is found before anything is sent.
    this.#isSaved = false;
    this.save();
    return this.#state.files[file];
  }

  /** The lines up to this place have been read; so many events of this run are before it. */
  read(place: Place, events: number): void {
    this.#waiting.push({ place, events });
    this.#settle();
    if (this.#clock.now() - this.#savedMs >= SAVED_EVERY_MS) this.save();
  }

  /** The first so many events of this run and file are acknowledged. */
  acked(events: number): void {
    this.#acked = events;
    this.#settle();
  }

  #settle(): void {
    const reached = this.#waiting.findLastIndex(({ events }) => events <= this.#acked);
    if (reached < 0) return;
    const { decided } = this.#state.files[this.#file]!;
    this.#state.files[this.#file] = { ...this.#waiting[reached]!.place, decided };
    this.#waiting.splice(0, reached + 1);
    this.#isSaved = false;
  }

  /** Writes what has been reached, whole or not at all. @throws TradetapeError input_invalid when it can't */
  save(): void {
    if (this.#isSaved) return;
    this.#beforeSave();
    const made = `${this.#path}.tmp`;
    try {
      writeOwnFile(made, `${JSON.stringify(this.#state, null, 2)}\n`);
      renameSync(made, this.#path);
    } catch (cause) {
      throw refuse(`--resume: ${(cause as Error).message}`, cause);
    }
    this.#isSaved = true;
    this.#savedMs = this.#clock.now();
  }
}

function readState(path: string): State | undefined {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw refuse(`--resume: ${(cause as Error).message}`, cause);
  }
  try {
    return STATE.parse(JSON.parse(text));
  } catch (cause) {
    throw refuse(`--resume: ${path} holds no state of a publishing`, cause);
  }
}
