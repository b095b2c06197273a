import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { CONSUMERS } from "../../../consumers/all.ts";
import type { Comparison } from "../../../src/verify/against.ts";
import { compareTapes, rowsOf } from "../../support/comparison.ts";
import { environmentOf, landBy } from "../../support/landing.ts";
import * as sample from "../../support/samples.ts";
import { assertTestDatabase } from "../../support/services/isolation.ts";
import { openTestTape, type TestTape } from "../../support/tape.ts";
import { tradetape } from "../../support/tradetape.ts";

const [DAY_US, TICKS] = [86_400_000_000, 400];

let here: TestTape;
let there: TestTape;

beforeAll(async () => {
  here = await openTestTape();
  there = await here.beside("there");
  await assertTestDatabase(there.config.databaseUrl);
  await publishAll(here);
  await here.land();
  // Its receipts and letters go to the audit topic, from where only this one lands them.
  await there.land();
});
afterAll(async () => {
  await here.stop();
  await there.stop();
});

async function publishAll(tape: TestTape): Promise<void> {
  await tape.publish("symbols", sample.symbol());
  await tape.publish("sessions", sample.session());
  // Two days and several hours of each.
  const at = (n: number) => sample.NOON + (n % 2) * DAY_US + (n % 5) * 3_600_000_000 + n;
  const numbers = Array.from({ length: TICKS }, (_, n) => n);
  await Promise.all([
    ...numbers.map((n) => tape.publish("ticks", sample.tick(n, { timestamp: at(n), close: 100 + n }))),
    ...numbers
      .slice(0, 20)
      .flatMap((n) => [
        tape.publish("quotes", sample.quote(n)),
        tape.publish("bars", sample.bar(n)),
        tape.publish("indicators", sample.indicator(n)),
        tape.publish("predictions", sample.prediction(n)),
        tape.publish("decisions", sample.decision(n)),
        tape.publish("fills", sample.fill(n)),
        tape.publish("performance", sample.performance(n)),
        tape.publish("outcomes", sample.outcome(n)),
        tape.publish("calls", sample.call(n)),
        tape.publish("contents", sample.content(n)),
      ]),
  ]);
  await tape.raw("ticks", [{ value: null }, { value: Buffer.from("000000000142", "hex") }]);
}

type Against = Comparison & { here: string; there: string };

async function against(...flags: string[]): Promise<{ code: number; found: Against; stderr: string }> {
  const args = ["verify", "--json", "--against", there.config.databaseUrl, ...flags];
  const { code, stdout, stderr } = await tradetape(args, environmentOf(here.config));
  return { code, stderr, found: stdout === "" ? ({} as Against) : JSON.parse(stdout).against };
}

/** The same in this process. */
const compare = (): Promise<Comparison> => compareTapes(here, there);

/** Alters `there`, compares, and takes it back. */
async function planted(change: string, back: string): Promise<Comparison> {
  await there.query(change);
  try {
    return await compare();
  } finally {
    await there.query(back);
  }
}

