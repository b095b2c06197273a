import type { Clock } from "../../clock.ts";
import type { Registry } from "../../event/registry.ts";
import type { Log } from "../../log.ts";
import { isInLedger, type LedgerRow } from "../../table/landing/ledger.ts";
import { countParked } from "../../table/landing/parked.ts";
import type { SessionSource } from "../../table/pool/session-pool.ts";
import { faultKindOf, isDatabaseFault } from "../../table/sqlstate.ts";
import { type EncodedBatch, publishedAtMs } from "../encode/encoded-batch.ts";
import { ParentsFirst } from "../kin/parents-first.ts";
import { expireParked } from "../land/expire.ts";
import { type Landed, type Landing, landBatch, type OnCommit } from "../land/land.ts";
import { looksClean } from "../land/land-clean.ts";
import type { LandingPlan } from "../land/landing-plan.ts";
import { releaseParked } from "../land/release.ts";
import { withDays } from "../land/with-days.ts";
import type { LandingMeter } from "../meter.ts";
import { judge, type Patience } from "../patience.ts";
import type { GroupParts } from "./group-parts.ts";
import type { Job, LaneStep } from "./job.ts";
import { LandingQueue } from "./landing-queue.ts";
import type { Lane } from "./lane.ts";
import type { LockWatch } from "./lock-watch.ts";

/** Repeats come in runs (a file published again): after one, this many batches go straight to the stage. */
const STAGED_AFTER_REPEAT = 4;

/** A COMMIT takes milliseconds; one that waits for a synchronous standby which is away takes as long as that. */
const COMMIT_LOG_MS = 5000;
const COMMIT_UNANSWERED = "PostgreSQL hasn't answered COMMIT for 5 s: is a synchronous standby away?";

/** Runs the lanes' jobs against the database, each until it has committed or turns out to be another owner's. */
export class JobRunner {
  readonly #plan: LandingPlan;
  readonly #registry: Registry;
  readonly #landing: SessionSource;
  readonly #days: SessionSource;
  readonly #lockWatch: LockWatch;
  readonly #queue: LandingQueue;
  readonly #parentsFirst: ParentsFirst;
  readonly #running = new Set<Promise<LaneStep>>();
  readonly #signal: AbortSignal;
  readonly #log: Log;
  readonly #clock: Clock;
  readonly #patience: () => Patience;
  readonly #meter: LandingMeter | undefined;

  constructor(
    parts: GroupParts & {
      readonly lockWatch: LockWatch;
      readonly signal: AbortSignal;
      readonly patience: () => Patience;
    },
  ) {
    this.#plan = parts.plan;
    this.#registry = parts.registry;
    this.#landing = parts.landing;
    this.#days = parts.days;
    this.#lockWatch = parts.lockWatch;
    this.#queue = new LandingQueue(parts);
    this.#parentsFirst = new ParentsFirst(parts);
    this.#signal = parts.signal;
    this.#log = parts.log;
    this.#clock = parts.clock;
    this.#patience = parts.patience;
    this.#meter = parts.meter;
  }

  /** @throws TradetapeError that stops the group */
  run(lane: Lane, job: Job): Promise<LaneStep> {
    const running = this.#run(lane, job);
    this.#running.add(running);
    const over = () => void this.#running.delete(running);
    running.then(over, over);
    return running;
  }

