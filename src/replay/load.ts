import type { Consumer } from "../batch/consumer.ts";
import type { Group } from "../batch/group/group.ts";
import type { ReplayTerms } from "../batch/group/replay-terms.ts";
import type { LandingServices } from "../batch/run/landing-services.ts";
import { openGroup } from "../batch/run/open-group.ts";
import { aborted } from "../clock.ts";
import type { EventTopic } from "../event/schemas.ts";
import type { Connection } from "../table/connection.ts";
import { claimPartition } from "../table/landing/landed.ts";
import { tablesOf } from "../table/rows/landing-table.ts";
import { analyze } from "../table/upkeep/secondary-indexes.ts";
import type { Speed } from "./bounds.ts";
import { ReplayPace } from "./replay-pace.ts";
import { FIRST, type ReplayPlan, termsOf } from "./replay-plan.ts";
import type { TopicProgress, Watch } from "./watch.ts";

/** What loading needs, and when to stop. */
interface Loading {
  readonly services: LandingServices;
  /** A session of the tables' owner. */
  readonly owner: Connection;
  readonly plan: ReplayPlan;
  readonly consumers: readonly Consumer[];
  readonly speed: Speed;
  readonly watch: Watch;
  readonly stop: AbortSignal;
  readonly force: AbortSignal;
  readonly saw: (progress: readonly TopicProgress[]) => void;
}

/**
 * Lands the plan's ranges by the groups that land live, too. Symbols and sessions come first and whole. Then the small
 * topics land one after the other, parents before children, so that only events without a parent park; every other topic
 * lands beside them. At a speed all topics land at once, because the pace merges them, and children park as they do live.
 * @returns whether all has landed; false when it was stopped before
 */
export async function load(loading: Loading): Promise<boolean> {
  const { services, owner, plan, consumers, watch, stop } = loading;
  await claimAll(services, plan);
  await watch.look();
  const ended = new AbortController();
  const watching = watch.run(ended.signal, loading.saw).finally(() => ended.abort());
  watching.catch(() => undefined);
  try {
    const lander = new Lander(loading, AbortSignal.any([stop, ended.signal]));
    const first = consumers.filter(({ topic }) => FIRST.includes(topic));
    const rest = consumers.filter(({ topic }) => !FIRST.includes(topic));
    await lander.together(
      first.map((consumer) => [consumer]),
      undefined,
    );
    if (stop.aborted) return false;
    await analyze(
      owner,
      first.flatMap(({ landing }) => tablesOf(landing)),
    );
    if (loading.speed.kind === "max") await lander.together(chains(rest), undefined);
    else await lander.paced(rest);
    await watch.look();
    loading.saw(watch.progress());
    return plan.topics.every(({ topic }) => watch.isDone(topic));
  } finally {
    ended.abort();
    await watching;
  }
}

/** Claims every partition of the plan, because one that holds nothing has to be known to the database as after live landing. */
async function claimAll({ questions, clusterId }: LandingServices, { topics }: ReplayPlan): Promise<void> {
  for (const { name, partitions } of topics) {
    for (const { partition, start } of partitions) {
      await questions.use((connection) => claimPartition(connection, name, partition, start, clusterId));
    }
  }
}

/** The topics that have parents or children, in their order, as one chain; every other topic as a chain of its own. */
function chains(consumers: readonly Consumer[]): readonly (readonly Consumer[])[] {
  const isParent = (topic: string) =>
    consumers.some((other) => other.landing.parents.some((parent) => parent.topic === topic));
  const isChild = ({ landing }: Consumer) =>
    landing.parents.some(({ topic }) => consumers.some((other) => other.topic === topic));
  const family = consumers.filter((consumer) => isParent(consumer.topic) || isChild(consumer));
  return [family, ...consumers.filter((consumer) => !family.includes(consumer)).map((consumer) => [consumer])];
}

/** Runs groups until their topics have reached their ends, or until one of them fails. */
class Lander {
  readonly #loading: Loading;
  readonly #stop: AbortSignal;
  readonly #failed = new AbortController();

  constructor(loading: Loading, stop: AbortSignal) {
    this.#loading = loading;
    this.#stop = AbortSignal.any([stop, this.#failed.signal]);
  }

  /** Lands the chains side by side, the members of each in turn. @throws the first failure, when all have stopped */
  async together(chains: readonly (readonly Consumer[])[], pace: ReplayPace | undefined): Promise<void> {
    const terms = termsOf(this.#loading.plan, pace);
    const ends = await Promise.allSettled(
      chains.map(async (chain) => {
        for (const consumer of chain) await this.#land(consumer, terms);
      }),
    );
    const failure = ends.find((end) => end.status === "rejected");
    if (failure) throw failure.reason;
  }

  async paced(consumers: readonly Consumer[]): Promise<void> {
    const { plan, speed, watch } = this.#loading;
    const waiting = plan.topics.filter(({ topic }) => !watch.isDone(topic) && consumers.some((c) => c.topic === topic));
    const isTrail = (topic: EventTopic) => consumers.some((c) => c.topic === topic && c.landing.chained === true);
    const streams = waiting.flatMap((one) =>
      watch.streams([one]).map((of) => ({ ...of, isTrail: isTrail(one.topic) })),
    );
    const pace = new ReplayPace(speed, streams);
    const pacing = pace.run(this.#stop);
    await this.together(
      consumers.map((consumer) => [consumer]),
      pace,
    );
    await pacing;
  }

  async #land(consumer: Consumer, terms: ReplayTerms): Promise<void> {
    const { services, watch } = this.#loading;
    if (this.#stop.aborted || watch.isDone(consumer.topic)) return;
    const reached = watch.reached(consumer.topic);
    try {
      const group = await openGroup(services, consumer, { terms });
      try {
        await Promise.race([group.start(), aborted(this.#stop)]);
        await Promise.race([reached, aborted(this.#stop), group.failure]);
      } finally {
        await this.#end(group);
      }
    } catch (error) {
      this.#failed.abort();
      throw error;
    }
  }

  /** Stops a group: what is queued lands first, unless `force` is aborted. */
  async #end(group: Group): Promise<void> {
    const forced = aborted(this.#loading.force).then(() => group.stop(true));
    await Promise.race([group.stop(), forced]);
  }
}