describe("verify --against", () => {
  test("finds two databases that landed the same topics equal, but for what each tells of itself", async () => {
    const { code, found, stderr } = await against();
    expect(stderr).not.toContain("waiting");
    expect(found.tables.filter((t) => !t.equal)).toEqual([]);
    expect([code, found.equal]).toEqual([0, true]);
    const rows = new Map(found.tables.map((t) => [t.table, [t.rowsHere, t.rowsThere]]));
    expect(rows.get("market_data_tick")).toEqual([TICKS, TICKS]);
    expect(rows.get("trade_execution")).toEqual([20, 20]);
    expect(rows.get("dead_letter")).toEqual([2, 2]);
    expect(found.ownEntries.here).toBeGreaterThan(0);
    expect(found.tables.find((t) => t.table === "audit_log")).toMatchObject({
      leftOut: ["seq", "prev_hash", "hash"],
      rowsHere: expect.any(Number),
    });
  });

  test("names a changed, a missing and an extra row by partition, hour, id and column", async () => {
    const copy = sample.idOf("extra");
    const found = await planted(
      `BEGIN; CREATE TEMPORARY TABLE kept AS SELECT * FROM market_data_tick WHERE market_data_id = '${sample.idOf("tick 8")}';
       UPDATE market_data_tick SET close = close + 1e-9 WHERE market_data_id = '${sample.idOf("tick 7")}';
       DELETE FROM market_data_tick WHERE market_data_id = '${sample.idOf("tick 8")}';
       INSERT INTO market_data_tick SELECT '${copy}', symbol_id, "timestamp", open, high, low, close, volume, "interval",
         source FROM market_data_tick WHERE market_data_id = '${sample.idOf("tick 9")}'; COMMIT`,
      `BEGIN; UPDATE market_data_tick SET close = 107 WHERE market_data_id = '${sample.idOf("tick 7")}';
       DELETE FROM market_data_tick WHERE market_data_id = '${copy}';
       INSERT INTO market_data_tick SELECT * FROM kept; DROP TABLE kept; COMMIT`,
    );
    expect(found.equal).toBe(false);
    expect(found.tables.filter((t) => !t.equal).map((t) => [t.table, t.rowsHere, t.rowsThere])).toEqual([
      ["market_data_tick", TICKS, TICKS],
    ]);
    const day = (text: string) => `2024-03-0${text}:00:00+00`;
    expect(rowsOf(found).map(([, , hour, row]) => [hour, row])).toEqual(
      expect.arrayContaining([
        [day("6 16"), { id: sample.idOf("tick 7"), kind: "differs", columns: ["close"] }],
        [day("5 17"), { id: sample.idOf("tick 8"), kind: "only_here", columns: [] }],
        [day("6 18"), { id: copy, kind: "only_there", columns: [] }],
      ]),
    );
    expect(rowsOf(found)).toHaveLength(3);
    expect((await compare()).equal).toBe(true);
  });

  test("isn't fooled by two rows that exchange a value, which sums of columns would be", async () => {
    const swap = (a: number, b: number) =>
      `UPDATE market_data_tick SET close = CASE market_data_id WHEN '${sample.idOf("tick 10")}' THEN ${a} ELSE ${b} END
       WHERE market_data_id IN ('${sample.idOf("tick 10")}', '${sample.idOf("tick 20")}')`;
    const found = await planted(swap(120, 110), swap(110, 120));
    expect(found.equal).toBe(false);
    expect(
      rowsOf(found)
        .map(([, , , row]) => (row as { id: string }).id)
        .sort(),
    ).toEqual([sample.idOf("tick 10"), sample.idOf("tick 20")].sort());
  });

  test("isn't fooled by a time that moved by 2^32 microseconds and one, which PostgreSQL's own hash of it would be", async () => {
    // Both halves of its 64 bits, counted from 2000, lose or gain their lowest bit: folded together, they stay the same.
    const us = BigInt(sample.NOON + (11 % 2) * DAY_US + (11 % 5) * 3_600_000_000 + 11 - Date.UTC(2000, 0, 1) * 1000);
    const moved = (us ^ 0x1_0000_0001n) - us;
    const move = (by: bigint) =>
      `UPDATE market_data_tick SET "timestamp" = "timestamp" + '${by} microseconds'::interval
       WHERE market_data_id = '${sample.idOf("tick 11")}'`;
    const found = await planted(move(moved), move(-moved));
    expect(found.equal).toBe(false);
    const wrong = rowsOf(found).map(([, , , row]) => row as { id: string; kind: string });
    expect(wrong.map(({ id, kind }) => [id, kind])).toEqual(
      expect.arrayContaining([
        [sample.idOf("tick 11"), "only_here"],
        [sample.idOf("tick 11"), "only_there"],
      ]),
    );
  });

  test("names a difference in every other table, also where a row has no time", async () => {
    const changes: Readonly<Record<string, string>> = {
      symbol: "ticker = ticker || 'X'",
      // Null, 0.0 and {} have one hash in PostgreSQL, unless it is asked by another seed.
      backtest_session: "result = '{}'",
      quote: "ask_size = NULL",
      market_data_bar: "venue = 'Q'",
      technical_indicator: "parameters = '{\"fast\": 13}'",
      model_prediction: "source_offset = source_offset + 1000",
      trade_decision: "approved = NOT approved",
      trade_execution: "fee = NULL",
      strategy_performance: "window_end = window_end + interval '1 microsecond'",
      prediction_outcome: "brier = NULL",
      agent_call: "response_pieces = '{}'",
      agent_content: "published_at = published_at + interval '1 s'",
      audit_log: "actor = actor || ' '",
    };
    const names = Object.keys(changes);
    const others = CONSUMERS.map(({ landing }) => landing.table).filter((table) => table !== "market_data_tick");
    expect(names.toSorted(), "add a change of the new table").toEqual(others.toSorted());
    const sql = names.map(
      (table) => `CREATE TEMPORARY TABLE kept_${table} AS SELECT * FROM ${table};
        UPDATE ${table} SET ${changes[table]}${table === "audit_log" ? " WHERE event_type <> 'RECEIPT'" : ""};`,
    );
    const back = names.map((table) => {
      const column = changes[table]!.split(" = ")[0];
      const key = KEYS.get(table);
      return `UPDATE ${table} t SET ${column} = k.${column} FROM kept_${table} k WHERE t.${key} = k.${key};
        DROP TABLE kept_${table};`;
    });
    // The audit log's trigger refuses changes, until somebody who can turns it off.
    const begin = "BEGIN; SET LOCAL session_replication_role = replica;";
    const found = await planted(`${begin} ${sql.join("\n")} COMMIT`, `${begin} ${back.join("\n")} COMMIT`);
    expect(found.equal).toBe(false);
    expect(
      found.tables
        .filter((t) => !t.equal)
        .map((t) => t.table)
        .sort(),
    ).toEqual(names.sort());
    expect((await compare()).equal).toBe(true);
  });

  test("shows people the table, the partition, the hour and the row", async () => {
    await there.query(`UPDATE market_data_tick SET volume = 1 WHERE market_data_id = '${sample.idOf("tick 3")}'`);
    const args = ["verify", "--against", there.config.databaseUrl];
    const { code, stdout } = await tradetape(args, environmentOf(here.config));
    await there.query(`UPDATE market_data_tick SET volume = 100 WHERE market_data_id = '${sample.idOf("tick 3")}'`);
    expect(code).toBe(1);
    expect(stdout).toMatch(/market_data_tick +400 +400 +differs/);
    expect(stdout).toContain(sample.idOf("tick 3"));
    expect(stdout).toMatch(/differs +volume/);
    expect(stdout).toContain("not equal: market_data_tick");
    expect(stdout).not.toContain(new URL(there.config.databaseUrl).password);
  });
});

