import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { CONSUMERS } from "../../../consumers/all.ts";
import { userName } from "../../../src/audit/actor.ts";
import { asReader } from "../../../src/cli/services.ts";
import { openRegistry } from "../../../src/event/registry.ts";
import { openOps } from "../../../src/operator/ops.ts";
import { removeSession } from "../../../src/session/remove.ts";
import { SESSION_TABLES } from "../../../src/session/tables.ts";
import { verify } from "../../../src/verify/verify.ts";
import { environmentOf } from "../../support/landing.ts";
import { ledgerFaults } from "../../support/ledger.ts";
import {
  bar,
  call,
  content,
  fill,
  idOf,
  indicator,
  NOON,
  outcome,
  quote,
  SYMBOL_ID,
  session,
  symbol,
  tick,
} from "../../support/samples.ts";
import { openTestTape, type Row, type TestTape } from "../../support/tape.ts";
import { tradetape } from "../../support/tradetape.ts";

let tape: TestTape;
let env: NodeJS.ProcessEnv;
const TICKS = 30;
const VERSION = ["--code-version", "v1"];
/** The two runs of the strategy, by what makes them buy. */
const RUNS = [{ threshold: 0.4 }, { threshold: 0.7 }];
const ids: string[] = [];

beforeAll(async () => {
  tape = await openTestTape();
  env = environmentOf(tape.config);
  await tape.publish("symbols", symbol());
});
afterAll(() => tape.stop());

const cli = (...args: string[]) => tradetape(["sessions", ...args], env);
async function json<T>(...args: string[]): Promise<T> {
  const { code, stdout, stderr } = await cli(...args, "--json");
  expect([code, stderr.replaceAll(/^.*rows deleted\n/gm, "")]).toEqual([0, ""]);
  return JSON.parse(stdout) as T;
}
/** What `verify` finds wrong: checks and subjects. */
const wrong = async () => {
  const found = await asReader(tape.config, "test", (connection) => verify(connection, CONSUMERS, { quiet: false }));
  return found.problems.map(({ check, subject }) => [check, subject]);
};

/** A strategy's whole run: it sees `ticks` and buys above its threshold. */
async function runStrategy(own: string | null, threshold: number): Promise<void> {
  const strategyId = idOf("strategy");
  const agent = tape.agent({ actor: "runner", modelVersion: "m-1", strategyId, session: own });
  const ofSession = { backtest_session_id: own };
  const live = { symbol_id: SYMBOL_ID, backtest_session_id: own };
  for (let n = 0; n < TICKS; n++) {
    const timestamp = NOON + n;
    const id = { market_data_id: idOf(`${own} ${n}`) };
    await tape.publish("ticks", tick(n, { ...live, ...id }));
    if (n % 10 !== 0) continue;
    await tape.publish("quotes", quote(n, { ...live, quote_id: id.market_data_id }));
    // Each is told twice, so that there are revisions.
    const value = { ...live, indicator_id: idOf(`${own} indicator ${n}`) };
    for (const revised_at of [NOON + 20, NOON + 30]) {
      await tape.publish("bars", bar(n, { ...live, ...id, volume: revised_at, revised_at }));
      await tape.publish("indicators", indicator(n, { ...value, indicator_value: revised_at, revised_at }));
    }
    const prediction = await agent.predict(`p${n}`, { symbol_id: SYMBOL_ID, timestamp, probability_up: n / TICKS });
    const judged = { ...live, prediction_id: prediction.prediction_id, outcome_id: idOf(`${own} outcome ${n}`) };
    for (const brier of [0.25, 0.5]) await tape.publish("outcomes", outcome(n, { ...judged, brier, revised_at: null }));
    await tape.publish("contents", content(n, { ...ofSession, content_id: idOf(`${own} content ${n}`) }));
    await tape.publish("calls", call(n, { ...ofSession, call_id: idOf(`${own} call ${n}`) }));
    const buys = n / TICKS >= threshold;
    const action = buys ? "BUY" : "HOLD";
    const decision = await agent.decide(`d${n}`, { prediction, timestamp, action, size: buys ? 5 : 0, approved: buys });
    if (!buys) continue;
    const paid = { executed_price: 100 + n, status: "FILLED", quantity: 5, broker: "paper", fee: 0.5 } as const;
    await agent.fill(`f${n}`, { decision, timestamp: timestamp + 1000, ...paid });
  }
  for (const total_trades of [0, 1]) {
    await agent.perform({ window_start: NOON, window_end: NOON + TICKS, total_trades, sharpe_ratio: threshold });
  }
}

