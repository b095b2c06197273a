import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { TraceStep } from "../../../src/table/sessions/lineage.ts";
import { environmentOf } from "../../support/landing.ts";
import { bar, decision, fill, idOf, indicator, NOON, prediction, session } from "../../support/samples.ts";
import { openTapeWithSymbol, type Row, type TestTape } from "../../support/tape.ts";
import { tradetape } from "../../support/tradetape.ts";

const MINUTE = 60_000_000;
const DAY = 1440 * MINUTE;
/** Ten minutes after the samples' noon: bars 0 to 9 of a minute are complete. */
const DECIDED = NOON + 10 * MINUTE;
const BACKTEST = idOf("a backtest");

let tape: TestTape;
let env: NodeJS.ProcessEnv;

interface Traced {
  readonly id: string;
  readonly kind: string | null;
  readonly traces: readonly { readonly traceId: string; readonly steps: readonly TraceStep[] }[];
}

async function trace(id: string): Promise<[code: number, Traced]> {
  const { code, stdout, stderr } = await tradetape(["trace", id, "--json"], env);
  expect(stderr).toBe("");
  return [code, JSON.parse(stdout) as Traced];
}
const of = (steps: readonly TraceStep[], step: string) => steps.filter((one) => one.step === step);

beforeAll(async () => {
  tape = await openTapeWithSymbol();
  env = environmentOf(tape.config);
  await tape.publish("sessions", session({ backtest_session_id: BACKTEST }));
  const own = { backtest_session_id: BACKTEST };
  const bars = [
    ...Array.from({ length: 12 }, (_, n) => bar(n)),
    bar(50, { interval: "1d", timestamp: NOON - DAY, ends_at: NOON, source: "days" }),
    // It begins before the decision and ends behind it: nobody could know its close.
    bar(51, { interval: "1h", timestamp: NOON - 20 * MINUTE, source: "hours" }),
    bar(60, { ...own, timestamp: NOON + 9 * MINUTE, source: "simulated" }),
  ];
  const indicators = [-5, -1, 0, 1].flatMap((at, n) => [
    indicator(n, { timestamp: DECIDED + at }),
    indicator(10 + n, { timestamp: DECIDED + at, ...own }),
  ]);
  await tape.publishAll("bars", bars);
  await tape.publishAll("indicators", indicators);
  for (const [n, of] of [null, BACKTEST].entries()) {
    const at = { timestamp: DECIDED, backtest_session_id: of };
    await tape.publish("predictions", prediction(n, at));
    await tape.publish("decisions", decision(n, at));
    const fills = [1, 2].map((part) =>
      fill(10 * n + part, { ...at, decision_id: idOf(`decision ${n}`), timestamp: DECIDED + part }),
    );
    await tape.publishAll("fills", fills);
  }
  await tape.publish("predictions", prediction(7, { timestamp: DECIDED + DAY }));
  await tape.publish("decisions", decision(8, { timestamp: DECIDED, model_reference: null }));
  await tape.land();
  // After the decision was published, by the broker's own clock.
  await tape.publish("bars", bar(9, { close: 2.2, revised_at: null }));
  await tape.land();
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
    expect(of(steps, "fill").map(({ id }) => id)).toEqual([idOf("fill 1"), idOf("fill 2")]);
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
    ).toEqual([idOf("bar 50"), idOf("bar 9")].sort());
    expect(of(steps, "indicator").map(({ id }) => id)).toEqual([idOf("indicator 2")]);
    for (const { knownAt } of steps.filter(({ step }) => step === "bar" || step === "indicator")) {
      expect(knownAt <= "2024-03-05T14:40:00.000000Z").toBe(true);
    }
  });

  test("marks what was revised after the decision was published, whose earlier value is gone", async () => {
    const [, { traces }] = await trace(idOf("decision 0"));
    const notes = new Map(of(traces[0]!.steps, "bar").map(({ id, note }) => [id, note]));
    expect(notes.get(idOf("bar 9"))).toBe("revised later, earlier value not kept");
    expect(notes.get(idOf("bar 50"))).toBe(null);
    expect((await tradetape(["trace", idOf("decision 0")], env)).stdout).toContain(
      "[revised later, earlier value not kept]",
    );
  });

  test("of a backtest has its own and the market's bars, its own indicators; of live trading none of a backtest's", async () => {
    const [, { traces }] = await trace(idOf("decision 1"));
    const { steps } = traces[0]!;
    const bars = of(steps, "bar").map(({ id }) => id);
    expect(bars.sort()).toEqual([idOf("bar 9"), idOf("bar 50"), idOf("bar 60")].sort());
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