const KEYS = new Map(CONSUMERS.map(({ landing: { table, key } }) => [table, key.at(-1)]));

describe("what can't be compared", () => {
  test("a database that hasn't landed as far: exit 2 after --wait, naming the partition", async () => {
    await here.publish("ticks", sample.tick(5000));
    await here.land("ticks");
    const { code, stderr } = await against("--wait", "1");
    expect(code).toBe(2);
    expect(stderr).toMatch(/not_comparable.*landed equally far/s);
    expect(stderr).toContain(`${here.name("ticks")}/`);
    const late = compare();
    await there.land("ticks", "audit");
    await here.land("audit");
    expect((await late).equal).toBe(true);
  });

  test("a database of other migrations, naming them", async () => {
    await there.query("INSERT INTO tradetape.migration (number, name, sha256) VALUES (9999, '9999_new.sql', 'x')");
    const refused = { code: "not_comparable", message: expect.stringContaining("9999_new.sql") };
    await expect(compare()).rejects.toMatchObject(refused);
    await there.query("DELETE FROM tradetape.migration WHERE number = 9999");
  });

  test("a text that is no database, and the same database, without the password that may be in it", async () => {
    const urls = ["mysql://me:hunter2@db/x", here.config.databaseUrl];
    const ended = urls.map((url) => tradetape(["verify", "--against", url], environmentOf(here.config)));
    for (const { code, stderr } of await Promise.all(ended)) {
      expect([code, stderr]).toEqual([2, expect.stringContaining("--against")]);
      expect(stderr).not.toContain("hunter2");
      expect(stderr).not.toContain(new URL(here.config.databaseUrl).password);
    }
  });
});

