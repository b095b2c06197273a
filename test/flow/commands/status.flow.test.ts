import { afterAll, beforeAll, expect, test } from "vitest";
import { AFTERWARDS } from "../../../src/batch/run/group-state.ts";
import { RUN_ENDS } from "../../../src/batch/run/tell-states.ts";
import type { EventTopic } from "../../../src/event/schemas.ts";
import { environmentOf, startConsuming } from "../../support/landing.ts";
import { idOf, symbol, tick } from "../../support/samples.ts";
import { openTestTape, type TestTape } from "../../support/tape.ts";
import { startTradetape, tradetape } from "../../support/tradetape.ts";

let tape: TestTape;
let env: NodeJS.ProcessEnv;

beforeAll(async () => {
  tape = await openTestTape();
  env = environmentOf(tape.config);
  await tape.query("CREATE FUNCTION public.no() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'no'; END $$");
});
afterAll(() => tape.stop());

const refuse = () =>
  tape.query("CREATE TRIGGER no BEFORE INSERT ON public.market_data_tick FOR EACH ROW EXECUTE FUNCTION public.no()");
const allow = () => tape.query("DROP TRIGGER IF EXISTS no ON public.market_data_tick");

interface Heard {
  readonly state: string;
  readonly reason: string | null;
  readonly endedAt: string | null;
  readonly retryAt: string | null;
}
async function statusOf(topic: EventTopic): Promise<{ readonly group: string; readonly groups: readonly Heard[] }> {
  const { stdout } = await tradetape(["status", "--json"], env);
  const rows = JSON.parse(stdout) as { topic: string; group: string; groups: Heard[] }[];
  return rows.find((row) => row.topic === tape.name(topic))!;
}
const text = async () => (await tradetape(["status"], env)).stdout;
let made = 0;
const publishSymbol = () => {
  const name = `ENDED${made++}`;
  return tape.publish("symbols", symbol({ symbol_id: idOf(name), ticker: name }));
};

test("a run that has landed what there was is ended, and so is one that was told to stop, each with why", async () => {
  await publishSymbol();
  expect((await tradetape(["consume", "symbols", "--until-caught-up"], env)).code).toBe(0);
  const done = { state: "ended", reason: RUN_ENDS.caughtUp, endedAt: expect.any(String), retryAt: null };
  expect(await statusOf("symbols")).toMatchObject({ group: "ended", groups: [done] });
  expect(await text()).toMatch(
    new RegExp(`ended at \\S+, in \\S+: ${RUN_ENDS.caughtUp} \\(${tape.name("symbols")}\\)`),
  );

  const service = startTradetape(["consume", "symbols"], env);
  await expect.poll(async () => (await statusOf("symbols")).group).toBe("running");
  service.process.kill("SIGTERM");
  expect((await service.ended).code).toBe(0);
  const told = { state: "ended", reason: RUN_ENDS.stopped, endedAt: expect.any(String) };
  expect(await statusOf("symbols")).toMatchObject({ group: "ended", groups: [told] });
});

test("a run that a trouble stopped is stopped, and says that nothing tries again; its other groups are ended", async () => {
  await refuse();
  await tape.publish("ticks", tick(1));
  await publishSymbol();
  const run = await tradetape(["consume", "ticks", "symbols", "--until-caught-up", "--json"], env);
  expect(run.code).toBe(2);
  const { error } = JSON.parse(run.stderr.trim().split("\n").at(-1)!) as { error: { next: string } };
  expect(error.next).toContain(AFTERWARDS.over);
  expect(run.stderr).not.toContain(AFTERWARDS.retried);
  const stop = { state: "stopped", code: "landing_refused", endedAt: expect.any(String), retryAt: null };
  expect(await statusOf("ticks")).toMatchObject({ group: "stopped", groups: [stop] });
  expect(await statusOf("symbols")).toMatchObject({ group: "ended", groups: [{ reason: RUN_ENDS.caughtUp }] });
  const said = await text();
  expect(said).toMatch(/ticks stopped since \S+, in \S+, whose run ended at /);
  expect(said).toContain(AFTERWARDS.over);

  // --fail-fast ends the run of the groups beside it.
  const fast = await tradetape(["consume", "ticks", "symbols", "--fail-fast"], env);
  expect([fast.code, fast.stderr]).toEqual([2, expect.stringContaining(AFTERWARDS.over)]);
  expect(fast.stderr).not.toContain(AFTERWARDS.retried);
  expect(await statusOf("symbols")).toMatchObject({ group: "ended", groups: [{ reason: RUN_ENDS.trouble }] });
});

test("a process that tries again says so, takes the place of the run that ended, and lands on once it is mended", async () => {
  const consuming = await startConsuming(tape.config, ["ticks", "symbols"]);
  await consuming.stopped("ticks");
  await expect.poll(async () => (await statusOf("ticks")).groups.map(({ endedAt }) => endedAt)).toEqual([null]);
  // The database is told of a state a moment later.
  let said = "";
  const look = async () => {
    said = await text();
    return said;
  };
  await expect.poll(look).toContain(AFTERWARDS.retried);
  expect(said).not.toContain(AFTERWARDS.over);
  await allow();
  await consuming.runs("ticks");
  await consuming.stop();
  expect(await statusOf("ticks")).toMatchObject({ group: "ended", groups: [{ reason: RUN_ENDS.stopped }] });
});
