/** What runs of `bars` publish that follow one another: news, each once, whatever fails between them. */
import { expect, test } from "vitest";
import { barsOfTicks } from "../../producers/bars.ts";
import { readConfig } from "../../src/config.ts";
import type { BarEvent } from "../../src/event/events.ts";
import { openLog } from "../../src/log.ts";
import { runProgram } from "../../src/stream/run.ts";
import { openDice } from "../chaos/dice.ts";
import { idOf, NOON, tick } from "../support/samples.ts";
import { MemoryLog, registry } from "./memory-log.ts";

const MINUTE = 60_000_000;
const config = readConfig({ namespace: "" }, {});
const log = openLog({ logLevel: "silent" });
const intervals = [
  { name: "1min", us: MINUTE },
  { name: "1d", us: 1440 * MINUTE },
];
const program = () => barsOfTicks({ intervals, days: null, latenessUs: 10 * MINUTE, session: null });
const run = (cluster: MemoryLog) =>
  runProgram({ client: cluster, registry, config, log, publish: cluster.publish }, program(), {
    name: "one",
    caughtUpWith: Promise.resolve(),
    stop: new AbortController().signal,
  });
const trade = (n: number, change: Parameters<typeof tick>[1] = {}) =>
  tick(n, { timestamp: NOON + n * 20_000_000, close: 100 + (n % 7), volume: 1, ...change });
const publish = async (cluster: MemoryLog, ...events: ReturnType<typeof tick>[]) => {
  for (const event of events) await cluster.publish({ topic: "ticks", event, headers: {} });
};
const barsIn = ({ told }: MemoryLog): BarEvent[] =>
  told.flatMap(({ topic, event }) => (topic === "bars" ? [event as never] : []));
const told = (bars: readonly BarEvent[]) => bars.map(({ interval, volume }) => `${interval} ${volume}`);

test("a run without news publishes nothing, and one with a tick only the bars that it changed", async () => {
  const cluster = new MemoryLog(openDice(1));
  await publish(cluster, ...[0, 1, 2, 3, 4].map((n) => trade(n)));
  const first = await run(cluster);
  expect(told(barsIn(cluster)).sort()).toEqual(["1d 5", "1min 2", "1min 3"]);
  expect(first).toMatchObject({ published: 3, counts: { open: 2, ofOtherSessions: 0 } });
  for (let again = 0; again < 2; again++) expect(await run(cluster)).toMatchObject({ read: 0, published: 0 });
  await publish(cluster, trade(5), trade(9, { backtest_session_id: idOf("session") }));
  expect(await run(cluster)).toMatchObject({ read: 2, published: 2, counts: { open: 2, ofOtherSessions: 1 } });
  expect(told(barsIn(cluster).slice(3))).toEqual(["1min 3", "1d 6"]);
  expect(await run(cluster)).toMatchObject({ published: 0 });
  // A tick of the next minute closes the bar before it, which has nothing new to say.
  await publish(cluster, trade(6));
  expect(await run(cluster)).toMatchObject({ published: 2 });
  expect(told(barsIn(cluster).slice(5))).toEqual(["1min 1", "1d 7"]);
});

test("what was said last of each bar is what all ticks say, over runs that die anywhere", async () => {
  for (let seed = 1; seed <= 40; seed++) {
    const dice = openDice(seed);
    const cluster = new MemoryLog(dice);
    let ticks = 0;
    for (let round = 0; round < 8; round++) {
      for (const end = ticks + dice.between(0, 6); ticks < end; ticks++) await publish(cluster, trade(ticks));
      Object.assign(cluster.faults, { publish: 0.15, mark: 0.3 });
      await run(cluster).catch(() => undefined);
      Object.assign(cluster.faults, { publish: 0, mark: 0 });
      cluster.isDead = false;
    }
    await run(cluster);
    const last = new Map(barsIn(cluster).map((bar) => [bar.market_data_id, bar]));
    const machine = program().open(() => true);
    const all = Array.from({ length: ticks }, (_, n) => trade(n));
    const expected = [
      ...all.flatMap((event, offset) =>
        machine.take({ topic: "ticks", event, partition: 0, offset, publishedUs: Date.UTC(2025, 0, 1) * 1000 }),
      ),
      ...machine.idle!(Date.now() * 1000),
    ].map(({ event }) => event as Required<BarEvent>);
    const ofAll = new Map(expected.map((bar) => [bar.market_data_id, bar]));
    expect([...last.keys()].sort(), `seed ${seed}`).toEqual([...ofAll.keys()].sort());
    for (const [id, bar] of ofAll) expect(last.get(id), `seed ${seed}`).toEqual(bar);
    expect(await run(cluster), `seed ${seed}`).toMatchObject({ published: 0 });
  }
});
