import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { LINKS } from "../../../src/event/rules.ts";
import { ledgerFaults } from "../../support/ledger.ts";
import { RULES_FILE } from "../../support/rules.ts";
import { decision, fill, idOf, NOON, symbol } from "../../support/samples.ts";
import { openTestTape, type TestTape } from "../../support/tape.ts";

const { links, good, linkVectors } = RULES_FILE;
let tape: TestTape;

beforeAll(async () => {
  tape = await openTestTape();
  await tape.publish("symbols", symbol());
  await tape.publish("symbols", symbol({ symbol_id: good.decisions.symbol_id as string, ticker: "GOOD" }));
  const other = "11111111-2222-5333-8444-555555555555";
  await tape.publish("symbols", symbol({ symbol_id: other, ticker: "OTHER" }));
  await tape.land("symbols");
});
afterAll(() => tape.stop());

const rawOf = async (topic: "predictions" | "decisions" | "fills" | "bars" | "audit", events: readonly object[]) =>
  tape.raw(topic, await Promise.all(events.map(async (event) => ({ value: await tape.encode(topic, event) }))));
const lettersOf = (at: TestTape, topic: "decisions" | "fills" | "audit" | "bars") =>
  at.query(
    `SELECT "offset", reason, detail, column_name AS field FROM tradetape.dead_letter WHERE topic = $1 ORDER BY "offset"`,
    [at.name(topic)],
  );

describe("an event that breaks a rule together with its parent", () => {
  const ID = { predictions: "prediction_id", decisions: "decision_id", fills: "execution_id" } as const;
  test.each(["decisions", "fills"] as const)("of %s is a letter in the rule's words, all else lands", async (topic) => {
    const cases = linkVectors.filter((vector) => vector.topic === topic);
    const { parent: parentTopic } = links[topic][0]!;
    const { by } = LINKS[topic][0]!;
    const parentKey = ID[parentTopic as "predictions"];
    const parents = cases.map(({ why, parent = {} }) => ({
      ...good[parentTopic],
      ...parent,
      [parentKey]: idOf(`parent: ${why}`),
    }));
    await rawOf(parentTopic as "predictions", parents);
    const events = cases.map(({ why, change }) => ({
      ...good[topic],
      ...change,
      [by]: idOf(`parent: ${why}`),
      [ID[topic]]: idOf(`child: ${why}`),
    }));
    const first = (await rawOf(topic, events)).get(0)!;
    // One half meets its parent in the table; the other parks, and is judged when the parent comes.
    await tape.land(topic);
    expect(await tape.query("SELECT FROM tradetape.parked_event")).toHaveLength(cases.length);
    await tape.land("predictions", "decisions");
    const again = events.map((event) => ({ ...event, [ID[topic]]: idOf(`again: ${event[ID[topic]]}`) }));
    // A fill of all that was ordered leaves nothing for the same fill again, so these are of decisions of their own.
    const others = parents.map((one) => ({ ...one, [parentKey]: idOf(`other ${one[parentKey]}`) }));
    await rawOf(parentTopic as "predictions", others);
    await tape.land("predictions", "decisions");
    const second = (
      await rawOf(
        topic,
        again.map((event) => ({ ...event, [by]: idOf(`other ${event[by]}`) })),
      )
    ).get(0)!;
    await tape.land(topic);
    const expected = [first, second].flatMap((from) =>
      cases.flatMap(({ breaks }, index) => {
        if (breaks === null) return [];
        const { says, field } = links[topic].find(({ name }) => name === breaks)!;
        return [{ offset: from + index, reason: "rule_broken", detail: `${says} (${breaks})`, field }];
      }),
    );
    expect(await lettersOf(tape, topic)).toEqual(expected);
    expect(await ledgerFaults(tape)).toEqual([]);
  });
});

/** The same numbers for the same seed. */
function dice(seed: number): (sides: number) => number {
  let state = seed;
  return (sides) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff;
    return (state >>> 8) % sides;
  };
}

describe("what was filled of a decision", () => {
  const sizes = [10, 1, 1e6, 0.3];
  const decisionOf = (n: number) =>
    decision(0, { decision_id: idOf(`total ${n}`), size: sizes[n]!, model_reference: null, timestamp: NOON });

  /** Partial fills, also of 0.1 of 0.3; some events come twice, some ids come again with other content. */
  function fillsOf(roll: (sides: number) => number): object[] {
    return Array.from({ length: 60 }, (_, i) => {
      const n = roll(sizes.length);
      const id = roll(5) === 0 ? roll(i + 1) : i;
      const quantity = (sizes[n]! * (1 + roll(6))) / (roll(2) === 0 ? 3 : 10);
      const told = { decision_id: idOf(`total ${n}`), timestamp: NOON + i, broker_execution_id: null };
      const what = roll(6) === 0 ? { status: "CANCELED" as const, quantity: 0 } : { quantity };
      return fill(0, { execution_id: idOf(`part ${id}`), ...told, ...what });
    });
  }

  const outcome = async (at: TestTape) => ({
    rows: await at.query(
      "SELECT execution_id, quantity, source_offset FROM trade_execution WHERE decision_id = ANY($1) ORDER BY 1",
      [sizes.map((_, n) => idOf(`total ${n}`))],
    ),
    letters: (await lettersOf(at, "fills")).map(({ offset, reason, detail }) => ({ offset, reason, detail })),
  });

  test("comes to no more than its size, by the order of the topic, wherever batches are cut and whoever waits", async () => {
    const [whole, waiting, cut] = await Promise.all(["whole", "waiting", "cut"].map((part) => tape.beside(part)));
    const all = [whole!, waiting!, cut!];
    const roll = dice(7);
    const events = fillsOf(roll);
    await tape.publishAll("decisions", [0, 1].map(decisionOf));
    for (const at of all) await at.land("symbols", "predictions", "decisions");
    for (let from = 0; from < events.length; ) {
      const to = Math.min(events.length, from + 1 + roll(12));
      await rawOf("fills", events.slice(from, to));
      from = to;
      await cut!.land("fills");
    }
    await waiting!.land("fills");
    await tape.publishAll("decisions", [2, 3].map(decisionOf));
    for (const at of all) await at.land("decisions");
    for (const at of all) await at.land("fills");
    const expected = await outcome(whole!);
    expect(expected.letters.filter(({ reason }) => reason === "rule_broken").length).toBeGreaterThan(10);
    expect(expected.letters.some(({ reason }) => reason === "conflicting_duplicate")).toBe(true);
    const ends = await whole!.query(
      `SELECT d.size, sum(e.quantity) AS filled FROM trade_decision d JOIN trade_execution e USING (decision_id)
       WHERE e.status = 'FILLED' AND decision_id = ANY($1) GROUP BY 1`,
      [sizes.map((_, n) => idOf(`total ${n}`))],
    );
    expect(ends).toHaveLength(sizes.length);
    for (const { size, filled } of ends) expect(Number(filled)).toBeLessThanOrEqual(Number(size) * (1 + 1e-9));
    expect(await outcome(cut!)).toEqual(expected);
    expect(await outcome(waiting!)).toEqual(expected);
    for (const at of all) await at.stop();
  });
});
