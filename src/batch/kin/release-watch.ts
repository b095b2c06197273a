import type { Clock } from "../../clock.ts";
import { readyPartitions } from "../../table/landing/parked.ts";
import type { SessionSource } from "../../table/pool/session-pool.ts";
import type { LandingPlan } from "../land/landing-plan.ts";
import { judge, type Patience } from "../patience.ts";
import { type KinParts, parentTopics } from "./kin-parts.ts";

/** How often the database is asked about parents that other processes may have landed, while anything is parked here. */
const LOOK_MS = 100;

/** After a look it rests so many times as long as that took, because one reads all that is parked: 5 % of one session. */
const REST_FACTOR = 20;

/** A partition's lane, as far as it is of concern here. */
interface Waiting {
  readonly parked: number;
  sweep(): void;
}

/**
 * Finds out when parents of parked events have landed: at once where this process landed them, else within about LOOK_MS. The
 * sweeps find them, too, but only now and then.
 */
export class ReleaseWatch {
  readonly #plan: LandingPlan;
  readonly #sessions: SessionSource;
  readonly #clock: Clock;
  readonly #signal: AbortSignal;
  readonly #patience: () => Patience;
  readonly #lanes: ReadonlyMap<number, Waiting>;
  readonly #failed: (error: unknown) => void;
  #isWanted = false;
  #isLooking = false;
  readonly #ends: readonly (() => void)[];

  /** @param lanes the group's, by partition, as they are at each look */
  constructor(parts: KinParts, lanes: ReadonlyMap<number, Waiting>, failed: (error: unknown) => void) {
    const { plan, clock } = parts;
    this.#plan = plan;
    this.#sessions = parts.landing;
    this.#clock = clock;
    this.#signal = parts.signal;
    this.#patience = parts.patience;
    this.#lanes = lanes;
    this.#failed = failed;
    const look = () => this.#look();
    this.#ends = [parts.landings.listen(parentTopics(plan), look), clock.every(LOOK_MS, look)];
  }

  readonly end = (): void => {
    for (const end of this.#ends) end();
  };

  #look(): void {
    this.#isWanted = true;
    if (this.#isLooking) return;
    this.#isLooking = true;
    void this.#lookOn().catch((error) => {
      if (!this.#signal.aborted) this.#failed(error);
    });
  }

  async #lookOn(): Promise<void> {
    while (this.#isWanted) {
      this.#isWanted = false;
      const partitions = [...this.#lanes].filter(([, { parked }]) => parked > 0).map(([partition]) => partition);
      if (partitions.length === 0) break;
      const begunMs = this.#clock.now();
      for (const partition of await this.#readyOf(partitions)) this.#lanes.get(partition)?.sweep();
      await this.#clock.sleep((this.#clock.now() - begunMs) * REST_FACTOR, this.#signal);
    }
    this.#isLooking = false;
  }

  #readyOf(partitions: readonly number[]): Promise<ReadonlySet<number>> {
    const { topicName, consumer, encoder } = this.#plan;
    const { parents } = consumer.landing;
    const look = () =>
      this.#sessions.use((c) => readyPartitions(c, topicName, partitions, parents, encoder.filter.kinds));
    return this.#patience().insist(`parked events of ${topicName}`, look, (error) => judge(error, topicName));
  }
}