describe("what is excused", () => {
  test("letters of a session that was deleted behind them, which one that lands them afterwards filters", async () => {
    const own = sample.idOf("deleted later");
    for (const [offset, spelt] of [own, own.toUpperCase()].entries()) {
      const value = await here.encode("predictions", sample.prediction(970, { backtest_session_id: spelt }));
      await here.query(
        `INSERT INTO tradetape.dead_letter (topic, partition, "offset", reason, detail, value, headers, published_at)
         VALUES ($1, 0, $2, 'conflicting_duplicate', 'another one landed', $3, '{}', now())`,
        [here.name("predictions"), 970 + offset, value],
      );
    }
    const differing = async () => (await compare()).tables.filter((t) => !t.equal).map((t) => t.table);
    const sessions = (sql: string) => Promise.all([here, there].map((tape) => tape.query(sql)));
    await sessions(
      `INSERT INTO backtest_session (backtest_session_id, kind, status, revised_at)
       VALUES ('${own}', 'backtest', 'completed', '2024-03-05 00:00:00+00')`,
    );
    expect(await differing()).toEqual(["dead_letter"]);
    await sessions(`UPDATE backtest_session SET status = 'deleted' WHERE backtest_session_id = '${own}'`);
    const found = await compare();
    expect(found.equal).toBe(true);
    expect(found.tables.find((t) => t.table === "dead_letter")?.excused).toMatchObject({ deleted_session: 2 });
    await here.query(`DELETE FROM tradetape.dead_letter WHERE "offset" IN (970, 971)`);
    await sessions(`DELETE FROM backtest_session WHERE backtest_session_id = '${own}'`);
  });

  test("a letter of an event that one gave up waiting for and the other found a parent of, on both sides", async () => {
    // Here the child's deadline passed before its parent was published; there they come together.
    await here.publish("fills", sample.fill(900));
    const stop = new AbortController();
    const impatient = { ...here.config, parkDeadlineMs: 1 };
    const landing = landBy(impatient, ["fills"], { stop: stop.signal, untilCaughtUp: false });
    const letters = () => here.query("SELECT FROM tradetape.dead_letter WHERE reason = 'missing_parent'");
    await expect.poll(async () => (await letters()).length).toBe(1);
    stop.abort();
    await landing;
    await here.publish("predictions", sample.prediction(900));
    await here.publish("decisions", sample.decision(900));
    await here.land("predictions", "decisions", "fills");
    await there.land("predictions", "decisions", "fills", "audit");
    await here.land("audit");
    const found = await compare();
    expect(found.tables.filter((t) => !t.equal).map((t) => t.table)).toEqual([]);
    expect(found.equal).toBe(true);
    expect(found.tables.find((t) => t.table === "trade_execution")?.excused).toMatchObject({
      became_row: 1,
      same_id: 0,
    });
    expect(found.tables.find((t) => t.table === "dead_letter")?.excused).toMatchObject({ became_row: 1, same_id: 0 });
    const altered = await planted(
      `UPDATE trade_execution SET fee = 77 WHERE execution_id = '${sample.idOf("fill 1")}'`,
      `UPDATE trade_execution SET fee = 1.25 WHERE execution_id = '${sample.idOf("fill 1")}'`,
    );
    expect(rowsOf(altered).map(([, , , row]) => row)).toEqual([
      { id: sample.idOf("fill 1"), kind: "differs", columns: ["fee"] },
    ]);
  });

  test("an id that was published in two partitions, of which another one came first", async () => {
    const [first, second] = [sample.prediction(950), sample.prediction(950, { model_version: "model-8" })];
    const values = await Promise.all([first, second].map((event) => here.encode("predictions", event)));
    const offset = (await here.raw("predictions", [{ value: values[0]!, partition: 0 }])).get(0);
    await here.land("predictions");
    const other = (await here.raw("predictions", [{ value: values[1]!, partition: 1 }])).get(1);
    await here.land("predictions");
    await there.land("predictions", "audit");
    await here.land("audit");
    // Which of two partitions comes first is chance: where it was the same one, the other is written as if it had been.
    const row = "WHERE prediction_id = $1";
    const [standing] = await there.query(`SELECT source_partition AS p FROM model_prediction ${row}`, [
      first.prediction_id,
    ]);
    if (standing?.p === 0) {
      await there.query(
        `UPDATE model_prediction SET source_partition = 1, source_offset = $2, model_version = 'model-8' ${row}`,
        [first.prediction_id, other],
      );
      await there.query(
        `UPDATE tradetape.dead_letter SET partition = 0, "offset" = $1, value = $2
         WHERE topic = $3 AND partition = 1 AND "offset" = $4`,
        [offset, values[0], here.name("predictions"), other],
      );
    }
    const found = await compare();
    expect(rowsOf(found)).toEqual([]);
    expect(found.equal).toBe(true);
    expect(found.tables.find((t) => t.table === "model_prediction")?.excused).toMatchObject({
      became_row: 0,
      same_id: 1,
    });
    expect(found.tables.find((t) => t.table === "dead_letter")?.excused).toMatchObject({ same_id: 2 });
    // The row alone, without the letters that crossed, is altered and not excused.
    await there.query("UPDATE tradetape.dead_letter SET reason = 'invalid' WHERE reason = 'conflicting_duplicate'");
    const altered = await compare();
    expect(altered.tables.filter((t) => !t.equal).map((t) => t.table)).toEqual(["model_prediction", "dead_letter"]);
  });
});
