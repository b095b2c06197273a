import { afterAll, beforeAll, expect, test } from "vitest";
import { bar, decision, fill, idOf, NOON, prediction, session, symbol } from "../../support/samples.ts";
import { openTestTape, type TestTape } from "../../support/tape.ts";
import { look, openPage, openShown } from "./browser.ts";

const SCRIPT = `<img src=x onerror="alert('it ran')">`;
const DAY = 86_400_000_000;
const MIDNIGHT = Math.floor(NOON / DAY) * DAY;

let tape: TestTape;
let shown: Awaited<ReturnType<typeof openShown>>;

const a = session({ backtest_session_id: idOf("a"), name: SCRIPT, config: `{"capital": 1, "of x": "<b>a</b>"}` });
const b = session({ backtest_session_id: idOf("b"), name: "second", config: '{"capital": 2}', started_at: NOON + DAY });

/** A session buys 10 at a price, and sees three days close at 100, 110 and 105. */
async function runOf(id: string, n: number, price: number): Promise<void> {
  const own = { backtest_session_id: id, timestamp: MIDNIGHT + 3_600_000_000 };
  await tape.publish("predictions", prediction(n, { ...own, known_until: own.timestamp }));
  await tape.publish("decisions", decision(n, { ...own, known_until: own.timestamp, size: n }));
  await tape.publish(
    "fills",
    fill(n, { ...own, executed_price: price, quantity: 10, fee: 0, priced_at: own.timestamp }),
  );
}

beforeAll(async () => {
  tape = await openTestTape();
  await tape.publish("symbols", symbol({ ticker: SCRIPT }));
  await tape.publishAll("sessions", [a, b]);
  const closes = [100, 110, 105].map((close, n) => {
    const timestamp = MIDNIGHT + n * DAY;
    const inDay = { first_trade_at: timestamp, last_trade_at: timestamp + 1, ends_at: timestamp + DAY };
    return bar(n, { timestamp, interval: "1d", open: close, high: close, low: close, close, ...inDay });
  });
  await tape.publishAll("bars", closes);
  await runOf(a.backtest_session_id, 10, 90);
  await runOf(b.backtest_session_id, 11, 95);
  await tape.land();
  shown = await openShown(tape.config);
});
afterAll(async () => {
  await shown?.close();
  await tape.stop();
});

test("lists sessions and compares two: equity by day, figures, settings and the decisions that differ", async () => {
  const { page, wrong } = await openPage(shown.browser, shown.console.url);
  await page.getByRole("link", { name: "Sessions" }).click();
  await page.getByRole("checkbox", { name: `compare ${SCRIPT}` }).check();
  expect(await page.getByRole("button", { name: "Compare two" }).isDisabled()).toBe(true);
  expect(await look(page, "sessions")).toEqual([]);
  await page.getByRole("checkbox", { name: "compare second" }).check();
  await page.getByRole("button", { name: "Compare two" }).click();
  await page.locator('[data-lines="2"]').waitFor();
  await page.getByText("The days as a table").click();
  const days = page.getByRole("region", { name: /^What each strategy/ }).getByRole("row");
  expect(await Promise.all([1, 2, 3].map((n) => days.nth(n).getByRole("cell").allTextContents()))).toEqual([
    ["2024-03-07", "150", "100"],
    ["2024-03-06", "200", "150"],
    ["2024-03-05", "100", "50"],
  ]);
  const figures = page.getByRole("region", { name: "Figures of both" });
  const cellsOf = async (name: string) =>
    (await figures.getByRole("row").filter({ hasText: name }).getByRole("cell").allTextContents()).slice(1);
  expect(await cellsOf("capital")).toEqual(["1", "2"]);
  expect(await cellsOf("of x")).toEqual(['"<b>a</b>"', "–"]);
  expect(await cellsOf("turnover")).toEqual(["900", "950"]);
  const pair = page
    .getByRole("region", { name: /^Decisions that differ/ })
    .getByRole("row")
    .nth(1);
  expect((await pair.getByRole("cell").allTextContents()).slice(1)).toEqual([
    SCRIPT,
    "BUY 10, filled 10 at 90",
    "BUY 11, filled 10 at 95",
  ]);
  expect(await look(page, "sessions compared")).toEqual([]);
  expect(wrong).toEqual([]);
  await page.context().close();
});

/** Turns the address as soon as the page stands, before it is painted. */
const TURN_AT_ONCE = `new MutationObserver((_, own) => {
  if (document.querySelector("header") === null) return;
  own.disconnect();
  location.hash = "#/sessions";
}).observe(document, { childList: true, subtree: true })`;

test("goes where the address turned to before the page was painted", async () => {
  const { page } = await openPage(shown.browser, shown.console.url, TURN_AT_ONCE);
  await page.getByRole("heading", { name: "Sessions" }).waitFor();
  expect(await page.getByRole("link", { name: "Sessions" }).getAttribute("aria-current")).toBe("page");
  await page.context().close();
});

test("says which session hasn't landed", async () => {
  const { page } = await openPage(shown.browser, shown.console.url);
  await page.evaluate(`location.hash = "#/sessions/${a.backtest_session_id}/${idOf("none")}"`);
  await page.getByText(`no session ${idOf("none")} has landed`).waitFor();
  expect(await page.getByRole("table").count()).toBe(0);
  await page.context().close();
});

test("draws no equity of a session with more fills than it reads, and says which command has it", async () => {
  await tape.query(
    `INSERT INTO public.trade_execution
     SELECT (jsonb_populate_record(e, jsonb_build_object('execution_id', gen_random_uuid()))).*
     FROM public.trade_execution e, generate_series(1, 20000) WHERE backtest_session_id = $1`,
    [b.backtest_session_id],
  );
  const { page, wrong } = await openPage(shown.browser, shown.console.url);
  await page.evaluate(`location.hash = "#/sessions/${a.backtest_session_id}/${b.backtest_session_id}"`);
  await page.getByText(`tradetape desk equity --session ${b.backtest_session_id}`).waitFor();
  await page.locator('[data-lines="1"]').waitFor();
  expect(wrong).toEqual([]);
  await page.context().close();
});
