import { expect } from "vitest";
import { CONSUMERS } from "../../consumers/all.ts";
import { type Consumed, type ConsumeProgress, consume } from "../../src/batch/run/consume.ts";
import type { GroupState } from "../../src/batch/run/group-state.ts";
import { openLandingServices } from "../../src/batch/run/landing-services.ts";
import type { Tally } from "../../src/batch/tally.ts";
import { type Clock, SYSTEM_CLOCK } from "../../src/clock.ts";
import type { EventTopic } from "../../src/event/schemas.ts";
import { openLog } from "../../src/log.ts";
import { SETTINGS, type SettingName } from "../../src/settings.ts";
import type { Records } from "../../src/topic/fetch/records.ts";
import type { LandOptions, TestTape } from "./tape.ts";

/** What a claim tells of a log of which nothing is known but that it is the first one, and has more than has landed. */
export const FIRST_LOG = { rewinds: 0, claims: 1, topicId: null, leaderEpoch: null, end: 1_000_000 } as const;

/** Records that were never in a topic, from offset `first` on. */
export const recordsOf = (values: readonly Buffer[], first: number): Records => ({
  count: values.length,
  offsetOf: (index) => first + index,
  publishedAtMs: () => Date.now(),
  locate: (index, place) => place.cover(values[index]!),
  headersOf: () => undefined,
  faultAt: () => undefined,
  record: (index) => ({ key: null, value: values[index]! }),
});

type Config = TestTape["config"];

/** Lands by other settings than the tape's own: through a proxy, with another patience. Throws what stopped a group. */
export async function landBy(
  config: Config,
  topics: readonly EventTopic[],
  options: LandOptions = {},
): Promise<readonly Tally[]> {
  const services = await openLandingServices(config, openLog(config));
  try {
    const { tallies, failure } = await consume(
      services,
      CONSUMERS.filter(({ topic }) => topics.includes(topic)),
      {
        untilCaughtUp: options.untilCaughtUp ?? true,
        stop: options.stop ?? new AbortController().signal,
        force: new AbortController().signal,
      },
    );
    if (failure) throw failure;
    return tallies;
  } finally {
    await services.close();
  }
}

/** Pauses of minutes last half a second. */
const HASTY: Clock = {
  ...SYSTEM_CLOCK,
  sleep: (ms, signal) => SYSTEM_CLOCK.sleep(Math.min(ms, 500), signal),
  after: (ms, call) => SYSTEM_CLOCK.after(Math.min(ms, 500), call),
};

type Stopped = Extract<GroupState, { readonly state: "stopped" }>;

/** A process that consumes, seen from within. */
export interface Consuming {
  stateOf(topic: EventTopic): GroupState | undefined;
  /** Waits until a topic's group is stopped. @returns that very state: what is looked at behind it may be the next one */
  stopped(topic: EventTopic): Promise<Stopped>;
  /** Waits until a topic's group runs. */
  runs(topic: EventTopic): Promise<void>;
  readonly ended: Promise<Consumed>;
  stop(): Promise<Consumed>;
}

/** `tradetape consume` of these topics, which tries again within a second what it tries again. */
export async function startConsuming(
  config: Config,
  topics: readonly EventTopic[],
  failFast = false,
): Promise<Consuming> {
  const services = { ...(await openLandingServices(config, openLog(config))), clock: HASTY };
  const stop = new AbortController();
  let now: readonly ConsumeProgress[] = [];
  const consumers = CONSUMERS.filter(({ topic }) => topics.includes(topic));
  const ended = consume(services, consumers, {
    untilCaughtUp: false,
    failFast,
    stop: stop.signal,
    force: new AbortController().signal,
    onProgress: (progress) => {
      now = progress;
    },
  }).finally(() => services.close());
  const stateOf = (topic: EventTopic) => now.find((one) => one.topic === topic)?.state;
  return {
    stateOf,
    async stopped(topic) {
      let seen: GroupState | undefined;
      const look = () => {
        seen = stateOf(topic);
        return seen?.state;
      };
      await expect.poll(look).toBe("stopped");
      return seen as Stopped;
    },
    runs: (topic) => expect.poll(() => stateOf(topic)).toEqual({ state: "running" }),
    ended,
    stop() {
      stop.abort();
      return ended;
    },
  };
}

/** These settings as the environment of a `tradetape` process of its own, which has the defaults of all others. */
export function environmentOf(config: { readonly [name in SettingName]?: unknown }): NodeJS.ProcessEnv {
  const names = Object.keys(SETTINGS) as SettingName[];
  const given = names.filter((name) => config[name] !== undefined);
  return Object.fromEntries(given.map((name) => [SETTINGS[name].env, String(config[name])]));
}

/** The Kafka group by which a database lands a topic. */
export async function groupOf(tape: TestTape, topic: EventTopic): Promise<string> {
  const [row] = await tape.query<{ id: string }>("SELECT database_id AS id FROM tradetape.database_id");
  return `tradetape.${tape.name(topic)}.${row!.id}`;
}

/**
 * The same once it has no member, so that its offsets can be set. The broker has the last one's farewell a moment behind its
 * answer, and a killed process's member for a session longer.
 */
export async function emptyGroupOf(tape: TestTape, topic: EventTopic): Promise<string> {
  const groupId = await groupOf(tape, topic);
  const state = () => tape.admin(async (admin) => (await admin.describeGroups([groupId])).groups[0]!.state);
  await expect.poll(state).toMatch(/^(Empty|Dead)$/);
  return groupId;
}

/** The end of a topic's partition 0: of its log, and of what has landed of it. */
export async function endsOf(
  tape: TestTape,
  topic: EventTopic,
): Promise<{ readonly log: number; readonly landed: number }> {
  const offsets = await tape.admin((admin) => admin.fetchTopicOffsets(tape.name(topic)));
  const [row] = await tape.query<{ next: number }>(
    "SELECT next_offset AS next FROM tradetape.landed_offset WHERE topic = $1 AND partition = 0",
    [tape.name(topic)],
  );
  return { log: Number(offsets.find(({ partition }) => partition === 0)!.high), landed: row!.next };
}
