import { afterEach, describe, expect, test, vi } from "vitest";
import { decisionsOnPredictions } from "../../producers/decisions.ts";
import { indicatorsOfBars } from "../../producers/indicators.ts";
import { performanceOfFills } from "../../producers/performance.ts";
import type { AnyDraft } from "../../src/agent/draft.ts";
import { readConfig } from "../../src/config.ts";
import { strategyId } from "../../src/event/identity.ts";
import { openLog } from "../../src/log.ts";
import type { Program } from "../../src/stream/program.ts";
import { runProgram } from "../../src/stream/run.ts";
import { openDice } from "../chaos/dice.ts";
import { bar, decision, fill, idOf, prediction, SYMBOL_ID } from "../support/samples.ts";
import { MemoryLog, registry } from "./memory-log.ts";

const DAY = 86_400_000_000;
const START = Date.UTC(2017, 0, 1) * 1000;
const SESSION = idOf("session");
const BY = { actor: "bot", modelVersion: "model", strategyId: strategyId("plain"), session: SESSION };
const config = readConfig({ namespace: "" }, {});
const log = openLog({ logLevel: "silent" });
const warn = vi.spyOn(log, "warn");
afterEach(() => warn.mockClear());

const open = () => new MemoryLog(openDice(1));
const run = (cluster: MemoryLog, program: Program, name = "one") =>
  runProgram({ client: cluster, registry, config, log, publish: cluster.publish }, program, {
    name,
    caughtUpWith: Promise.resolve(),
    stop: new AbortController().signal,
  });
const publish = async (cluster: MemoryLog, ...drafts: readonly AnyDraft[]) => {
  for (const one of drafts) await cluster.publish(one);
};
/** Removes all that a topic holds. */
const empty = (cluster: MemoryLog, topicName: string) => {
  for (const [partition, { records }] of cluster.partitions(topicName).entries()) {
    cluster.cut(topicName, partition, records.length);
  }
};
/** What a program published of a topic. */
const told = (cluster: MemoryLog, topic: string) =>
  cluster.told.flatMap((one) => (one.topic === topic ? [one.event] : []));

const predicted = (n: number, probability_up: number): AnyDraft => {
  const of = { timestamp: START + n * 30 * DAY, model_version: BY.modelVersion, backtest_session_id: SESSION };
  return { topic: "predictions", headers: {}, event: prediction(n, { ...of, probability_up, confidence_score: 0.9 }) };
};
const dayBar = (n: number): AnyDraft => {
  const close = 100 + 10 * Math.sin(n / 7) + (n % 5);
  const of = { timestamp: START + n * DAY, ends_at: START + (n + 1) * DAY, interval: "1d", revised_at: START + n };
  return { topic: "bars", headers: {}, event: bar(n, { ...of, open: close, high: close, low: close, close }) };
};
const traded = (n: number, action: "BUY" | "SELL", price: number): AnyDraft[] => {
  const of = { timestamp: START + n * DAY, backtest_session_id: SESSION };
  const decided = decision(n, { ...of, action, strategy_id: BY.strategyId, model_reference: null });
  const executed = { ...of, decision_id: decided.decision_id, executed_price: price, quantity: 10, fee: 0 };
  return [
    { topic: "decisions", headers: {}, event: decided },
    { topic: "fills", headers: {}, event: fill(n, executed) },
  ];
};

const INDICATORS = indicatorsOfBars({ interval: "1d", actor: "bot", session: SESSION });
const PERFORMANCE = performanceOfFills(BY, { interval: "1d", source: null, capital: null });
const TRADED = { interval: "1d", source: null };
const DECISIONS = decisionsOnPredictions(BY, TRADED);

describe("a program whose topics lost their beginnings", () => {
  test("sells what it holds, though the prediction that made it buy is gone", async () => {
    const cluster = open();
    await publish(cluster, predicted(1, 0.7));
    await run(cluster, DECISIONS);
    empty(cluster, "predictions");
    await publish(cluster, predicted(2, 0.2), predicted(3, 0.2));
    await run(cluster, DECISIONS);
    expect(told(cluster, "decisions")).toMatchObject([
      { action: "BUY", size: 10, approved: true },
      { action: "SELL", size: 10, approved: true },
      { action: "SELL", approved: false, reason: expect.stringContaining("nothing is held") },
    ]);
  });

  test("goes on with averages of all bars, though most are gone", async () => {
    const [whole, cut] = [open(), open()];
    for (const cluster of [whole, cut]) {
      await publish(cluster, ...Array.from({ length: 300 }, (_, n) => dayBar(n)));
      await run(cluster, INDICATORS);
    }
    empty(cut, "bars");
    for (const cluster of [whole, cut]) {
      await publish(cluster, dayBar(300));
      await run(cluster, INDICATORS);
    }
    expect(told(cut, "indicators")).toEqual(told(whole, "indicators"));
    expect(
      told(cut, "indicators")
        .slice(-11)
        .some(({ period }) => period === 200),
    ).toBe(true);
  });

  test("counts trades whose executions are gone", async () => {
    const cluster = open();
    await publish(cluster, ...traded(1, "BUY", 100), ...traded(2, "SELL", 110), ...traded(3, "BUY", 100));
    await run(cluster, PERFORMANCE);
    for (const topic of ["decisions", "fills"]) empty(cluster, topic);
    await publish(cluster, ...traded(4, "SELL", 90));
    await run(cluster, PERFORMANCE);
    const years = told(cluster, "performance").filter(({ symbol_id }) => symbol_id === SYMBOL_ID);
    expect(
      years.map(({ total_trades, win_rate, pnl, open_position }) => [total_trades, win_rate, pnl, open_position]),
    ).toEqual([
      [1, 1, null, 10],
      [2, 0.5, 0, 0],
    ]);
  });

  test.each([
    ["performance", PERFORMANCE, "fills", traded(1, "BUY", 100)],
    ["decisions", DECISIONS, "predictions", [predicted(1, 0.7)]],
    ["indicators", INDICATORS, "bars", [dayBar(1)]],
  ] as const)("is refused without a snapshot, by partition and offsets: %s", async (_, program, topic, drafts) => {
    const cluster = open();
    await publish(cluster, ...drafts);
    empty(cluster, topic);
    const count = cluster.told.length;
    const partition = cluster.partitions(topic).findIndex(({ records }) => records.length > 0);
    await expect(run(cluster, program)).rejects.toMatchObject({
      code: "state_lost",
      message: expect.stringContaining(`${topic}/${partition} 0..0, and there is no snapshot`),
      next: expect.stringContaining("TRADETAPE_NAMESPACE"),
    });
    expect(cluster.told).toHaveLength(count);
  });
});

