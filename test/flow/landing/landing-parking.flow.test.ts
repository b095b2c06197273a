import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { EventTopic } from "../../../src/event/schemas.ts";
import { landBy } from "../../support/landing.ts";
import { ledgerFaults } from "../../support/ledger.ts";
import { decision, fill, idOf, performance, prediction, session, symbol } from "../../support/samples.ts";
import { openTestTape, type Row, type TestTape } from "../../support/tape.ts";

let tape: TestTape;
/** A symbol of its own for each test, so that one test's parents are not another's. */
let symbolId = "";
let tests = 0;

beforeAll(async () => {
  tape = await openTestTape();
});
beforeEach(() => {
  symbolId = idOf(`symbol ${++tests}`);
});
afterAll(() => tape.stop());

const publish = (topic: EventTopic, ...events: object[]) =>
  Promise.all(events.map((event) => tape.publish(topic, event as never)));
const publishSymbol = () => publish("symbols", symbol({ symbol_id: symbolId, ticker: `T${tests}` }));
/** Ids of n belong to the test that runs. */
const own = (n: number) => tests * 100 + n;

const parked = (topic: EventTopic) =>
  tape.query<Row & { missing: Row }>(
    'SELECT "offset", event_id, missing FROM tradetape.parked_event WHERE topic = $1 ORDER BY "offset"',
    [tape.name(topic)],
  );
const count = async (sql: string, values: readonly unknown[] = []) =>
  (await tape.query<{ n: number }>(`SELECT count(*) AS n FROM ${sql}`, values))[0]!.n;