/** What every table holds of a session, or of none. */
async function digests(of: string | null): Promise<Row> {
  const found: Row = {};
  for (const table of SESSION_TABLES) {
    const [row] = await tape.query(
      `SELECT count(*) AS rows, md5(string_agg(t::text, '' ORDER BY t::text)) AS digest FROM public.${table} t
       WHERE backtest_session_id IS NOT DISTINCT FROM $1`,
      [of],
    );
    found[table] = row;
  }
  return found;
}
const rowsOf = async (of: string | null) =>
  Object.fromEntries(Object.entries(await digests(of)).map(([table, row]) => [table, (row as { rows: number }).rows]));

describe("creating a session", () => {
  test("publishes it with code version and digest of its config, in whatever order it has, and prints its id", async () => {
    for (const run of RUNS) {
      const config = JSON.stringify({ ...run, capital: 1000 });
      const { code, stdout } = await cli("create", "golden", "--kind", "backtest", "--config", config, ...VERSION);
      expect([code, stdout]).toEqual([0, expect.stringMatching(/^[0-9a-f-]{36}\n$/)]);
      ids.push(stdout.trim());
    }
    const again = await json<Row>("create", "x", "--kind", "paper", "--config", '{"capital": 1000, "threshold": 0.4}');
    await tape.land("symbols", "sessions", "audit");
    const rows = await tape.query(
      "SELECT * FROM backtest_session WHERE name = 'golden' ORDER BY config ->> 'threshold'",
    );
    expect(rows).toMatchObject(
      RUNS.map((config, n) => ({ backtest_session_id: ids[n], kind: "backtest", status: "running", config })),
    );
    expect(rows[0]).toMatchObject({ code_version: "v1", config_sha256: again.config_sha256 });
    expect(rows[1]!.config_sha256).not.toBe(again.config_sha256);
    expect(again.code_version).toMatch(/^\S+$/);
    const [entry] = await tape.query("SELECT actor FROM audit_log WHERE backtest_session_id = $1", [ids[0]]);
    expect(entry).toEqual({ actor: expect.stringMatching(/^(?!tradetape)./) });
  });

  test("under a key is the same session again, and refuses another run or a deleted one", async () => {
    const nightly = ["create", "nightly", "--kind", "paper", "--key", "nightly", ...VERSION];
    const first = await json<Row>(...nightly);
    expect(first.created).toBe(true);
    await tape.land("sessions");
    const second = await json<Row>(...nightly);
    expect([second.backtest_session_id, second.created]).toEqual([first.backtest_session_id, false]);
    expect(await cli(...nightly, "--config", '{"a": 1}')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("another config_sha256"),
    });
    const id = String(first.backtest_session_id);
    await tape.publish("sessions", session({ backtest_session_id: id, kind: "paper", status: "deleted" }));
    await tape.land("sessions");
    expect(await cli(...nightly)).toMatchObject({ code: 2, stderr: expect.stringContaining("was deleted") });
  });
});

