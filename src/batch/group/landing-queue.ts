import { type Clock, SYSTEM_CLOCK } from "../../clock.ts";
import type { SessionSource } from "../../table/pool/session-pool.ts";
import type { EncodedBatch } from "../encode/encoded-batch.ts";
import type { Landed, OnCommit } from "../land/land.ts";
import { CLEAN_BYTES_MAX, landClean } from "../land/land-clean.ts";
import type { LandingPlan } from "../land/landing-plan.ts";
import type { LockWatch } from "./lock-watch.ts";

interface Waiting {
  readonly batch: EncodedBatch;
  readonly onCommit: OnCommit;
  readonly landed: PromiseWithResolvers<Landed | "apart">;
}

/** Gathers small batches of a group's partitions: those that wait when a session is free land in one transaction. */
export class LandingQueue {
  readonly #plan: LandingPlan;
  readonly #session: SessionSource;
  readonly #lockWatch: LockWatch;
  readonly #clock: Clock;
  #waiting: Waiting[] = [];
  /** Whether `#landNext` has been started and has not taken its batches yet. */
  #isScheduled = false;

  constructor(parts: {
    readonly plan: LandingPlan;
    readonly together: SessionSource;
    readonly lockWatch: LockWatch;
    readonly clock?: Clock | undefined;
  }) {
    this.#plan = parts.plan;
    this.#session = parts.together;
    this.#lockWatch = parts.lockWatch;
    this.#clock = parts.clock ?? SYSTEM_CLOCK;
  }

  /**
   * @param batch one that `looksClean`. A lane brings one at a time; of a partition that was assigned elsewhere and back, the
   * old lane's may wait here as well, and they land apart, since at most one of the two is the next of its partition
   * @returns "apart" when it is to be landed by itself
   * @throws what failed the transaction, which may be the fault of another partition's batch
   */
  land(batch: EncodedBatch, onCommit: OnCommit): Promise<Landed | "apart"> {
    const landed = Promise.withResolvers<Landed | "apart">();
    this.#waiting.push({ batch, onCommit, landed });
    this.#schedule();
    return landed.promise;
  }

  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    void this.#landNext();
  }

  async #landNext(): Promise<void> {
    let taken: readonly Waiting[] | undefined;
    try {
      const landings = await this.#session.use(async (connection) => {
        // A turn of the event loop: lanes whose transaction has just committed push what has queued behind it.
        await this.#clock.turn();
        taken = this.#take();
        const batches = taken.map(({ batch }) => batch);
        const onCommit = (all: readonly Landed[]) => all.forEach((landing, n) => void taken![n]!.onCommit(landing));
        return this.#lockWatch.run(connection, () => landClean(connection, this.#plan, batches, onCommit));
      });
      taken!.forEach(({ landed }, n) => void landed.resolve(landings === "apart" ? "apart" : landings[n]!));
    } catch (error) {
      for (const { landed } of taken ?? this.#take()) landed.reject(error);
    }
  }

  /** Takes the first batch that waits, and those behind it that fit into one transaction with it. */
  #take(): readonly Waiting[] {
    const taken: Waiting[] = [];
    let bytes = 0;
    while (this.#waiting.length > 0) {
      bytes += this.#waiting[0]!.batch.rows.bytes.length;
      if (taken.length > 0 && bytes > CLEAN_BYTES_MAX) break;
      taken.push(this.#waiting.shift()!);
    }
    this.#isScheduled = false;
    if (this.#waiting.length > 0) this.#schedule();
    return taken;
  }
}