describe("a snapshot", () => {
  /** A cluster on which the program of decisions has bought, and left a snapshot. */
  async function bought(): Promise<MemoryLog> {
    const cluster = open();
    await publish(cluster, predicted(1, 0.7));
    await run(cluster, DECISIONS);
    return cluster;
  }
  const careful = { entry: 0.6, size: 1, positionMax: 1, confidenceMin: 0, cooldownUs: 0 };
  const others = decisionsOnPredictions(BY, TRADED, careful);
  const newer: Program = { ...(DECISIONS as Program), snapshot: { ...DECISIONS.snapshot!, version: 99 } };
  const damage = (cluster: MemoryLog, change: (record: { value: Buffer }) => void) => {
    for (const record of cluster.partitions("snapshots")[0]!.records) change(record as { value: Buffer });
  };
  /** The topic was made again. */
  const forgetPredictions = (cluster: MemoryLog) => {
    for (const { records } of cluster.partitions("predictions")) records.length = 0;
  };
  const inHead = (from: string, to: string) => (record: { value: Buffer }) => {
    record.value = Buffer.from(record.value.toString("latin1").replace(from, to), "latin1");
  };

  test.each<[string, (cluster: MemoryLog) => void, Program, string]>([
    ["of other settings", () => {}, others, "other settings"],
    ["of another version", () => {}, newer, "version 1 of the program made it, this is 99"],
    ["of another format", (c) => damage(c, inHead('"format":1', '"format":2')), DECISIONS, "format 2"],
    ["whose state is damaged", (c) => damage(c, inHead("\u001f", "\u001e")), DECISIONS, "damaged"], // biome-ignore format: a row
    ["whose head can't be read", (c) => damage(c, inHead('{"format"', "{format")), DECISIONS, "can't be read"],
    ["whose head is damaged", (c) => damage(c, inHead('/0":', '/0":1')), DECISIONS, "damaged"],
    ["beyond the log's end", forgetPredictions, DECISIONS, "that log ends at 0"],
  ])("%s is not used, and the log says why", async (_, change, program, why) => {
    const cluster = await bought();
    change(cluster);
    await run(cluster, program);
    expect(warn).toHaveBeenCalledWith(expect.anything(), expect.stringContaining(why));
  });

  test("that isn't used stands for nothing where the log is cut", async () => {
    const cluster = await bought();
    empty(cluster, "predictions");
    const count = cluster.told.length;
    await expect(run(cluster, others)).rejects.toMatchObject({
      code: "state_lost",
      message: expect.stringContaining("made with other settings"),
    });
    expect(cluster.told).toHaveLength(count);
    expect(await run(cluster, DECISIONS)).toMatchObject({ published: 0 });
  });

  test("that doesn't reach to where the log begins stands for nothing", async () => {
    const cluster = await bought();
    await publish(cluster, predicted(2, 0.2));
    empty(cluster, "predictions");
    await expect(run(cluster, DECISIONS)).rejects.toMatchObject({
      code: "state_lost",
      message: expect.stringMatching(/up to offset 1, and that log begins at 2/),
    });
  });

  test("lets a restart read nothing of what it covers", async () => {
    const cluster = await bought();
    cluster.fetched = 0;
    await run(cluster, DECISIONS);
    expect(cluster.fetched).toBe(0);
  });

  test("may hold plain values only: what JSON doesn't bring back is refused", async () => {
    const cluster = open();
    await publish(cluster, predicted(1, 0.7));
    const open_ = () => ({ take: () => [], save: () => ({ since: Number.NEGATIVE_INFINITY }) });
    const broken: Program = { ...(DECISIONS as Program), open: open_ };
    await expect(run(cluster, broken)).rejects.toMatchObject({
      code: "input_invalid",
      next: expect.stringContaining("plain values only"),
    });
  });
});

test("a run that is stopped while publishing fails notes nothing of what it couldn't publish", async () => {
  const cluster = open();
  await publish(cluster, predicted(1, 0.7));
  const stop = new AbortController();
  const failing = async () => {
    stop.abort();
    await new Promise(setImmediate);
    throw new Error("refused");
  };
  const services = { client: cluster, registry, config, log, publish: failing };
  await expect(runProgram(services, DECISIONS, { name: "one", stop: stop.signal })).rejects.toThrow("refused");
  expect(await run(cluster, DECISIONS)).toMatchObject({ read: 1, published: 1 });
});
