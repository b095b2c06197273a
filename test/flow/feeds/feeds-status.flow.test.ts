import { afterAll, beforeAll, expect, test } from "vitest";
import { openRegistry } from "../../../src/event/registry.ts";
import { Instruments } from "../../../src/feed-health/instruments.ts";
import { FeedReader } from "../../../src/feed-health/read-feeds.ts";
import { withAdmin } from "../../../src/topic/log-client.ts";
import { environmentOf } from "../../support/landing.ts";
import { idOf, quote, symbol, tick } from "../../support/samples.ts";
import { openTestTape, type TestTape } from "../../support/tape.ts";
import { startTradetape, tradetape } from "../../support/tradetape.ts";

const DAY_AND_NIGHT = ["--calendar", "BINANCE=24/7"];
const SYMBOLS = ["BTC", "ETH"].map((ticker) => ({ symbol_id: idOf(`${ticker}@BINANCE`), ticker, exchange: "BINANCE" }));
const NOWHERE = { symbol_id: idOf("LOST@"), ticker: "LOST", exchange: null };
const LOADED = 3;

let tape: TestTape;
let env: NodeJS.ProcessEnv;

beforeAll(async () => {
  tape = await openTestTape();
  env = environmentOf(tape.config);
  await tape.publishAll(
    "symbols",
    [...SYMBOLS, NOWHERE].map((one) => symbol(one)),
  );
  await goOn(0, 250);
  await tape.publish("ticks", live("ticks", NOWHERE, 1));
  // Of the market's past, and of a backtest: no feed has said them now.
  await tape.publishAll(
    "ticks",
    Array.from({ length: LOADED }, (_, n) => tick(n, { source: "file", backtest_session_id: null })),
  );
  await tape.publish("ticks", {
    ...live("ticks", SYMBOLS[0]!, 1),
    source: "paper",
    backtest_session_id: idOf("a session"),
  });
});
afterAll(() => tape.stop());

const nowUs = () => Date.now() * 1000;
function live(kind: "ticks", of: { readonly symbol_id: string }, n: number): ReturnType<typeof tick>;
function live(kind: "quotes", of: { readonly symbol_id: string }, n: number): ReturnType<typeof quote>;
function live(kind: "ticks" | "quotes", { symbol_id }: { readonly symbol_id: string }, n: number) {
  const common = { symbol_id, timestamp: nowUs(), source: "ccxt", backtest_session_id: null };
  return kind === "ticks"
    ? tick(n, { ...common, trade_id: String(n) })
    : quote(n, { ...common, sequence: String(n), bid_price: n % 2 === 0 ? 11 : 9, ask_price: 10 });
}

/** Ticks of both instruments, numbered together; the numbers 100 to 104 never come. Half of the quotes are crossed. */
async function goOn(from: number, to: number): Promise<void> {
  for (let n = from; n < to; n++) {
    if (n < 100 || n > 104) await tape.publish("ticks", live("ticks", SYMBOLS[n % 2]!, n));
    if (n < from + 40) await tape.publish("quotes", live("quotes", SYMBOLS[0]!, n));
  }
}

const rowsOf = (stdout: string) => JSON.parse(stdout) as Record<string, unknown>[];

test("shows each feed, what nobody can judge and what was loaded, and is good", async () => {
  const { code, stdout, stderr } = await tradetape(["feeds", "status", "--json", ...DAY_AND_NIGHT], env);
  expect(code, stderr).toBe(0);
  const [quotes, ticks, unjudged, ...more] = rowsOf(stdout).sort((a, b) =>
    `${a.calendar ?? ""}${a.kind}`.localeCompare(`${b.calendar ?? ""}${b.kind}`),
  );
  expect(more).toEqual([]);
  expect(ticks).toMatchObject({ source: "ccxt", kind: "ticks", calendar: "24/7", state: "live", isAtLeast: false });
  expect((ticks!.instruments as { ticker: string }[]).map(({ ticker }) => ticker)).toEqual(["BTC", "ETH"]);
  expect(quotes).toMatchObject({ source: "ccxt", kind: "quotes", calendar: "24/7", state: "live", crossed: 20 });
  expect(unjudged).toMatchObject({ source: "ccxt", calendar: null, state: "unjudged", silentSeconds: null });
  const text = await tradetape(["feeds", "status", ...DAY_AND_NIGHT], env);
  expect(text.stdout).toContain("no calendar is known of none; say --calendar none=");
  expect(text.stdout).toContain(`${LOADED} events came more than 15 minutes from their market's time`);
});

