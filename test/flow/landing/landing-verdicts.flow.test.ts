import { setTimeout } from "node:timers/promises";
import pg from "pg";
import { afterAll, beforeAll, expect, test } from "vitest";
import { ledgerFaults } from "../../support/ledger.ts";
import { decision, idOf, prediction, session, symbol } from "../../support/samples.ts";
import { openTestTape, type TestTape } from "../../support/tape.ts";

let tape: TestTape;

beforeAll(async () => {
  // Long enough that what parks is seen to, on a slow machine, too, before it is given up.
  tape = await openTestTape({ parkDeadlineMs: "3000", sweepIntervalMs: "50" });
});
afterAll(() => tape.stop());

const count = async (from: string) => Number((await tape.query(`SELECT count(*) AS n FROM ${from}`))[0]!.n);

async function until(what: string, isTrue: () => Promise<boolean>): Promise<void> {
  for (let tries = 0; !(await isTrue()); tries++) {
    if (tries > 600) throw new Error(`never came true: ${what}`);
    await setTimeout(50);
  }
}

test("an event that names its own id as its parent's is no parent of itself, and the letter names who is missing", async () => {
  const id = idOf("one id for all");
  await tape.publish("decisions", decision(1, { decision_id: id, model_reference: id }));
  await tape.land("decisions");
  expect(await count("tradetape.parked_event")).toBe(1);
  await tape.publish("symbols", symbol());
  await tape.land("symbols", "predictions");
  const stop = new AbortController();
  const running = tape.landWith(["decisions"], { untilCaughtUp: false, stop: stop.signal });
  await until("a letter", async () => (await count("tradetape.dead_letter")) === 1);
  stop.abort();
  await running;
  const [letter] = await tape.query("SELECT reason, column_name, detail FROM tradetape.dead_letter");
  expect(letter).toEqual({
    reason: "missing_parent",
    column_name: "model_reference",
    detail: `never came: model_reference ${id}`,
  });
});

test("a child that waits in vain, and whose session is deleted meanwhile, is filtered and makes no letter", async () => {
  const mine = { backtest_session_id: idOf("deleted session"), symbol_id: idOf("a symbol that never comes") };
  await tape.publish("sessions", session({ backtest_session_id: mine.backtest_session_id }));
  await tape.land("sessions");
  const other = prediction(2, { symbol_id: mine.symbol_id });
  await tape.publishAll("predictions", [prediction(1, mine), other]);
  expect((await tape.land("predictions")).predictions).toMatchObject({ parked: 2 });
  await tape.publish("sessions", session({ backtest_session_id: mine.backtest_session_id, status: "deleted" }));
  await tape.land("sessions", "symbols");
  const stop = new AbortController();
  const running = tape.landWith(["predictions"], { untilCaughtUp: false, stop: stop.signal });
  await until("nothing waits", async () => (await count("tradetape.parked_event")) === 0);
  stop.abort();
  expect((await running).predictions).toMatchObject({ parked: -2, filtered: 1, dead: 1 });
  expect(await ledgerFaults(tape)).toEqual([]);
});

test("the audit log has one writer at a time, whatever topics it is fed from", async () => {
  const other = new pg.Client({ connectionString: tape.config.databaseUrl });
  await other.connect();
  await other.query("BEGIN");
  await other.query("SELECT pg_advisory_xact_lock(hashtextextended('tradetape.audit_chain', 0))");
  const before = await count("public.audit_log");
  const running = tape.land("audit");
  await until(
    "somebody waits for the chain",
    async () => (await count("pg_locks WHERE locktype = 'advisory' AND NOT granted")) === 1,
  );
  expect(await count("public.audit_log")).toBe(before);
  await other.query("COMMIT");
  await other.end();
  await running;
  expect(await count("public.audit_log")).toBeGreaterThan(before);
  expect(await ledgerFaults(tape)).toEqual([]);
});
