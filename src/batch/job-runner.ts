import type { Registry } from "../event/registry.ts";
import { type Day, makeTickDays } from "../table/days.ts";
import { countParked } from "../table/parked.ts";
import type { ConnectionSlot } from "../table/slot.ts";
import { isDatabaseFault, verdictOf } from "../table/sqlstate.ts";
import type { EncodedBatch } from "./encode.ts";
import { expireParked } from "./expire.ts";
import { type Landing, landBatch } from "./land.ts";
import type { Job, Lane, LaneStep } from "./lane.ts";
import type { LockWatch } from "./lock-watch.ts";
import { judge, type Patience } from "./patience.ts";
import type { LandingPlan } from "./plan.ts";
import { releaseParked } from "./release.ts";

/** Repeats come in runs (a file published again): after one, this many batches go straight to the stage. */
const STAGED_AFTER_REPEAT = 8;

/** Runs a lane's jobs against the database until each is committed or found to be another's. */
export class JobRunner {
  readonly #plan: LandingPlan;
  readonly #registry: Registry;
  readonly #slots: readonly ConnectionSlot[];
  /** Day partitions are made on a session of their own: a landing's transaction would hold the new partition's lock. */
  readonly #daySlot: ConnectionSlot;
  readonly #knownDays: Set<Day>;
  readonly #lockWatch: LockWatch;
  readonly #signal: AbortSignal;
  readonly #patience: () => Patience;

  constructor(parts: {
    readonly plan: LandingPlan;
    readonly registry: Registry;
    readonly slots: readonly ConnectionSlot[];
    readonly daySlot: ConnectionSlot;
    readonly knownDays: Set<Day>;
    readonly lockWatch: LockWatch;
    readonly signal: AbortSignal;
    readonly patience: () => Patience;
  }) {
    this.#plan = parts.plan;
    this.#registry = parts.registry;
    this.#slots = parts.slots;
    this.#daySlot = parts.daySlot;
    this.#knownDays = parts.knownDays;
    this.#lockWatch = parts.lockWatch;
    this.#signal = parts.signal;
    this.#patience = parts.patience;
  }

  /** The session that a partition is pinned to: its batches are never on two at once. */
  slotOf(partition: number): ConnectionSlot {
    return this.#slots[partition % this.#slots.length]!;
  }

  /** @throws TradetapeError that stops the group */
  async run(lane: Lane, job: Job): Promise<LaneStep> {
    const slot = this.slotOf(lane.partition);
    let tries = 0;
    const landing = await this.#insist(lane, () => {
      tries++;
      return job.kind === "sweep" ? this.#release(slot, lane) : this.#land(slot, lane, job.batch);
    });
    // A COMMIT whose answer was lost, or another owner, has parked or released events without our hearing of it.
    const isHeard = landing.kind === "landed" && tries === 1 && landing.ledger.firstOffset === lane.nextOffset;
    const parked = isHeard ? undefined : await this.#countParked(slot, lane);
    if (landing.kind !== "landed") return { nextOffset: landing.nextOffset, parked, ahead: landing.kind === "ahead" };
    return { nextOffset: landing.nextOffset, parked, ledger: landing.ledger, ahead: false };
  }

  #insist<R>(lane: Lane, attempt: () => Promise<R>): Promise<R> {
    const { topicName } = this.#plan;
    const slot = this.slotOf(lane.partition);
    return this.#patience().insist(`landing ${topicName}/${lane.partition}`, attempt, (error) =>
      judge(error, topicName, slot.isBroken || this.#daySlot.isBroken),
    );
  }

  async #countParked(slot: ConnectionSlot, lane: Lane): Promise<number> {
    if (this.#plan.consumer.landing.parents.length === 0) return 0;
    const { topicName } = this.#plan;
    return this.#insist(lane, () => slot.use((connection) => countParked(connection, topicName, lane.partition)));
  }

  #release(slot: ConnectionSlot, lane: Lane): Promise<Landing> {
    return slot.use((connection) =>
      this.#lockWatch.run(connection, async () => {
        const released = await releaseParked(connection, this.#plan, lane.partition, this.#registry);
        return released.kind === "landed" ? released : expireParked(connection, this.#plan, lane);
      }),
    );
  }

  async #land(slot: ConnectionSlot, lane: Lane, batch: EncodedBatch): Promise<Landing> {
    const land = () =>
      slot.use((connection) =>
        this.#lockWatch.run(connection, () => landBatch(connection, this.#plan, batch, lane.stagedBatchesLeft > 0)),
      );
    await this.#makeDays(batch.days);
    await this.#plan.sessionGate.pass(batch.sessions, this.#signal);
    const landing = await land().catch(async (error) => {
      // A partition that we knew has been dropped since. Made again, it must do; a second refusal stops the group.
      if (!isDatabaseFault(error) || verdictOf(error) !== "partition") throw error;
      this.#knownDays.clear();
      await this.#makeDays(batch.days);
      return land();
    });
    if (landing.kind === "landed" && this.#plan.consumer.landing.path === "direct") {
      const repeated = landing.usedStage && landing.ledger.duplicate + landing.ledger.replaced > 0;
      lane.stagedBatchesLeft = repeated ? STAGED_AFTER_REPEAT : Math.max(0, lane.stagedBatchesLeft - 1);
    }
    return landing;
  }

  async #makeDays(days: readonly Day[]): Promise<void> {
    const wanted = days.filter((day) => !this.#knownDays.has(day));
    if (wanted.length === 0) return;
    await this.#daySlot.use((connection) => makeTickDays(connection, wanted));
    for (const day of wanted) this.#knownDays.add(day);
  }
}
