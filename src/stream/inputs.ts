import type { EventTopic } from "../event/schemas.ts";
import type { SoleMember } from "../topic/fetch/sole-member.ts";
import type { Mark, TopicPartition } from "../topic/offsets.ts";
import { fetchMarks, fetchOffsets } from "../topic/offsets.ts";

type Admin = Parameters<typeof fetchOffsets>[0];

/** One partition as its program reads it. All offsets are those of the next record. */
export interface Input extends TopicPartition {
  readonly topic: EventTopic;
  /** Up to here a run before this one has published everything. */
  readonly done: number;
  /** Whether reading begins at the log's first record, or where the last run said. */
  readonly isWhole: boolean;
  /** Where the log ended when last looked at. */
  end: number;
  /** Where the run is to end; undefined while that isn't known. */
  lastEnd: number | undefined;
  next: number;
  isPaused: boolean;
}

type Steering = Pick<SoleMember, "seek" | "pause" | "resume">;

/**
 * The partitions that a program reads, and whether it is shown again what the run before it has taken: in that replay
 * an input that is at its mark waits for the others, because only then is the program's state that of the mark.
 */
export class Inputs {
  readonly all: readonly Input[];
  readonly #steering: Steering;
  #isReplaying = true;

  /** Begins to read. */
  constructor(all: readonly Input[], steering: Steering) {
    this.all = all;
    this.#steering = steering;
    for (const input of all) steering.seek(input, input.next);
    this.#pauseWhereDone();
  }

  get isReplaying(): boolean {
    return this.#isReplaying;
  }

  /** Whether all that the logs held when they were last looked at was taken. */
  get isCaughtUp(): boolean {
    return !this.#isReplaying && this.all.every(({ next, end }) => next >= end);
  }

  /** Whether everything up to the run's end was taken. */
  get isAtLastEnd(): boolean {
    return !this.#isReplaying && this.all.every(({ next, lastEnd }) => lastEnd !== undefined && next >= lastEnd);
  }

  /** The run is to end where the logs end now. */
  async readEnds(admin: Admin): Promise<void> {
    for (const name of new Set(this.all.map(({ topicName }) => topicName))) {
      for (const { partition, high } of await fetchOffsets(admin, name)) {
        const input = this.find(name, partition);
        if (input !== undefined) input.lastEnd = high;
      }
    }
  }

  find(topicName: string, partition: number): Input | undefined {
    return this.all.find((input) => input.topicName === topicName && input.partition === partition);
  }

  advance(input: Input, next: number): void {
    input.next = next;
    this.#pauseWhereDone();
  }

  #pauseWhereDone(): void {
    if (!this.#isReplaying) return;
    for (const input of this.all) {
      if (input.next < input.done || input.isPaused) continue;
      input.isPaused = true;
      this.#steering.pause([input]);
    }
    if (!this.all.every(({ isPaused }) => isPaused)) return;
    this.#isReplaying = false;
    for (const input of this.all) {
      input.isPaused = false;
      this.#steering.seek(input, input.next);
    }
    this.#steering.resume(this.all);
  }
}

/** Where each partition is read from: the last run's note, else the log's first record. */
export async function loadInputs(
  admin: Admin,
  groupId: string,
  topics: readonly { readonly topic: EventTopic; readonly topicName: string }[],
): Promise<Input[]> {
  const inputs: Input[] = [];
  for (const { topic, topicName } of topics) {
    const marks = new Map((await fetchMarks(admin, groupId, topicName)).map((mark) => [mark.partition, mark]));
    for (const { partition, low, high } of await fetchOffsets(admin, topicName)) {
      inputs.push({ topic, topicName, partition, ...resumePoint(marks.get(partition), low, high) });
    }
  }
  return inputs;
}

/**
 * A mark beyond the log's end is of another log under this name: everything is new. What retention has taken off the
 * front of what a restart needs can't be had again; the program is told that its beginning isn't whole.
 */
export function resumePoint(
  mark: Mark | undefined,
  low: number,
  high: number,
): Omit<Input, keyof TopicPartition | "topic"> {
  const known = mark !== undefined && mark.offset <= high ? mark : undefined;
  const wanted = known === undefined ? 0 : Number(known.note);
  const next = Math.max(low, wanted);
  const done = Math.max(next, known?.offset ?? 0);
  return { next, done, isWhole: next === wanted, end: high, lastEnd: undefined, isPaused: false };
}
