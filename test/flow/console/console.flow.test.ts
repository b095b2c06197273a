import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Console, openConsole } from "../../../src/console/console.ts";
import { openLog } from "../../../src/log.ts";
import { ledgerFaults } from "../../support/ledger.ts";
import { symbol, tick } from "../../support/samples.ts";
import { assertTestDatabase } from "../../support/services/isolation.ts";
import { openTestTape, type Row, type TestTape } from "../../support/tape.ts";
import { look, openBrowser, openPage } from "./browser.ts";

/** As many as a bad hour makes: two pages of a redrive and more. */
const LETTERS = 1000;
const SCRIPT = `<img src=x onerror="alert('a letter ran')"><script>alert('a letter ran')</script>`;

let tape: TestTape;
let browser: Browser;
let console: Console;

const open = (acts: boolean): Promise<Console> =>
  openConsole({ config: tape.config, log: openLog(tape.config), port: 0, acts });

beforeAll(async () => {
  tape = await openTestTape();
  await assertTestDatabase(tape.config.databaseUrl);
  await tape.publish("symbols", symbol());
  const events = Array.from({ length: LETTERS * 2 }, (_, n) => tick(n, { volume: n % 2 === 0 ? -1 : 1 }));
  const values = await Promise.all(events.map((event) => tape.encode("ticks", event)));
  await tape.raw(
    "ticks",
    values.map((value) => ({ value, partition: 0 })),
  );
  await tape.raw("fills", [
    { value: Buffer.from(`no event ${SCRIPT}`), key: SCRIPT, headers: { [SCRIPT]: `a\u202eb ${SCRIPT}` } },
  ]);
  await tape.land();
  browser = await openBrowser();
  console = await open(true);
});
afterAll(async () => {
  await browser?.close();
  await console?.close();
  await tape.stop();
});

const name = (topic: "ticks" | "fills") => tape.name(topic);

/** Goes to the first kind of a topic's letters. */
async function openLettersOf(page: Page, topic: "ticks" | "fills"): Promise<void> {
  await page.getByRole("link", { name: "Letters" }).first().click();
  await page
    .getByRole("row")
    .filter({ hasText: name(topic) })
    .getByRole("link")
    .first()
    .click();
}

test("shows each topic's group, what it is behind, and its letters, as it goes on", async () => {
  const { page, wrong } = await openPage(browser, console.url);
  const row = page.getByRole("row").filter({ hasText: name("ticks") });
  await row.waitFor();
  const cells = async () => (await row.getByRole("cell").allTextContents()).slice(2);
  const [landed, letters] = [
    ["0", "0.0 s", "0.0 s"],
    [expect.anything(), expect.anything()],
  ];
  expect((await cells()).slice(0, 8)).toEqual([...landed, ...letters, "1,000", "0", "0"]);
  expect(page.url()).not.toContain("token");
  expect(await look(page, "overview")).toEqual([]);
  await tape.raw("ticks", [{ value: Buffer.from("no event"), partition: 1 }]);
  await expect.poll(cells).toEqual(expect.arrayContaining(["1"]));
  expect((await cells())[1]).not.toBe("0.0 s");
  await tape.land("ticks");
  await expect.poll(async () => (await cells()).slice(0, 6)).toEqual([...landed, ...letters, "1,001"]);
  expect(wrong).toEqual([]);
  await page.context().close();
});

test("shows a letter's error beside its event and bytes; what a stranger wrote in it is text", async () => {
  const { page, wrong } = await openPage(browser, console.url);
  await openLettersOf(page, "fills");
  expect(await look(page, "letters of a kind")).toEqual([]);
  await page.getByRole("row").last().getByRole("link").click();
  await page.getByText("header").first().waitFor();
  expect(await page.locator("dl.facts").first().textContent()).toContain(SCRIPT);
  expect(await page.locator("dl.facts").first().textContent()).toContain("a\\u{202e}b");
  expect(await page.locator("pre").textContent()).toContain("6e 6f 20 65 76 65 6e 74");
  expect(await look(page, "letter")).toEqual([]);
  expect(wrong).toEqual([]);
  await page.context().close();
});

