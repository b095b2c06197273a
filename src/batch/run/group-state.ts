import type { TradetapeError } from "../../errors.ts";
import type { LetterKind } from "../../table/checks/group-states.ts";

/**
 * What a consumer group of this process does now, as plain data.
 *
 * `running`: it lands what comes, or nothing comes. `waiting`: something is away and it goes on by itself. `stopped`: somebody
 * has to help, as `code`, `reason` and `next` say; where it has a `retryAt`, it is tried again then, in case that was done.
 */
export type GroupState = Running | Waiting | Stopped;

interface Running {
  readonly state: "running";
}

interface Waiting {
  readonly state: "waiting";
  /** What for, as a text for people. */
  readonly reason: string;
  readonly since: Date;
}

interface Stopped extends Pick<TradetapeError, "code" | "next"> {
  readonly state: "stopped";
  readonly reason: string;
  readonly since: Date;
  /** Undefined when it isn't tried again. */
  readonly retryAt: Date | undefined;
  /** Those of the batch that was rolled back, where too many letters stopped it. */
  readonly letters: readonly LetterKind[] | undefined;
}

/** Whether a group that stopped is tried again: the last sentence of what to do about a stop. */
export const AFTERWARDS = {
  retried: "The group is tried again by itself within a minute, and goes on where that has mended it.",
  over: "Nothing tries it again by itself in this run: the same command, started again, goes on where it stopped.",
} as const;

export const RUNNING: Running = { state: "running" };
