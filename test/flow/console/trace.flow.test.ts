import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { decision, fill, NOON, prediction, symbol } from "../../support/samples.ts";
import { openTestTape, type TestTape } from "../../support/tape.ts";
import { look, openPage, openShown } from "./browser.ts";

/** The trace's page as of a time: what the broker had by then, and no more. */
let tape: TestTape;
let shown: Awaited<ReturnType<typeof openShown>>;
/** When the broker had the fill, the time before, and one before anything was published. */
let times: { readonly filled: string; readonly before: string };

const ID = decision(1).decision_id;
const NOTHING = "2001-02-03T04:05:06.000007Z";

beforeAll(async () => {
  tape = await openTestTape();
  await tape.publish("symbols", symbol());
  const at = { timestamp: NOON, known_until: NOON };
  await tape.publish("predictions", prediction(1, at));
  await tape.publish("decisions", decision(1, at));
  await tape.land();
  await tape.publish("fills", fill(1, { timestamp: NOON + 1_000_000, priced_at: NOON, broker: "the-broker" }));
  await tape.land();
  const iso = (time: string) => `to_char((${time}) AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')`;
  const [row] = await tape.query<{ filled: string; before: string }>(
    `SELECT ${iso("published_at")} AS filled, ${iso("published_at - interval '1 microsecond'")} AS before
     FROM trade_execution`,
  );
  times = row!;
  shown = await openShown(tape.config);
});
afterAll(async () => {
  await shown?.close();
  await tape.stop();
});

async function openTrace(...words: string[]) {
  const opened = await openPage(shown.browser, shown.console.url);
  const { page } = opened;
  await page.evaluate(`location.hash = "#/trace/${words.map(encodeURIComponent).join("/")}"`);
  await page.getByRole("heading", { name: `Trace of ${words[0]}` }).waitFor();
  return { ...opened, tree: page.locator(".tree"), field: page.getByLabel("Known at (UTC)") };
}

test("shows what was known at the time that is typed, to the microsecond, and keeps it in the address", async () => {
  const { page, wrong, tree, field } = await openTrace(ID);
  await tree.getByText("the-broker").waitFor();
  // As a person writes it: no T, no Z.
  await field.fill(times.before.replace("T", " ").replace("Z", ""));
  await page.getByRole("button", { name: "Show" }).click();
  await page.getByText(`These trees are what the broker had by ${times.before}.`).waitFor();
  expect(await tree.textContent()).toContain("decision");
  expect(await tree.textContent()).not.toContain("the-broker");
  expect(decodeURIComponent(new URL(page.url()).hash)).toBe(`#/trace/${ID}/${times.before}`);
  expect(await field.inputValue()).toBe(times.before);
  expect(await look(page, "trace as of")).toEqual([]);
  await field.fill(times.filled);
  await page.keyboard.press("Enter");
  await tree.getByText("the-broker").waitFor();
  await page.getByRole("link", { name: "As of now" }).click();
  await expect.poll(() => field.inputValue()).toBe("");
  await tree.getByText("the-broker").waitFor();
  expect(decodeURIComponent(new URL(page.url()).hash)).toBe(`#/trace/${ID}`);
  expect(wrong).toEqual([]);
  await page.context().close();
});

test("an address with a time shows that, and so do the links of its tree", async () => {
  const { page, wrong, tree } = await openTrace(ID, times.before);
  await page.getByText(`These trees are what the broker had by ${times.before}.`).waitFor();
  await tree.getByRole("link", { name: prediction(1).prediction_id.slice(0, 8) }).click();
  await expect.poll(() => decodeURIComponent(new URL(page.url()).hash)).toMatch(new RegExp(`/${times.before}$`));
  await page.getByText(`by ${times.before}.`).waitFor();
  expect(await tree.textContent()).not.toContain("the-broker");
  expect(wrong).toEqual([]);
  await page.context().close();
});

test("says that nothing was known then", async () => {
  const { page, wrong, tree } = await openTrace(ID, NOTHING);
  await page.getByText(`Nothing was known then: the broker had no decision or prediction`).waitFor();
  expect(await tree.count()).toBe(0);
  expect(await look(page, "trace of nothing")).toEqual([]);
  expect(wrong).toEqual([]);
  await page.context().close();
});

describe("refuses in words what is no time", () => {
  test.each([
    "yesterday",
    "2024-02-30T00:00:00Z",
    "2024-03-05",
    "0000-01-01T00:00:00Z",
    "2024-03-05T14:30:00.0000001Z",
  ])("%s", async (text) => {
    const { page, tree, field } = await openTrace(ID);
    await field.fill(text);
    await page.keyboard.press("Enter");
    const alert = page.getByRole("alert");
    await alert.getByText("is no time in UTC, such as 2024-03-05T14:30:00Z").waitFor();
    expect(await tree.count()).toBe(0);
    expect(await field.inputValue()).toBe(text.toUpperCase());
    expect(await look(page, "trace refused")).toEqual([]);
    await page.context().close();
  });
});
