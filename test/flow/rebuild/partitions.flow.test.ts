import pg from "pg";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { CONSUMERS } from "../../../consumers/all.ts";
import { asReader } from "../../../src/cli/services.ts";
import { type DayPartition, listDays } from "../../../src/table/upkeep/day-partitions.ts";
import { verify } from "../../../src/verify/verify.ts";
import { environmentOf } from "../../support/landing.ts";
import { ledgerFaults } from "../../support/ledger.ts";
import { idOf, NOON, tick } from "../../support/samples.ts";
import { assertTestDatabase } from "../../support/services/isolation.ts";
import { openTestTape, type Row, type TestTape } from "../../support/tape.ts";
import { startTradetape, tradetape } from "../../support/tradetape.ts";

const DAY_US = 86_400_000_000;
/** The samples' day. */
const FIRST = "2024-03-05";
const PER_DAY = 20;

let tape: TestTape;
let env: NodeJS.ProcessEnv;

beforeAll(async () => {
  tape = await openTestTape({ daysAhead: "2" });
  env = environmentOf(tape.config);
  await assertTestDatabase(tape.config.databaseUrl);
  await publishDays(0, 1, 2, 3, 4);
  await tape.land("ticks", "audit");
});
afterAll(() => tape.stop());

/** The n-th tick of each of these days after the first one. */
const publishDays = (...days: readonly number[]) =>
  Promise.all(
    days.flatMap((day) =>
      Array.from({ length: PER_DAY }, (_, n) =>
        tape.publish("ticks", tick(day * 1000 + n, { timestamp: NOON + day * DAY_US + n })),
      ),
    ),
  );

const dayOf = (n: number) => new Date(Date.parse(FIRST) + n * 86_400_000).toISOString().slice(0, 10);

async function json<T>(...args: string[]): Promise<T> {
  const { code, stdout, stderr } = await tradetape(["partitions", ...args, "--json"], env);
  expect([code, stderr.replaceAll(/^.*dropped\n/gm, "")]).toEqual([0, ""]);
  return JSON.parse(stdout) as T;
}
const list = async () =>
  (await asReader(tape.config, "test", (c) => listDays(c, "market_data_tick"))).map(({ day, state }) => [day, state]);
const rows = async () => (await tape.query<{ n: number }>("SELECT count(*) AS n FROM market_data_tick"))[0]!.n;
/** What `verify` finds wrong: checks and subjects. */
const wrong = async () => {
  const found = await asReader(tape.config, "test", (connection) => verify(connection, CONSUMERS, { quiet: false }));
  return found.problems.map(({ check, subject }) => [check, subject]);
};

describe("days ahead", () => {
  test("are made with a day that isn't over, and not with a day of long ago", async () => {
    expect(await list()).toEqual([0, 1, 2, 3, 4].map((n) => [dayOf(n), "attached"]));
    expect((await tradetape(["partitions", "list"], env)).stdout).toMatch(
      /2024-03-05 +\S+ +\d+ +attached[\s\S]*5 days/,
    );
    // Tomorrow isn't over before this test is; today might be.
    const tomorrow = Date.now() + 86_400_000;
    await tape.publish("ticks", tick(9000, { timestamp: tomorrow * 1000 }));
    await tape.land("ticks", "audit");
    const ahead = [0, 1, 2].map((n) => new Date(tomorrow + n * 86_400_000).toISOString().slice(0, 10));
    expect((await list()).slice(5)).toEqual(ahead.map((day) => [day, "attached"]));
  });

  test("are made by command, and those that are there are left alone", async () => {
    expect(await json("create", "--topic", "ticks", "2030-01-01", "--until", "2030-01-03")).toEqual({
      created: ["2030-01-01", "2030-01-02", "2030-01-03"],
      past: [],
    });
    expect(await json("create", "--topic", "ticks", "2030-01-02", "--until", "2030-01-04")).toMatchObject({
      created: ["2030-01-04"],
    });
    const wrongDays = [["2030-02-30"], ["2030-01-02", "--until", "2030-01-01"]];
    const ended = wrongDays.map((args) => tradetape(["partitions", "create", "--topic", "ticks", ...args], env));
    expect((await Promise.all(ended)).map(({ code }) => code)).toEqual([2, 2]);
  });
});

