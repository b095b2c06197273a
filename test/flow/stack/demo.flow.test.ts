import { expect, test } from "vitest";
import { DEMO_RUN } from "../../../src/cli/demo/demo-session.ts";
import { judgeAgain, recompute } from "../../demo/recompute.ts";
import { environmentOf } from "../../support/landing.ts";
import { isolate } from "../../support/services/isolation.ts";
import { tradetape } from "../../support/tradetape.ts";
import { demonstrateOn } from "./demonstrate.ts";

interface Shown {
  readonly performance: readonly Readonly<Record<string, unknown>>[];
}

test("the demo lands every event it publishes and shows what one fill rests on, oldest first", async () => {
  const own = await isolate();
  const demo = await demonstrateOn(own);
  expect([demo.ok, demo.verification.ok]).toEqual([true, true]);
  const landed = Object.fromEntries(demo.topics.map((row) => [row.topic, row.landed]));
  expect(landed).toMatchObject({ ticks: 200_000, bars: 5105, symbols: 9, sessions: 1 });
  // 11 indicators of 5,105 bars, less what each needs before its first value.
  expect(landed).toMatchObject({ indicators: 55_709, predictions: 4906, decisions: 4906, fills: 131, performance: 42 });
  // Nothing has come yet of the last one.
  expect(landed).toMatchObject({ outcomes: 4905 });
  expect(demo.topics.filter((row) => row.published !== row.landed || row.deadLetters > 0)).toEqual([]);
  expect(new Set(demo.lineage.map(({ step }) => step))).toEqual(
    new Set(["bar", "indicator", "prediction", "decision", "fill"]),
  );
  expect(demo.lineage.map(({ at }) => at)).toEqual(demo.lineage.map(({ at }) => at).sort());
  expect(await recompute(own.databaseUrl)).toEqual({ rows: 42, differences: [] });
  const answer = await tradetape(["sessions", "show", DEMO_RUN.session, "--json"], environmentOf(own));
  const shown = JSON.parse(answer.stdout) as Shown;
  // As recompute.py has them, by empyrical and in exact fractions.
  expect(shown.performance.find(({ symbol, trades }) => symbol === "^GSPC" && trades === 45)).toMatchObject({
    pnl: expect.closeTo(9635.21, 2),
    maxDrawdownMoney: expect.closeTo(11_487.5, 2),
    maxDrawdown: expect.closeTo(0.3392, 4),
    sharpe: expect.closeTo(0.2492, 4),
    sharpeAnnualised: expect.closeTo(0.3272, 4),
    ...{ dailyReturns: 4905, openPosition: 0, asOf: null },
  });
  const score = await tradetape(["score", "--session", DEMO_RUN.session, "--json"], environmentOf(own));
  expect(await judgeAgain(own.databaseUrl, score.stdout)).toEqual({ outcomes: 4905, differences: [] });
});
