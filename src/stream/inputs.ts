import type { EventTopic } from "../event/schemas.ts";
import type { LogAdmin } from "../topic/log-client.ts";
import type { TopicPartition } from "../topic/offsets.ts";
import type { SoleMember } from "../topic/sole-member.ts";

/** One partition as its program reads it. Each offset is that of the first record that is not covered. */
export interface Input extends TopicPartition {
  readonly topic: EventTopic;
  /** Up to this offset a run before this one has published everything: the mark of that run. */
  readonly done: number;
  /** Whether reading begins where it should: at the log's first record ever, or where a note or a snapshot says. */
  readonly isWhole: boolean;
  /** Where the log ended when it was last asked. */
  end: number;
  /** Where the run is to end; undefined for a run without an end, or before `readEnds`. */
  lastEnd: number | undefined;
  next: number;
  isPaused: boolean;
}

type Steering = Pick<SoleMember, "seek" | "hold">;

/**
 * The partitions that a program reads. First, while `isReplaying`, the program is shown again what it needs of the records
 * that the run before has taken. An input that has come to its mark is paused until all have come to theirs, because only
 * then the program's state is that of the marks.
 */
export class Inputs {
  readonly all: readonly Input[];
  readonly #steering: Steering;
  #isReplaying = true;

  /** Seeks each input to where it is read from. */
  constructor(all: readonly Input[], steering: Steering) {
    this.all = all;
    this.#steering = steering;
    for (const input of all) steering.seek(input, input.next);
    this.#pauseWhereDone();
  }

  get isReplaying(): boolean {
    return this.#isReplaying;
  }

  /** Whether the program has taken all that the logs held when they were last asked. */
  get isCaughtUp(): boolean {
    return !this.#isReplaying && this.all.every(({ next, end }) => next >= end);
  }

  /** Whether the program has taken everything up to the run's end. */
  get isAtLastEnd(): boolean {
    return !this.#isReplaying && this.all.every(({ next, lastEnd }) => lastEnd !== undefined && next >= lastEnd);
  }

  /** Sets the run's end to where the logs end now. */
  async readEnds(admin: LogAdmin): Promise<void> {
    for (const name of new Set(this.all.map(({ topicName }) => topicName))) {
      for (const { partition, high } of await admin.fetchOffsets(name)) {
        const input = this.find(name, partition);
        if (input !== undefined) input.lastEnd = high;
      }
    }
  }

  /** Whether a partition is read from its first record, or from where a note or a snapshot said. */
  isWhole(topic: EventTopic, partition: number): boolean {
    return this.all.every((input) => input.topic !== topic || input.partition !== partition || input.isWhole);
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
      this.#steering.hold(input);
    }
    if (!this.all.every(({ isPaused }) => isPaused)) return;
    this.#isReplaying = false;
    for (const input of this.all) {
      input.isPaused = false;
      this.#steering.seek(input, input.next);
    }
  }
}
