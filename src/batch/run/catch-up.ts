import { pause } from "../../clock.ts";
import type { EventTopic } from "../../event/schemas.ts";
import { nextOffsets } from "../../table/landing/landed.ts";
import type { PartitionOffsets } from "../../topic/offsets.ts";
import { topicName } from "../../topic/topics.ts";
import type { Consumer } from "../consumer.ts";
import { judge, Patience } from "../patience.ts";
import type { GroupKeeper } from "./group-keeper.ts";
import type { LandingServices } from "./landing-services.ts";
import { sweepUntilQuiet } from "./sweep-until-quiet.ts";

const CAUGHT_UP_POLL_MS = 100;

/** Per topic, what each partition held when the call began; empty ones are left out. */
export type Ends = ReadonlyMap<EventTopic, readonly PartitionOffsets[]>;

export async function endsOf(services: LandingServices, consumers: readonly Consumer[]): Promise<Ends> {
  const ends = new Map<EventTopic, readonly PartitionOffsets[]>();
  for (const { topic } of consumers) {
    const offsets = await services.admin.fetchOffsets(topicName(services.config.namespace, topic));
    const filled = offsets.filter(({ low, high }) => high > low);
    ends.set(topic, filled);
  }
  return ends;
}

/** How many records of each topic have not landed. */
export async function remaining(services: LandingServices, ends: Ends): Promise<ReadonlyMap<string, number>> {
  const total = new Map<string, number>();
  for (const [topic, partitions] of ends) {
    const landed = await landedOffsets(services, topic);
    let records = 0;
    for (const { partition, low, high } of partitions) records += Math.max(0, high - (landed.get(partition) ?? low));
    total.set(topic, records);
  }
  return total;
}

/**
 * Waits until all that the topics held has landed, by the database: another process may own some of the partitions. What a
 * group that has stopped leaves behind isn't waited for.
 */
export async function catchUp(
  services: LandingServices,
  keepers: readonly GroupKeeper[],
  ends: Ends,
  over: AbortSignal,
): Promise<void> {
  for (const keeper of keepers) await keeper.begun;
  for (const keeper of keepers) {
    const partitions = ends.get(keeper.topic)!;
    while (!over.aborted && !keeper.isOver) {
      const landed = await landedOffsets(services, keeper.topic);
      if (partitions.every(({ partition, high }) => (landed.get(partition) ?? 0) >= high)) break;
      await pause(CAUGHT_UP_POLL_MS, over, services.clock);
    }
  }
  await sweepUntilQuiet(keepers, over);
}

/** Reads how far a topic has landed; waits out an outage, as a landing does. */
function landedOffsets(services: LandingServices, topic: EventTopic): Promise<ReadonlyMap<number, number>> {
  const { questions, config, log, clock, closing } = services;
  const name = topicName(config.namespace, topic);
  return new Patience(log, closing, clock).insist(
    `watching ${name}`,
    () => questions.use((connection) => nextOffsets(connection, name)),
    (error) => judge(error, name),
  );
}
