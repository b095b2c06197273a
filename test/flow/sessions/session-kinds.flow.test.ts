import { afterAll, beforeAll, expect, test } from "vitest";
import { landBy } from "../../support/landing.ts";
import { ledgerFaults } from "../../support/ledger.ts";
import { decision, fill, idOf, prediction, quote, SYMBOL_ID, session, symbol, tick } from "../../support/samples.ts";
import { openTestTape, type TestTape } from "../../support/tape.ts";

let tape: TestTape;
const LIVE = idOf("a live session");
const BACKTEST = idOf("a backtest");
const ALL = ["symbols", "sessions", "ticks", "quotes", "predictions", "decisions", "fills", "audit"] as const;

beforeAll(async () => {
  tape = await openTestTape();
  await tape.publish("symbols", symbol());
  await tape.publish("sessions", session({ backtest_session_id: LIVE, kind: "live" }));
  await tape.publish("sessions", session({ backtest_session_id: BACKTEST, kind: "backtest" }));
  for (const [n, of] of [null, LIVE, BACKTEST].entries()) {
    const own = { backtest_session_id: of };
    await tape.publish("ticks", tick(n, own));
    await tape.publish("quotes", quote(n, own));
    await tape.publish("predictions", prediction(n, own));
    await tape.publish("decisions", decision(n, own));
    await tape.publish("fills", fill(n, own));
  }
});
afterAll(() => tape.stop());

const landed = async (of: TestTape, table: string) =>
  (
    await of.query<{ session: string | null }>(
      `SELECT backtest_session_id AS session FROM public.${table} WHERE symbol_id = $1 ORDER BY "timestamp"`,
      [SYMBOL_ID],
    )
  ).map(({ session }) => session);

const TABLES = ["market_data_tick", "quote", "model_prediction", "trade_decision", "trade_execution"] as const;

test.each([
  { kinds: ["live"] as const, served: [null, LIVE] },
  { kinds: ["backtest", "paper"] as const, served: [BACKTEST] },
])(
  "a consumer that is told to serve $kinds lands these, and counts the others as filtered",
  async ({ kinds, served }) => {
    const target = await tape.beside(kinds[0]);
    const tallies = await landBy({ ...target.config, sessionKinds: [...kinds] }, ALL);
    for (const topic of ["ticks", "quotes", "predictions", "decisions", "fills"]) {
      const tally = tallies.find((one) => one.topic === topic);
      expect(tally).toMatchObject({ read: 3, written: served.length, filtered: 3 - served.length, dead: 0, parked: 0 });
    }
    for (const table of TABLES) expect(await landed(target, table)).toEqual(served);
    // Symbols, sessions and the audit trail are everybody's.
    expect(await target.query("SELECT kind FROM public.backtest_session ORDER BY 1")).toHaveLength(2);
    expect(await ledgerFaults(target)).toEqual([]);
    await target.stop();
  },
);

test("children that waited for a session which isn't served are filtered when it comes, and wait for no parent", async () => {
  const target = await tape.beside("late");
  const config: TestTape["config"] = { ...target.config, sessionKinds: ["live"] };
  await landBy(config, ["symbols", "decisions", "fills"]);
  expect(await target.query("SELECT topic FROM tradetape.parked_event")).toHaveLength(6);
  await landBy(config, ALL);
  expect(await target.query("SELECT topic FROM tradetape.parked_event")).toEqual([]);
  for (const table of TABLES) expect(await landed(target, table)).toEqual([null, LIVE]);
  expect(await ledgerFaults(target)).toEqual([]);
  await target.stop();
});