test("says that a feed is dead once it is silent for longer than it ever was, by the clock of who looks", async () => {
  const { config } = tape;
  const registry = openRegistry({ schemaRegistryUrl: config.schemaRegistryUrl! });
  const instruments = new Instruments(new Map([["BINANCE", "24/7"]]));
  const aheadMs = 10 * 60_000;
  const rows = await withAdmin(tape.client, async (log) => {
    const services = {
      log,
      fetchSchema: (id: number) => registry.fetch(id),
      registry,
      namespace: config.namespace,
      partitionBytesMax: config.fetchPartitionBytesMax,
      stop: new AbortController().signal,
      now: () => Date.now() + aheadMs,
    };
    const reader = new FeedReader(services, instruments);
    await reader.readBack();
    return reader.rows();
  });
  const ticks = rows.find(({ kind, calendar }) => kind === "ticks" && calendar !== null)!;
  expect(ticks.state).toBe("dead");
  expect(ticks.silentSeconds).toBeGreaterThanOrEqual(aheadMs / 1000);
  expect(ticks.instruments.map(({ state }) => state)).toEqual(["dead", "dead"]);
  expect([ticks.countedBy, ticks.gaps, ticks.lost]).toEqual(["feed", 1, 5]);
});

test("goes on with what comes, and is scraped", async () => {
  const watch = startTradetape(
    ["feeds", "status", "--watch", "--json", "--http", "127.0.0.1:0", ...DAY_AND_NIGHT],
    env,
  );
  let said = "";
  let shown = "";
  watch.process.stderr!.on("data", (text: string) => {
    said += text;
  });
  watch.process.stdout!.on("data", (text: string) => {
    shown += text;
  });
  await watch.says("/status");
  const url = /http:\/\/[^/]+/.exec(said)![0];
  const scraped = async () => (await fetch(`${url}/metrics`)).text();
  await expect
    .poll(scraped)
    .toContain('tradetape_feed_state{source="ccxt",kind="ticks",calendar="24/7",state="live"} 1');
  const [before] = rowsOf(await (await fetch(`${url}/status`)).text()).filter(({ kind }) => kind === "quotes");
  await goOn(1000, 1010);
  await expect.poll(scraped).toContain(`tradetape_feed_crossed_quotes{source="ccxt",calendar="24/7"} 25`);
  expect(before).toMatchObject({ crossed: 20 });
  expect(await scraped()).toMatch(
    /tradetape_instrument_silent_seconds\{source="ccxt",kind="ticks",exchange="BINANCE",ticker="ETH"\} \d/,
  );
  watch.process.kill("SIGTERM");
  expect((await watch.ended).code).toBe(0);
  const last = JSON.parse(shown.trim().split("\n").at(-1)!);
  expect(last).toMatchObject({ at: expect.any(String), feeds: expect.any(Array) });
});

test.each([
  ["--calendar", "BINANCE"],
  ["--calendar", "BINANCE=NOWHERE"],
])("refuses %s %s in a sentence", async (...flags) => {
  const { code, stderr } = await tradetape(["feeds", "status", ...flags], env);
  expect(code).toBe(2);
  expect(stderr).toMatch(/EXCHANGE=CALENDAR|there is no calendar "NOWHERE"/);
});
