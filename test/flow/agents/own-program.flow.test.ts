import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { BarEvent } from "../../../src/event/events.ts";
import { barId, symbolId } from "../../../src/event/identity.ts";
import { SETTINGS } from "../../../src/settings.ts";
import { withAdmin } from "../../../src/topic/log-client.ts";
import { openDice } from "../../chaos/dice.ts";
import { shownIn } from "../../support/documents.ts";
import { environmentOf } from "../../support/landing.ts";
import { idOf, session, symbol } from "../../support/samples.ts";
import { ROOT } from "../../support/source-tree.ts";
import { openTestTape, type TestTape } from "../../support/tape.ts";

const MIN = 60_000_000;
const START = Date.UTC(2024, 2, 6, 14, 30) * 1000;
const TICKERS = ["ALPHA", "BRAVO", "CHARLIE", "DELTA"];
const ROUND = 400;

/** A folder as a reader of docs/agents.md has it, with the page's own blocks in it. */
let folder: string;
const tapes: TestTape[] = [];

/** A block of docs/agents.md, by text that only it holds. */
const blockOf = (text: string): string =>
  shownIn("docs/agents.md").find((shown) => shown.language === "ts" && shown.text.includes(text))!.text;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "tradetape-own-"));
  writeFileSync(join(folder, "package.json"), '{ "type": "module" }');
  writeFileSync(join(folder, "momentum.ts"), blockOf('name: "momentum",'));
});
afterAll(async () => {
  for (const tape of tapes) await tape.stop();
  rmSync(folder, { recursive: true });
});

async function openTape(part: string): Promise<TestTape> {
  const tape = await openTestTape({}, part);
  tapes.push(tape);
  for (const ticker of TICKERS) await tape.publish("symbols", symbol({ ticker, symbol_id: symbolId(ticker, null) }));
  return tape;
}

/** Minutes of four symbols whose prices wander; the same ones whenever they are asked for. */
function barsOf(round: number): BarEvent[] {
  const dice = openDice(round);
  return Array.from({ length: ROUND * TICKERS.length }, (_, n) => {
    const minute = round * ROUND + Math.floor(n / TICKERS.length);
    const close = 100 + dice.between(0, 1000) / 100;
    const prices = { open: close, high: close, low: close, close, volume: 1, source: "own", interval: "1min" };
    const of = { symbol_id: symbolId(TICKERS[n % TICKERS.length]!, null), backtest_session_id: null };
    const event = { ...of, ...prices, timestamp: START + minute * MIN };
    return { ...event, market_data_id: barId(event) };
  });
}

/** Starts the command as a reader does, in the folder of the program. */
function start(tape: TestTape, args: readonly string[]) {
  const own = new Set<string>(Object.values(SETTINGS).map(({ env }) => env));
  const clean = Object.fromEntries(Object.entries(process.env).filter(([name]) => !own.has(name)));
  const env = { ...clean, ...environmentOf(tape.config) };
  const child = spawn(process.execPath, [join(ROOT, "src/cli/main.ts"), ...args], { cwd: folder, env });
  let said = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (text: Buffer) => (said += text.toString()));
  const ended = once(child, "close").then(([code]) => ({ code: code as number | null, said }));
  return { child, ended, said: () => said };
}

const run = (tape: TestTape, args: readonly string[]) => start(tape, args).ended;

const published = (tape: TestTape, topic: "predictions" | "decisions"): Promise<number> =>
  withAdmin(tape.client, async (admin) => {
    const offsets = await admin.fetchOffsets(tape.name(topic));
    return offsets.reduce((sum, { high }) => sum + high, 0);
  });

/** What was said, without when the broker had it: of the predictions' inputs that is the bars' own time. */
const DIGEST = `SELECT count(*) AS rows, md5(string_agg(line, '\n' ORDER BY line)) AS digest FROM (
    SELECT concat_ws(' ', prediction_id, symbol_id, "timestamp", probability_up, price_source, model_version) AS line
    FROM model_prediction
    UNION ALL
    SELECT concat_ws(' ', decision_id, symbol_id, "timestamp", action, size, approved, model_reference) FROM trade_decision
  ) all_lines`;

async function landed(tape: TestTape) {
  await tape.land();
  expect(await tape.query("SELECT * FROM tradetape.dead_letter")).toEqual([]);
  return (await tape.query(DIGEST))[0];
}

test("the page's program, killed at three moments and started again, has the rows of one that ran through", async () => {
  const killed = await openTape("killed");
  const whole = await openTape("whole");
  for (const round of [0, 1, 2]) {
    await killed.publishAll("bars", barsOf(round));
    const before = await published(killed, "decisions");
    const running = start(killed, ["run", "./momentum.ts"]);
    const isUnderWay = expect.poll(() => published(killed, "decisions")).toBeGreaterThan(before + 20 * round);
    await Promise.race([isUnderWay, running.ended.then(({ said }) => Promise.reject(new Error(`it ended:\n${said}`)))]);
    running.child.kill("SIGKILL");
    await running.ended;
  }
  for (const round of [0, 1, 2]) await whole.publishAll("bars", barsOf(round));
  for (const tape of [killed, whole]) {
    const { code, said } = await run(tape, ["run", "./momentum.ts", "--until-caught-up"]);
    expect(code, said).toBe(0);
  }
  const expected = await landed(whole);
  expect(expected).toMatchObject({ rows: 2 * TICKERS.length * (3 * ROUND - 4) });
  expect(await landed(killed)).toEqual(expected);
});

test("it runs in the place of one of ours, for the session of the run", async () => {
  const tape = await openTape("place");
  const id = idOf("session");
  await tape.publish("sessions", session({ backtest_session_id: id }));
  await tape.publishAll("bars", barsOf(0));
  const ours = ["run", "bars", "indicators", "./momentum.ts", "fills", "performance"];
  const flags = ["--session", id, "--interval", "1min", "--strategy", "momentum", "--until-caught-up"];
  const { code, said } = await run(tape, [...ours, ...flags]);
  expect(code, said).toBe(0);
  await tape.land();
  const [counted] = await tape.query(`SELECT
    (SELECT count(*) FROM model_prediction WHERE backtest_session_id = '${id}') AS predictions,
    (SELECT count(*) FROM trade_decision WHERE backtest_session_id = '${id}') AS decisions,
    (SELECT count(*) > 100 FROM trade_execution WHERE backtest_session_id = '${id}') AS is_filled,
    (SELECT count(*) FROM model_prediction WHERE backtest_session_id IS NULL) AS live`);
  const each = TICKERS.length * (ROUND - 4);
  expect(counted).toEqual({ predictions: each, decisions: each, is_filled: true, live: 0 });
});

test("the page's test of it needs no services, and says what the page says", async () => {
  mkdirSync(join(folder, "clone"));
  mkdirSync(join(folder, "node_modules"));
  writeFileSync(
    join(folder, "clone/package.json"),
    '{ "name": "tradetape", "type": "module", "exports": "./src/tradetape.ts" }',
  );
  symlinkSync(join(ROOT, "src"), join(folder, "clone/src"));
  symlinkSync("../clone", join(folder, "node_modules/tradetape"));
  writeFileSync(join(folder, "test.ts"), blockOf('import { deepStrictEqual } from "node:assert";'));
  const child = spawn(process.execPath, ["test.ts"], { cwd: folder, env: {} });
  let said = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (text: Buffer) => (said += text.toString()));
  const [code] = await once(child, "close");
  expect([code, said]).toEqual([0, "BUY\nSELL\nBUY\n"]);
});
