import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { CONSUMERS } from "../../../consumers/all.ts";
import { asReader } from "../../../src/cli/services.ts";
import { verify } from "../../../src/verify/verify.ts";
import { compareTapes } from "../../support/comparison.ts";
import { bar, idOf, indicator, NOON, performance, session, symbol } from "../../support/samples.ts";
import { openTestTape, type TestTape } from "../../support/tape.ts";

let tape: TestTape;

const TABLES = ["market_data_bar", "technical_indicator", "symbol", "backtest_session", "strategy_performance"];

/** Everything that can be revised, told twice. */
beforeAll(async () => {
  tape = await openTestTape();
  for (const n of [0, 1]) {
    const revised_at = NOON + n;
    await tape.publish("symbols", symbol({ asset_type: `kind ${n}`, revised_at }));
    await tape.publish("sessions", session({ name: `run ${n}`, revised_at }));
    await tape.publish("bars", bar(1, { volume: n, revised_at }));
    await tape.publish("indicators", indicator(1, { indicator_value: n, revised_at }));
    await tape.publish("performance", performance(1, { total_trades: n + 1, revised_at }));
  }
  await tape.land();
  await tape.land("audit");
});
afterAll(() => tape.stop());

const problems = async () => {
  const { problems } = await asReader(tape.config, "test", (connection) =>
    verify(connection, CONSUMERS, { quiet: true }),
  );
  return problems.map(({ check, subject, detail }) => [check, subject, detail]);
};

test("every table that can be revised has its revisions, in the ledger, and its own as-of", async () => {
  for (const table of TABLES) {
    const [found] = await tape.query(
      `SELECT (SELECT count(*) FROM public.${table}_as_of('-infinity')) AS never,
         (SELECT count(*) FROM public.${table}_as_of((SELECT published_at FROM public.${table}_revision))) AS before,
         (SELECT max(revised_at) < (SELECT max(revised_at) FROM public.${table}) FROM public.${table}_revision) AS older,
         (SELECT count(*) FROM public.${table}_as_of('infinity')) AS now`,
    );
    expect(found, table).toEqual({ never: 0, before: 1, older: true, now: 1 });
  }
  expect(await problems()).toEqual([]);
});

describe("revisions", () => {
  test("can be added by who lands, and changed or removed by nobody but the owner", async () => {
    for (const role of ["tradetape_lander", "tradetape_reader", "tradetape_ops"]) {
      for (const table of TABLES) {
        const can = (what: string) => `has_table_privilege('${role}', 'public.${table}_revision', '${what}')`;
        const [found] = await tape.query(
          `SELECT ${can("INSERT")} AS add, ${can("UPDATE")} OR ${can("DELETE")} OR ${can("TRUNCATE")} AS alter`,
        );
        expect(found, `${role} ${table}`).toEqual({ add: role === "tradetape_lander", alter: false });
      }
    }
  });

  test("of which one is taken away or made up are missed by verify, by their table", async () => {
    const beside = await tape.beside("verified");
    await beside.land();
    await tape.query("DELETE FROM public.market_data_bar_revision");
    await tape.query("INSERT INTO public.symbol_revision SELECT * FROM public.symbol_revision");
    await tape.query(
      "UPDATE public.symbol_revision SET successor_offset = 9 WHERE ctid = (SELECT max(ctid) FROM symbol_revision)",
    );
    expect(await problems()).toEqual([
      ["table", "symbol_revision", "the ledger says 1 rows, the table has 2"],
      ["table", "market_data_bar_revision", "the ledger says 1 rows, the table has 0"],
    ]);
    const { equal, tables } = await compareTapes(tape, beside);
    expect([equal, tables.filter((found) => !found.equal).map(({ table }) => table)]).toEqual([
      false,
      ["symbol_revision", "market_data_bar_revision"],
    ]);
    await beside.stop();
  });

  test("that lack a column of their table keep its group from starting, with the column", async () => {
    await tape.query("ALTER TABLE public.symbol ADD COLUMN lot double precision");
    await expect(tape.land("symbols")).rejects.toMatchObject({
      code: "catalog_mismatch",
      message: expect.stringContaining("symbol_revision.lot"),
    });
    await tape.query("SELECT tradetape.keep_revisions('symbol', 'symbol_id')");
    await tape.publish("symbols", symbol({ symbol_id: idOf("other"), ticker: "AIG" }));
    expect((await tape.land("symbols")).symbols).toMatchObject({ written: 1 });
    await tape.land("audit");
    const asked = await tape.query("SELECT lot FROM public.symbol_as_of('infinity')");
    expect(asked).toEqual([{ lot: null }, { lot: null }]);
    await tape.query("ALTER TABLE public.symbol DROP COLUMN lot");
    await tape.query("ALTER TABLE public.symbol_revision DROP COLUMN lot");
    await tape.query("SELECT tradetape.keep_revisions('symbol', 'symbol_id')");
    expect(await tape.query("SELECT ticker FROM public.symbol_as_of('infinity') ORDER BY 1")).toHaveLength(2);
  });
});

test("rows of before revisions were kept are given for every time, and no history is asked of them", async () => {
  const beside = await tape.beside("later");
  await beside.land();
  // As the migration finds a database in which all of this has landed.
  for (const table of TABLES) {
    await tape.query(`TRUNCATE public.${table}_revision`);
    if (table !== "strategy_performance") await tape.query(`UPDATE public.${table} SET published_at = NULL`);
  }
  await tape.query("UPDATE tradetape.landed_batch SET superseded = 0");
  await tape.query("UPDATE tradetape.migration SET applied_at = now() WHERE name LIKE '%_revisions.sql'");
  expect(await problems()).toEqual([]);
  const long = await tape.query("SELECT volume, published_at FROM public.market_data_bar_as_of('-infinity')");
  expect(long).toEqual([{ volume: 1, published_at: null }]);
  const { equal, tables } = await compareTapes(tape, beside);
  expect([equal, tables.filter((found) => !found.equal)]).toEqual([true, []]);
  expect(tables.find(({ table }) => table === "market_data_bar")!.leftOut).toContain("market_data_bar_revision");

  // What lands from now on has a history: from an unknown time on until it was replaced.
  await tape.publish("bars", bar(1, { volume: 7, revised_at: NOON + 7 }));
  await tape.land("bars");
  const [kept] = await tape.query("SELECT volume, published_at FROM public.market_data_bar_revision");
  expect(kept).toEqual({ volume: 1, published_at: null });
  expect(await tape.query("SELECT volume FROM public.market_data_bar_as_of('-infinity')")).toEqual([{ volume: 1 }]);
  expect(await tape.query("SELECT volume FROM public.market_data_bar_as_of('infinity')")).toEqual([{ volume: 7 }]);
  expect(await problems()).toEqual([]);
  await beside.stop();
});
