import { expect, test } from "vitest";
import { sumUp } from "../../src/batch/sum-up.ts";
import type { Clock } from "../../src/clock.ts";
import type { Log } from "../../src/log.ts";

/** A clock whose time is what `minute` makes it, and what was written to its log. */
function watched() {
  let nowMs = 0;
  let tell = () => {};
  const lines: object[] = [];
  const clock = {
    now: () => nowMs,
    every: (ms: number, call: () => void) => {
      expect(ms).toBe(60_000);
      tell = call;
      return () => {
        tell = () => {};
      };
    },
  } as Clock;
  const log = { info: (facts: object, msg: string) => lines.push({ ...facts, msg }) } as unknown as Log;
  const pass = (ms: number) => {
    nowMs += ms;
    tell();
  };
  return { log, clock, lines, pass };
}

test("each minute tells what came since the one before, and nothing of what stood still", () => {
  const { log, clock, lines, pass } = watched();
  const counts = { ticks: { read: 0, written: 0, dead: 0 }, bars: { read: 0, written: 0, dead: 0 } };
  sumUp({ log, clock }, "landed", () => Object.entries(counts).map(([topic, now]) => [{ topic }, now] as const));
  pass(60_000);
  expect(lines).toEqual([]);
  counts.ticks = { read: 5, written: 4, dead: 1 };
  pass(60_000);
  counts.ticks = { read: 7, written: 6, dead: 1 };
  counts.bars = { read: 1, written: 1, dead: 0 };
  pass(60_000);
  pass(60_000);
  expect(lines).toEqual([
    { topic: "ticks", seconds: 60, read: 5, written: 4, dead: 1, msg: "landed" },
    { topic: "ticks", seconds: 60, read: 2, written: 2, msg: "landed" },
    { topic: "bars", seconds: 60, read: 1, written: 1, msg: "landed" },
  ]);
});

test("the end tells what came after the last minute, and is the end of it", () => {
  const { log, clock, lines, pass } = watched();
  let read = 3;
  const end = sumUp({ log, clock }, "read", () => [[{ program: "bars" }, { read }]]);
  pass(60_000);
  read = 5;
  end();
  read = 9;
  pass(60_000);
  expect(lines).toEqual([
    { program: "bars", seconds: 60, read: 3, msg: "read" },
    { program: "bars", seconds: 0, read: 2, msg: "read" },
  ]);
});
