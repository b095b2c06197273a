import { hash } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "vitest";
import { askAndLand, KIB, openRecordingAgent, type RecordingAgent, repeatContext } from "./recording-agent.ts";

let own: RecordingAgent;
beforeAll(async () => {
  own = await openRecordingAgent();
});
afterAll(() => own[Symbol.asyncDispose]());

test("a context of 200 KiB takes its room once, though 1,000 calls send it: in the table, and in the topic", async () => {
  const { counts, tallies, kept } = await repeatContext(own, 1000);
  expect(counts).toEqual({ recorded: 1000, lost: 0, waiting: 0 });
  expect(tallies.calls).toMatchObject({ written: 1000, dead: 0 });
  expect(tallies.contents).toMatchObject({ written: kept.rows, duplicate: 0 });
  // 200 KiB, and ten endings of 16 to 256 KiB.
  expect(kept.bytes).toBeLessThan(1000 * KIB);
});

test("20 MiB that a model is asked and answers are in the tables, byte by byte", async () => {
  const { body, answer, counts, tallies, row } = await askAndLand(own, 20 * KIB * KIB);
  expect(counts).toMatchObject({ lost: 0, waiting: 0 });
  expect(tallies).toMatchObject({ calls: { written: 1, dead: 0 }, contents: { dead: 0 } });
  expect(hash("sha256", row.asked)).toBe(hash("sha256", body));
  expect(hash("sha256", row.answered)).toBe(hash("sha256", answer));
});