describe("two sessions of one strategy and live ticks, side by side", () => {
  beforeAll(async () => {
    await Promise.all([runStrategy(null, 0.5), ...RUNS.map(({ threshold }, n) => runStrategy(ids[n]!, threshold))]);
    await tape.land();
  });

  test("are three clean sets of rows", async () => {
    const expected = {
      market_data_tick: TICKS,
      quote: 3,
      market_data_bar: 3,
      market_data_bar_revision: 3,
      technical_indicator: 3,
      technical_indicator_revision: 3,
      model_prediction: 3,
      prediction_outcome: 3,
      prediction_outcome_revision: 3,
      agent_content: 3,
      agent_call: 3,
    };
    const each = { ...expected, trade_decision: 3, strategy_performance: 1, strategy_performance_revision: 1 };
    expect(await rowsOf(ids[0]!)).toEqual({ ...each, trade_execution: 1 });
    expect(await rowsOf(ids[1]!)).toEqual({ ...each, trade_execution: 0 });
    expect(await rowsOf(null)).toEqual({ ...each, trade_execution: 1 });
    expect(await ledgerFaults(tape)).toEqual([]);
  });

  test("are listed, shown and held against each other", async () => {
    const listed = await json<Row[]>("list");
    expect(listed.find(({ id }) => id === ids[0])).toMatchObject({ predictions: 3, decisions: 3, fills: 1 });
    const shown = await json<{ rows: Row; performance: Row[] }>("show", ids[0]!);
    expect([shown.rows.market_data_tick, shown.performance]).toMatchObject([TICKS, [{ symbol: null, sharpe: 0.4 }]]);
    expect((await cli("show", ids[0]!)).stdout).toContain("market_data_tick");
    const diff = await json<Row>("diff", ids[0]!, ids[1]!);
    const side = { action: "HOLD", size: 0, filled: 0, approved: false, price: null };
    expect(diff).toMatchObject({
      settings: { threshold: { a: 0.4, b: 0.7 } },
      totals: {
        a: { decisions: 3, buys: 1, fills: 1, turnover: 600, fees: 0.5 },
        b: { decisions: 3, buys: 0, fills: 0 },
      },
      decisions: { same: 2, differing: 1, onlyA: 0, onlyB: 0 },
      performance: { a: [{ sharpe: 0.4 }], b: [{ sharpe: 0.7 }] },
    });
    const bought = { action: "BUY", size: 5, filled: 5, approved: true, price: 120 };
    expect((diff.decisions as Row).pairs).toEqual([
      { symbol: "IBM", at: "2024-03-05T14:30:00.000020Z", a: bought, b: side },
    ]);
    const { stdout } = await cli("diff", ids[0]!, ids[1]!);
    expect(stdout).toMatch(/BUY 5, filled 5 at 120 +HOLD\n/);
  });

  test("no event of another session under an id of theirs carries a row over: it is a letter", async () => {
    const before = await digests(null);
    const live = { market_data_id: idOf("null 0"), backtest_session_id: ids[1]!, close: 1, revised_at: NOON + 99 };
    const earlier = (n: number, of: string | null) =>
      bar(900, { market_data_id: idOf("new"), backtest_session_id: of, revised_at: NOON + n });
    for (const event of [bar(0, live), earlier(1, ids[1]!), earlier(2, null)]) await tape.publish("bars", event);
    const [own] = await tape.query("SELECT * FROM strategy_performance WHERE backtest_session_id = $1", [ids[1]]);
    const { performance_id } = own as { performance_id: string };
    const window = { strategy_id: idOf("strategy"), window_start: NOON, window_end: NOON + 1, total_trades: 9 };
    await tape.publish("performance", { ...window, performance_id });
    const { bars, performance } = await tape.land("bars", "performance");
    expect(bars).toMatchObject({ read: 3, written: 1, dead: 2 });
    expect(performance).toMatchObject({ read: 1, dead: 1 });
    expect(await tape.query("SELECT DISTINCT reason FROM tradetape.dead_letter")).toEqual([
      { reason: "session_mismatch" },
    ]);
    expect(await digests(null)).toEqual(before);
  });
});

