import pg from "pg";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { EventTopic } from "../../../src/event/schemas.ts";
import { landBy } from "../../support/landing.ts";
import { ledgerFaults } from "../../support/ledger.ts";
import { decision, idOf, prediction, session, symbol } from "../../support/samples.ts";
import { openTestTape, type TestTape } from "../../support/tape.ts";

let tape: TestTape;

beforeAll(async () => {
  tape = await openTestTape();
});
afterAll(() => tape.stop());

const count = async (from: string) => Number((await tape.query(`SELECT count(*) AS n FROM ${from}`))[0]!.n);

/** Lands with what is parked overdue at once, until nothing is parked any more. */
async function landUntilJudged(topic: EventTopic, eventBytesMax = tape.config.eventBytesMax) {
  const stop = new AbortController();
  const impatient = { ...tape.config, eventBytesMax, parkDeadlineMs: 1 };
  const running = landBy(impatient, [topic], { untilCaughtUp: false, stop: stop.signal });
  await expect.poll(() => count("tradetape.parked_event")).toBe(0);
  stop.abort();
  return (await running)[0]!;
}

test("an event that names its own id as its parent's is no parent of itself, and the letter names who is missing", async () => {
  const id = idOf("one id for all");
  await tape.publish("decisions", decision(1, { decision_id: id, model_reference: id }));
  await tape.land("decisions");
  expect(await count("tradetape.parked_event")).toBe(1);
  await tape.publish("symbols", symbol());
  await tape.land("symbols", "predictions");
  await landUntilJudged("decisions");
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
  const tooSmall = 16; // A limit set since then takes nothing from an event that was taken.
  expect(await landUntilJudged("predictions", tooSmall)).toMatchObject({ parked: -2, filtered: 1, dead: 1 });
  expect(await ledgerFaults(tape)).toEqual([]);
});

test("the audit log has one writer at a time, whatever topics it is fed from", async () => {
  const other = new pg.Client({ connectionString: tape.config.databaseUrl });
  await other.connect();
  await other.query("BEGIN");
  await other.query("LOCK TABLE tradetape.audit_turn IN SHARE ROW EXCLUSIVE MODE");
  const before = await count("public.audit_log");
  const running = tape.land("audit");
  const waiting = "pg_locks JOIN pg_database d ON d.oid = database WHERE datname = current_database()";
  await expect.poll(() => count(`${waiting} AND locktype = 'relation' AND NOT granted`)).toBe(1);
  expect(await count("public.audit_log")).toBe(before);
  await other.query("COMMIT");
  await other.end();
  await running;
  expect(await count("public.audit_log")).toBeGreaterThan(before);
  expect(await ledgerFaults(tape)).toEqual([]);
});
