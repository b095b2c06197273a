import { type Clock, SYSTEM_CLOCK } from "../../clock.ts";
import type { ConnectionSlot } from "../../table/slot.ts";
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

/** Small batches of a group's partitions, on their way into one transaction: what waits when the session is free. */
export class LandingQueue {
  readonly #plan: LandingPlan;
  readonly #slot: ConnectionSlot;
  readonly #lockWatch: LockWatch;
  readonly #clock: Clock;
  #waiting: Waiting[] = [];
  /** Whether somebody is on the way to take what waits. */
  #isComing = false;

  constructor(parts: {
    readonly plan: LandingPlan;
    readonly slot: ConnectionSlot;
    readonly lockWatch: LockWatch;
    readonly clock?: Clock | undefined;
  }) {
    this.#plan = parts.plan;
    this.#slot = parts.slot;
    this.#lockWatch = parts.lockWatch;
    this.#clock = parts.clock ?? SYSTEM_CLOCK;
  }

  /**
   * @param batch one that `looksClean`. A lane brings one at a time; where a partition has gone and come back, its old
   * lane's may be here as well: at most one of the two moves next_offset, so they land apart
   * @returns "apart" when it is to be landed by itself
   * @throws what ended the transaction, which may have been another's fault
   */
  land(batch: EncodedBatch, onCommit: OnCommit): Promise<Landed | "apart"> {
    const landed = Promise.withResolvers<Landed | "apart">();
    this.#waiting.push({ batch, onCommit, landed });
    this.#come();
    return landed.promise;
  }

  #come(): void {
    if (this.#isComing) return;
    this.#isComing = true;
    void this.#landNext();
  }

  async #landNext(): Promise<void> {
    let taken: readonly Waiting[] | undefined;
    try {
      const landings = await this.#slot.use(async (connection) => {
        // The lanes whose transaction has just committed are about to bring what has gathered behind it.
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

  /** The first that waits, and those behind it that fit in. */
  #take(): readonly Waiting[] {
    const taken: Waiting[] = [];
    let bytes = 0;
    while (this.#waiting.length > 0) {
      bytes += this.#waiting[0]!.batch.rows.bytes.length;
      if (taken.length > 0 && bytes > CLEAN_BYTES_MAX) break;
      taken.push(this.#waiting.shift()!);
    }
    this.#isComing = false;
    if (this.#waiting.length > 0) this.#come();
    return taken;
  }
}
