import { isDeepStrictEqual } from "node:util";
import { afterEach, describe, expect, test, vi } from "vitest";
import type { AnyDraft } from "../../src/agent/draft.ts";
import { readConfig } from "../../src/config.ts";
import { EVENT_BY_TOPIC, EVENT_SCHEMAS } from "../../src/event/schemas.ts";
import { openLog } from "../../src/log.ts";
import type { InputRecord, Machine, Program } from "../../src/stream/program.ts";
import { runProgram } from "../../src/stream/run.ts";
import { type Dice, openDice } from "../chaos/dice.ts";
import { MemoryLog, registry } from "./memory-log.ts";
import { AGENT, sessionDraft, WARM_UP, wanderingBars } from "./whole-agent.ts";

afterEach(() => vi.restoreAllMocks());

const config = readConfig({ namespace: "" }, {});
const log = openLog({ logLevel: "silent" });

/** One run of a program on a cluster, until it has caught up. */
const run = (cluster: MemoryLog, program: Program) => {
  cluster.isDead = false;
  return runProgram({ client: cluster, registry, config, log, publish: cluster.publish }, program, {
    name: "one",
    caughtUpWith: Promise.resolve(),
    stop: new AbortController().signal,
  });
};

/** What a table would have in the end, by id: of revisions the latest, of those of one time the one that came last. */
function tableOf({ told }: MemoryLog): Map<string, string> {
  const rows = new Map<string, { readonly revisedAt: number; readonly text: string }>();
  for (const { topic, event } of told) {
    const id = `${topic} ${event[EVENT_SCHEMAS[EVENT_BY_TOPIC[topic]].fields[0]!.name]}`;
    const revisedAt = Number(event.revised_at ?? 0);
    if (revisedAt >= (rows.get(id)?.revisedAt ?? 0)) rows.set(id, { revisedAt, text: JSON.stringify(event) });
  }
  return new Map([...rows].map(([id, { text }]) => [id, text]));
}

/** Everything that was ever said of each id. */
const sayingsOf = ({ told }: MemoryLog): Set<string> =>
  new Set(told.map(({ topic, event }) => `${topic} ${JSON.stringify(event)}`));

/** Rounds of bars, each of which the whole agent takes before the next one comes. */
function roundsOf(dice: Dice, count: number): AnyDraft[][] {
  const bars = wanderingBars(dice, WARM_UP + 10 * count);
  const first = bars.splice(0, 2 * WARM_UP);
  return [[sessionDraft(), ...first], ...Array.from({ length: count }, () => bars.splice(0, 20)), bars];
}

describe("an agent whose topics lose their beginnings", () => {
  /** Each call is half a minute after the one before, so that a snapshot is due after nearly each batch. */
  const hurry = () => {
    let nowMs = 0;
    vi.spyOn(performance, "now").mockImplementation(() => (nowMs += 30_000));
  };

  test.each([1, 2])("tells what it tells on whole topics, at 20 random cuts and crashes, by dice %i", async (seed) => {
    hurry();
    const rounds = roundsOf(openDice(seed), 20);
    const whole = new MemoryLog(openDice(seed));
    const cut = new MemoryLog(openDice(seed + 100));
    const dice = openDice(seed + 200);
    for (const round of rounds) {
      for (const one of round) await Promise.all([whole.publish(one), cut.publish(one)]);
      for (const program of AGENT) {
        await run(whole, program);
        for (let isDone = false; !isDone; ) {
          Object.assign(cut.faults, { publish: dice.pick([0, 0.01]), produce: dice.pick([0, 0.3]), mark: 0.1 });
          isDone = await run(cut, program).then(
            () => true,
            (error: Error) => {
              if (!error.message.startsWith("killed")) throw error;
              return false;
            },
          );
        }
        Object.assign(cut.faults, { publish: 0, produce: 0, mark: 0 });
      }
      for (const topicName of ["sessions", "bars", "indicators", "predictions", "decisions", "fills"]) {
        for (const [partition, { records }] of cut.partitions(topicName).entries()) {
          cut.cut(topicName, partition, dice.between(0, records.length));
        }
      }
    }
    const topics = new Set(whole.told.map(({ topic }) => topic));
    expect([...topics]).toEqual(expect.arrayContaining(["predictions", "decisions", "fills", "performance"]));
    expect(tableOf(cut)).toEqual(tableOf(whole));
    const said = sayingsOf(whole);
    expect([...sayingsOf(cut)].filter((text) => !said.has(text))).toEqual([]);
  });
});

describe("a machine of each program that begins with what another one saved", () => {
  /** Feeds records through all machines, each of which may be replaced before it takes one. */
  function flow(records: readonly AnyDraft[], replaced: (machine: Machine, program: Program) => Machine): string[] {
    const told: string[] = [];
    const machines = AGENT.map((program) => ({ program, machine: program.open(() => true) }));
    let offset = 0;
    const hand = ({ topic, event }: AnyDraft): void => {
      const record = { topic, event, partition: 0, offset: offset++, publishedUs: 0 } as InputRecord;
      for (const one of machines.filter(({ program }) => program.reads.includes(topic))) {
        one.machine = replaced(one.machine, one.program);
        for (const given of one.machine.take(record)) {
          told.push(JSON.stringify(given));
          hand(given);
        }
      }
    };
    for (const record of records) {
      hand(record);
      for (const { machine } of machines) told.push(...(machine.idle?.(0) ?? []).map((given) => JSON.stringify(given)));
    }
    return told;
  }

  test.each([1, 2, 3])("goes on as the other one does, by dice %i", (seed) => {
    const records = [sessionDraft(), ...wanderingBars(openDice(seed), WARM_UP + 60)];
    const dice = openDice(seed);
    const expected = flow(records, (machine) => machine);
    const found = flow(records, (machine, program) => {
      if (!dice.happens(0.01)) return machine;
      const saved = machine.save!();
      const text = JSON.stringify(saved);
      expect(isDeepStrictEqual(JSON.parse(text), saved)).toBe(true);
      return program.open(() => true, JSON.parse(text));
    });
    expect(found).toEqual(expected);
    expect(expected.some((text) => text.startsWith('{"topic":"fills"'))).toBe(true);
  });
});
