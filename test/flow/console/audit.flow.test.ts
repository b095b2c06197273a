import { afterAll, beforeAll, expect, test } from "vitest";
import { audit, idOf } from "../../support/samples.ts";
import { openTestTape, type TestTape } from "../../support/tape.ts";
import { look, openPage, openShown } from "./browser.ts";

const SCRIPT = `<img src=x onerror="alert('it ran')">`;
const ENTRIES = 60;

let tape: TestTape;
let shown: Awaited<ReturnType<typeof openShown>>;

beforeAll(async () => {
  tape = await openTestTape();
  const entries = Array.from({ length: ENTRIES }, (_, n) =>
    audit(n, {
      actor: n === 7 ? SCRIPT : "somebody",
      payload: JSON.stringify({ what: n === 7 ? SCRIPT : `note ${n}` }),
      correlation_id: n === 7 ? SCRIPT : "workflow-1",
      event_type: n % 20 === 0 ? "RISK_CHECK" : "MANUAL",
      backtest_session_id: null,
    }),
  );
  await tape.publishAll("audit", entries);
  await tape.land("audit");
  shown = await openShown(tape.config);
});
afterAll(async () => {
  await shown?.close();
  await tape.stop();
});

async function openAudit() {
  const opened = await openPage(shown.browser, shown.console.url);
  await opened.page.getByRole("link", { name: "Audit" }).click();
  await opened.page.getByText("they hold").waitFor();
  const rows = opened.page.getByRole("region", { name: "Audit entries, the newest first" }).getByRole("row");
  return { ...opened, rows };
}

test("shows that the chain holds, and finds entries by type, correlation and id; what others wrote is text", async () => {
  const { page, wrong, rows } = await openAudit();
  const facts = page.locator("dl.facts");
  expect(await facts.textContent()).toMatch(/entries\s*60.*they hold\s*yes/s);
  await expect.poll(() => rows.count()).toBe(51);
  expect(await look(page, "audit")).toEqual([]);
  await page.getByRole("button", { name: "Older" }).click();
  await expect.poll(() => rows.count()).toBe(11);
  await page.getByLabel("Type").fill("RISK_CHECK");
  await page.getByRole("button", { name: "Search" }).click();
  await expect.poll(() => rows.count()).toBe(4);
  await page.getByLabel("Type").fill("");
  await page.getByLabel("Correlation").fill(SCRIPT);
  await page.keyboard.press("Enter");
  await expect.poll(() => rows.count()).toBe(2);
  expect(await rows.nth(1).textContent()).toContain(`${SCRIPT}no${SCRIPT}`);
  await page.getByLabel("Correlation").fill("");
  await page.getByLabel("Id").fill(idOf("audit 3"));
  await page.keyboard.press("Enter");
  await expect.poll(() => rows.nth(1).textContent()).toContain("note 3");
  await page.getByLabel("Id").fill("1' OR true --");
  await page.keyboard.press("Enter");
  await page.getByRole("alert").waitFor();
  expect(await rows.count()).toBe(0);
  expect(wrong.filter((one) => !one.includes("400"))).toEqual([]);
  await page.context().close();
});

test("names the entry that was changed", async () => {
  await tape.query("ALTER TABLE public.audit_log DISABLE TRIGGER USER");
  await tape.query("UPDATE public.audit_log SET actor = 'another' WHERE seq = 5");
  const { page, wrong } = await openAudit();
  expect(await page.getByRole("alert").textContent()).toMatch(/Entry 5 .*its content isn't what was hashed/s);
  expect(await page.locator("dl.facts").textContent()).toMatch(/they hold\s*no/s);
  expect(await look(page, "audit broken")).toEqual([]);
  expect(wrong).toEqual([]);
  await page.context().close();
});
