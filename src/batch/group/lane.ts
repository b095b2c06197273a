import { publishedAtMs } from "../encode/encoded-batch.ts";
import { isJoinable, joinBatches } from "../encode/join.ts";
import type { AwaitedVerdict } from "../land/expire.ts";
import type { Landmark } from "../land/landmark.ts";
import type { Job, LaneStep } from "./job.ts";

/**
 * The memory of a queued batch beside its rows and records, for objects and buffers' heads: 3.5 to 4.5 KB, measured with
 * 20,000 batches of 1 to 50 ticks. It counts because in an outage a quiet topic brings thousands of a record or two.
 */
export const BATCH_BYTES = 4096;

/**
 * Batches that wait are joined up to so many bytes of rows and records: some 5000 ticks. Beside the cost of these rows a
 * transaction's own is small, and the sum is a small part of what a group may hold.
 */
const JOIN_BYTES_MAX = 2 * 1024 * 1024;

/** What `claim` found: where a partition stands in the database. */
export interface Claim {
  readonly nextOffset: number;
  readonly parked: number;
  /** Undefined when no record has landed, or the log begins behind it. */
  readonly landmark: Landmark | undefined;
  /** Which log landed: how often the partition was rewound, the topic's id, and the epoch of what lies below `nextOffset`. */
  readonly rewinds: number;
  /** The number of this claim. */
  readonly claims: number;
  readonly topicId: string | null;
  readonly leaderEpoch: number | null;
  /** Where the log ended. */
  readonly end: number;
}

/**
 * One partition's FIFO of jobs. At most one runs at a time, in the order in which they came.
 *
 * `tail` is the offset at which the next batch must begin: the end of the last one queued. `nextOffset` is what the database
 * has committed by the last answer; only the one that a landing reads under the partition's lock decides anything.
 */
export class Lane {
  readonly partition: number;
  /** Undefined until the partition has been claimed since it was last assigned. */
  tail: number | undefined;
  nextOffset = 0;
  parked = 0;
  /** What the last claim found. */
  claim: Claim | undefined;
  /** The epoch of the leader that took what lies just below `tail`; null where nothing says it. */
  leaderEpoch: number | null = null;
  /** How many batches still go straight to the stage: repeats come in runs (`STAGED_AFTER_REPEAT`). */
  stagedBatchesLeft = 0;
  /** The columns of parents that children of the last batch lacked, and which the next one waits for before it is tried. */
  earlyColumns: ReadonlySet<string> = new Set();
  /** Set while `expireParked` waits for a verdict on overdue events; kept here from one sweep to the next. */
  verdictAt: AwaitedVerdict | undefined;
  claimed: Promise<void> = Promise.resolve();
  /** Counts the jobs begun, by which `recountParked` sees that a count is out of date: a job has begun since. */
  jobsBegun = 0;
  readonly #run: (lane: Lane, job: Job) => Promise<LaneStep>;
  readonly #freed: (bytes: number) => void;
  readonly #queue: Job[] = [];
  #job: Job | undefined;
  #landmark: Landmark | undefined;
  /** Whether a fetch since the claim has brought nothing new. */
  #isAtEnd = false;
  /** Whether a sweep since the claim has gone well: events that are parked may have been what stopped the group. */
  #isSwept = false;
  #recognised: PromiseWithResolvers<void> | undefined;
  #running: Promise<void> | undefined;

  constructor(partition: number, run: (lane: Lane, job: Job) => Promise<LaneStep>, freed: (bytes: number) => void) {
    this.partition = partition;
    this.#run = run;
    this.#freed = freed;
  }

