import { afterAll, beforeAll, expect, test } from "vitest";
import type { AnyDraft } from "../../../src/agent/draft.ts";
import { openRegistry } from "../../../src/event/registry.ts";
import type { EventTopic } from "../../../src/event/schemas.ts";
import { openLog } from "../../../src/log.ts";
import type { Program } from "../../../src/stream/program.ts";
import { runProgram } from "../../../src/stream/run.ts";
import { withAdmin } from "../../../src/topic/log-client.ts";
import { openDice } from "../../chaos/dice.ts";
import { AGENT, sessionDraft, WARM_UP, wanderingBars } from "../../stream/whole-agent.ts";
import { openTestTape, type TestTape } from "../../support/tape.ts";

/** What a program of the agent reads and another one made; and bars. */
const CUT: readonly EventTopic[] = ["bars", "indicators", "predictions", "decisions", "fills"];

let tape: TestTape;
beforeAll(async () => {
  tape = await openTestTape();
});
afterAll(() => tape?.stop());

type Told = { readonly topic: EventTopic; readonly event: AnyDraft["event"] };

/** One run of a program, until it has caught up. @param told gets what it publishes @param name of its marks and snapshots */
async function run(program: Program, told: Told[], name: string) {
  const publish = async ({ topic, event }: AnyDraft) => {
    told.push({ topic, event });
    await tape.publish(topic, event as never);
  };
  const log = openLog({ logLevel: "silent" });
  const registry = openRegistry({ schemaRegistryUrl: tape.config.schemaRegistryUrl ?? "" });
  return runProgram({ client: tape.client, registry, config: tape.config, log, publish }, program, {
    name,
    caughtUpWith: Promise.resolve(),
    stop: new AbortController().signal,
  });
}

/** Removes records from a topic's front, as retention does. @param offsetOf the first offset that stays */
async function cut(topic: EventTopic, offsetOf: (partition: number, low: number, high: number) => number) {
  const topicName = tape.name(topic);
  const logs = await withAdmin(tape.client, (admin) => admin.fetchOffsets(topicName));
  const partitions = logs
    .map(({ partition, low, high }) => ({ partition, from: offsetOf(partition, low, high), low }))
    .filter(({ from, low }) => from > low)
    .map(({ partition, from }) => ({ partition, offset: String(from) }));
  if (partitions.length === 0) return;
  await tape.admin(async (admin) => {
    // kafkajs deletes of topics only that this client has asked about before.
    await admin.fetchTopicOffsets(topicName);
    await admin.deleteTopicRecords({ topic: topicName, partitions });
  });
}

/** Without the broker's times of what was used, which no two runs share. */
const textOf = ({ topic, event }: Told): string =>
  `${topic} ${JSON.stringify(event)}`.replaceAll(/\\"known_at\\":\d+/g, "");
const publishAll = async (drafts: readonly AnyDraft[]) => {
  for (const { topic, event } of drafts) await tape.publish(topic, event as never);
};

test("an agent goes on from its snapshots where retention cuts all its topics 20 times: nothing is told otherwise", async () => {
  const dice = openDice(5);
  const ROUNDS = 4;
  const bars = wanderingBars(openDice(4), WARM_UP + 10 * ROUNDS);
  const reference = AGENT.map((program) => ({ program, machine: program.open(() => true) }));
  const [told, expected]: [Told[], Told[]] = [[], []];
  let offset = 0;
  const hand = ({ topic, event }: AnyDraft): void => {
    const record = { topic, event, partition: 0, offset: offset++, publishedUs: 0 } as never;
    for (const { program, machine } of reference) {
      if (!program.reads.includes(topic)) continue;
      for (const given of machine.take(record)) {
        expected.push(given);
        hand(given);
      }
    }
  };
  await publishAll([sessionDraft()]);
  hand(sessionDraft());
  for (let round = 0; round < ROUNDS; round++) {
    const some = bars.splice(0, round === 0 ? 2 * WARM_UP : 20);
    for (const one of some) hand(one);
    await publishAll(some);
    for (const program of AGENT) await run(program, told, "cut");
    // Five topics in each of four rounds.
    for (const topic of CUT) await cut(topic, (_partition, low, high) => dice.between(low, high));
  }
  const of = (all: readonly Told[]) => new Set(all.filter(({ topic }) => topic !== "performance").map(textOf));
  expect(new Set(told.map(({ topic }) => topic))).toEqual(new Set(AGENT.map(({ name }) => name)));
  expect(of(told)).toEqual(of(expected));
  const refusal = { code: "state_lost", canRetry: false };
  for (const program of AGENT) await expect(run(program, told, "fresh")).rejects.toMatchObject(refusal);
  const counted = new Map<string, number>();
  for (const { event } of told) {
    if (!("total_trades" in event)) continue;
    expect(event.total_trades).toBeGreaterThanOrEqual(counted.get(event.performance_id) ?? 0);
    counted.set(event.performance_id, event.total_trades);
  }
});
