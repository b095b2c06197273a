import { expect, test } from "vitest";
import { storedHeaders } from "../../src/batch/encode/headers.ts";
import { redriveMessage } from "../../src/dead-letter/redrive.ts";

const place = { topic: "paper.bars", partition: 3 };
const letter = (headers: Record<string, string>) => ({
  offset: 42,
  key: null,
  value: Buffer.from([0, 1]),
  cut: null,
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
