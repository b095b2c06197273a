import { describe, expect, test } from "vitest";
import { kindsText, LetterDigest, schemasOf } from "../../../src/batch/land/letter-digest.ts";
import { answersText } from "../../../src/batch/land/letter-verdict.ts";
import type { LetterReason } from "../../../src/event/letter.ts";
import { recordsOf } from "../../support/landing.ts";

const headed = (schemaId: number) => {
  const value = Buffer.alloc(6);
  value.writeInt32BE(schemaId, 1);
  return value;
};
const GARBAGE = Buffer.from("garbage");

/** Letters of these reasons, of events that begin like these. */
function digested(...letters: readonly (readonly [LetterReason, Buffer])[]) {
  const digest = new LetterDigest("p.ticks");
  const records = recordsOf(
    letters.map(([, value]) => value),
    7,
  );
  digest.add(
    { partition: 2, records },
    letters.map(([reason], index) => ({ index, reason, detail: "wrong" })),
  );
  return digest.kinds;
}

const times = <T>(n: number, one: T): T[] => Array.from({ length: n }, () => one);

describe("letters by reason", () => {
  test("tell the schemas that they name, with counts, and how many name none", () => {
    const kinds = digested(
      ...times(2, ["not_avro", GARBAGE] as const),
      ...times(4, ["invalid", headed(17)] as const),
      ["invalid", headed(9)],
      // No registry has an id below 0.
      ["undecodable", headed(-5)],
    );
    expect(kinds.map(({ reason, letters, schemas }) => [reason, letters, schemas])).toEqual([
      ["invalid", 5, [{ schemaId: 17, letters: 4 }, { schemaId: 9, letters: 1 }]], // biome-ignore format: a line a kind
      ["not_avro", 2, [{ schemaId: null, letters: 2 }]],
      ["undecodable", 1, [{ schemaId: null, letters: 1 }]],
    ]);
    const text = kindsText(kinds);
    expect(text).toContain("5 invalid (schema 17: 4, schema 9: 1), as\n  p.ticks/2/9: wrong");
    expect(text).toContain("2 not_avro (without a schema: 2), as");
    expect(schemasOf(kinds)).toEqual([
      { schemaId: 17, letters: 4 },
      { schemaId: null, letters: 3 },
      { schemaId: 9, letters: 1 },
    ]);
  });

  test("tell ten schemas at most, and of the others how many letters they have", () => {
    const [kind] = digested(...Array.from({ length: 1200 }, (_, id) => ["unknown_schema", headed(id)] as const));
    expect(kind!.schemas).toHaveLength(10);
    expect(kindsText([kind!])).toMatch(/^1,200 unknown_schema \(schema 0: 1, .*, of other schemas: 1,190\), as/);
  });
});

describe("the answers", () => {
  const commands = (lines: readonly string[]) =>
    [...lines.join("\n").matchAll(/`(tradetape [^`]*)`/g)].map(([, c]) => c);
  const because = '--reason-text "looked at" --yes';

  test("are three, each a command as it stands, whatever share of the letters names a schema", () => {
    const schemas = [
      { schemaId: null, letters: 1982 },
      { schemaId: 17, letters: 2 },
    ];
    const lines = answersText("ticks", schemas, () => false);
    expect(lines).toHaveLength(3);
    expect(commands(lines)).toEqual([
      `tradetape dead-letters set-aside ticks ${because}`,
      `tradetape dead-letters skip-schema ticks 17 ${because}`,
    ]);
  });

  test("say of the topic's own schema what it means, and need a word more for it", () => {
    const lines = answersText("ticks", [{ schemaId: 5, letters: 1200 }], (id) => id === 5);
    expect(lines.at(-1)).toMatch(/any writer.*schema 5 \(1,200 of these letters\) is the topic's own/);
    expect(commands(lines).at(-1)).toBe(`tradetape dead-letters skip-schema ticks 5 --every-writer ${because}`);
  });

  test("say that no schema can be skipped where none is named, and name those beyond three", () => {
    expect(answersText("ticks", [{ schemaId: null, letters: 3 }], () => false).at(-1)).toContain("No schema can be");
    const many = [1, 2, 3, 4, 5].map((schemaId) => ({ schemaId, letters: 1000 * schemaId }));
    const lines = answersText("ticks", many, () => false);
    expect(commands(lines)).toHaveLength(4);
    expect(lines.at(-1)).toBe("- Or skip another schema likewise: 4 (4,000), 5 (5,000).");
  });
});