describe("events that come before their parents", () => {
  test("park, with what they wait for, and land nowhere meanwhile", async () => {
    await publish("fills", fill(own(1), { symbol_id: symbolId }));
    const { fills } = await tape.land("fills");
    expect(fills).toMatchObject({ read: 1, parked: 1, written: 0, dead: 0 });
    const [waiting] = await parked("fills");
    expect(waiting).toMatchObject({
      event_id: idOf(`fill ${own(1)}`),
      missing: { symbol_id: symbolId, decision_id: idOf(`decision ${own(1)}`) },
    });
    expect(await ledgerFaults(tape)).toEqual([]);
  });

  test("are released when all parents have come, by a program that was started after they parked", async () => {
    await publish("fills", fill(own(1), { symbol_id: symbolId }));
    await tape.land("fills");
    // The last record that landed is looked at again by the next program: here it is one that names no schema.
    for (const partition of [0, 1, 2, 3]) await tape.raw("fills", [{ value: null, partition }]);
    await tape.land("fills");
    await publish("decisions", decision(own(1), { symbol_id: symbolId }));
    await tape.land("decisions");
    await publish("predictions", prediction(own(1), { symbol_id: symbolId }));
    await publishSymbol();
    await tape.land("symbols", "predictions", "decisions", "fills");
    expect(await count("public.trade_execution WHERE symbol_id = $1", [symbolId])).toBe(1);
    expect(await ledgerFaults(tape)).toEqual([]);
  });

  test("are released as soon as their parents have landed, whenever the next sweep comes", async () => {
    const stop = new AbortController();
    const config = { ...tape.config, sweepIntervalMs: 24 * 3_600_000 };
    const landing = landBy(config, ["symbols", "predictions"], { untilCaughtUp: false, stop: stop.signal });
    await publish("predictions", prediction(own(1), { symbol_id: symbolId }));
    const isParked = async () => (await parked("predictions")).some(({ missing }) => missing.symbol_id === symbolId);
    await expect.poll(isParked, { timeout: 60_000 }).toBe(true);
    await publishSymbol();
    const rows = () => count("public.model_prediction WHERE symbol_id = $1", [symbolId]);
    await expect.poll(rows, { timeout: 60_000 }).toBe(1);
    stop.abort();
    await landing;
    expect(await ledgerFaults(tape)).toEqual([]);
  });

  test("are released in pages of some megabytes, however few they are", async () => {
    const reason = "r".repeat(1_000_000);
    const large = (n: number) => decision(own(n), { symbol_id: symbolId, model_reference: null, reason });
    for (let n = 0; n < 10; n++) await publish("decisions", large(n));
    expect((await tape.land("decisions")).decisions).toMatchObject({ read: 10, parked: 10 });
    await publishSymbol();
    await tape.land("symbols", "decisions");
    const releases = await tape.query(
      `SELECT written::int AS n FROM tradetape.landed_batch WHERE topic = $1 AND kind = 'release' AND partition =
         (SELECT source_partition FROM public.trade_decision WHERE symbol_id = $2 LIMIT 1) ORDER BY seq DESC LIMIT 2`,
      [tape.name("decisions"), symbolId],
    );
    expect(releases.map(({ n }) => n)).toEqual([1, 9]);
    expect(await ledgerFaults(tape)).toEqual([]);
  });

  test("published backwards, with the session last, all come out joined in one call, and none is left", async () => {
    const mine = { symbol_id: symbolId, backtest_session_id: idOf(`session ${tests}`) };
    const numbers = Array.from({ length: 200 }, (_, n) => own(0) * 100 + n);
    await publish("fills", ...numbers.map((n) => fill(n, mine)));
    await publish("decisions", ...numbers.map((n) => decision(n, mine)));
    await publish("predictions", ...numbers.map((n) => prediction(n, mine)));
    await publish("performance", performance(own(1), mine));
    const first = await tape.land("fills", "decisions", "predictions", "performance");
    expect([first.fills.parked, first.decisions.parked, first.predictions.parked]).toEqual([200, 200, 200]);
    expect(first.performance.parked).toBe(1);
    await publishSymbol();
    await publish("sessions", session({ backtest_session_id: mine.backtest_session_id }));
    const second = await tape.land();
    expect([second.fills, second.decisions, second.predictions].map((t) => [t.written, t.parked])).toEqual([
      [200, -200],
      [200, -200],
      [200, -200],
    ]);
    const joined = `public.trade_execution JOIN public.trade_decision USING (decision_id)
      JOIN public.model_prediction ON prediction_id = model_reference WHERE trade_execution.symbol_id = $1`;
    expect(await count(joined, [symbolId])).toBe(200);
    expect(await ledgerFaults(tape)).toEqual([]);
  });

  test("are told to the audit log when they are released, not when they park", async () => {
    const entries = () => count("public.audit_log WHERE payload->'event'->>'symbol_id' = $1", [symbolId]);
    await publish("predictions", prediction(own(1), { symbol_id: symbolId }));
    await tape.land("predictions");
    await tape.land("audit");
    expect(await entries()).toBe(0);
    await publishSymbol();
    await tape.land();
    expect(await entries()).toBe(2);
  });

  test("keep their key, headers and workflow while they wait", async () => {
    const event = prediction(own(1), { symbol_id: symbolId });
    await tape.publish("predictions", event, { headers: { "correlation-id": `workflow ${tests}` } });
    await tape.land("predictions");
    await publishSymbol();
    await tape.land();
    const found = await tape.query("SELECT event_type FROM public.audit_log WHERE correlation_id = $1", [
      `workflow ${tests}`,
    ]);
    expect(found).toEqual([{ event_type: "MODEL_RUN" }]);
  });
});

describe("an event behind its own parked id", () => {
  test("parks behind it, within a batch and across, and the lowest offset becomes the row", async () => {
    await publishSymbol();
    const orphan = decision(own(1), { symbol_id: symbolId });
    const complete = { ...orphan, model_reference: null };
    const publishRaw = async (...events: object[]) => {
      const values = await Promise.all(events.map((event) => tape.encode("decisions", event)));
      await tape.raw(
        "decisions",
        values.map((value) => ({ value })),
      );
    };
    await publishRaw(orphan, complete);
    expect((await tape.land("symbols", "decisions")).decisions).toMatchObject({ parked: 2, written: 0 });
    await publishRaw(complete);
    expect((await tape.land("decisions")).decisions).toMatchObject({ parked: 1, written: 0 });
    await publish("predictions", prediction(own(1), { symbol_id: symbolId }));
    const { decisions } = await tape.land();
    expect(decisions).toMatchObject({ written: 1, dead: 2, parked: -3 });
    const [row] = await tape.query("SELECT model_reference FROM public.trade_decision WHERE decision_id = $1", [
      orphan.decision_id,
    ]);
    expect(row).toEqual({ model_reference: orphan.model_reference });
    expect(await ledgerFaults(tape)).toEqual([]);
  });
});

