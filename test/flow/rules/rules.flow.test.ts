import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { CONSUMER_OF } from "../../../consumers/all.ts";
import { OWN_ID } from "../../../src/event/identity.ts";
import { EVENT_TOPICS, type EventTopic } from "../../../src/event/schemas.ts";
import { RULES_FILE } from "../../support/rules.ts";
import { idOf } from "../../support/samples.ts";
import { openTestTape, type TestTape } from "../../support/tape.ts";

const { rules, good, vectors } = RULES_FILE;
let tape: TestTape;

beforeAll(async () => {
  tape = await openTestTape();
  for (const topic of ["symbols", "predictions", "decisions"] as const) {
    await tape.publish(topic, good[topic] as never);
    await tape.land(topic);
  }
});
afterAll(() => tape.stop());

/** What landed of these ids, each a row. */
async function landedIds(topic: EventTopic, ids: readonly string[]): Promise<readonly string[]> {
  const key = OWN_ID[topic].field;
  const { table } = CONSUMER_OF[topic].landing;
  const rows = await tape.query(`SELECT ${key} AS id FROM public.${table} WHERE ${key} = ANY($1::uuid[])`, [ids]);
  return rows.map(({ id }) => id as string);
}

describe("the rules hold for whoever writes past our checks", () => {
  test.each(EVENT_TOPICS)(
    "of %s: what breaks one is a letter in its words, all else of the batch lands",
    async (topic) => {
      const cases = vectors
        .filter((vector) => vector.topic === topic)
        .map((vector) => ({ ...vector, id: idOf(`${topic}: ${vector.why}`) }));
      const values = cases.map(({ change, id }) =>
        tape.encode(topic, { ...good[topic], ...change, [OWN_ID[topic].field]: id }),
      );
      const messages = (await Promise.all(values)).map((value) => ({ value }));
      const first = (await tape.raw(topic, messages)).get(0)!;
      await tape.land(topic);
      const letters = await tape.query(
        `SELECT "offset", reason, detail, column_name AS field FROM tradetape.dead_letter WHERE topic = $1 ORDER BY "offset"`,
        [tape.name(topic)],
      );
      const expected = cases.flatMap(({ breaks }, index) => {
        if (breaks === null) return [];
        const { says } = rules[topic].find(({ name }) => name === breaks)!;
        const field = says.split(" ")[0];
        return [{ offset: first + index, reason: "rule_broken", detail: `${says} (${breaks})`, field }];
      });
      expect(letters).toEqual(expected);
      const passing = cases.filter(({ breaks }) => breaks === null).map(({ id }) => id);
      expect(
        new Set(
          await landedIds(
            topic,
            cases.map(({ id }) => id),
          ),
        ),
      ).toEqual(new Set(passing));
    },
  );
});