test("redrives a thousand letters while its page is loaded anew, and none twice", async () => {
  await tape.query("ALTER TABLE public.market_data DROP CONSTRAINT volume_not_negative");
  const { page, wrong } = await openPage(browser, console.url);
  await page.getByRole("link", { name: "Letters" }).first().click();
  const kind = page
    .getByRole("row")
    .filter({ hasText: name("ticks") })
    .filter({ hasText: "1,000" });
  expect(await look(page, "letters")).toEqual([]);
  await kind.getByRole("link").click();
  await page.getByRole("button", { name: "Redrive…" }).click();
  await page.locator(`[data-plan="${LETTERS}"]`).waitFor();
  expect(await look(page, "redrive")).toEqual([]);
  const landing = tape.landWith(["ticks"], { untilCaughtUp: false, stop: landed.signal });
  // The page waits for half a minute for what becomes of them: the group has its partitions before that begins.
  await tape.raw("ticks", [{ value: await tape.encode("ticks", tick(LETTERS * 2)), partition: 1 }]);
  await expect.poll(() => tape.query(`SELECT FROM public.tick WHERE trade_id = 't${LETTERS * 2}'`)).toHaveLength(1);
  await page.getByRole("dialog").getByRole("button", { name: "Redrive" }).click();
  await page.locator("[data-act]").waitFor();
  for (let n = 0; n < 5; n++) await page.reload();
  await page.locator('[data-act="done"]').waitFor();
  expect(await page.locator('[data-act="done"]').textContent()).toMatch(/1,000 of 1,000, done.*1,000 landed/);
  landed.abort();
  await landing;
  const states = await tape.query<Row & { state: string; n: number; offsets: number }>(
    `SELECT state, acted_by, count(*) AS n, count(DISTINCT redriven_offset) AS offsets FROM tradetape.dead_letter
     WHERE topic = $1 AND attempts > 0 GROUP BY 1, 2`,
    [name("ticks")],
  );
  const [{ login }] = (await tape.query<Row & { login: string }>("SELECT current_user::text AS login")) as [
    { login: string },
  ];
  expect(states).toEqual([{ state: "redriven", acted_by: login, n: LETTERS, offsets: LETTERS }]);
  const ends = await tape.admin((admin) => admin.fetchTopicOffsets(name("ticks")));
  expect(ends.find(({ partition }) => partition === 0)?.high).toBe(String(LETTERS * 3));
  expect((await tape.query<Row & { n: number }>("SELECT count(*) AS n FROM public.tick WHERE size = -1"))[0]!.n).toBe(
    LETTERS,
  );
  expect(await ledgerFaults(tape)).toEqual([]);
  expect(wrong).toEqual([]);
  await page.context().close();
});

const landed = new AbortController();

test("discards letters only with a reason, and says who did", async () => {
  const { page, wrong } = await openPage(browser, console.url);
  await openLettersOf(page, "fills");
  await page.getByRole("button", { name: "Discard…" }).click();
  const does = page.getByRole("dialog").getByRole("button", { name: "Discard" });
  await page.locator('[data-plan="1"]').waitFor();
  expect(await does.isDisabled()).toBe(true);
  await page.getByLabel("Why").fill("not one of ours");
  await page.keyboard.press("Tab");
  await page.keyboard.press("Enter");
  await expect
    .poll(() => tape.query("SELECT state, note FROM tradetape.dead_letter WHERE topic = $1", [name("fills")]))
    .toEqual([{ state: "discarded", note: "not one of ours" }]);
  await page.getByText("None is open.").waitFor();
  expect(wrong).toEqual([]);
  await page.context().close();
});

test("only shows, unless it was told to allow more", async () => {
  const shows = await open(false);
  const { page, wrong } = await openPage(browser, shows.url);
  await openLettersOf(page, "ticks");
  await page.getByText("This console only shows").waitFor();
  expect(await page.getByRole("button", { name: /Redrive|Discard/ }).count()).toBe(0);
  const asked = { kind: "redrive", topic: name("ticks"), reason: "undecodable", note: "", dryRun: false };
  const token = new URL(shows.url).hash.slice("#token=".length);
  const answer = await fetch(new URL("/api/letters/acts", shows.url), {
    method: "POST",
    body: JSON.stringify(asked),
    headers: { Authorization: `Bearer ${token}` },
  });
  expect([answer.status, await answer.json()]).toMatchObject([403, { error: { code: "shows_only" } }]);
  expect(wrong).toEqual([]);
  await page.context().close();
  await shows.close();
});
