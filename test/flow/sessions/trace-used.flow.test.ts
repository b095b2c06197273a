/** What `tradetape trace` says of inputs: the revision that was used, and how it differs from what was known. */
import { afterAll, beforeAll, expect, test } from "vitest";
import type { TraceStep } from "../../../src/table/sessions/lineage.ts";
import { environmentOf } from "../../support/landing.ts";
import { bar, decision, idOf, indicator, NOON, prediction, symbol } from "../../support/samples.ts";
import { openTapeWithSymbol, type TestTape } from "../../support/tape.ts";
import { tradetape } from "../../support/tradetape.ts";

const MINUTE = 60_000_000;
const DECIDED = NOON + 20 * MINUTE;
const OTHER_SYMBOL = idOf("another symbol");
const DECISION = idOf("decision 0");
const SECONDS = String.raw`\d+(\.\d+)? s`;

let tape: TestTape;
/** When the broker had the decision, as `--as-of` takes it. */
let decidedThen: string;

async function traceOf(id: string, ...flags: string[]): Promise<readonly TraceStep[][]> {
  const { stdout, stderr } = await tradetape(["trace", id, "--json", ...flags], environmentOf(tape.config));
  expect(stderr).toBe("");
  return (JSON.parse(stdout) as { traces: { steps: TraceStep[] }[] }).traces.map(({ steps }) => steps);
}
const said = (steps: readonly TraceStep[] | undefined, id: string) =>
  steps!.filter((step) => step.id === idOf(id)).map(({ what, note }) => [what.replace(/ volume.*| by .*/, ""), note]);
const close = (value: number) => `1min open 1.5 high 2.25 low 0.1 close ${value}`;
/** A bar's content as a mark has it. */
const told = (value: number) => `${close(value)} volume 1000, from sample`;

async function publishBars(closes: Readonly<Record<number, number>>): Promise<void> {
  for (const [n, close] of Object.entries(closes))
    await tape.publish("bars", bar(Number(n), { close, revised_at: null }));
  await tape.land();
}
async function publishIndicator(n: number, indicator_value: number): Promise<void> {
  await tape.publish("indicators", indicator(n, { timestamp: NOON + n * MINUTE, indicator_value, revised_at: null }));
  await tape.land();
}

beforeAll(async () => {
  tape = await openTapeWithSymbol();
  await tape.publish("symbols", symbol({ symbol_id: OTHER_SYMBOL, exchange: "XLON" }));
  await publishBars({ 1: 2, 2: 2, 3: 2, 4: 2, 5: 2, 6: 2, 10: 2, 19: 2, 30: 2 });
  await tape.publishAll("bars", [
    bar(8, { source: "other" }),
    bar(11, { symbol_id: OTHER_SYMBOL }),
    bar(18, { timestamp: NOON + 18 * MINUTE, source: "other" }),
  ]);
  await publishIndicator(1, 0.1);
  await tape.publishAll("indicators", [
    indicator(2, { timestamp: DECIDED, indicator_name: "OWN", parameters: '{"source": "sample"}' }),
    indicator(3, { timestamp: DECIDED, indicator_name: "FOREIGN", parameters: '{"source": "other"}' }),
  ]);
  await tape.land();
  const [first] = await tape.query<{ us: string }>(
    "SELECT extract(epoch FROM max(published_at)) * 1000000 AS us FROM market_data_bar",
  );
  const known_at = Math.round(Number(first!.us));
  await publishBars({ 1: 2.1, 2: 2.1, 5: 2.1, 6: 2.1 });
  await publishIndicator(1, 0.2);
  const named = [1, 2, 3, 4, 8, 11, 30].map((n) => ({ kind: "bar", id: idOf(`bar ${n}`), known_at }));
  const inputs = [
    ...named,
    { kind: "bar", id: idOf("bar 5"), value: 2 },
    { kind: "bar", id: idOf("bar 6"), value: 9, known_at },
    { kind: "bar", id: idOf("bar 7"), known_at },
    { kind: "bar", id: idOf("bar 10"), known_at: known_at * 2 },
    { kind: "indicator", id: idOf("indicator 2") },
  ];
  const its = [
    { kind: "indicator", id: idOf("indicator 1"), value: 0.1 },
    { kind: "bar", id: idOf("bar 4"), known_at },
  ];
  await tape.publish("predictions", prediction(0, { timestamp: DECIDED, inputs: JSON.stringify(its) }));
  await tape.publish("predictions", prediction(1, { timestamp: DECIDED, inputs: JSON.stringify(its) }));
  await tape.publish("decisions", decision(0, { timestamp: DECIDED, inputs: JSON.stringify(inputs) }));
  await tape.land();
  const [at] = await tape.query<{ at: string }>(
    `SELECT to_char(published_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') AS at FROM trade_decision`,
  );
  decidedThen = at!.at;
  await publishBars({ 2: 2.2, 3: 2.2, 10: 2.2 });
});
afterAll(() => tape.stop());

