import { expect, test } from "vitest";
import { differences, scores } from "../../demo/score-from-tables.ts";
import { environmentOf } from "../../support/landing.ts";
import { isolate } from "../../support/services/isolation.ts";
import { errorsOf, tradetape } from "../../support/tradetape.ts";

interface DemoJson {
  readonly ok: boolean;
  readonly topics: readonly { topic: string; published: number; landed: number; deadLetters: number }[];
  readonly lineage: readonly { step: string; at: string }[];
  readonly verification: { readonly ok: boolean };
}

test("the demo lands every event it publishes and shows what one fill rests on, oldest first", async () => {
  const own = await isolate();
  const ended = await tradetape(["demo", "--json"], environmentOf(own));
  expect([ended.code, errorsOf(ended)]).toEqual([0, []]);
  const demo = JSON.parse(ended.stdout) as DemoJson;
  expect([demo.ok, demo.verification.ok]).toEqual([true, true]);
  const landed = Object.fromEntries(demo.topics.map((row) => [row.topic, row.landed]));
  expect(landed).toMatchObject({ ticks: 200_000, bars: 5105, symbols: 9, sessions: 1 });
  // 11 indicators of 5,105 bars, less what each needs before its first value.
  expect(landed).toMatchObject({ indicators: 55_709, predictions: 4906, decisions: 4906, fills: 146, performance: 21 });
  expect(demo.topics.filter((row) => row.published !== row.landed || row.deadLetters > 0)).toEqual([]);
  expect(new Set(demo.lineage.map(({ step }) => step))).toEqual(
    new Set(["bar", "indicator", "prediction", "decision", "fill"]),
  );
  expect(demo.lineage.map(({ at }) => at)).toEqual(demo.lineage.map(({ at }) => at).sort());
  const figures = await scores(own.databaseUrl);
  expect(figures.recomputed.length).toBe(21);
  expect(differences(figures)).toEqual([]);
});
