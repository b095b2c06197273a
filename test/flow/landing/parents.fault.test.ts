import { setTimeout } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { landBy } from "../../support/landing.ts";
import { ledgerFaults } from "../../support/ledger.ts";
import { decision, fill, idOf, prediction, symbol } from "../../support/samples.ts";
import { openTestTape, type TestTape } from "../../support/tape.ts";

let tape: TestTape;
const COUNT = 10_000;
const DEADLINE_MS = 300;

beforeAll(async () => {
  tape = await openTestTape();
  await tape.publish("symbols", symbol());
  await tape.land("symbols");
});
afterAll(() => tape.stop());

const count = async (from: string) => (await tape.query<{ n: number }>(`SELECT count(*) AS n FROM ${from}`))[0]!.n;
const numbers = Array.from({ length: COUNT }, (_, n) => n);

test("10,000 fills landed before their decisions, and those before their predictions, are all joined in the end", async () => {
  await tape.publishAll(
    "fills",
    numbers.map((n) => fill(n)),
  );
  expect((await tape.land("fills")).fills).toMatchObject({ read: COUNT, parked: COUNT });
  await tape.publishAll(
    "decisions",
    numbers.map((n) => decision(n)),
  );
  expect((await tape.land("decisions")).decisions).toMatchObject({ read: COUNT, parked: COUNT });
  await tape.publishAll(
    "predictions",
    numbers.map((n) => prediction(n)),
  );
  await tape.land("predictions", "decisions", "fills");
  const joined = await count(
    "public.trade_execution JOIN public.trade_decision USING (decision_id) " +
      "JOIN public.model_prediction ON prediction_id = model_reference",
  );
  expect(joined).toBe(COUNT);
  expect([await count("tradetape.parked_event"), await count("tradetape.dead_letter")]).toEqual([0, 0]);
  await tape.land("audit");
  expect(await ledgerFaults(tape)).toEqual([]);
});

describe("parents that don't come within the deadline", () => {
  const stop = () => new AbortController();
  const impatient = () => ({ ...tape.config, parkDeadlineMs: DEADLINE_MS });

  test("because their own group is down: no letter, however long it takes, and all is joined when it is back", async () => {
    await tape.publish("predictions", prediction(COUNT));
    await tape.publish("decisions", decision(COUNT));
    const waiting = stop();
    const landing = landBy(impatient(), ["decisions"], { untilCaughtUp: false, stop: waiting.signal });
    while ((await count("tradetape.parked_event")) === 0) await setTimeout(20);
    // Ten deadlines and dozens of sweeps.
    await setTimeout(10 * DEADLINE_MS);
    expect([await count("tradetape.parked_event"), await count("tradetape.dead_letter")]).toEqual([1, 0]);
    await tape.land("predictions");
    while ((await count("tradetape.parked_event")) > 0) await setTimeout(20);
    waiting.abort();
    await landing;
    expect(await count("public.trade_decision")).toBe(COUNT + 1);
    expect(await count("tradetape.dead_letter")).toBe(0);
  });

  test("because nobody published them: 10 orphans are 10 letters, which name what never came", async () => {
    const orphans = Array.from({ length: 10 }, (_, n) => fill(2 * COUNT + n));
    await tape.publishAll("fills", orphans);
    const waiting = stop();
    const landing = landBy(impatient(), ["fills"], { untilCaughtUp: false, stop: waiting.signal });
    while ((await count("tradetape.dead_letter")) < orphans.length) await setTimeout(20);
    waiting.abort();
    await landing;
    const letters = await tape.query<{ reason: string; detail: string; column: string }>(
      'SELECT reason, detail, column_name AS "column" FROM tradetape.dead_letter ORDER BY "offset"',
    );
    expect(letters).toEqual(
      orphans.map((_, n) => ({
        reason: "missing_parent",
        detail: expect.stringContaining(idOf(`decision ${2 * COUNT + n}`)),
        column: "decision_id",
      })),
    );
    expect(await count("tradetape.parked_event")).toBe(0);
    await tape.land("audit");
    expect(await ledgerFaults(tape)).toEqual([]);
  });
});