test("shows the revision that was named, marked where another was known then or is now", async () => {
  const [steps] = await traceOf(DECISION);
  const used = "used by the decision";
  expect(said(steps, "bar 1")).toEqual([[close(2), `${used}, revised before the decision: then and now ${told(2.1)}`]]);
  expect(said(steps, "bar 2")).toEqual([
    [close(2), `${used}, revised before the decision: then ${told(2.1)}, revised later: now ${told(2.2)}`],
  ]);
  expect(said(steps, "bar 3")).toEqual([[close(2), `${used}, revised later: now ${told(2.2)}`]]);
  expect(said(steps, "bar 4")).toEqual([[close(2), used]]);
  expect(said(steps, "bar 5")).toEqual(said(steps, "bar 1"));
  expect(said(steps, "indicator 2")).toEqual([["OWN(12) = 0.1", used]]);
  expect(said(steps, "indicator 1")).toEqual([
    ["MACD(12) = 0.1", "used by its prediction, revised before its prediction: then and now 0.2"],
  ]);
});

test("marks what was used and can't have been: unknown, of later, of another source or symbol", async () => {
  const [steps] = await traceOf(DECISION);
  const used = "used by the decision";
  expect(said(steps, "bar 6")).toEqual([[close(2.1), `${used}, in a revision that is not on the tape`]]);
  expect(said(steps, "bar 7")).toEqual([["not on the tape", used]]);
  const [[shown, note]] = said(steps, "bar 10") as [[string, string]];
  expect(shown).toBe(close(2.2));
  expect(note).toMatch(new RegExp(`^${used}, known ${SECONDS} after the decision: then ${told(2)}$`));
  expect(said(steps, "bar 30")).toEqual([[close(2), `${used}, of 660 s after the time of the decision`]]);
  expect(said(steps, "bar 8")).toEqual([[close(2), `${used}, of another source than price_source`]]);
  expect(said(steps, "bar 11")).toEqual([[close(2), `${used}, of another symbol`]]);
  const { stdout } = await tradetape(["trace", DECISION], environmentOf(tape.config));
  expect(stdout).toMatch(new RegExp(`bar ${idOf("bar 7").slice(0, 8)} +- +- +- +not on the tape \\[${used}\\]`));
});

test("shows beside these what could be known of the decision's own prices, unmarked", async () => {
  const [steps] = await traceOf(DECISION);
  expect(said(steps, "bar 19")).toEqual([[close(2), null]]);
  for (const foreign of ["bar 18", "indicator 3"]) expect(said(steps, foreign), foreign).toEqual([]);
  const roots = steps!.filter(({ step }) => step === "bar" || step === "indicator");
  expect(roots.length).toBe(14);
  expect(new Set(roots.map(({ id }) => id)).size).toBe(14);
});

test("of a prediction alone says what that used", async () => {
  const [steps] = await traceOf(idOf("prediction 1"));
  expect(said(steps, "indicator 1")[0]![1]).toBe(
    "used by the prediction, revised before the prediction: then and now 0.2",
  );
  expect(said(steps, "bar 4")).toEqual([[close(2), "used by the prediction"]]);
});

test("--as-of knows no revision that came later", async () => {
  const [steps] = await traceOf(DECISION, "--as-of", decidedThen);
  expect(said(steps, "bar 2")).toEqual(said(steps, "bar 1"));
  expect(said(steps, "bar 3")).toEqual([[close(2), "used by the decision"]]);
  expect(said(steps, "bar 10")).toEqual([[close(2), "used by the decision"]]);
});

test("a bar of another source leads to no tree that isn't about it", async () => {
  const trees = async (id: string) => (await traceOf(idOf(id))).map((steps) => said(steps, id).length);
  expect(await trees("bar 19")).toEqual([1, 1]);
  expect(await trees("bar 18")).toEqual([]);
  expect(await trees("indicator 2")).toEqual([1, 1]);
  expect(await trees("indicator 3")).toEqual([]);
});
