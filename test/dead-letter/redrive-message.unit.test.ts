import { expect, test } from "vitest";
import { storedHeaders } from "../../src/batch/encode/headers.ts";
import { actionEntry } from "../../src/dead-letter/audited.ts";
import { redriveMessage } from "../../src/dead-letter/redrive.ts";
import { checkEvent } from "../../src/event/validate.ts";

const place = { topic: "paper.bars", partition: 3 };
const letter = (headers: Record<string, string>) => ({
  offset: 42,
  key: null,
  value: Buffer.from([0, 1]),
  headers: storedHeaders(headers),
  publishedAtMs: 1_700_000_000_000,
});
const texts = (headers: object | undefined) =>
  Object.fromEntries(Object.entries(headers ?? {}).map(([name, value]) => [name, String(value)]));

test("a first redrive carries the letter's place and time, beside the event's own headers", () => {
  const message = redriveMessage(place, letter({ note: "n" }), 1);
  expect(message).toMatchObject({ topicName: "paper.bars", partition: 3, key: null, value: Buffer.from([0, 1]) });
  expect(texts(message.headers)).toEqual({
    note: "n",
    "tradetape-redrive": "1",
    "tradetape-redriven-from": "paper.bars/3/42",
    "tradetape-revised-at": "1700000000000000",
  });
});

test("a later one keeps the first time and names the latest letter", () => {
  const before = {
    "tradetape-redrive": "1",
    "tradetape-redriven-from": "paper.bars/3/7",
    "tradetape-revised-at": "1600000000000000",
  };
  expect(texts(redriveMessage(place, letter(before), 2).headers)).toEqual({
    "tradetape-redrive": "2",
    "tradetape-redriven-from": "paper.bars/3/42",
    "tradetape-revised-at": "1600000000000000",
  });
});

test("an action's audit entry is a valid event that says who did what to which letters, and why", () => {
  const letters = [
    { offset: 7, reason: "invalid" },
    { offset: 9, reason: "refused" },
    { offset: 12, reason: "refused" },
  ];
  const ops = { databaseId: "d", databaseUser: "ops_login", actor: "ann" };
  const page = {
    kind: "DISCARD",
    actionId: "a-1",
    filter: { topics: ["ticks"] },
    letters,
    note: "why",
    ...place,
  } as const;
  const entry = actionEntry(ops, page, 1_700_000_000_000);
  expect(checkEvent("audit", entry)).toBeNull();
  expect(entry).toMatchObject({ event_type: "DISCARD", actor: "ann", source_topic: "paper.bars", source_offset: 7 });
  expect(JSON.parse(entry.payload)).toMatchObject({
    letters: 3,
    reasons: { invalid: 1, refused: 2 },
    offsets: [7, 9, 12],
    note: "why",
    database_user: "ops_login",
  });
  expect(actionEntry(ops, page, 0).log_id).toBe(entry.log_id);
  expect(actionEntry(ops, { ...page, actionId: "a-2" }, 0).log_id).not.toBe(entry.log_id);
});
