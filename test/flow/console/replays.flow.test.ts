import { afterAll, beforeAll, expect, test } from "vitest";
import { CONSUMERS } from "../../../consumers/all.ts";
import { parseBound } from "../../../src/replay/bounds.ts";
import { makeReplayPlan } from "../../../src/replay/replay-plan.ts";
import { beginOrResume, openTarget } from "../../../src/replay/target.ts";
import { withAdmin } from "../../../src/topic/log-client.ts";
import { replayInto } from "../../support/replay.ts";
import { symbol, tick } from "../../support/samples.ts";
import { openTestTape, type TestTape } from "../../support/tape.ts";
import { look, openPage, openShown } from "./browser.ts";

const TICKS = 40;

let tape: TestTape;
let target: TestTape;
let shown: Awaited<ReturnType<typeof openShown>>;

beforeAll(async () => {
  tape = await openTestTape();
  await tape.publish("symbols", symbol());
  await tape.publishAll(
    "ticks",
    Array.from({ length: TICKS }, (_, n) => tick(n)),
  );
  target = await tape.beside("replayed");
  shown = await openShown(target.config);
});
afterAll(async () => {
  await shown?.close();
  await target?.stop();
  await tape.stop();
});

test("shows how far a replay is that has begun, and that it ended, while its page is open", async () => {
  const { page, wrong } = await openPage(shown.browser, shown.console.url);
  await page.getByRole("link", { name: "Replays" }).click();
  await page.getByText("None has filled this database.").waitFor();
  const [from, until] = [parseBound("--from", "beginning", "beginning"), parseBound("--until", "end", "end")];
  const request = { consumers: CONSUMERS, from, until, sessions: "all" } as const;
  const plan = await withAdmin(tape.client, (admin) => makeReplayPlan(admin, target.config, request, CONSUMERS));
  const place = await openTarget(target.config.databaseUrl);
  await beginOrResume(place.owner, plan, CONSUMERS, { add: false, resume: false });
  await place.close();
  await page.locator('[data-run="loading"]').waitFor();
  expect(await page.locator('[data-run="loading"]').textContent()).toContain(`0 of ${TICKS + 1} offsets landed`);
  const ofTicks = page
    .getByRole("region", { name: /^Topics of the replay/ })
    .getByRole("row")
    .filter({ hasText: "ticks" });
  expect((await ofTicks.getByRole("cell").allTextContents()).slice(1)).toEqual(["0", String(TICKS)]);
  expect(await look(page, "replay")).toEqual([]);
  await replayInto(tape, target.config.databaseUrl, { resume: true });
  await page.getByText("finished").waitFor();
  expect(await page.locator("[data-run]").count()).toBe(0);
  expect(await page.getByRole("row").nth(1).textContent()).toMatch(/finishedeverything.*good/);
  expect(await look(page, "replays")).toEqual([]);
  expect(wrong).toEqual([]);
  await page.context().close();
});
