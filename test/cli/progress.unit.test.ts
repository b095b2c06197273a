import { expect, test } from "vitest";
import { plainProgress } from "../../src/cli/progress.ts";

test("without a terminal a bar says a line every five seconds and one at its end", () => {
  const lines: string[] = [];
  let nowMs = 0;
  const bar = plainProgress(
    (line) => lines.push(line),
    () => nowMs,
  ).bar("ticks", 2000, "events");
  for (nowMs = 0; nowMs < 11_000; nowMs += 1000) bar.set(nowMs / 10);
  nowMs = 11_000;
  bar.set(1200);
  nowMs = 12_000;
  bar.end();
  expect(lines).toEqual([
    "ticks: 500 of 2,000 events, 100/s, 15 s left",
    "ticks: 1,000 of 2,000 events, 100/s, 10 s left",
    "ticks: 1,200 of 2,000 events, 100/s, 8 s left",
  ]);
});

test("a bar whose total isn't known promises none", () => {
  const lines: string[] = [];
  let nowMs = 0;
  const bar = plainProgress(
    (line) => lines.push(line),
    () => nowMs,
  ).bar("stdin", undefined, "lines");
  nowMs = 1000;
  bar.set(7);
  bar.end();
  expect(lines).toEqual(["stdin: 7 lines, 7/s"]);
});

test("a bar that stands still isn't told again, not even at its end", () => {
  const lines: string[] = [];
  let nowMs = 0;
  const bar = plainProgress(
    (line) => lines.push(line),
    () => nowMs,
  ).bar("bars", 5, "events");
  for (nowMs = 0; nowMs < 20_000; nowMs += 1000) bar.set(5);
  bar.end();
  expect(lines).toEqual(["bars: 5 of 5 events, 1/s"]);
});

test("a bar that goes on from somewhere counts only what is done since for its rate", () => {
  const lines: string[] = [];
  let nowMs = 0;
  const bar = plainProgress(
    (line) => lines.push(line),
    () => nowMs,
  ).bar("ticks", 1_000_000, "offsets", 500_000);
  nowMs = 10_000;
  bar.set(501_000);
  bar.end();
  expect(lines).toEqual(["ticks: 501,000 of 1,000,000 offsets, 100/s, 84 min left"]);
});
