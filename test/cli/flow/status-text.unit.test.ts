import { expect, test } from "vitest";
import { secondsText, shortCount, statusText } from "../../../src/cli/flow/status-text.ts";
import { inWindows, topicLateness } from "../../../src/status/lag.ts";
import type { PartitionRow } from "../../../src/status/read-status.ts";

type Change = Partial<PartitionRow>;

const row = (topic: string, partition: number, change: Change = {}): PartitionRow => ({
  topic: `paper.${topic}`,
  partition,
  group: "running",
  groups: [],
  allowed: [],
  landed: 0,
  end: 0,
  lag: 0,
  secondsBehind: 0,
  inTransaction: 0,
  transactionSince: null,
  oldestAt: null,
  landedPerSecond: inWindows(() => 0),
  publishedPerSecond: inWindows(() => 0),
  caughtUpIn: inWindows(() => 0),
  ofTopic: topicLateness([{ partition, lag: 0, secondsBehind: 0, caughtUpIn: inWindows(() => 0) }]),
  letters: 0,
  parked: 0,
  outbox: 0,
  signing: null,
  landedAt: null,
  cut: false,
  breach: null,
  ...change,
});
const linesOf = (rows: readonly PartitionRow[]) => statusText(rows, "paper").split("\n");

test("partitions with nothing to land are one line, by topic, and fit a terminal however many there are", () => {
  const quiet = ["ticks", "quotes"].flatMap((topic) => [0, 1, 2, 3].map((partition) => row(topic, partition)));
  expect(linesOf([...quiet, row("symbols", 0, { group: "none" })])).toEqual([
    "namespace paper",
    "",
    "nothing waits, group running: ticks 0 1 2 3, quotes 0 1 2 3",
    "nothing waits, no group: symbols 0",
  ]);
  const many = linesOf(Array.from({ length: 400 }, (_, partition) => row("indicators", partition)));
  expect(many.length).toBeGreaterThan(10);
  expect(many.filter((line) => line.length > 80)).toEqual([]);
});

test("what is behind comes latest first, in 80 columns with the largest figures that there are", () => {
  const most: Change = {
    lag: 99_999_999_999,
    secondsBehind: 86_400 * 9999,
    landedPerSecond: inWindows(() => 999_999),
    caughtUpIn: { over10s: "never", over60s: 86_400 * 9999 },
    group: "running",
  };
  const lines = linesOf([row("ticks", 0, { lag: 3, secondsBehind: 2 }), row("predictions", 11, most), row("bars", 1)]);
  expect(lines.filter((line) => line.length > 80)).toEqual([]);
  const [head, first, second] = lines.slice(2);
  expect(head).toMatch(/^partition +group +lag +behind +\/s 10 s +done in +\/s 60 s +done in$/);
  expect(first).toMatch(/^predictions\/11 +running +100\.0 G +9,999 d +999,999 +never +999,999 +9,999 d$/);
  expect(second).toMatch(/^ticks\/0 +running +3 +2\.0 s +0 +0\.0 s +0 +0\.0 s$/);
  expect(lines.at(-1)).toBe("nothing waits, group running: bars 1");
});

test("trouble comes before the table: logs that aren't those that landed, and partitions that stand still by name", () => {
  const lines = linesOf([
    row("bars", 0, { lag: 5, secondsBehind: 300, stalled: true }),
    row("bars", 1, { inTransaction: 9, stalled: true }),
    row("symbols", 0, { cut: true, breach: "cut" }),
    row("ticks", 2, { lag: 1, secondsBehind: null, stalled: true }),
  ]);
  expect(lines.slice(2, 7)).toEqual([
    "bars/0: stalled: events wait, its oldest event for 5 min, and nothing lands",
    "bars/1: stalled: a transaction stays open, and nothing behind it can land",
    "symbols/0: its log was cut below what has landed",
    "ticks/2: stalled: events wait, and nothing lands",
    "",
  ]);
});

test("letters, parked events, the outbox and open transactions are told where there are any, and a hot partition", () => {
  const lines = linesOf([
    row("ticks", 0, { letters: 1200, outbox: 3 }),
    row("ticks", 1, { parked: 2, inTransaction: 4 }),
    row("ticks", 2, {
      lag: 9,
      secondsBehind: 90,
      ofTopic: { ...row("ticks", 2).ofTopic, worstPartition: 2, skewSeconds: 90 },
    }),
  ]);
  expect(lines).toContain("ticks/0: 1,200 open letters, 3 messages in the outbox");
  expect(lines).toContain("ticks/1: 2 parked events, 4 offsets in an open transaction");
  expect(lines).toContain("ticks/2: 90 s further behind than the topic's median partition");
});

test.each([
  [0.04, "0.0 s"],
  [9.94, "9.9 s"],
  [60, "60 s"],
  [119.6, "2 min"],
  [7199, "2 h"],
  [172_799, "2 d"],
  [86_400 * 400, "400 d"],
])("%d seconds are %s", (seconds, text) => {
  expect(secondsText(seconds)).toBe(text);
});

test.each([
  [0, "0"],
  [999_999, "999,999"],
  [1_000_000, "1.0 M"],
  [999_960_000, "1.0 G"],
  [2_500_000_000, "2.5 G"],
])("%d is %s", (n, text) => {
  expect(shortCount(n)).toBe(text);
});
