import type { Clock } from "../../clock.ts";
import { nextOffsets } from "../../table/landing/landed.ts";
import type { SessionSource } from "../../table/pool/session-pool.ts";
import { type EncodedBatch, publishedAtMs } from "../encode/encoded-batch.ts";
import type { Landing } from "../land/land.ts";
import type { LandingPlan } from "../land/landing-plan.ts";
import { judge, type Patience } from "../patience.ts";
import { EarlyChildren } from "../write/take-misfits.ts";
import { type KinParts, parentTopics } from "./kin-parts.ts";
import type { Landings } from "./landings.ts";

/** How often the database is asked about parents that other processes land; a process's own are told of at once. */
const LOOK_MS = 20;

/**
 * A parents' partition that is behind and hasn't moved for so long isn't waited for. Its group may be stopped, or be nowhere: a
 * group of this process may be joining, which takes seconds; of others nothing is known.
 */
const STILL_MS_MAX = { here: 5000, elsewhere: 500 } as const;

/** A child may be fetched a moment before a parent that was published before it, because each topic has fetches of its own. */
const MOMENT_MS = 3;

/** A partition of the parents that has not landed as far as it is wanted. */
interface Behind {
  readonly topicName: string;
  readonly partition: number;
  /** The first offset that was published later than the children. */
  readonly end: number;
  next: number;
  movedMs: number;
}

/**
 * Has children wait until what was published before them on their parents' topics has landed, so that only those park whose
 * parents come later. Nothing is held meanwhile: no session, no lock. What doesn't move isn't waited for twice: it is
 * remembered where it stood, until it has moved.
 */
export class ParentsFirst {
  readonly #plan: LandingPlan;
  readonly #landings: Landings;
  readonly #sessions: SessionSource;
  readonly #clock: Clock;
  readonly #signal: AbortSignal;
  readonly #patience: () => Patience;
  /** The parents' topics. */
  readonly #names: ReadonlySet<string>;
  /** How often these had been told of when they didn't move. */
  #stillCount = -1;
  /** Where partitions stood that didn't move, by topic and partition. */
  readonly #still = new Map<string, number>();

  /** @param parts `signal` is aborted when the group is about to end: nobody waits any more then */
  constructor(parts: KinParts) {
    const { plan } = parts;
    this.#plan = plan;
    this.#names = parentTopics(plan);
    this.#landings = parts.landings;
    this.#sessions = parts.landing;
    this.#clock = parts.clock;
    this.#signal = parts.signal;
    this.#patience = parts.patience;
  }

  /**
   * Lands a batch behind its events' parents: those that this process has fetched go first. Whether any other is lacking is
   * found out by trying, since nearly all are there; but behind a batch that lacked some, the next one waits before it is tried.
   * @param lane the batch's, which remembers what the last one lacked
   * @param attempt lands the batch; what it lacks of parents that weren't waited for, it tells by EarlyChildren
   * @throws TradetapeError that stops the group, and what `attempt` throws
   */
  async land(
    lane: { earlyColumns: ReadonlySet<string> },
    batch: EncodedBatch,
    attempt: (waitedFor: ReadonlySet<string> | undefined) => Promise<Landing>,
  ): Promise<Landing> {
    const lastMs = publishedAtMs(batch, batch.to - 1);
    // A replay lands parents before children by itself; without a broker's time nothing says what was published before.
    if (!this.#plan.publishes || lastMs === undefined || this.#names.size === 0) return attempt(undefined);
    await this.#fetchedLanded(lastMs);
    let waitedFor = lane.earlyColumns;
    let lacks = waitedFor.size > 0 && (await this.#landed(waitedFor, lastMs));
    for (;;) {
      try {
        const landing = await attempt(waitedFor);
        lacks ||= landing.kind === "landed" && landing.ledger.parked > 0;
        lane.earlyColumns = lacks ? waitedFor : new Set();
        return landing;
      } catch (error) {
        if (!(error instanceof EarlyChildren)) throw error;
        waitedFor = new Set([...waitedFor, ...error.columns]);
        lacks = true;
        await this.#landed(error.columns, lastMs);
      }
    }
  }

  /** Resolves when what this process has fetched of the parents' topics up to a moment has landed, or doesn't move. */
  async #fetchedLanded(publishedAtMs: number): Promise<void> {
    await this.#clock.sleep(MOMENT_MS);
    while (!this.#signal.aborted && [...this.#names].some((name) => this.#landings.isBehind(name, publishedAtMs))) {
      const count = this.#landings.countOf(this.#names);
      if (count === this.#stillCount) return;
      await this.#moved(this.#names, STILL_MS_MAX.here);
      if (count === this.#landings.countOf(this.#names)) this.#stillCount = count;
    }
  }

  /**
   * Resolves when all that the parents' topics were given up to a moment has landed, or doesn't move.
   * @param columns the children's columns that name the parents
   * @param publishedAtMs the broker's time of the last child, milliseconds since 1970
   * @returns whether it had to wait
   */
  async #landed(columns: ReadonlySet<string>, publishedAtMs: number): Promise<boolean> {
    const parents = this.#plan.consumer.landing.parents.filter(({ column }) => columns.has(column));
    let behind: Behind[] = [];
    for (const topic of new Set(parents.map((parent) => parent.topic))) {
      const topicName = this.#plan.topicEnds.nameOf(topic);
      // What has the same millisecond may have come before.
      const ends = await this.#ask(`ends of ${topicName}`, () => this.#plan.topicEnds.readAt(topic, publishedAtMs + 1));
      for (const [partition, end] of ends) {
        behind.push({ topicName, partition, end, next: -1, movedMs: this.#clock.now() });
      }
    }
    for (let hasWaited = false; ; hasWaited = true) {
      behind = await this.#stillBehind(behind);
      if (behind.length === 0 || this.#signal.aborted) return hasWaited;
      await this.#moved(new Set(behind.map(({ topicName }) => topicName)), LOOK_MS);
    }
  }

  /** Looks how far these have landed. @returns those that are to be waited for */
  async #stillBehind(behind: readonly Behind[]): Promise<Behind[]> {
    const landed = new Map<string, ReadonlyMap<number, number>>();
    for (const name of new Set(behind.map(({ topicName }) => topicName))) {
      const look = () => this.#sessions.use((connection) => nextOffsets(connection, name));
      landed.set(name, await this.#ask(`watching ${name}`, look));
    }
    const now = this.#clock.now();
    return behind.filter((one) => {
      const next = landed.get(one.topicName)!.get(one.partition) ?? 0;
      if (next >= one.end) return false;
      const key = `${one.topicName}/${one.partition}`;
      if (next !== one.next) [one.next, one.movedMs] = [next, now];
      const mostMs = STILL_MS_MAX[this.#landings.isHere(one.topicName) ? "here" : "elsewhere"];
      if (this.#still.get(key) !== next && now - one.movedMs < mostMs) return true;
      this.#still.set(key, next);
      return false;
    });
  }

  /** Resolves at the next landing of these topics in this process, after so many milliseconds, or when the group ends. */
  async #moved(topicNames: ReadonlySet<string>, mostMs: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const wake = () => resolve();
    const ends = [this.#landings.listen(topicNames, wake), this.#clock.after(mostMs, wake)];
    this.#signal.addEventListener("abort", wake);
    await promise;
    this.#signal.removeEventListener("abort", wake);
    for (const end of ends) end();
  }

  #ask<R>(what: string, question: () => Promise<R>): Promise<R> {
    return this.#patience().insist(what, question, (error) => judge(error, this.#plan.topicName));
  }
}
