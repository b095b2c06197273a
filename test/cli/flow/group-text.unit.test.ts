import { describe, expect, test } from "vitest";
import { AFTERWARDS } from "../../../src/batch/run/group-state.ts";
import { endedText, rolledBackText, troubleText, whoLands } from "../../../src/cli/flow/group-text.ts";
import { groupWord } from "../../../src/status/group-word.ts";
import { type HeardState, readStates } from "../../../src/table/checks/group-states.ts";
import type { Connection } from "../../../src/table/connection.ts";

const heard = (change: Partial<HeardState>): HeardState => ({
  topic: "p.ticks",
  process: "host/1",
  state: "running",
  since: null,
  code: null,
  reason: null,
  next: null,
  retryAt: null,
  endedAt: null,
  letters: null,
  seenAt: "2026-11-30T10:00:00.000000Z",
  isSilent: false,
  ...change,
});
const LATER = "2026-11-30T10:00:30.000000Z";
const running = heard({});
const silent = heard({ process: "host/2", isSilent: true });
const stopped = heard({ process: "host/3", state: "stopped", code: "landing_refused", reason: "no", next: "Mend it." });
const retried = { ...stopped, retryAt: LATER };
const ended = heard({ process: "host/4", state: "ended", since: LATER, endedAt: LATER, seenAt: LATER, reason: "told" });
const endedStopped = { ...stopped, endedAt: LATER };

describe("the word for a topic's group", () => {
  test.each([
    ["none", []],
    ["running", [running]],
    ["silent", [silent]],
    ["stopped", [retried, running]],
    ["stopped", [{ ...retried, isSilent: true }]],
    ["ended", [ended]],
    ["stopped", [endedStopped]],
    ["running", [endedStopped, running]],
    ["running", [running, ended]],
    ["ended", [silent, ended]],
  ] as const)("%s is what is true now: %#", (word, states) => {
    expect(groupWord(states)).toBe(word);
  });
});

test.each([
  ["a process that tries again", retried, AFTERWARDS.retried],
  ["a run that goes on and doesn't try it again", stopped, AFTERWARDS.over],
  ["a run that has ended", endedStopped, AFTERWARDS.over],
  ["a process that is silent", { ...retried, isSilent: true }, "start the process again if it has ended"],
] as const)("what a stop says of trying again is true of %s", (_, state, sentence) => {
  const text = troubleText(state);
  expect(text).toContain(sentence);
  for (const other of Object.values(AFTERWARDS)) if (other !== sentence) expect(text).not.toContain(other);
  expect(text.includes("whose run ended")).toBe(state.endedAt !== null);
});

test("runs that ended well are a line each, with their topics and why", () => {
  const other = { ...ended, topic: "p.bars" };
  expect(endedText([ended, other])).toEqual([`ended at ${LATER}, in host/4: told (p.ticks, p.bars)`]);
});

test.each([
  [[], "no process lands it now: `tradetape consume ticks` does"],
  [[silent, ended, endedStopped], "no process lands it now: `tradetape consume ticks` does"],
  [[{ ...running, topic: "p.bars" }], "no process lands it now: `tradetape consume ticks` does"],
  [[running], "its group lands on, in host/1"],
  [[retried, running], "its group tries again by itself within a minute, in host/3"],
  [[stopped], "its group isn't tried again in host/3: start `tradetape consume ticks`"],
] as const)("who lands a topic after an answer is told by who tells of it: %#", async (states, text) => {
  const connection = { query: async () => states } as unknown as Connection; // one question is asked of it
  expect(await whoLands(connection, "ticks", "p.ticks")).toBe(text);
});

test("letters that a process of an earlier version told, without their schemas, are shown as they are", async () => {
  const examples = [{ at: "p.ticks/0/7", column: null, detail: "wrong" }];
  const row = { ...stopped, letters: [{ reason: "invalid", letters: 1200, examples }] };
  const [state] = await readStates({ query: async () => [row] } as unknown as Connection);
  expect(rolledBackText(state!)).toContain("\n  1,200 invalid, as\n    p.ticks/0/7: wrong");
  expect(state!.letters).toEqual([{ ...row.letters[0], schemas: [] }]);
});
