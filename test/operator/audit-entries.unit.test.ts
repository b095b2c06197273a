import { expect, test } from "vitest";
import { isOwnEntry } from "../../src/audit/own-entry.ts";
import { checkEvent } from "../../src/event/validate.ts";
import { deedEntry, lettersDeed } from "../../src/operator/audit-entries.ts";

const OPERATOR = { databaseId: "d", databaseUser: "ops_login", actor: "ann" };

test("the audit entry of letters is a valid event that says who did what to which of them, and why", () => {
  const page = {
    kind: "DISCARD",
    actionId: "a-1",
    filter: { topics: ["ticks"] },
    topic: "paper.bars",
    partition: 3,
    rewind: 0,
    letters: [
      { offset: 7, reason: "invalid" },
      { offset: 9, reason: "refused" },
      { offset: 12, reason: "refused" },
    ],
    note: "why",
  } as const;
  const entry = deedEntry(OPERATOR, lettersDeed(page), 1_700_000_000_000);
  expect(isOwnEntry(entry)).toBe(true);
  expect(checkEvent("audit", { ...entry, event_type: "NOTE" })).toBeNull();
  expect(entry).toMatchObject({ event_type: "DISCARD", actor: "ann", source_topic: "paper.bars", source_offset: 7 });
  expect(JSON.parse(entry.payload)).toMatchObject({
    action_id: "a-1",
    letters: 3,
    reasons: { invalid: 1, refused: 2 },
    offsets: [7, 9, 12],
    note: "why",
    database_user: "ops_login",
  });
  expect(deedEntry(OPERATOR, lettersDeed(page), 0).log_id).toBe(entry.log_id);
  expect(deedEntry(OPERATOR, lettersDeed({ ...page, actionId: "a-2" }), 0).log_id).not.toBe(entry.log_id);
  // Of letters that had the same offsets in the log before.
  expect(deedEntry(OPERATOR, lettersDeed({ ...page, rewind: 1 }), 0).log_id).not.toBe(entry.log_id);
});
