import type { LedgerRow } from "../../table/landing/ledger.ts";
import type { EncodedBatch } from "../encode/encoded-batch.ts";
import { isJoinable, joinBatches } from "../encode/join.ts";
import type { AwaitedVerdict } from "../land/expire.ts";
import type { Landmark } from "../land/landmark.ts";

/** What waits for its turn on a partition. A sweep goes through the same queue: releases land in order with batches. */
export type Job =
  | { readonly kind: "batch"; readonly batch: EncodedBatch; readonly bytes: number }
  | { readonly kind: "sweep"; readonly bytes: 0 };

/**
 * What a queued batch takes beside its rows and records, in objects and buffers' heads: 3.5 to 4.5 KB, measured with 20,000
 * batches of 1 to 50 ticks. In an outage a quiet topic brings thousands that hold a record or two.
 */
export const BATCH_BYTES = 4096;

/**
 * What waits is joined up to this much, rows and records together: some 5000 ticks. A transaction's own cost is small
 * beside that of their rows, and it is a small part of what a group may hold.
 */
const JOIN_BYTES_MAX = 2 * 1024 * 1024;

/** What `claim` found: where a partition stands in the database. */
export interface Claim {
  readonly nextOffset: number;
  readonly parked: number;
  /** The last record that landed, if the log still has its offset. */
  readonly landmark: Landmark | undefined;
}

/** What became of a lane's job, as `JobRunner.run` returns it. */
export interface LaneStep {
  readonly nextOffset: number;
  /** The rows that the ledger got. */
  readonly ledger: readonly LedgerRow[];
  /** How many of the partition's events are parked, where the ledger row alone can't tell. */
  readonly parked?: number | undefined;
  /** The job was ahead of the database: everything queued behind it is, too. */
  readonly ahead: boolean;
}

/**
 * One partition's FIFO. At most one job runs at a time; jobs are run in the order they came.
 *
 * `tail` is where the next batch must begin: the end of the last one queued. `nextOffset` is what the database has
 * committed as far as we have heard; only the database's own, read under its lock, decides anything.
 */
export class Lane {
  readonly partition: number;
  /** Undefined until the partition has been claimed since it was last assigned. */
  tail: number | undefined;
  nextOffset = 0;
  parked = 0;
  /** Batches after a repeat that still go through the stage: repeats come in runs. */
  stagedBatchesLeft = 0;
  /** Waiting for the parents of overdue parked events: what their topics held, and when that was read. */
  verdictAt: AwaitedVerdict | undefined;
  claimed: Promise<void> = Promise.resolve();
  /** Counts the jobs begun: what was read of the database before one began says nothing of it afterwards. */
  jobsBegun = 0;
  readonly #run: (lane: Lane, job: Job) => Promise<LaneStep>;
  readonly #freed: (bytes: number) => void;
  readonly #queue: Job[] = [];
  #landmark: Landmark | undefined;
  #recognised: PromiseWithResolvers<void> | undefined;
  #running: Promise<void> | undefined;

  constructor(partition: number, run: (lane: Lane, job: Job) => Promise<LaneStep>, freed: (bytes: number) => void) {
    this.partition = partition;
    this.#run = run;
    this.#freed = freed;
  }

  /** Takes up where the database stands. */
  begin(claim: Claim): void {
    this.parked = claim.parked;
    this.nextOffset = claim.nextOffset;
    this.tail = claim.nextOffset;
    this.#landmark = claim.landmark;
  }

  /** The last record that landed before the claim, until the log has shown that it still holds it. */
  get landmark(): Landmark | undefined {
    return this.#landmark;
  }

  /** The log holds the landmark: it is the one that landed. */
  recognise(): void {
    this.#landmark = undefined;
    this.#recognised?.resolve();
    this.#recognised = undefined;
  }

  /** Resolves when the place is found and the log is known to be the one that landed. */
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

  /** Forgets what has not begun. The job in hand goes on: the database's lock decides whether it may. */
  drop(): void {
    this.tail = undefined;
    this.recognise();
    for (const job of this.#queue.splice(0)) this.#freed(job.bytes);
  }

  get isIdle(): boolean {
    return this.#running === undefined;
  }

  /** Resolves when the queue is empty and nothing runs. */
  async idle(): Promise<void> {
    while (this.#running) await this.#running;
  }

  async #drain(): Promise<void> {
    try {
      for (let job = this.#next(); job !== undefined; job = this.#next()) {
        try {
          this.jobsBegun++;
          const step = await this.#run(this, job);
          this.nextOffset = step.nextOffset;
          this.parked = step.parked ?? step.ledger.reduce((sum, row) => sum + row.parked, this.parked);
          if (step.ahead) this.drop();
        } finally {
          this.#freed(job.bytes);
        }
      }
    } finally {
      this.#running = undefined;
    }
  }

  /** The head of the queue, joined with what waits behind it. */
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