  /** Begins where the claim found the database. */
  begin(claim: Claim): void {
    this.parked = claim.parked;
    this.nextOffset = claim.nextOffset;
    this.tail = claim.nextOffset;
    this.leaderEpoch = claim.leaderEpoch;
    this.#landmark = claim.landmark;
    this.claim = claim;
    [this.#isAtEnd, this.#isSwept] = [false, false];
  }

  /** Notes that all which a fetch brought has landed before. */
  noteNothingNew(): void {
    this.#isAtEnd = true;
  }

  /** Whether something has landed since the claim, or there was nothing to land and what is parked has been swept. */
  get isProven(): boolean {
    if (this.tail === undefined || this.claim === undefined || this.#landmark !== undefined) return false;
    const { nextOffset, end } = this.claim;
    const hasNothing = this.isIdle && (this.#isAtEnd || nextOffset >= end) && (this.parked === 0 || this.#isSwept);
    return this.nextOffset > nextOffset || hasNothing;
  }

  /** The last record that landed before the claim, until the log has shown that it still holds it. */
  get landmark(): Landmark | undefined {
    return this.#landmark;
  }

  /** Notes that the log still has the landmark, so that it is the log that landed. */
  recognise(): void {
    this.#landmark = undefined;
    this.#recognised?.resolve();
    this.#recognised = undefined;
  }

  /** Resolves when the partition is claimed and its log is known to be the one that landed. */
  async known(): Promise<void> {
    for (;;) {
      const { claimed } = this;
      await claimed;
      if (claimed !== this.claimed) continue;
      if (this.#landmark === undefined) return;
      this.#recognised ??= Promise.withResolvers();
      await this.#recognised.promise;
    }
  }

  push(job: Job): void {
    if (job.kind === "sweep" && this.#queue.some((queued) => queued.kind === "sweep")) return;
    this.#queue.push(job);
    this.#running ??= this.#drain();
  }

  /** Queues a sweep where the partition is claimed and has parked events. */
  sweep(): void {
    if (this.parked > 0 && this.tail !== undefined) this.push({ kind: "sweep", bytes: 0 });
  }

  /** Drops the jobs that have not begun. The one that runs ends where it waits; its transaction's lock decides. */
  drop(): void {
    this.tail = undefined;
    this.recognise();
    for (const job of this.#queue.splice(0)) this.#freed(job.bytes);
  }

  get isIdle(): boolean {
    return this.#job === undefined && this.#queue.length === 0;
  }

  /** Whether something was fetched and has not landed that was published at `timeMs` or before; one without a time was, too. */
  holds(timeMs: number): boolean {
    const jobs = this.#job === undefined ? this.#queue : [this.#job, ...this.#queue];
    const first = jobs.find((job) => job.kind === "batch")?.batch;
    return first !== undefined && (publishedAtMs(first, first.from) ?? timeMs) <= timeMs;
  }

  /** Resolves when the queue is empty and nothing runs. */
  async idle(): Promise<void> {
    while (this.#running) await this.#running;
  }

  async #drain(): Promise<void> {
    try {
      for (let job = this.#next(); job !== undefined; job = this.#next()) {
        try {
          this.#job = job;
          this.jobsBegun++;
          const step = await this.#run(this, job);
          this.nextOffset = step.nextOffset;
          this.parked = step.parked ?? step.ledger.reduce((sum, row) => sum + row.parked, this.parked);
          if (step.ahead) this.drop();
          else if (job.kind === "sweep") this.#isSwept = true;
        } finally {
          this.#job = undefined;
          this.#freed(job.bytes);
        }
      }
    } finally {
      this.#running = undefined;
    }
  }

  /** The next job: the head of the queue, with the batches behind it joined to it. */
  #next(): Job | undefined {
    const head = this.#queue.shift();
    if (head?.kind !== "batch") return head;
    const batches = [head.batch];
    let { bytes } = head;
    for (let next = this.#queue[0]; next?.kind === "batch"; next = this.#queue[0]) {
      const follows = next.batch.firstOffset === batches.at(-1)!.nextOffset;
      const joined = bytes + next.bytes - (batches.length + 1) * BATCH_BYTES;
      if (!follows || joined > JOIN_BYTES_MAX || !isJoinable(head.batch, next.batch)) break;
      this.#queue.shift();
      batches.push(next.batch);
      bytes += next.bytes;
    }
    return { kind: "batch", batch: joinBatches(batches), bytes };
  }
}
