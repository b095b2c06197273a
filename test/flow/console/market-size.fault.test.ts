import { afterAll, beforeAll, expect, test } from "vitest";
import { type Console, openConsole } from "../../../src/console/console.ts";
import { openLog } from "../../../src/log.ts";
import { NOON, SYMBOL_ID, symbol } from "../../support/samples.ts";
import { openTestTape, type TestTape } from "../../support/tape.ts";
import { openBrowser, openPage } from "./browser.ts";

/** A tick every 50 ms, for some three days. */
const TICKS = 5_000_000;
const STEP_US = 50_000;

let tape: TestTape;
let console: Console;

beforeAll(async () => {
  tape = await openTestTape();
  await tape.publish("symbols", symbol());
  await tape.land("symbols");
  await tape.query(
    `SELECT tradetape.make_day('market_data_tick', d::date)
     FROM generate_series(date '2024-03-04', date '2024-03-10', interval '1 day') d`,
  );
  await tape.query(
    `INSERT INTO public.market_data_tick (market_data_id, symbol_id, "timestamp", close, volume, source)
     SELECT gen_random_uuid(), $1, timestamptz 'epoch' + ($2::bigint + n::bigint * ${STEP_US}) * interval '1 us',
       100 + (n % 977) / 100.0, 1, 'feed' FROM generate_series(1, ${TICKS}) n`,
    [SYMBOL_ID, NOON],
  );
  await tape.query("VACUUM ANALYZE public.market_data_tick");
  console = await openConsole({ config: tape.config, log: openLog(tape.config), port: 0, acts: false });
});
afterAll(async () => {
  await console?.close();
  await tape.stop();
});

test("draws a symbol of five million ticks, and says how long that took", async () => {
  const browser = await openBrowser();
  const { page, wrong } = await openPage(browser, console.url);
  await page.getByRole("link", { name: "Market" }).click();
  for (const interval of ["5s", "1min", "1h", "5s", "1min", "1h"]) {
    await page.goto(`${new URL("/", console.url)}#/overview`);
    await page.getByRole("heading", { name: "Overview" }).waitFor();
    await page.goto(`${new URL("/", console.url)}#/market/IBM`);
    const isDrawn = (length: string) => page.locator(`.chart[data-candles][aria-label*=", ${length}, "]`).waitFor();
    await isDrawn("1s");
    const begun = performance.now();
    await page.getByRole("combobox", { name: "Candles" }).selectOption({ label: `${interval}, ticks of feed` });
    await isDrawn(interval);
    const tookMs = Math.round(performance.now() - begun);
    const drawn = await page.locator(".chart").getAttribute("data-candles");
    process.stdout.write(`${interval}: ${drawn} candles in ${tookMs} ms\n`);
    expect(Number(drawn)).toBeGreaterThan(0);
    // A thousand candles of 5 s have 100,000 ticks; those of a minute have more than are put together.
    expect(await page.getByText("There are more ticks in this time").count()).toBe(interval === "5s" ? 0 : 1);
  }
  expect(wrong).toEqual([]);
  await browser.close();
});
