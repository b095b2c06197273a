import { expect, test } from "vitest";
import { groupWord, troubleText } from "../../../src/cli/flow/group-text.ts";
import type { HeardState } from "../../../src/table/checks/group-states.ts";

const heard = (change: Partial<HeardState>): HeardState => ({
  topic: "paper.bars",
  process: "host/1",
  state: "running",
  since: null,
  code: null,
  reason: null,
  next: null,
  retryAt: null,
  letters: null,
  seenAt: "2026-11-30T05:00:00.000Z",
  isSilent: false,
  ...change,
});
const tried = "2026-11-30T05:01:00.000Z";

test.each([
  ["none", []],
  ["running", [heard({})]],
  ["waiting", [heard({ state: "waiting" }), heard({})]],
  ["stopped", [heard({ state: "stopped", retryAt: tried }), heard({})]],
  ["silent", [heard({ isSilent: true })]],
  ["silent", [heard({ state: "waiting", isSilent: true })]],
  // Its process has ended, and nobody else tells of the topic.
  ["stopped", [heard({ state: "stopped", isSilent: true })]],
  ["stopped", [heard({ state: "stopped" })]],
  // The process that took its place runs.
  ["running", [heard({ state: "stopped" }), heard({})]],
  ["running", [heard({ state: "stopped", isSilent: true }), heard({})]],
] as const)("a topic's group is called %s", (word, states) => {
  expect(groupWord(states)).toBe(word);
});

test("a group's trouble is told with its reason, its letters, and what to do, and moves no cursor", () => {
  const text = troubleText(
    heard({
      state: "stopped",
      since: "2026-11-30T04:59:00.000Z",
      code: "too_many_letters",
      reason: "paper.bars: most\n1 not_avro, as\n  paper.bars/0/0: \u001b[2J",
      next: "one of these:\n- this",
      retryAt: tried,
      isSilent: true,
    }),
  );
  expect(text.split("\n")).toEqual([
    "paper.bars stopped since 2026-11-30T04:59:00.000Z, in host/1, which told of it last at 2026-11-30T05:00:00.000Z",
    "  too_many_letters: paper.bars: most",
    "  1 not_avro, as",
    "    paper.bars/0/0: \\x1b[2J",
    `  tried again at ${tried}`,
    "  next: one of these:",
    "  - this",
  ]);
});
