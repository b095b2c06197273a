import { expect, it } from "vitest";
import { CHAIN_FIELD_NAMES, CHAIN_START } from "../../src/audit/chain.ts";
import { signingText, unsignedWarnings } from "../../src/cli/audit/signing-text.ts";
import { SignedEntries } from "../../src/verify/signed-entries.ts";

/** @param entries actor and key, in the log's order */
function signingOf(entries: Iterable<readonly [actor: string, key: string | null]>) {
  const signed = new SignedEntries();
  let seq = 0;
  for (const [actor, key] of entries) {
    const said: Record<string, string | null> = { actor, signed_by: key };
    const fields = CHAIN_FIELD_NAMES.map((name) => said[name] ?? null);
    signed.look({ seq: ++seq, id: `id ${seq}`, fields, previous: CHAIN_START, hash: CHAIN_START });
  }
  return signed.found();
}

it("entries are counted by their key, and those without one by their actor", () => {
  const found = signingOf([
    ["tradetape", null],
    ["mary", null],
    ["tradetape", "lander"],
    ["ceo", null],
    ["desk-agent", "desk"],
    ["tradetape", "lander"],
    ["mary", null],
  ]);
  expect(found).toEqual({
    signed: { desk: 1, lander: 2 },
    unsigned: 4,
    actors: [
      { actor: "mary", entries: 2, afterSigned: 0, seq: 7, logId: "id 7" },
      { actor: "ceo", entries: 1, afterSigned: 0, seq: 4, logId: "id 4" },
      { actor: "tradetape", entries: 1, afterSigned: 0, seq: 1, logId: "id 1" },
    ],
    others: 0,
  });
  expect(signingText(found)).toBe("signed: 1 by desk, 2 by lander; unsigned: 4 (2 of mary, 1 of ceo, 1 of tradetape)");
  expect(unsignedWarnings(found)).toEqual([]);
});

it("an unsigned entry of an actor whose entries were signed is what a warning names", () => {
  const found = signingOf([
    ["ceo", null],
    ["ceo", null],
    ["tradetape", null],
    ["tradetape", "lander"],
    ["tradetape", null],
    ["ceo", "board"],
    ["tradetape", "lander"],
    ["ceo", null],
    ["tradetape", null],
  ]);
  expect(found.actors).toEqual([
    { actor: "tradetape", entries: 3, afterSigned: 2, seq: 9, logId: "id 9" },
    { actor: "ceo", entries: 3, afterSigned: 1, seq: 8, logId: "id 8" },
  ]);
  expect(unsignedWarnings(found)).toEqual([
    expect.stringContaining(
      "3 entries aren't signed, though entries of their actors before them are: tradetape 2, the newest entry 9 (id 9); ceo 1,",
    ),
  ]);
});

it("actors that somebody makes up by the million, or by the megabyte, are counted and not kept", () => {
  const found = signingOf(Array.from({ length: 3000 }, (_, n) => [`${n}${"x".repeat(1000)}`, null] as const));
  expect([found.unsigned, found.actors.length, found.others]).toEqual([3000, 1000, 2000]);
  expect(found.actors[0]!.actor.length).toBe(200);
  expect(signingText(found)).toContain("2,995 of others");
});
