import { afterAll, beforeAll, expect, test } from "vitest";
import { environmentOf } from "../support/landing.ts";
import { ledgerFaults } from "../support/ledger.ts";
import {
  bar,
  decision,
  fill,
  idOf,
  indicator,
  performance,
  prediction,
  session,
  symbol,
  tick,
} from "../support/samples.ts";
import { openTestTape, type TestTape } from "../support/tape.ts";
import { tradetape } from "../support/tradetape.ts";

let tape: TestTape;
const BACKTEST = idOf("a backtest");
const COUNT = 40;

beforeAll(async () => {
  tape = await openTestTape();
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
  await tape.publishAll("bars", [bar(0), bar(1), bar(1, { close: 9, revised_at: 2e15 })]);
  await tape.publish("indicators", indicator());
  await tape.publish("performance", performance());
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
  const tables = {
    symbol: "revised_at",
    backtest_session: "backtest_session_id",
    market_data: "market_data_id",
    technical_indicator: "indicator_id",
    model_prediction: "prediction_id",
    trade_decision: "decision_id",
    trade_execution: "execution_id",
    strategy_performance: "performance_id",
    audit_log: "seq",
  };
  for (const [table, order] of Object.entries(tables)) {
    found[table] = await of.query(`SELECT to_jsonb(t) - 'landed_at' AS row FROM public.${table} t ORDER BY ${order}`);
  }
  found.letters = await of.query(
    'SELECT topic, partition, "offset", reason, detail, value FROM tradetape.dead_letter ORDER BY 1, 2, 3',
  );
  found.places = await of.query("SELECT topic, partition, next_offset FROM tradetape.landed_offset ORDER BY 1, 2");
  return found;
}

const groupOffsets = (of: TestTape) =>
  of.admin(async (admin) => {
    const [{ id }] = (await of.query<{ id: string }>("SELECT database_id AS id FROM tradetape.database_id")) as [
      { id: string },
    ];
    return admin.fetchOffsets({ groupId: `tradetape.${of.name("ticks")}.${id}`, topics: [of.name("ticks")] });
  });

test("a fresh database is filled with the same rows, letters and places, and says so in one audit entry", async () => {
  const before = { live: await contents(tape), offsets: await groupOffsets(tape) };
  const target = await tape.beside("whole");
  const { code, stdout, stderr } = await run(target);
  expect(stderr.split("\n").filter((line) => line !== "" && !line.startsWith("{"))).toEqual([]);
  expect(code).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({ whole: true, ok: true, missingParent: 0, outsideWindow: 0 });
  expect(await contents(target)).toEqual(before.live);
  expect({ live: await contents(tape), offsets: await groupOffsets(tape) }).toEqual(before);
  expect(await ledgerFaults(target)).toEqual([]);
  const trail = await tape.read("audit");
  expect(trail.filter(({ value }) => value?.includes("REPLAY"))).toHaveLength(1);
  // All indexes are there again, and live consumers go on from it.
  const indexes = "SELECT indexdef FROM pg_indexes WHERE schemaname = 'public' ORDER BY 1";
  expect(await target.query(indexes)).toEqual(await tape.query(indexes));
  const consumed = await tradetape(["consume", "--until-caught-up"], environmentOf(target.config));
  expect(consumed.code).toBe(0);
  await target.stop();
});
