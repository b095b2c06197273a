import type { Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import {
  bar,
  decision,
  fill,
  idOf,
  NOON,
  prediction,
  SYMBOL_ID,
  session,
  symbol,
  tick,
} from "../../support/samples.ts";
import { openTestTape, type TestTape } from "../../support/tape.ts";
import { look, openPage, openShown } from "./browser.ts";

const SCRIPT = `<img src=x onerror="alert('it ran')">`;
const MINUTE = 60_000_000;
const BARS = 30;
/** The bar that the decision knew last; it is taken when the bar ends. */
const KNOWN = 20;
const DECIDED = NOON + (KNOWN + 1) * MINUTE;

let tape: TestTape;
let shown: Awaited<ReturnType<typeof openShown>>;

/** Two at a time, a nanosecond apart, twice a second for two minutes. */
const ticks = Array.from({ length: 480 }, (_, n) =>
  tick(n, {
    timestamp: NOON + Math.floor(n / 2) * 500_000,
    timestamp_ns: n % 2,
    close: 100 + ((n * 7) % 13),
    volume: 1 + (n % 3),
    source: SCRIPT,
  }),
);
const run = session({ name: SCRIPT });
const ofRun = { backtest_session_id: run.backtest_session_id };

beforeAll(async () => {
  tape = await openTestTape();
  await tape.publishAll("symbols", [symbol({ ticker: SCRIPT }), symbol({ symbol_id: idOf("bare"), ticker: "BARE" })]);
  await tape.publish("sessions", run);
  const bars = Array.from({ length: BARS }, (_, n) =>
    bar(n, { open: 10 + n, high: 12 + n, low: 9 + n, close: 11 + n, source: "sample" }),
  );
  await tape.publishAll("bars", bars);
  await tape.publishAll("ticks", ticks);
  const at = { timestamp: DECIDED, known_until: DECIDED };
  await tape.publish("predictions", prediction(1, { ...at, model_version: SCRIPT, predicted_price: 31 }));
  await tape.publish("decisions", decision(1, { ...at, reason: SCRIPT }));
  await tape.publish("fills", fill(1, { timestamp: DECIDED + 1_000_000, priced_at: DECIDED, broker: SCRIPT }));
  await tape.publish("predictions", prediction(2, { ...at, ...ofRun }));
  await tape.publish(
    "decisions",
    decision(2, { ...at, ...ofRun, action: "SELL", approved: false, reason: "of the run" }),
  );
  await tape.land();
  shown = await openShown(tape.config);
});
afterAll(async () => {
  await shown?.close();
  await tape.stop();
});

const drawn = (page: Page, candles: number) => page.locator(`[data-candles="${candles}"]`).waitFor();
const token = () => new URL(shown.console.url).hash.slice("#token=".length);
const ask = async (path: string) => {
  const answer = await fetch(new URL(path, shown.console.url), { headers: { Authorization: `Bearer ${token()}` } });
  return { status: answer.status, body: (await answer.json()) as Record<string, unknown> };
};

/** Opens the page of the symbol whose ticker is a script, by its form. */
async function openSymbol(): Promise<{ page: Page; wrong: string[] }> {
  const opened = await openPage(shown.browser, shown.console.url);
  const { page } = opened;
  await page.getByRole("link", { name: "Market" }).click();
  await page.getByRole("combobox", { name: "Symbol" }).fill(SCRIPT);
  await page.getByRole("button", { name: "Show" }).click();
  await drawn(page, BARS);
  return opened;
}

test("draws a symbol's bars with what was predicted, decided and executed, and says it in tables, too", async () => {
  const { page, wrong } = await openSymbol();
  const rows = page.getByRole("region", { name: /^Predictions/ }).getByRole("row");
  expect(await rows.count()).toBe(4);
  expect(await rows.nth(1).textContent()).toMatch(/14:51:01.*fill.*BUY.*10.*184.5/);
  expect(await rows.nth(1).textContent()).toContain(SCRIPT);
  await page.getByText("The newest candles as a table").click();
  const first = page
    .getByRole("region", { name: /^Candles/ })
    .getByRole("row")
    .nth(1);
  expect((await first.getByRole("cell").allTextContents()).slice(1)).toEqual(["39", "41", "38", "40", "1,000"]);
  expect(await look(page, "market")).toEqual([]);
  expect(wrong).toEqual([]);
  await page.context().close();
});

test("leads from a mark that is clicked to its trace, with what was known then", async () => {
  const { page, wrong } = await openSymbol();
  const box = (await page.locator(".chart").boundingBox())!;
  // The decision's marks stand at the candle behind the one that it knew; the price scale takes a part of the width.
  const plot = await page.locator(".chart td").nth(1).boundingBox();
  const x = plot!.x + (plot!.width * (KNOWN + 1.5)) / BARS;
  // More than once, because a click before the chart has drawn its marks meets none.
  while (page.url().includes("market"))
    for (let y = box.y + box.height - 40; y > box.y && page.url().includes("market"); y -= 4)
      await page.mouse.click(x, y);
  await page.getByText("what was known when it was made").waitFor();
  const tree = page.locator(".tree");
  const text = (await tree.textContent())!;
  for (const word of ["bar", "open 30 high 32 low 29 close 31", "prediction", "decision", "fill", SCRIPT])
    expect(text).toContain(word);
  expect(text).not.toContain("open 31");
  expect(await look(page, "trace")).toEqual([]);
  expect(wrong).toEqual([]);
  await page.context().close();
});

test("puts ticks together to candles of the length that is asked for", async () => {
  const { page, wrong } = await openSymbol();
  await page.getByRole("combobox", { name: "Candles" }).selectOption({ label: `1min, ticks of ${SCRIPT}` });
  await drawn(page, 2);
  const byMinute = Map.groupBy(ticks, ({ timestamp }) => Math.floor(timestamp / MINUTE));
  const expected = [...byMinute].map(([minute, own]) => {
    const prices = own.map(({ close }) => close);
    const volume = own.reduce((sum, one) => sum + one.volume, 0);
    return [minute * MINUTE, prices[0], Math.max(...prices), Math.min(...prices), prices.at(-1), volume];
  });
  const of = new URLSearchParams({ symbol: SYMBOL_ID, session: "", kind: "ticks", interval: "1min", source: SCRIPT });
  const until = new Date((NOON + 10 * MINUTE) / 1000).toISOString();
  const { body } = await ask(`/api/market/candles?${of}&until=${until}&latest=false`);
  expect(body).toMatchObject({ candles: expected, isCut: false, marks: [] });
  expect(wrong).toEqual([]);
  await page.context().close();
});

test("shows the decisions of a session in the place of live ones, and what lies further back", async () => {
  const { page, wrong } = await openSymbol();
  await page.getByRole("combobox", { name: "Decisions of" }).selectOption(run.backtest_session_id);
  await page.getByText("of the run").waitFor();
  expect(await page.getByRole("region", { name: /^Predictions/ }).textContent()).toContain("SELL, refused");
  expect(page.url()).toContain(run.backtest_session_id);
  await page.getByRole("button", { name: "Older" }).click();
  await drawn(page, 0);
  await page.getByText("Nothing was predicted").waitFor();
  await page.getByRole("button", { name: "Newest" }).click();
  await drawn(page, BARS);
  expect(wrong).toEqual([]);
  await page.context().close();
});

test("shows nothing of one trace under the title of another", async () => {
  const { page } = await openPage(shown.browser, shown.console.url);
  const traceOf = (id: string) => page.evaluate(`location.hash = "#/trace/${id}"`);
  await traceOf(decision(1).decision_id);
  await page.locator(".tree").waitFor();
  await page.route("**/api/trace?*", () => undefined);
  await traceOf(decision(2).decision_id);
  await page.getByRole("heading", { name: `Trace of ${decision(2).decision_id}` }).waitFor();
  expect(await page.locator(".tree").count()).toBe(0);
  await page.unrouteAll({ behavior: "ignoreErrors" });
  await page.context().close();
});

test("says where a symbol isn't there, or has nothing to draw", async () => {
  const { page, wrong } = await openPage(shown.browser, shown.console.url);
  await page.getByRole("link", { name: "Market" }).click();
  await page.getByRole("combobox", { name: "Symbol" }).fill("BARE");
  await page.keyboard.press("Enter");
  await page.getByText("Neither bars nor ticks of it have landed.").waitFor();
  expect(await look(page, "market without data")).toEqual([]);
  expect(wrong).toEqual([]);
  await page.getByRole("combobox", { name: "Symbol" }).fill("NONE");
  await page.keyboard.press("Enter");
  await page.getByText("no symbol is called NONE").waitFor();
  await page.context().close();
});

test.each([
  [
    "an id that is none",
    "/api/market/candles?symbol=1&session=&kind=bars&interval=1min&source=s&until=2024-01-01T00:00:00Z&latest=false",
  ],
  [
    "a length that ticks have no candles of",
    `/api/market/candles?symbol=${SYMBOL_ID}&session=&kind=ticks&interval=1w&source=s&until=2024-01-01T00:00:00Z&latest=false`,
  ],
  [
    "SQL in the place of a length",
    `/api/market/candles?symbol=${SYMBOL_ID}&session=&kind=bars&interval=1s';--&source=s&until=2024-01-01T00:00:00Z&latest=false`,
  ],
  [
    "a time that is none",
    `/api/market/candles?symbol=${SYMBOL_ID}&session=&kind=bars&interval=1min&source=s&until=now&latest=false`,
  ],
  ["the trace of what is no id", "/api/trace?id=x&asOf="],
])("refuses %s", async (_, path) => {
  expect(await ask(path)).toMatchObject({ status: 400, body: { error: { code: "input_invalid" } } });
});