describe("dropping days", () => {
  test("without --yes says which days would go, and changes nothing", async () => {
    const before = await rows();
    const [{ days }, tooFar, unset] = await Promise.all([
      json<{ days: DayPartition[] }>("drop", "--topic", "ticks", "--before", dayOf(2)),
      tradetape(["partitions", "drop", "--topic", "ticks", "--before", "2124-01-01", "--yes"], env),
      tradetape(["partitions", "retain", "--topic", "ticks"], env),
    ]);
    expect(days.map(({ day }) => day)).toEqual([dayOf(0), dayOf(1)]);
    expect(await rows()).toBe(before);
    expect(tooFar.code).toBe(2);
    expect([unset.code, unset.stderr]).toEqual([2, expect.stringContaining("--keep-days")]);
  });

  test.each([["--yes"], ["--dry-run"], []])(
    "waits for what the log holds to land, also where it only says what would go: exit 2, naming where: %s",
    async (...how) => {
      await tape.publish("ticks", tick(9001, { timestamp: NOON }));
      const drop = ["partitions", "drop", "--topic", "ticks", "--before", dayOf(1), "--wait", "0", ...how];
      const { code, stderr } = await tradetape(drop, env);
      expect([code, stderr]).toEqual([2, expect.stringContaining(`${tape.name("ticks")}/`)]);
      expect((await list())[0]).toEqual([dayOf(0), "attached"]);
      await tape.land("ticks", "audit");
    },
  );

  test.each([["--yes"], ["--dry-run"]])("is refused for a namespace that never landed here: %s", async (how) => {
    const elsewhere = { ...env, TRADETAPE_NAMESPACE: `${tape.config.namespace}-other` };
    expect((await tradetape(["topics", "--create"], elsewhere)).code).toBe(0);
    const drop = ["partitions", "drop", "--topic", "ticks", "--before", dayOf(1), how];
    const { code, stderr } = await tradetape(drop, elsewhere);
    expect([code, stderr]).toEqual([2, expect.stringContaining("has never landed in this database")]);
  });

  test("says by --dry-run what --yes does, and takes one of the two only", async () => {
    const before = await rows();
    const drop = ["drop", "--topic", "ticks", "--before", dayOf(1)];
    const { days } = await json<{ days: DayPartition[] }>(...drop, "--dry-run");
    expect([days.map(({ day }) => day), await rows()]).toEqual([[dayOf(0)], before]);
    const both = await tradetape(["partitions", ...drop, "--dry-run", "--yes"], env);
    expect([both.code, await rows()]).toEqual([2, before]);
  });

  test("takes them out of table and list, into ledger and audit trail, and filters them when they come again", async () => {
    const before = await rows();
    const { dropped } = await json<{ dropped: Row[] }>("drop", "--topic", "ticks", "--before", dayOf(1), "--yes");
    expect(dropped).toEqual([{ day: FIRST, rows: PER_DAY + 1 }]);
    expect(await rows()).toBe(before - PER_DAY - 1);
    expect((await list())[0]).toEqual([dayOf(1), "attached"]);
    await publishDays(0);
    await tape.publish("ticks", tick(9002, { timestamp: NOON + DAY_US }));
    expect((await tape.land("ticks", "audit")).ticks).toMatchObject({
      read: PER_DAY + 1,
      filtered: PER_DAY,
      written: 1,
      dead: 0,
    });
    expect((await list())[0]).toEqual([dayOf(1), "attached"]);
    await tape.land("audit");
    const entries = await tape.query("SELECT actor, payload FROM audit_log WHERE event_type = 'PARTITION_DROP'");
    expect(entries).toMatchObject([{ payload: { day: FIRST, rows: PER_DAY + 1, table: "market_data_tick" } }]);
    expect(await ledgerFaults(tape)).toEqual([]);
    expect(await wrong()).toEqual([]);
    expect(await tradetape(["partitions", "create", "--topic", "ticks", FIRST], env)).toMatchObject({ code: 1 });
  });

  test("ends a drop that was killed between DETACH and DROP, and one killed within DETACH, counting each row once", async () => {
    await tape.query(`ALTER TABLE market_data_tick DETACH PARTITION market_data_tick_${dayOf(1).replaceAll("-", "")}`);
    expect((await list())[0]).toEqual([dayOf(1), "detached"]);
    expect(await wrong()).toEqual([["table", "market_data_tick"]]);
    // A reader of the table holds the second half of a DETACH CONCURRENTLY up; the command dies while it waits.
    const reader = await holdOpen("SELECT count(*) FROM market_data_tick");
    const dying = startTradetape(["partitions", "drop", "--topic", "ticks", "--before", dayOf(3), "--yes"], env);
    await expect.poll(async () => (await list())[0]).toEqual([dayOf(2), "detaching"]);
    dying.process.kill("SIGKILL");
    await dying.ended;
    const active = "FROM pg_stat_activity WHERE state = 'active' AND datname = current_database()";
    const detaching = `${active} AND query LIKE 'ALTER TABLE%'`;
    await tape.query(`SELECT pg_terminate_backend(pid) ${detaching}`);
    await expect.poll(() => tape.query(`SELECT pid ${detaching}`)).toEqual([]);
    await reader();
    expect((await list())[0]).toEqual([dayOf(2), "detaching"]);
    const { dropped } = await json<{ dropped: Row[] }>("drop", "--topic", "ticks", "--before", dayOf(3), "--yes");
    expect(dropped).toEqual([{ day: dayOf(2), rows: PER_DAY }]);
    expect(await removals()).toEqual([
      [FIRST, PER_DAY + 1],
      [dayOf(1), PER_DAY + 1],
      [dayOf(2), PER_DAY],
    ]);
    await tape.land("ticks", "audit");
    expect(await ledgerFaults(tape)).toEqual([]);
    expect(await wrong()).toEqual([]);
  });

  test("goes on beside consumers that land the day, which filter what comes behind it", async () => {
    const stop = new AbortController();
    const landing = tape.landWith(["ticks", "audit"], { stop: stop.signal, untilCaughtUp: false });
    await publishDays(3);
    await json("drop", "--topic", "ticks", "--before", dayOf(4), "--yes", "--wait", "600");
    const late = Array.from({ length: 5 }, (_, n) =>
      tape.publish("ticks", tick(9100 + n, { timestamp: NOON + 3 * DAY_US + n, market_data_id: idOf(`late ${n}`) })),
    );
    await Promise.all(late);
    await expect.poll(filteredOfAll).toBe(PER_DAY + 5);
    stop.abort();
    await landing;
    await tape.land("ticks", "audit");
    expect((await list())[0]).toEqual([dayOf(4), "attached"]);
    expect(await ledgerFaults(tape)).toEqual([]);
    expect(await wrong()).toEqual([]);
  });

  test("leaves the dropped days out of a comparison with a database that landed or kept them", async () => {
    const other = await tape.beside("kept");
    await other.land("ticks", "audit");
    await tape.land("audit");
    const { code, stdout } = await tradetape(["verify", "--against", other.config.databaseUrl, "--json"], env);
    const { against } = JSON.parse(stdout);
    expect([code, against.equal]).toEqual([0, true]);
    expect(against.dropped).toMatchObject([{ table: "market_data_tick", before: dayOf(4), rowsHere: 0 }]);
    expect(against.dropped[0].rowsThere).toBeGreaterThan(4 * PER_DAY);
    await other.stop();
  });

  test("by retention keeps so many days before today", async () => {
    expect(await json("retain", "--topic", "ticks", "--keep-days", "0", "--yes")).toMatchObject({
      dropped: [{ day: dayOf(4), rows: PER_DAY }],
    });
    expect(await rows()).toBe(1);
    await tape.land("ticks", "audit");
    expect(await ledgerFaults(tape)).toEqual([]);
  });

  test("takes rights that a lander and an ops user don't have", async () => {
    const [day] = (await list()).map(([name]) => name!.replaceAll("-", ""));
    for (const role of ["tradetape_lander", "tradetape_ops", "tradetape_reader"]) {
      for (const sql of [
        `DROP TABLE market_data_tick_${day}`,
        `ALTER TABLE market_data_tick DETACH PARTITION market_data_tick_${day}`,
        "UPDATE tradetape.day_table SET keep_from = '1970-01-01'",
      ]) {
        await expect(tape.queryAs(role, sql), `${role}: ${sql}`).rejects.toMatchObject({ code: "42501" });
      }
    }
  });
});

const removals = async () =>
  (
    await tape.query<{ day: string; removed: number }>(
      `SELECT detail ->> 'day' AS day, removed FROM tradetape.landed_batch WHERE kind = 'removed' ORDER BY 1`,
    )
  ).map(({ day, removed }) => [day, removed]);

const filteredOfAll = async () =>
  (await tape.query<{ n: number }>("SELECT sum(filtered)::bigint AS n FROM tradetape.landed_batch"))[0]!.n;

/** Runs a statement in a transaction that stays open. @returns how to end it */
async function holdOpen(sql: string): Promise<() => Promise<void>> {
  const client = new pg.Client({ connectionString: tape.config.databaseUrl });
  await client.connect();
  await client.query("BEGIN");
  await client.query(sql);
  return () => client.end();
}
