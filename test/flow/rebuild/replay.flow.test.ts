import pg from "pg";
import { afterAll, beforeAll, expect, test } from "vitest";
import { CONSUMERS } from "../../../consumers/all.ts";
import { takeTurnIfFree } from "../../../src/table/turn.ts";
import { emptyGroupOf, environmentOf, groupOf, landBy } from "../../support/landing.ts";
import { gateLandings } from "../../support/landing-gate.ts";
import { ledgerFaults } from "../../support/ledger.ts";
import { replayInto } from "../../support/replay.ts";
import {
  bar,
  call,
  content,
  decision,
  fill,
  idOf,
  indicator,
  outcome,
  performance,
  prediction,
  quote,
  session,
  symbol,
  tick,
} from "../../support/samples.ts";
import { isolate } from "../../support/services/isolation.ts";
import { openTestTape, type TestTape } from "../../support/tape.ts";
import { startTradetape, tradetape } from "../../support/tradetape.ts";

let tape: TestTape;
const BACKTEST = idOf("a backtest");
const COUNT = 40;

beforeAll(async () => {
  // Whoever comes behind a killed process waits for so long.
  tape = await openTestTape({ sessionTimeoutMs: "6000" });
  await tape.publish("symbols", symbol());
  await tape.publish("sessions", session({ backtest_session_id: BACKTEST }));
  const of = (n: number) => ({ backtest_session_id: n % 4 === 0 ? BACKTEST : null });
  const numbers = Array.from({ length: COUNT }, (_, n) => n);
  // Children before their parents: the source had to park them, the replay needn't.
  await tape.publishAll(
    "fills",
    numbers.map((n) => fill(n, of(n))),
  );
  await tape.publishAll(
    "decisions",
    numbers.map((n) => decision(n, of(n))),
  );
  await tape.publishAll(
    "predictions",
    numbers.map((n) => prediction(n, of(n))),
  );
  await tape.publishAll(
    "ticks",
    [...numbers, 0, 1].map((n) => tick(n, of(n))),
  );
  await tape.publishAll(
    "quotes",
    [...numbers, 0].map((n) => quote(n, of(n))),
  );
  await tape.publishAll("bars", [bar(0), bar(1), bar(1, { close: 2.2, revised_at: 2e15 })]);
  await tape.publish("indicators", indicator());
  await tape.publish("performance", performance());
  await tape.publish("outcomes", outcome(0, of(0)));
  await tape.publish("calls", call(0, of(0)));
  await tape.publishAll(
    "contents",
    [0, 1, 0].map((n) => content(n, of(0))),
  );
  await tape.raw("ticks", [{ value: Buffer.from("no event") }, { value: null, partition: 2 }]);
  await tape.raw("fills", [{ value: Buffer.from("no event") }]);
  await tape.land();
});
afterAll(() => tape.stop());

const run = (target: TestTape, ...flags: string[]) =>
  tradetape(["replay", "--into", target.config.databaseUrl, "--json", ...flags], environmentOf(tape.config));

/** Every row, letter and place in the log: what two databases must have in common. */
async function contents(of: TestTape): Promise<Record<string, unknown>> {
  const found: Record<string, unknown> = {};
  for (const { landing } of CONSUMERS) {
    const { table, chained, key } = landing;
    const order = chained ? "seq" : key.at(-1);
    const rows = await of.query(`SELECT to_jsonb(t) - 'landed_at' AS row FROM public.${table} t ORDER BY ${order}`);
    expect(rows, `${table}: an empty table proves nothing`).not.toEqual([]);
    found[table] = rows;
  }
  found.letters = await of.query(
    'SELECT topic, partition, "offset", reason, detail, value FROM tradetape.dead_letter ORDER BY 1, 2, 3',
  );
  found.places = await of.query("SELECT topic, partition, next_offset FROM tradetape.landed_offset ORDER BY 1, 2");
  return found;
}

const ids = (of: TestTape, table: string) =>
  of.query(`SELECT to_jsonb(t) - 'landed_at' AS row FROM public.${table} t ORDER BY 1`);

async function groupOffsets(): Promise<unknown> {
  const groupId = await groupOf(tape, "ticks");
  return tape.admin((admin) => admin.fetchOffsets({ groupId, topics: [tape.name("ticks")] }));
}

test("a fresh database is filled with the same rows, letters and places, and says so in one audit entry", async () => {
  // Offsets that no landing would write: whoever writes them over is seen.
  const partitions = [{ partition: 1, offset: "7" }];
  const strange = { groupId: await emptyGroupOf(tape, "ticks"), topic: tape.name("ticks"), partitions };
  await tape.admin((admin) => admin.setOffsets(strange));
  const before = { live: await contents(tape), offsets: await groupOffsets() };
  const told = { audit: (await tape.read("audit")).length, letters: (await tape.read("dead-letters")).length };
  const target = await tape.beside("whole");
  const { code, stdout, stderr } = await run(target);
  expect(stderr.split("\n").filter((line) => line !== "" && !line.startsWith("{"))).toEqual([]);
  expect(code).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({ whole: true, ok: true, missingParent: 0, outsideWindow: 0 });
  expect(await contents(target)).toEqual(before.live);
  expect({ live: await contents(tape), offsets: await groupOffsets() }).toEqual(before);
  expect(await ledgerFaults(target)).toEqual([]);
  const trail = await tape.read("audit");
  expect(trail).toHaveLength(told.audit + 1);
  expect(trail.at(-1)!.value!.includes("REPLAY")).toBe(true);
  expect(await tape.read("dead-letters")).toHaveLength(told.letters);
  // All indexes are there again, and live consumers go on from it.
  const indexes = "SELECT indexdef FROM pg_indexes WHERE schemaname = 'public' ORDER BY 1";
  expect(await target.query(indexes)).toEqual(await tape.query(indexes));
  await target.land();
  await target.stop();
});

