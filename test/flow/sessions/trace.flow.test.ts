import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { TraceStep } from "../../../src/table/sessions/lineage.ts";
import { environmentOf } from "../../support/landing.ts";
import { bar, decision, fill, idOf, indicator, NOON, prediction, session, tick } from "../../support/samples.ts";
import { openTapeWithSymbol, type Row, type TestTape } from "../../support/tape.ts";
import { tradetape } from "../../support/tradetape.ts";

const MINUTE = 60_000_000;
const DAY = 1440 * MINUTE;
/** Ten minutes after the samples' noon: bars 0 to 9 of a minute are complete. */
const DECIDED = NOON + 10 * MINUTE;
const BACKTEST = idOf("a backtest");
/** Says nothing of what was used, so that a tree has all that could be known. */
const OF_ANY_PRICES = { price_source: null, inputs: null };

let tape: TestTape;
let env: NodeJS.ProcessEnv;

/** The time until which everything was told that is in `recorded`: what `trace --as-of then` said of these, then. */
let then: string;
const RECORDED = ["decision 0", "decision 1", "fill 1", "prediction 5", "bar 9", "bar 70", "indicator 2", "tick 1"].map(
  idOf,
);
const recorded: string[] = [];

interface Traced {
  readonly id: string;
  readonly kind: string | null;
  readonly by: readonly string[];
  readonly traces: readonly { readonly traceId: string; readonly steps: readonly TraceStep[] }[];
}

async function trace(id: string): Promise<[code: number, Traced]> {
  const { code, stdout, stderr } = await tradetape(["trace", id, "--json"], env);
  expect(stderr).toBe("");
  return [code, JSON.parse(stdout) as Traced];
}
async function asOf(time: string, id: string): Promise<string> {
  const { stdout, stderr } = await tradetape(["trace", id, "--json", "--as-of", time], env);
  expect(stderr).toBe("");
  return stdout;
}
const of = (steps: readonly TraceStep[], step: string) => steps.filter((one) => one.step === step);

/** After the decision was published, by the broker's own clock: another value, the same one told again, and new ones. */
async function publishLater(): Promise<void> {
  await tape.publish("bars", bar(9, { close: 2.2, revised_at: null }));
  await tape.publish("bars", bar(70, { timestamp: NOON + 9 * MINUTE, source: "ticks:sample", revised_at: null }));
  await tape.publish(
    "bars",
    bar(80, { timestamp: NOON + 8 * MINUTE, interval: "2min", source: "late", ends_at: null }),
  );
  await tape.publish(
    "indicators",
    indicator(2, { timestamp: DECIDED, indicator_value: 0.1 + 0.2, revised_at: NOON + 99 }),
  );
  await tape.publish("indicators", indicator(30, { timestamp: DECIDED, indicator_name: "LATE" }));
  await tape.publish(
    "fills",
    fill(3, {
      decision_id: idOf("decision 0"),
      timestamp: DECIDED + 3,
      status: "CANCELED",
      quantity: 0,
      executed_price: null,
    }),
  );
  await tape.publish("decisions", decision(9, { timestamp: DECIDED + DAY, model_reference: idOf("prediction 5") }));
}

beforeAll(async () => {
  tape = await openTapeWithSymbol();
  env = environmentOf(tape.config);
  await tape.publish("sessions", session({ backtest_session_id: BACKTEST }));
  const own = { backtest_session_id: BACKTEST };
  const bars = [
    ...Array.from({ length: 12 }, (_, n) => bar(n)),
    bar(50, { interval: "1d", timestamp: NOON - DAY, ends_at: NOON, source: "days" }),
    // It begins before the decision and ends behind it: nobody could know its close.
    bar(51, { interval: "1h", timestamp: NOON - 20 * MINUTE, source: "hours", ends_at: null }),
    // A day of a zone, of 25 hours.
    bar(52, { interval: "1d", timestamp: NOON - DAY, source: "zone", ends_at: NOON + 60 * MINUTE }),
    bar(70, { timestamp: NOON + 9 * MINUTE, source: "ticks:sample" }),
    bar(60, { ...own, timestamp: NOON + 9 * MINUTE, source: "simulated" }),
  ];
  const indicators = [-5, -1, 0, 1].flatMap((at, n) => [
    indicator(n, { timestamp: DECIDED + at }),
    indicator(10 + n, { timestamp: DECIDED + at, ...own }),
  ]);
  await tape.publishAll("bars", bars);
  await tape.publishAll("ticks", [
    tick(1, { timestamp: NOON + 9 * MINUTE + 1 }),
    tick(2, { timestamp: NOON + 30 * MINUTE }),
  ]);
  await tape.publishAll("indicators", indicators);
  for (const [n, of] of [null, BACKTEST].entries()) {
    const at = { timestamp: DECIDED, backtest_session_id: of };
    await tape.publish("predictions", prediction(n, { ...at, ...OF_ANY_PRICES }));
    await tape.publish("decisions", decision(n, { ...at, ...OF_ANY_PRICES }));
    const fills = [1, 2].map((part) =>
      fill(10 * n + part, { ...at, decision_id: idOf(`decision ${n}`), quantity: 5, timestamp: DECIDED + part }),
    );
    await tape.publishAll("fills", fills);
  }
  await tape.publish("predictions", prediction(5, { ...OF_ANY_PRICES, timestamp: DECIDED + DAY }));
  await tape.publish("predictions", prediction(7, { ...OF_ANY_PRICES, timestamp: DECIDED + DAY }));
  await tape.publish("decisions", decision(8, { ...OF_ANY_PRICES, timestamp: DECIDED, model_reference: null }));
  await tape.land();
  await tape.land("audit");
  const [now] = await tape.query<{ at: string }>(
    `SELECT to_char(max(published_at) AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') AS at FROM (
       SELECT published_at FROM trade_execution UNION ALL SELECT published_at FROM trade_decision) told`,
  );
  then = now!.at;
  for (const id of RECORDED) recorded.push(await asOf(then, id));
  await publishLater();
  await tape.land();
  await tape.land("audit");
});
afterAll(() => tape.stop());

