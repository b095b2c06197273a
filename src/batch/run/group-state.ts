import type { TradetapeError } from "../../errors.ts";
import type { LetterKind } from "../../table/checks/group-states.ts";

/**
 * What a consumer group of this process does now, as plain data.
 *
 * `running`: it lands what comes, or nothing comes. `waiting`: something is away and it goes on by itself. `stopped`: somebody
 * has to help, as `code`, `reason` and `next` say; it is tried again all the same, at `retryAt`, in case that was done.
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

export const RUNNING: Running = { state: "running" };