test("killed, then stopped by a signal, it goes on where it was, and lands nothing twice", async () => {
  // The replay before this one told the audit topic that it happened.
  await tape.land("audit");
  const target = await tape.beside("killed");
  const slow = ["replay", "--into", target.config.databaseUrl, "--json", "--speed", "30/s"];
  const beforeKill = await gateLandings(target.config.databaseUrl, 5);
  const first = startTradetape(slow, environmentOf(tape.config));
  await beforeKill.holds();
  first.process.kill("SIGKILL");
  await first.ended;
  await beforeKill.open();
  const beforeStop = await gateLandings(target.config.databaseUrl, 1);
  const second = startTradetape([...slow, "--resume"], environmentOf(tape.config));
  await beforeStop.holds();
  second.process.kill("SIGINT");
  await second.says("stopping in good order");
  await beforeStop.open();
  const stopped = await second.ended;
  expect(stopped.code).toBe(130);
  expect(stopped.stderr).toContain("The same command goes on from here");
  expect(await target.query("SELECT state FROM tradetape.replay_run")).toEqual([{ state: "loading" }]);
  await expect(landBy(target.config, ["ticks"])).rejects.toMatchObject({ code: "replay_partial" });
  const other = replayInto(tape, target.config.databaseUrl, { topics: ["ticks"] });
  await expect(other).rejects.toMatchObject({ code: "replay_refused" });
  // What is published after its beginning is not part of it, however often it is begun again.
  await tape.publish("ticks", tick(COUNT));
  const { code, stderr } = await run(target);
  expect([code, stderr.includes("going on with the replay")]).toEqual([0, true]);
  expect(await ids(target, "tick")).toEqual(await ids(tape, "tick"));
  expect(await ids(target, "audit_log")).toEqual(await ids(tape, "audit_log"));
  expect(await ledgerFaults(target)).toEqual([]);
  await target.stop();
});

test("cut off in any of its states, it ends the same, and tells the same", async () => {
  const target = await tape.beside("states");
  const url = target.config.databaseUrl;
  for (const state of ["settling", "indexing", "verifying"] as const) {
    const phase = (now: string) => {
      if (now === state) throw new Error(`cut off in ${state}`);
    };
    await expect(replayInto(tape, url, { onlooker: { phase } })).rejects.toThrow(`cut off in ${state}`);
    expect(await target.query("SELECT state FROM tradetape.replay_run")).toEqual([{ state }]);
  }
  expect(await replayInto(tape, url, { resume: true })).toMatchObject({ ok: true, whole: true });
  await target.query("UPDATE tradetape.replay_run SET state = 'telling'");
  await replayInto(tape, url, { resume: true });
  const [first, second, ...more] = (await tape.read("audit"))
    .filter(({ value }) => value?.includes("REPLAY"))
    .slice(-2);
  expect(second!.value).toEqual(first!.value);
  expect(more).toEqual([]);
  expect(await ids(target, "trade_execution")).toEqual(await ids(tape, "trade_execution"));
  await expect(replayInto(tape, url, { resume: true })).rejects.toMatchObject({ code: "replay_refused" });
  await target.stop();
});

const dryRun = (url: string, ...flags: string[]) =>
  tradetape(["replay", "--into", url, "--dry-run", ...flags], environmentOf(tape.config));

test("a dry run says what would be replayed into a database that is nothing yet, and leaves it nothing", async () => {
  const { databaseUrl } = await isolate("dry run");
  const { code, stdout } = await dryRun(databaseUrl, "--topics", "fills");
  expect(code).toBe(0);
  expect(stdout).toMatch(/fills +1 +0 +40 +40/);
  expect(stdout).toContain("a part of the topics: symbols, sessions, fills");
  expect(stdout).not.toMatch(/^ticks/m);
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  const { rows } = await client.query("SELECT to_regnamespace('tradetape') AS made");
  await client.end();
  expect(rows).toEqual([{ made: null }]);
});

test("a dry run is refused what the replay itself is refused, in the same words", async () => {
  const beside = await tape.beside("looked at");
  const target = beside.config.databaseUrl;
  const [wrong, stranger] = [new URL(target), new URL((await isolate("of a stranger")).databaseUrl)];
  wrong.password = "guess";
  [stranger.username, stranger.password] = ["tradetape_test_stranger", "known"];
  await tape.query("DROP ROLE IF EXISTS tradetape_test_stranger");
  await tape.query("CREATE ROLE tradetape_test_stranger LOGIN PASSWORD 'known'");
  const never: readonly [string, ...string[]][] = [
    ["postgres://nobody@127.0.0.1:9/nothing"],
    [wrong.href],
    [stranger.href],
    [tape.config.databaseUrl],
    [target, "--resume"],
    [target, "--topics", "fills", "--from", "ticks/0:1"],
  ];
  const errorOf = (text: string) => JSON.parse(text).error as { code: string; message: string };
  for (const [url, ...flags] of never) {
    const dry = await dryRun(url, "--json", ...flags);
    const real = await tradetape(["replay", "--into", url, "--json", ...flags], environmentOf(tape.config));
    expect([dry.code, real.code], `${url} ${flags}`).toEqual([2, 2]);
    expect(errorOf(dry.stderr)).toEqual(errorOf(real.stderr));
  }
  const turn = await takeTurnIfFree(target, "replay_turn");
  const whileRunning = await dryRun(target, "--json");
  await turn!.end();
  expect([whileRunning.code, errorOf(whileRunning.stderr).code]).toEqual([2, "replay_refused"]);
  await tape.query("DROP ROLE tradetape_test_stranger");
  await beside.stop();
});
