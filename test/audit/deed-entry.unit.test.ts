import { expect, test } from "vitest";
import { type Deed, deedEntry } from "../../src/audit/deed-entry.ts";
import { isOwnEntry } from "../../src/audit/own-entry.ts";
import { checkEvent } from "../../src/event/validate.ts";

const DEED: Deed = {
  kind: "DISCARD",
  actionId: "a-1",
  databaseId: "d",
  login: "ops_login",
  osUser: "ann",
  doneUs: 1_700_000_000_000_000,
  topic: "paper.bars",
  partition: 3,
  offset: 7,
  session: null,
  facts: { letters: 2, reasons: { invalid: 1, refused: 1 }, offsets: [7, 9], note: "why" },
};

test("the audit entry of a deed is a valid event that says which login did what, and who that is on its machine", () => {
  const entry = deedEntry(DEED);
  expect(isOwnEntry(entry)).toBe(true);
  expect(checkEvent("audit", { ...entry, event_type: "NOTE" })).toBeNull();
  expect(entry).toMatchObject({
    event_type: "DISCARD",
    actor: "ops_login",
    source_topic: "paper.bars",
    source_offset: 7,
  });
  expect(JSON.parse(entry.payload)).toEqual({ action_id: "a-1", database_id: "d", os_user: "ann", ...DEED.facts });
});

test("its id is one for each deed: of an action, a kind, a place, and a log", () => {
  const id = (change: Partial<Deed>) => deedEntry({ ...DEED, ...change }).log_id;
  const first = id({});
  expect(id({ doneUs: 0 })).toBe(first);
  const others: Partial<Deed>[] = [
    { actionId: "a-2" },
    { kind: "REDRIVE" },
    { offset: 8 },
    { partition: 2 },
    { topic: "bars" },
    { databaseId: "e" },
    // Of letters that had the same offsets in the log before.
    { facts: { ...DEED.facts, rewind: 1 } },
  ];
  expect(new Set([first, ...others.map(id)]).size).toBe(others.length + 1);
});

test("a kind that is no deed has no entry", () => {
  expect(() => deedEntry({ ...DEED, kind: "TRADE_DECISION" })).toThrow("is no entry of a deed");
});