describe("trace", () => {
  test("of a fill is the whole tree: bars and indicators, prediction, decision, all its fills, audit entries", async () => {
    const [code, found] = await trace(idOf("fill 1"));
    expect([code, found.kind, found.traces.length]).toEqual([0, "fill", 1]);
    const { traceId, steps } = found.traces[0]!;
    expect(traceId).toBe(idOf("decision 0"));
    expect(of(steps, "prediction")).toMatchObject([{ id: idOf("prediction 0"), parentId: null }]);
    expect(of(steps, "decision")).toMatchObject([{ id: idOf("decision 0"), parentId: idOf("prediction 0") }]);
    expect(of(steps, "fill").map(({ id }) => id)).toEqual([idOf("fill 1"), idOf("fill 2"), idOf("fill 3")]);
    for (const step of steps.filter(({ step }) => ["prediction", "decision", "fill"].includes(step))) {
      expect(step.timestamp).toMatch(/^2024-03-05T14:40:00\.00000\dZ$/);
      expect(Date.parse(step.publishedAt!)).toBeLessThanOrEqual(Date.parse(step.landedAt!));
    }
    const told = of(steps, "audit").map(({ parentId, what }) => [parentId, what.split(" ")[0]]);
    expect(told.sort()).toEqual(
      [
        [idOf("prediction 0"), "MODEL_RUN"],
        [idOf("decision 0"), "TRADE_DECISION"],
        [idOf("decision 0"), "TRADE_SUBMIT"],
        [idOf("fill 1"), "TRADE_EXECUTION"],
        [idOf("fill 2"), "TRADE_EXECUTION"],
        [idOf("fill 3"), "TRADE_EXECUTION"],
      ].sort(),
    );
  });

  test("shows the last bars that were complete and the last indicators of the decision's time, nothing later", async () => {
    const [, { traces }] = await trace(idOf("decision 0"));
    const { steps } = traces[0]!;
    // Bar 10 begins as the decision falls, the hour's hasn't ended; of indicators, the one a microsecond later is left out.
    expect(
      of(steps, "bar")
        .map(({ id }) => id)
        .sort(),
    ).toEqual([50, 70, 80, 9].map((n) => idOf(`bar ${n}`)).sort());
    expect(
      of(steps, "indicator")
        .map(({ id }) => id)
        .sort(),
    ).toEqual([idOf("indicator 2"), idOf("indicator 30")].sort());
    for (const { knownAt } of steps.filter(({ step }) => step === "bar" || step === "indicator")) {
      expect(knownAt! <= "2024-03-05T14:40:00.000000Z").toBe(true);
    }
  });

  test("shows the values that the decision could rest on, and marks what changed or came afterwards", async () => {
    const [, { traces }] = await trace(idOf("decision 0"));
    const told = new Map(traces[0]!.steps.map(({ id, what, note }) => [id, { what, note }]));
    const close = (value: number) => `1min open 1.5 high 2.25 low 0.1 close ${value} volume 1000, from sample`;
    expect(told.get(idOf("bar 9"))).toEqual({ what: close(2), note: `revised later: now ${close(2.2)}` });
    expect(told.get(idOf("bar 70"))!.note).toBe(null);
    expect(told.get(idOf("bar 50"))!.note).toBe(null);
    expect(told.get(idOf("bar 80"))!.note).toMatch(/^first known \d+(\.\d+)? s after the decision$/);
    expect(told.get(idOf("indicator 2"))).toEqual({
      what: "MACD(12) = 0.1 by sample-agent",
      note: "revised later: now 0.30000000000000004",
    });
    expect(told.get(idOf("indicator 30"))!.note).toMatch(/^first known \d+(\.\d+)? s after the decision$/);
    expect((await tradetape(["trace", idOf("decision 0")], env)).stdout).toContain(
      `[revised later: now ${close(2.2)}]`,
    );
  });

  test("marks a fill before its decision, and what is of another symbol, not approved or too much", async () => {
    // Past the checks of landing, as from a database of before them.
    await tape.query(
      "INSERT INTO symbol SELECT $1, ticker, 'XLON', asset_type, is_active, created_at, revised_at FROM symbol",
      [idOf("another symbol")],
    );
    const at = "'2024-03-09T00:00Z'::timestamptz";
    await tape.query(`INSERT INTO model_prediction SELECT (jsonb_populate_record(p, jsonb_build_object(
        'prediction_id', '${idOf("later")}', 'timestamp', ${at} + interval '1.5 s',
        'published_at', now()))).* FROM model_prediction p
        WHERE prediction_id = '${idOf("prediction 0")}'`);
    await tape.query(`INSERT INTO trade_decision SELECT (jsonb_populate_record(d, jsonb_build_object(
        'decision_id', '${idOf("odd")}', 'timestamp', ${at}, 'published_at', now(),
        'approved', false, 'model_reference', '${idOf("later")}'))).*
        FROM trade_decision d WHERE decision_id = '${idOf("decision 0")}'`);
    for (const [name, change] of Object.entries({
      early: `'timestamp', ${at} - interval '20 h', 'status', 'CANCELED', 'quantity', 0`,
      foreign: `'timestamp', ${at}, 'symbol_id', '${idOf("another symbol")}'`,
      much: `'timestamp', ${at} + interval '1 s', 'quantity', 5.5`,
    })) {
      await tape.query(`INSERT INTO trade_execution SELECT (jsonb_populate_record(f, jsonb_build_object(
          'execution_id', '${idOf(name)}', 'decision_id', '${idOf("odd")}', ${change}))).*
          FROM trade_execution f WHERE execution_id = '${idOf("fill 1")}'`);
    }
    const [, { traces }] = await trace(idOf("odd"));
    const notes = new Map(traces[0]!.steps.map(({ id, note }) => [id, note]));
    expect(["later", "odd", "early", "foreign", "much"].map((name) => notes.get(idOf(name)))).toEqual([
      "1.5 s after its decision",
      null,
      "72000 s before its decision",
      "of another symbol than its decision, of a decision that was not approved",
      "of a decision that was not approved, more than was decided: 10.5 of 10",
    ]);
    const [, usual] = await trace(idOf("fill 1"));
    const events = usual.traces[0]!.steps.filter(({ step }) => step !== "bar" && step !== "indicator");
    expect(events.map(({ note }) => note)).toEqual(events.map(() => null));
  });

  test("--as-of gives what was said then, byte for byte", async () => {
    for (const [n, id] of RECORDED.entries()) {
      expect(await asOf(then, id)).toBe(recorded[n]);
      const { traces } = JSON.parse(recorded[n]!) as Traced;
      expect(traces.length, id).toBeGreaterThan(0);
      expect((await trace(id))[1].traces, id).not.toEqual(traces);
    }
    const { steps } = (JSON.parse(recorded[0]!) as Traced).traces[0]!;
    expect(of(steps, "bar").map(({ note }) => note)).toEqual([null, null, null]);
    expect(of(steps, "audit").length).toBeGreaterThan(3);
    const before = (await tradetape(["trace", idOf("decision 0"), "--as-of", "2024-03-06"], env)).stdout;
    expect(before).toContain("as of 2024-03-06T00:00:00.000Z, no decision or prediction rests on the decision");
  });

  test("of a backtest has its own and the market's bars, its own indicators; of live trading none of a backtest's", async () => {
    const [, { traces }] = await trace(idOf("decision 1"));
    const { steps } = traces[0]!;
    const bars = of(steps, "bar").map(({ id }) => id);
    expect(bars.sort()).toEqual([9, 50, 60, 70, 80].map((n) => idOf(`bar ${n}`)).sort());
    expect(of(steps, "indicator").map(({ id }) => id)).toEqual([idOf("indicator 12")]);
    expect(of(steps, "fill").map(({ sessionId }) => sessionId)).toEqual([BACKTEST, BACKTEST]);
  });

  test("of a bar or an indicator are the trees that rest on it", async () => {
    const [, onBar] = await trace(idOf("bar 9"));
    const live = [idOf("decision 0"), idOf("decision 8")];
    expect(onBar.kind).toBe("bar");
    expect(onBar.traces.map(({ traceId }) => traceId).sort()).toEqual([...live, idOf("decision 1")].sort());
    const [, onIndicator] = await trace(idOf("indicator 2"));
    expect(onIndicator.traces.map(({ traceId }) => traceId).sort()).toEqual(live.sort());
    const [code, onNone] = await trace(idOf("bar 3"));
    expect([code, onNone.kind, onNone.traces]).toEqual([1, "bar", []]);
  });

  test("of a tick are those of the bars that it is in, of an audit entry that of its event", async () => {
    const [, onTick] = await trace(idOf("tick 1"));
    const resting = [0, 1, 8].map((n) => idOf(`decision ${n}`));
    expect([onTick.kind, onTick.by]).toEqual(["tick", [idOf("bar 70")]]);
    expect(
      onTick.traces
        .slice(0, 3)
        .map(({ traceId }) => traceId)
        .sort(),
    ).toEqual(resting.sort());
    const [code, onNone] = await trace(idOf("tick 2"));
    expect([code, onNone.kind, onNone.by, onNone.traces]).toEqual([1, "tick", [], []]);
    const entries = await tape.query<{ id: string; event: string }>(
      "SELECT log_id AS id, event_type AS event FROM audit_log WHERE backtest_session_id IS NULL",
    );
    const rooted = ["MODEL_RUN", "TRADE_DECISION", "TRADE_SUBMIT", "TRADE_EXECUTION"];
    for (const event of [...rooted, "SYMBOL"]) {
      const { id } = entries.find((entry) => entry.event === event)!;
      const [, found] = await trace(id);
      const has = found.traces.some(({ steps }) => steps.some((step) => step.id === id));
      expect([found.kind, has], event).toEqual(["audit entry", rooted.includes(event)]);
    }
  });

  test("of a prediction without a decision, and of a decision without a prediction, are what there is of them", async () => {
    const [, alone] = await trace(idOf("prediction 7"));
    expect(alone.traces[0]!.steps.filter(({ step }) => step === "decision" || step === "fill")).toEqual([]);
    expect(of(alone.traces[0]!.steps, "bar").map(({ id }) => id)).toContain(idOf("bar 11"));
    const [, unfounded] = await trace(idOf("decision 8"));
    expect(of(unfounded.traces[0]!.steps, "prediction")).toEqual([]);
    expect(of(unfounded.traces[0]!.steps, "decision")).toMatchObject([{ parentId: null }]);
  });

  test("takes the first digits of an id, refuses them when another begins so, and says what nobody has", async () => {
    const fills = [1, 2, 11, 12].map((n) => idOf(`fill ${n}`));
    expect((await trace(fills[0]!.slice(0, 13).toUpperCase()))[1].id).toBe(fills[0]);
    const twin = `${idOf("decision 0").slice(0, -1)}${idOf("decision 0").endsWith("0") ? "1" : "0"}`;
    await tape.publish(
      "decisions",
      decision(0, { decision_id: twin, model_reference: null, timestamp: DECIDED + 3 * DAY }),
    );
    await tape.land("decisions");
    const { code, stderr } = await tradetape(["trace", twin.slice(0, 12)], env);
    expect([code, stderr]).toEqual([2, expect.stringContaining(`decision ${twin}`)]);
    const [none, nothing] = await trace(idOf("nobody"));
    expect([none, nothing.kind, nothing.traces]).toEqual([1, null, []]);
    expect((await tradetape(["trace", idOf("nobody")], env)).stdout).toContain("nothing that landed has the id");
    for (const wrong of ["abc", "xyz12345", "'; DROP TABLE symbol"]) {
      expect((await tradetape(["trace", wrong], env)).code).toBe(2);
    }
  });
});

test("the view gives a reader the same steps in SQL", async () => {
  const [, { traces }] = await trace(idOf("fill 1"));
  const rows = await tape.queryAs(
    "tradetape_reader",
    `SELECT step, id, what, note FROM public.lineage WHERE trace_id = '${idOf("decision 0")}' ORDER BY id`,
  );
  const told = traces[0]!.steps.map(({ step, id, what, note }): Row => ({ step, id, what, note }));
  expect(rows).toEqual(told.sort((a, b) => (String(a.id) < String(b.id) ? -1 : 1)));
});
