import { afterAll, beforeAll, expect, test } from "vitest";
import { EVENT_SCHEMAS } from "../../../src/event/schemas.ts";
import { recordsWithin } from "../../event/records-within.ts";
import { ledgerFaults } from "../../support/ledger.ts";
import { bar, tick } from "../../support/samples.ts";
import { openTapeWithSymbol, type TestTape } from "../../support/tape.ts";

let tape: TestTape;

beforeAll(async () => {
  tape = await openTapeWithSymbol();
});
afterAll(() => tape.stop());

/** Registers the bars' schema with one more field, under the subject of another namespace's bars. @returns its id */
async function register(name: string, type: unknown): Promise<number> {
  const schema = JSON.parse(EVENT_SCHEMAS.bar.json);
  schema.fields.push({ name: "theirs", type });
  const answer = await fetch(`${tape.config.schemaRegistryUrl}/subjects/${name}.${tape.name("bars")}-value/versions`, {
    method: "POST",
    headers: { "content-type": "application/vnd.schemaregistry.v1+json" },
    body: JSON.stringify({ schema: JSON.stringify(schema) }),
  });
  return ((await answer.json()) as { id: number }).id;
}

/** By what somebody may register who may register one schema: each case's letter, undefined where the bar lands. */
const CASES: Readonly<Record<string, readonly [type: unknown, reason: string | undefined, detail?: string]>> = {
  // avsc would read 2^40 records of no bytes, one after the other, in the process that lands all topics.
  forty: [recordsWithin(40), "hostile_schema", "each name taken for what it names"],
  array: [{ type: "array", items: recordsWithin(30, 3) }, "hostile_schema", "each name taken for what it names"],
  deep: [recordsWithin(100, 1), "hostile_schema", "nested deeper than 128 levels"],
  nulls: [recordsWithin(14, 2, "null"), "undecodable", "more records than its bytes can hold"],
  few: [recordsWithin(3, 2, "null"), undefined],
};

test("a value by a hostile writer's schema is a letter, its neighbours and the other topics land", async () => {
  const good = await tape.encode("bars", bar(1));
  const values = [good];
  for (const [n, [name, [type]]] of Object.entries(CASES).entries()) {
    const value = await tape.encode("bars", bar(n + 2));
    value.writeInt32BE(await register(name, type), 1);
    values.push(value);
  }
  await tape.raw(
    "bars",
    values.map((value) => ({ value })),
  );
  await tape.publish("ticks", tick(1));
  await tape.land("ticks", "bars");
  await tape.land("audit");
  expect(await tape.query("SELECT count(*)::int AS n FROM public.market_data_tick")).toEqual([{ n: 1 }]);
  expect(await tape.query("SELECT count(*)::int AS n FROM public.market_data_bar")).toEqual([{ n: 2 }]);
  const letters = await tape.query<{ reason: string; detail: string }>(
    `SELECT reason, detail FROM tradetape.dead_letter ORDER BY "offset"`,
  );
  const expected = Object.values(CASES).filter(([, reason]) => reason !== undefined);
  expect(letters.map(({ reason }) => reason)).toEqual(expected.map(([, reason]) => reason));
  for (const [n, [, , detail]] of expected.entries()) expect(letters[n]!.detail).toContain(detail);
  expect(await ledgerFaults(tape)).toEqual([]);
});
