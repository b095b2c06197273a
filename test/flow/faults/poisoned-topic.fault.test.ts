import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { EventTopic } from "../../../src/event/schemas.ts";
import { environmentOf } from "../../support/landing.ts";
import { ledgerFaults } from "../../support/ledger.ts";
import { bar, decision, fill, prediction, tick } from "../../support/samples.ts";
import { openTapeWithSymbol, type TestTape } from "../../support/tape.ts";
import { type Running, startTradetape, tradetape } from "../../support/tradetape.ts";

const GARBAGE = 6000;
/** A turn publishes these events, 25 times a second, which is 500 events a second. */
const TURN_MS = 40;
const TICKS_A_TURN = 17;
/** So many before the garbage comes, while its topic is stopped, and after the answer. */
const TURNS = 250;
const OTHERS: readonly EventTopic[] = ["ticks", "predictions", "decisions", "fills"];

let tape: TestTape;
let env: NodeJS.ProcessEnv;
let consuming: Running;

beforeAll(async () => {
  tape = await openTapeWithSymbol();
  env = environmentOf({ ...tape.config, logLevel: "warn" });
  consuming = startTradetape(["consume"], env);
  await consuming.says("Ctrl-C stops it");
});
afterAll(() => tape.stop());

let turns = 0;
let longestTurnMs = 0;
/** Publishes until it is told to end; how long the longest turn took says how busy the machine is. */
async function feed(end: AbortSignal): Promise<void> {
  for (; !end.aborted; turns++) {
    const startedMs = performance.now();
    const ticks = Array.from({ length: TICKS_A_TURN }, (_, i) => tick(turns * TICKS_A_TURN + i));
    await Promise.all([
      tape.publishAll("ticks", ticks),
      tape.publish("predictions", prediction(turns)),
      tape.publish("decisions", decision(turns)),
      tape.publish("fills", fill(turns)),
      sleep(TURN_MS),
    ]);
    longestTurnMs = Math.max(longestTurnMs, performance.now() - startedMs);
  }
}
const moreTurns = async () => {
  const from = turns;
  await expect.poll(() => turns).toBeGreaterThan(from + TURNS);
};

const count = async (what: string) => Number((await tape.query(`SELECT count(*) AS n FROM ${what}`))[0]!.n);
const json = async (...args: string[]) => JSON.parse((await tradetape([...args, "--json"], env)).stdout);
const barsGroup = async () =>
  (await json("status")).find(({ topic }: { topic: string }) => topic === tape.name("bars")).group;

/** The longest time in which a topic landed nothing, in seconds, since it landed first. */
async function gaps(): Promise<Record<string, number>> {
  const rows = await tape.query<{ topic: string; gap: number }>(
    `SELECT topic, round(extract(epoch FROM max(gap)), 2)::float8 AS gap FROM (
       SELECT topic, landed_at - lag(landed_at) OVER (PARTITION BY topic ORDER BY landed_at) AS gap
       FROM tradetape.landed_batch WHERE topic = ANY($1) AND read > 0) b GROUP BY 1 ORDER BY 1`,
    [OTHERS.map((topic) => tape.name(topic))],
  );
  return Object.fromEntries(rows.map(({ topic, gap }) => [topic.slice(topic.indexOf(".") + 1), gap]));
}

test("6,000 messages of garbage in one topic hold up no other, and are answered by one command", async () => {
  const enough = new AbortController();
  const feeding = feed(enough.signal);
  await moreTurns();
  for (let n = 0; n < GARBAGE; n += 1500) {
    const partition = n / 1500;
    await tape.raw(
      "bars",
      Array.from({ length: 1500 }, (_, i) => ({ value: Buffer.from(`garbage ${n + i}`), partition })),
    );
  }
  await consuming.says("too_many_letters");
  await moreTurns();
  expect(await barsGroup()).toBe("stopped");
  expect(await count("tradetape.dead_letter")).toBeLessThan(1000);
  const set = await tradetape(["dead-letters", "set-aside", "bars", "--reason-text", "looked at", "--yes"], env);
  expect([set.code, set.stderr]).toEqual([0, ""]);
  await tape.publish("bars", bar(1));
  await moreTurns();
  await expect.poll(() => count("tradetape.dead_letter")).toBe(GARBAGE);
  await expect.poll(() => count("public.market_data_bar")).toBe(1);
  await expect.poll(barsGroup).toBe("running");
  enough.abort();
  await feeding;
  await expect.poll(() => count("public.tick")).toBe(turns * TICKS_A_TURN);
  for (const table of ["model_prediction", "trade_decision", "trade_execution"]) {
    await expect.poll(() => count(`public.${table}`)).toBe(turns);
  }
  const longest = { feed: Math.round(longestTurnMs / 10) / 100, ...(await gaps()) };
  process.stdout.write(`longest turn of the feed, and time without a landing, s: ${JSON.stringify(longest)}\n`);
  consuming.process.kill("SIGTERM");
  expect((await consuming.ended).code).toBe(0);
  expect(await ledgerFaults(tape)).toEqual([]);
});