describe("an event whose id is parked in another partition", () => {
  test("doesn't wait for it: between partitions there is no order, and no sweep would ever find it ready", async () => {
    await publishSymbol();
    await tape.land("symbols");
    const complete = (n: number) => decision(own(n), { symbol_id: symbolId, model_reference: null });
    const orphan = await tape.encode("decisions", decision(own(1), { symbol_id: symbolId }));
    const parkedAt = (await tape.raw("decisions", [{ value: orphan, partition: 0 }])).get(0)!;
    expect((await tape.land("decisions")).decisions).toMatchObject({ parked: 1 });
    const fillers = Array.from({ length: parkedAt + 1 }, (_, n) => complete(10 + n));
    const values = await Promise.all([...fillers, complete(1)].map((event) => tape.encode("decisions", event)));
    await tape.raw(
      "decisions",
      values.map((value) => ({ value, partition: 1 })),
    );
    const { decisions } = await tape.land("decisions");
    expect(decisions).toMatchObject({ parked: 0, written: fillers.length + 1 });
    const ledger = await count("tradetape.landed_batch");
    await tape.land("decisions");
    expect(await count("tradetape.landed_batch")).toBe(ledger);
    expect(await ledgerFaults(tape)).toEqual([]);
  });
});

describe("sessions", () => {
  test("that differ between child and parent make a letter of the child, also at its release", async () => {
    await publishSymbol();
    const mine = { symbol_id: symbolId };
    const other = { ...mine, backtest_session_id: idOf(`session ${tests}`) };
    await publish("sessions", session({ backtest_session_id: other.backtest_session_id }));
    await publish("predictions", prediction(own(1), mine));
    const decisions = [1, 2].map((n) => decision(own(n), { ...other }));
    await publish("decisions", ...decisions);
    const first = await tape.land("symbols", "sessions", "predictions");
    expect(first.predictions).toMatchObject({ written: 1 });
    expect((await tape.land("decisions")).decisions).toMatchObject({ dead: 1, parked: 1, written: 0 });
    await publish("predictions", prediction(own(2), mine));
    expect((await tape.land()).decisions).toMatchObject({ dead: 1, parked: -1, written: 0 });
    const letters = await tape.query(
      "SELECT reason, column_name FROM tradetape.dead_letter WHERE topic = $1 ORDER BY 1",
      [tape.name("decisions")],
    );
    expect(letters.filter(({ reason }) => reason === "session_mismatch")).toEqual([
      { reason: "session_mismatch", column_name: "backtest_session_id" },
      { reason: "session_mismatch", column_name: "backtest_session_id" },
    ]);
    expect(await ledgerFaults(tape)).toEqual([]);
  });

  test("that are deleted have their later events filtered", async () => {
    await publishSymbol();
    const mine = { symbol_id: symbolId, backtest_session_id: idOf(`session ${tests}`) };
    await publish("sessions", session({ backtest_session_id: mine.backtest_session_id }));
    await publish("predictions", prediction(own(1), mine));
    expect((await tape.land()).predictions).toMatchObject({ written: 1, filtered: 0 });
    const gone = session({ backtest_session_id: mine.backtest_session_id, status: "deleted" });
    await publish("sessions", gone);
    await tape.land("sessions");
    await publish("predictions", prediction(own(2), mine), prediction(own(3), mine));
    const { predictions } = await tape.land("predictions");
    expect(predictions).toMatchObject({ filtered: 2, written: 0 });
    expect(await ledgerFaults(tape)).toEqual([]);
  });
});
