import { aborted, pause } from "../../clock.ts";
import type { EventTopic } from "../../event/schemas.ts";
import { nextOffsets } from "../../table/landing/landed.ts";
import type { PartitionOffsets } from "../../topic/offsets.ts";
import { topicName } from "../../topic/topics.ts";
import type { Consumer } from "../consumer.ts";
import type { Group } from "../group/group.ts";
import { judge, Patience } from "../patience.ts";
import { emptyTally, type Tally } from "../tally.ts";
import type { LandingServices } from "./landing-services.ts";
import { openGroup } from "./open-group.ts";
import { watchOutboxes } from "./outbox-watch.ts";
import { refusePartial } from "./refuse-partial.ts";
import { sweepUntilQuiet } from "./sweep-until-quiet.ts";

interface ConsumeOptions {
  /** Ends the call when what the topics held at its start has landed. */
  readonly untilCaughtUp: boolean;
  /** Aborting asks for a stop: what is queued lands first. */
  readonly stop: AbortSignal;
  /** Aborting drops what has not committed. */
  readonly force: AbortSignal;
  /** Called now and then with what has landed so far. */
  readonly onProgress?: (progress: readonly ConsumeProgress[]) => void;
}

export interface ConsumeProgress {
  readonly topic: string;
  /** Records landed since the start, and, when there is an end, how many there were to land. */
  readonly landed: number;
  readonly total: number | undefined;
}

const PROGRESS_MS = 250;
const CAUGHT_UP_POLL_MS = 100;

/**
 * Runs the groups of these consumers until a stop is asked for, or until they have caught up.
 *
 * Catching up runs the audit topic's group after the others, up to the end that their outboxes have given the topic, so that
 * the trail has all that this call landed. It ends with sweeps until no parked event finds its parent any more.
 * @returns a tally per topic, of what this call landed
 * @throws replay_partial, and what ended a group, after the other groups have stopped
 */
export async function consume(
  services: LandingServices,
  consumers: readonly Consumer[],
  options: ConsumeOptions,
): Promise<readonly Tally[]> {
  await refusePartial(services, consumers);
  if (!options.untilCaughtUp) return runGroups(services, consumers, options, () => aborted(options.stop));
  const before = consumers.filter((consumer) => consumer.topic !== "audit");
  const last = consumers.filter((consumer) => consumer.topic === "audit");
  const tallies: Tally[] = [];
  for (const wave of [before, last]) {
    if (wave.length === 0) continue;
    if (options.stop.aborted) tallies.push(...wave.map((consumer) => emptyTally(consumer.topic)));
    else tallies.push(...(await runGroups(services, wave, options, catchUp)));
  }
  return tallies;
}

/** Per topic, what each partition held when the call began; empty ones are left out. */
type Ends = ReadonlyMap<EventTopic, readonly PartitionOffsets[]>;

/** Resolves when the groups are to be stopped. `over` is aborted when they are stopped before that, also by a failure. */
type Until = (services: LandingServices, running: Running, over: AbortSignal) => Promise<void>;

interface Running {
  readonly consumers: readonly Consumer[];
  readonly groups: readonly Group[];
  readonly ends: Ends;
}

async function runGroups(
  services: LandingServices,
  consumers: readonly Consumer[],
  options: ConsumeOptions,
  until: Until,
): Promise<readonly Tally[]> {
  const ends: Ends = options.untilCaughtUp ? await endsOf(services, consumers) : new Map();
  const groups: Group[] = [];
  const total = await remaining(services, ends);
  const report = () =>
    options.onProgress?.(
      groups.map(({ tally }) => ({ topic: tally.topic, landed: tally.read, total: total.get(tally.topic) })),
    );
  const endReports = services.clock.every(PROGRESS_MS, report);
  const ended = new AbortController();
  const over = AbortSignal.any([options.stop, ended.signal]);
  try {
    for (const consumer of consumers) groups.push(await openGroup(services, consumer));
    await Promise.all(groups.map((group) => group.start()));
    await Promise.race([
      until(services, { consumers, groups, ends }, over),
      aborted(options.stop),
      watchOutboxes(services, groups, ended.signal),
      ...groups.map((group) => group.failure),
    ]);
  } finally {
    ended.abort();
    const forced = aborted(options.force).then(() => Promise.all(groups.map((group) => group.stop(true))));
    await Promise.race([Promise.all(groups.map((group) => group.stop())), forced]);
    endReports();
    report();
  }
  return groups.map((group) => group.tally);
}

async function endsOf(services: LandingServices, consumers: readonly Consumer[]): Promise<Ends> {
  const ends = new Map<EventTopic, readonly PartitionOffsets[]>();
  for (const { topic } of consumers) {
    const offsets = await services.admin.fetchOffsets(topicName(services.config.namespace, topic));
    const filled = offsets.filter(({ low, high }) => high > low);
    ends.set(topic, filled);
  }
  return ends;
}

async function remaining(services: LandingServices, ends: Ends): Promise<ReadonlyMap<string, number>> {
  const total = new Map<string, number>();
  for (const [topic, partitions] of ends) {
    const landed = await landedOffsets(services, topic);
    let records = 0;
    for (const { partition, low, high } of partitions) records += Math.max(0, high - (landed.get(partition) ?? low));
    total.set(topic, records);
  }
  return total;
}

/** Waits until all that the topics held has landed, by the database: another process may own some of the partitions. */
async function catchUp(services: LandingServices, running: Running, over: AbortSignal): Promise<void> {
  for (const [topic, partitions] of running.ends) {
    while (!over.aborted) {
      const landed = await landedOffsets(services, topic);
      if (partitions.every(({ partition, high }) => (landed.get(partition) ?? 0) >= high)) break;
      await pause(CAUGHT_UP_POLL_MS, over, services.clock);
    }
  }
  await sweepUntilQuiet(running.groups, over);
}

/** Reads how far a topic has landed; waits out an outage, as a landing does. */
function landedOffsets(services: LandingServices, topic: EventTopic): Promise<ReadonlyMap<number, number>> {
  const { questions, config, log, clock, closing } = services;
  const name = topicName(config.namespace, topic);
  return new Patience(log, closing, clock).insist(
    `watching ${name}`,
    () => questions.use((connection) => nextOffsets(connection, name)),
    (error) => judge(error, name, questions.isBroken),
  );
}
