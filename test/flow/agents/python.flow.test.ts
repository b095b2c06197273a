import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { decisionId, fillId, predictionId } from "../../../src/agent/draft.ts";
import { strategyId } from "../../../src/event/identity.ts";
import { openRegistry } from "../../../src/event/registry.ts";
import { EVENT_TOPICS, type EventTopic } from "../../../src/event/schemas.ts";
import { checkEvent } from "../../../src/event/validate.ts";
import { environmentOf } from "../../support/landing.ts";
import { ledgerFaults } from "../../support/ledger.ts";
import { pythonWith } from "../../support/python.ts";
import { RULES_FILE } from "../../support/rules.ts";
import { bar, session, tick } from "../../support/samples.ts";
import { openTestTape, type TestTape } from "../../support/tape.ts";

const PYTHON = join(import.meta.dirname, "../../../python");
/** A machine that has never run it fetches SQLAlchemy and librdkafka first. */
const SETUP_MS_MAX = 6 * 60_000;
const TICKER = "AAPL";
let tape: TestTape;
let python: string;

beforeAll(async () => {
  python = await pythonWith(join(PYTHON, "requirements.txt"));
  tape = await openTestTape();
  // As `tradetape up` does: an agent looks schemas up, it makes none.
  const registry = openRegistry({ schemaRegistryUrl: tape.config.schemaRegistryUrl! });
  for (const topic of EVENT_TOPICS) await registry.register(tape.name(topic), topic);
}, SETUP_MS_MAX);
afterAll(() => tape?.stop());

/** Runs a module of the folder python/. @returns its standard output; what it says of a failure is in the error */
async function run(args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<string> {
  const settings = { ...process.env, ...environmentOf(tape.config), PYTHONDONTWRITEBYTECODE: "1", ...env };
  const made = promisify(execFile)(python, ["-m", ...args], { cwd: PYTHON, env: settings });
  const { stdout } = await made.catch(({ stdout, stderr }) => {
    throw new Error(`python -m ${args.join(" ")}:\n${stdout}\n${stderr}`);
  });
  return stdout;
}

/** Changes that make good events bad by their fields' types; schemas/rules.json has the other rules' vectors. */
const WRONG: readonly (readonly [EventTopic, Readonly<Record<string, unknown>>])[] = [
  ["symbols", { symbol_id: null }],
  ["symbols", { symbol_id: 7 }],
  ["symbols", { symbol_id: "3B1B809F-C4BE-52F4-AC2D-5CCC24B9BE4A" }],
  ["symbols", { ticker: null }],
  ["symbols", { is_active: 1 }],
  ["symbols", { price: null }],
  ["sessions", { config: 7 }],
  ["sessions", { config: "{fast: 12}" }],
  ["sessions", { config: "NaN" }],
  ["sessions", { config: '"\\u0000"' }],
  ["sessions", { config: '{"\\ud800": 1}' }],
  ["sessions", { config: "[".repeat(101) + "]".repeat(101) }],
  ["sessions", { config: "[".repeat(5000) + "]".repeat(5000) }],
  ["sessions", { kind: "Live" }],
  ["ticks", { close: "181.5" }],
  ["ticks", { close: null }],
  ["ticks", { volume: true }],
  ["ticks", { venue: "a\0b" }],
  ["ticks", { conditions: "@" }],
  ["ticks", { conditions: ["@", null] }],
  ["ticks", { timestamp_ns: 1.5 }],
  ["indicators", { period: 2 ** 31 }],
  ["predictions", { horizon: "60m" }],
  ["predictions", { features_sha256: "A".repeat(64) }],
  ["predictions", { inputs: [] }],
  ["predictions", { inputs: "{}" }],
  ["predictions", { inputs: "[null]" }],
  ["predictions", { inputs: '[{"kind":"bars","id":"3b1b809f-c4be-52f4-ac2d-5ccc24b9be4a"}]' }],
  ["predictions", { inputs: '[{"kind":"bar"}]' }],
  ["decisions", { inputs: '[{"kind":"bar","id":"3b1b809f-c4be-52f4-ac2d-5ccc24b9be4a","known_at":1.5}]' }],
  ["decisions", { inputs: '[{"kind":"bar","id":"3b1b809f-c4be-52f4-ac2d-5ccc24b9be4a","value":"1"}]' }],
  ["decisions", { inputs: '[{"kind":"bar","id":"3b1b809f-c4be-52f4-ac2d-5ccc24b9be4a","price":1}]' }],
  ["decisions", { action: "buy" }],
  ["decisions", { approved: 1 }],
  ["decisions", { size: null }],
  ["fills", { latency_ms: -(2 ** 31) - 1 }],
  ["audit", { source_offset: 2 ** 53 }],
];
const refusedHere = () =>
  WRONG.map(([topic, change]) => {
    const event = { ...RULES_FILE.good[topic], ...change };
    return { topic, event, says: checkEvent(topic, event) };
  });

interface Published {
  readonly symbol_id: string;
  readonly prediction_id: string;
  readonly decision_id: string;
  readonly execution_ids: readonly string[];
}

/** The ids of the same keys by the TypeScript library. */
function expectedIds({ symbol_id }: Published) {
  const by = { actor: "python-example", modelVersion: "example-1", strategyId: strategyId("example") };
  const decision_id = decisionId(by, symbol_id, "2024-03-05");
  return {
    prediction_id: predictionId(by, symbol_id, "2024-03-05"),
    decision_id,
    execution_ids: ["x-1", "x-2"].map((key) => fillId(decision_id, "paper", key)),
  };
}

test("a Python agent's decision lands once, and is read back through models that are the live catalog's", async () => {
  const published: Published = JSON.parse(await run(["tradetape.agent", TICKER, "NASDAQ"]));
  const { symbol_id } = published;
  const { backtest_session_id } = session();
  await tape.publish("sessions", session());
  await tape.publish("ticks", tick(1, { symbol_id, backtest_session_id }));
  await tape.publish("bars", bar(0, { symbol_id }));
  await tape.land();
  expect(JSON.parse(await run(["tradetape.agent", TICKER, "NASDAQ"]))).toEqual(published);
  const again = await tape.land();
  expect([again.predictions, again.decisions, again.fills]).toMatchObject(
    [1, 1, 2].map((read) => ({ read, duplicate: read, written: 0, dead: 0 })),
  );
  const told = { ...published, ticker: TICKER, expected: expectedIds(published) };
  const env = { PUBLISHED: JSON.stringify(told), REFUSED: JSON.stringify(refusedHere()) };
  const pytest = await run(["pytest", "-q", "-p", "no:cacheprovider"], env);
  expect(pytest).toMatch(/\n21 passed/);
  expect(await ledgerFaults(tape)).toEqual([]);
});