describe("deleting a session", () => {
  let kept: Row[];

  beforeAll(async () => {
    kept = await Promise.all([digests(null), digests(ids[1]!)]);
  });

  test("without --yes says how many rows would go, and changes nothing", async () => {
    const { rows } = await json<{ rows: Row }>("delete", ids[0]!);
    expect(rows).toEqual(await rowsOf(ids[0]!));
    expect(
      (await tape.query("SELECT 1 FROM backtest_session WHERE status = 'deleted' AND name = 'golden'")).length,
    ).toBe(0);
  });

  test("waits for its end to land: exit 2, with nothing removed and no event of it landing behind that", async () => {
    const before = await rowsOf(ids[0]!);
    const { code, stderr } = await cli("delete", ids[0]!, "--yes", "--wait", "0");
    expect([code, stderr]).toEqual([2, expect.stringContaining("consume sessions")]);
    expect(await rowsOf(ids[0]!)).toEqual(before);
  });

  test("stopped between two transactions leaves table and ledger equal, and goes on from there", async () => {
    // Fills whose decision never comes: they wait for that, not for their session, which somebody spells in capitals.
    const lost = (n: number, own: string) => fill(n, { backtest_session_id: own, decision_id: idOf("never") });
    await tape.publish("fills", lost(7, ids[0]!));
    await tape.raw("fills", [{ value: await tape.encode("fills", lost(9, ids[0]!.toUpperCase())) }]);
    await tape.land("fills");
    expect(await tape.query("SELECT topic FROM tradetape.parked_event")).toHaveLength(2);
    await tape.land("sessions");
    const stop = new AbortController();
    const ops = await openOps(tape.config, { name: "test", role: "tradetape_owner" });
    const { namespace } = tape.config;
    const registry = openRegistry({ schemaRegistryUrl: tape.config.schemaRegistryUrl! });
    const removed = await removeSession(ops, {
      ...{ session: ids[0]!, namespace, registry, stop: stop.signal },
      onRemoved: () => stop.abort(),
    }).finally(() => ops.close());
    expect(removed.rows.filter(({ rows }) => rows > 0)).toEqual([{ table: "agent_call", rows: 3 }]);
    expect(await wrong()).toEqual([]);
    const gone = await json<{ rows: Row; parked: number }>("delete", ids[0]!, "--yes");
    expect(gone).toMatchObject({
      parked: 2,
      rows: { market_data_tick: TICKS, quote: 3, trade_decision: 3, agent_content: 3, agent_call: 0 },
    });
    await tape.land();
    expect(await wrong()).toEqual([]);
    expect(await ledgerFaults(tape)).toEqual([]);
  });

  test("leaves nothing of it, and live rows and the other session as they were", async () => {
    expect(Object.values(await rowsOf(ids[0]!)).every((rows) => rows === 0)).toBe(true);
    expect(await Promise.all([digests(null), digests(ids[1]!)])).toEqual(kept);
    expect((await cli("list")).stdout).toMatch(
      /^(?![\s\S]*delete)[\s\S]*backtest +running +golden[\s\S]*\n2 sessions\n$/,
    );
  });

  test("is in the audit trail, with who did it", async () => {
    const entries = await tape.query(
      `SELECT event_type, actor, payload FROM audit_log WHERE backtest_session_id = $1
       AND (event_type = 'SESSION_DELETE' OR payload -> 'event' ->> 'status' = 'deleted') ORDER BY seq`,
      [ids[0]],
    );
    expect(entries.map(({ event_type }) => event_type).sort()).toEqual([
      "SESSION",
      ...Array(SESSION_TABLES.length).fill("SESSION_DELETE"),
    ]);
    const login = decodeURIComponent(new URL(tape.config.databaseUrl).username);
    expect(new Set(entries.map(({ actor }) => actor))).toEqual(new Set([login]));
    const deeds = entries.filter(({ event_type }) => event_type === "SESSION_DELETE");
    expect(deeds.map(({ payload }) => (payload as { os_user: string }).os_user)).toEqual(deeds.map(() => userName()));
  });

  test("filters what comes of it later", async () => {
    await tape.publish("ticks", tick(500, { backtest_session_id: ids[0]! }));
    await tape.publish("fills", fill(8, { backtest_session_id: ids[0]!, decision_id: idOf("never") }));
    const tallies = await tape.land("ticks", "fills");
    expect(tallies.ticks).toMatchObject({ read: 1, filtered: 1 });
    expect(tallies.fills).toMatchObject({ read: 1, filtered: 1, parked: 0 });
  });

  test("holds in a database that is filled from the topics: it is equal", async () => {
    const other = await tape.beside("replayed");
    await other.land("symbols", "sessions");
    await other.land();
    await tape.land();
    const { code, stdout } = await tradetape(["verify", "--against", other.config.databaseUrl, "--json"], env);
    expect([code, JSON.parse(stdout).against.equal]).toEqual([0, true]);
    await other.stop();
  });

  test("is refused for a live one, and for rights that only reading or landing gives", async () => {
    const id = idOf("live session");
    await tape.publish("sessions", session({ backtest_session_id: id, kind: "live" }));
    await tape.land("sessions");
    expect(await cli("delete", id, "--yes")).toMatchObject({ code: 2, stderr: expect.stringContaining("is live") });
    for (const role of ["tradetape_lander", "tradetape_ops", "tradetape_reader"]) {
      const sql = `DELETE FROM trade_decision WHERE backtest_session_id = '${ids[1]}'`;
      await expect(tape.queryAs(role, sql), role).rejects.toMatchObject({ code: "42501" });
    }
  });
});