  /** Resolves when no job runs any more, not even one of a partition that was assigned elsewhere meanwhile. */
  async idle(): Promise<void> {
    await Promise.allSettled(this.#running);
  }

  async #run(lane: Lane, job: Job): Promise<LaneStep> {
    let tries = 0;
    const asked: Landed[] = [];
    let stopWatching = () => {};
    const onCommit: OnCommit = (landing) => {
      asked.push(landing);
      stopWatching();
      const told = () => this.#log.warn({ partition: lane.partition }, COMMIT_UNANSWERED);
      stopWatching = this.#clock.after(COMMIT_LOG_MS, told);
    };
    const landing = await this.#insist(lane, () => {
      tries++;
      const attempt =
        job.kind === "sweep" ? this.#release(lane, onCommit) : this.#land(lane, job.batch, tries === 1, onCommit);
      return attempt.finally(() => stopWatching());
    });
    // Otherwise a COMMIT whose answer was lost, or another owner, may have parked or released events: they are counted.
    const isHeard = landing.kind === "landed" && tries === 1 && landing.ledger.firstOffset === lane.nextOffset;
    const parked = isHeard ? undefined : await this.#countParked(lane);
    if (landing.kind === "landed") asked.pop();
    const ledger = await this.#unheard(lane, asked);
    if (landing.kind === "landed") ledger.push(landing.ledger);
    this.#meter?.({
      topicName: this.#plan.topicName,
      partition: lane.partition,
      ledger,
      firstPublishedAtMs: job.kind === "batch" ? publishedAtMs(job.batch, job.batch.from) : undefined,
    });
    return { nextOffset: landing.nextOffset, parked, ledger, ahead: landing.kind === "ahead" };
  }

  /**
   * Which landings took effect though their COMMIT wasn't answered: those whose row is in the ledger. The partition's lock
   * has waited for the end of their sessions, so no row comes later.
   */
  async #unheard(lane: Lane, asked: readonly Landed[]): Promise<LedgerRow[]> {
    const { topicName } = this.#plan;
    const found: LedgerRow[] = [];
    for (const { ledger, ledgerKey } of asked) {
      const isThere = await this.#insist(lane, () =>
        this.#landing.use((connection) => isInLedger(connection, topicName, lane.partition, ledgerKey)),
      );
      if (isThere) found.push(ledger);
    }
    return found;
  }

  #insist<R>(lane: Lane, attempt: () => Promise<R>): Promise<R> {
    const { topicName } = this.#plan;
    const what = `landing ${topicName}/${lane.partition}`;
    return this.#patience().insist(what, attempt, (error) => judge(error, topicName));
  }

  async #countParked(lane: Lane): Promise<number> {
    if (this.#plan.consumer.landing.parents.length === 0) return 0;
    const { topicName } = this.#plan;
    const count = () => this.#landing.use((connection) => countParked(connection, topicName, lane.partition));
    return this.#insist(lane, count);
  }

  #release(lane: Lane, onCommit: OnCommit): Promise<Landing> {
    const services = { registry: this.#registry, days: this.#days };
    const release = () =>
      this.#landing.use((connection) =>
        this.#lockWatch.run(connection, async () => {
          const released = await releaseParked(connection, this.#plan, lane.partition, services, onCommit);
          return released.kind === "landed"
            ? released
            : expireParked(connection, this.#plan, lane, this.#registry, onCommit);
        }),
      );
    return release().catch((error) => this.#againWithDays(error, release));
  }

  /**
   * Tries once more where PostgreSQL has no partition for a row: a day partition that `days` knew was dropped meanwhile. The
   * second try makes it again, or filters what retention has dropped; if PostgreSQL refuses that, too, the group stops.
   */
  #againWithDays(error: unknown, attempt: () => Promise<Landing>): Promise<Landing> {
    if (!isDatabaseFault(error) || faultKindOf(error) !== "partition") throw error;
    this.#plan.encoder.days.forget();
    return attempt();
  }

  /** Lands a batch; together with others only at the first try, because what fails there may be another partition's fault. */
  async #land(lane: Lane, batch: EncodedBatch, isFirstTry: boolean, onCommit: OnCommit): Promise<Landing> {
    const land = async (mayShare: boolean, waitedFor: ReadonlySet<string> | undefined) => {
      const kept = await withDays(this.#plan, this.#days, batch);
      await this.#plan.sessionGate.pass(kept.sessions, this.#signal);
      // The lane was given up, or claims anew: the partition is read again, and its log may be another one by then.
      if (lane.tail === undefined) return { kind: "stale" as const, nextOffset: lane.nextOffset };
      const preferStage = lane.stagedBatchesLeft > 0;
      // The first batch after a claim begins with the landmark, which has landed: `landBatch` trims it.
      const isNext = kept.firstOffset === lane.nextOffset;
      if (mayShare && isNext && !preferStage && looksClean(this.#plan, kept)) {
        const landed = await this.#queue.land(kept, onCommit);
        if (landed !== "apart") return landed;
      }
      return this.#landing.use((connection) =>
        this.#lockWatch.run(connection, () =>
          landBatch(connection, this.#plan, kept, preferStage, onCommit, waitedFor),
        ),
      );
    };
    const landing = await this.#parentsFirst.land(lane, batch, (waitedFor) =>
      land(isFirstTry, waitedFor).catch((error) => this.#againWithDays(error, () => land(false, waitedFor))),
    );
    if (landing.kind === "landed" && this.#plan.direct !== undefined) {
      const repeated = landing.usedStage && landing.ledger.duplicate + landing.ledger.replaced > 0;
      lane.stagedBatchesLeft = repeated ? STAGED_AFTER_REPEAT : Math.max(0, lane.stagedBatchesLeft - 1);
    }
    return landing;
  }
}
