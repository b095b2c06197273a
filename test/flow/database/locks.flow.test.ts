import pg from "pg";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { migrate } from "../../../src/table/migrate.ts";
import { inTurn, takeTurnIfFree } from "../../../src/table/turn.ts";
import { replayInto } from "../../support/replay.ts";
import { tick } from "../../support/samples.ts";
import { openTapeWithSymbol, type TestTape } from "../../support/tape.ts";

/** A login without a role of ours, which may take every advisory lock that there is. */
let tape: TestTape;
let stranger: pg.Client;
const LOGIN = `tradetape_test_locker_${process.pid}`;
const DAY_US = 86_400_000_000;

async function strangerIn(database: TestTape): Promise<pg.Client> {
  const url = new URL(database.config.databaseUrl);
  [url.username, url.password] = [LOGIN, "of a test"];
  const session = new pg.Client({ connectionString: url.href });
  await session.connect();
  return session;
}

/** The names that we ever gave to advisory locks, and some that anybody may. */
const NAMES = ["audit_chain", "make_tick_day", "make_day", "replay", "migrate", "drop_days", "tick_days"];
const lockAll = (session: pg.Client) =>
  session.query(
    `SELECT pg_advisory_lock(hashtextextended('tradetape.' || name, 0)) FROM unnest($1::text[]) AS name
     UNION ALL SELECT pg_advisory_lock(n) FROM generate_series(-50, 50) AS n
     UNION ALL SELECT pg_advisory_lock(a, b) FROM generate_series(0, 5) AS a, generate_series(0, 5) AS b`,
    [NAMES],
  );

beforeAll(async () => {
  tape = await openTapeWithSymbol();
  await tape.query(`CREATE ROLE ${LOGIN} LOGIN PASSWORD 'of a test'`);
  stranger = await strangerIn(tape);
  await lockAll(stranger);
});
afterAll(async () => {
  await stranger.end();
  await tape.query(`DROP ROLE ${LOGIN}`);
  await tape.stop();
});

const held = async () =>
  (
    await tape.query<{ n: number }>(
      `SELECT count(*) AS n FROM pg_locks l JOIN pg_stat_activity a USING (pid)
       WHERE l.locktype = 'advisory' AND l.granted AND a.usename = $1 AND a.datname = current_database()`,
      [LOGIN],
    )
  )[0]!.n;

describe("while a login without a role holds every advisory lock it likes", () => {
  test("ticks of new days land, and the audit log grows", async () => {
    expect(await held()).toBeGreaterThan(NAMES.length);
    await tape.publishAll("ticks", [tick(1), tick(2, { timestamp: tick(2).timestamp + 3 * DAY_US })]);
    expect(await tape.land()).toMatchObject({ ticks: { written: 2 } });
    const [entries] = await tape.query<{ n: number }>("SELECT count(*) AS n FROM public.audit_log");
    expect(entries!.n).toBeGreaterThan(0);
  });

  test("a database is migrated", async () => {
    await expect(migrate(tape.config.databaseUrl)).resolves.toMatchObject({ lost: [] });
  });

  test("days are dropped, in their turn", async () => {
    await expect(inTurn(tape.config.databaseUrl, "removal_turn", async () => "done")).resolves.toBe("done");
  });

  test("a replay fills another database", async () => {
    const beside = await tape.beside("filled");
    const there = await strangerIn(beside);
    await lockAll(there);
    expect(await replayInto(tape, beside.config.databaseUrl)).toMatchObject({ ok: true });
    await there.end();
    await beside.stop();
  });
});

test("a turn is one session's at a time, and the next one's when it ends", async () => {
  const { databaseUrl } = tape.config;
  const first = await takeTurnIfFree(databaseUrl, "replay_turn");
  expect(await takeTurnIfFree(databaseUrl, "replay_turn")).toBeUndefined();
  await first!.end();
  const second = await takeTurnIfFree(databaseUrl, "replay_turn");
  expect(second).toBeDefined();
  await second!.end();
  const ends: string[] = [];
  await Promise.all(
    ["a", "b"].map((name) =>
      inTurn(databaseUrl, "removal_turn", async () => {
        ends.push(`${name} begins`);
        await tape.query("SELECT pg_sleep(0)");
        ends.push(`${name} ends`);
      }),
    ),
  );
  expect(ends.map((text) => text.slice(2))).toEqual(["begins", "ends", "begins", "ends"]);
});

const TABLES = ["audit_turn", "replay_turn", "removal_turn", "migration", "day_table", "landed_offset", "database_id"];

test.each(TABLES)("the stranger may not lock %s in any way, nor a row of it", async (table) => {
  for (const sql of [
    `LOCK TABLE tradetape.${table} IN ACCESS SHARE MODE`,
    `LOCK TABLE tradetape.${table} IN ACCESS EXCLUSIVE MODE`,
    `SELECT FROM tradetape.${table} FOR KEY SHARE`,
    `SELECT FROM tradetape.${table} FOR UPDATE`,
  ]) {
    await stranger.query("BEGIN");
    await expect(stranger.query(sql), sql).rejects.toMatchObject({ code: "42501" });
    await stranger.query("ROLLBACK");
  }
});

test.each(["tradetape_reader", "tradetape_ops"])("%s may not hold anybody up, either", async (role) => {
  for (const table of TABLES) {
    const share = `DO $$ BEGIN LOCK TABLE tradetape.${table} IN ROW SHARE MODE; END $$`;
    await expect(tape.queryAs(role, share), share).rejects.toThrow("permission denied");
    const rows = `SELECT FROM tradetape.${table} FOR KEY SHARE`;
    await expect(tape.queryAs(role, rows), rows).rejects.toThrow("permission denied");
  }
});

test.each(["audit_turn", "landed_offset", "replay_turn", "removal_turn", "migration"])(
  "tradetape_lander may not hold up whoever takes %s",
  async (table) => {
    const share = `DO $$ BEGIN LOCK TABLE tradetape.${table} IN ROW EXCLUSIVE MODE; END $$`;
    await expect(tape.queryAs("tradetape_lander", share)).rejects.toThrow("permission denied");
  },
);
