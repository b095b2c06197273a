import { describe, expect, test } from "vitest";
import { type CaughtUpIn, caughtUpIn, inWindows, topicLateness } from "../../src/status/lag.ts";
import fc from "../support/random/fast-check.ts";

const late = (lag: number, secondsBehind: number | null) => ({ lag, secondsBehind });

describe("the time until caught up", () => {
  test.each<[string, ReturnType<typeof late>, number, number, CaughtUpIn]>([
    ["nothing waits", late(0, 0), 0, 100, 0],
    ["nothing more is published", late(100, 50), 10, 0, 10],
    ["less is published than lands", late(100, 50), 30, 10, 5],
    ["as much is published as lands", late(100, 50), 10, 10, "never"],
    ["more is published than lands", late(100, 50), 10, 30, "never"],
    ["nothing lands", late(100, 50), 0, 0, "never"],
    ["what waits has come in this second", late(5, 0.4), 100, 100, 0],
    ["the time of what waits isn't known", late(100, null), 20, 10, 10],
    ["the time of what waits isn't known, and nothing lands", late(100, null), 0, 10, "never"],
  ])("%s", (_what, lateness, landed, published, seconds) => {
    expect(caughtUpIn(lateness, landed, published)).toBe(seconds);
  });

  test("is when a lag that shrinks by both rates is gone, whatever they are", () => {
    const rate = fc.integer({ min: 0, max: 1_000_000 });
    const lags = fc.integer({ min: 1, max: 1e9 });
    fc.assert(
      fc.property(lags, rate, rate, (lag, landed, published) => {
        const seconds = caughtUpIn(late(lag, 100), landed, published);
        if (landed <= published) return seconds === "never";
        const left = lag + published * (seconds as number) - landed * (seconds as number);
        return Math.abs(left) <= 1e-6 * (lag + landed * (seconds as number));
      }),
    );
  });
});

describe("a topic's lateness", () => {
  const partition = (number: number, lag: number, secondsBehind: number | null, done: CaughtUpIn) => ({
    partition: number,
    lag,
    secondsBehind,
    caughtUpIn: inWindows((window) => (window === "over10s" ? done : 1)),
  });

  test("is its worst partition's, and how far that is behind the median one", () => {
    const all = [partition(0, 10, 2, 5), partition(1, 500, 60, 9), partition(2, 20, 4, 7), partition(3, 0, 0, 0)];
    const caughtUp = { over10s: 9, over60s: 1 };
    const whole = { lag: 530, secondsBehind: 60, caughtUpIn: caughtUp, worstPartition: 1, skewSeconds: 57 };
    expect(topicLateness(all)).toEqual(whole);
    expect(topicLateness(all.slice(0, 3))).toMatchObject({ skewSeconds: 56 });
  });

  test("is never over while one of its partitions never catches up", () => {
    const all = [partition(0, 10, 2, 5), partition(1, 5, 1, "never")];
    expect(topicLateness(all).caughtUpIn).toEqual({ over10s: "never", over60s: 1 });
  });

  test("is unknown only where every partition's is", () => {
    expect(topicLateness([partition(0, 1, null, 1), partition(1, 1, null, 1)]).secondsBehind).toBeNull();
    const one = topicLateness([partition(0, 1, null, 1), partition(1, 9, 3, 1)]);
    expect([one.secondsBehind, one.worstPartition, one.skewSeconds]).toEqual([3, 1, 1.5]);
  });

  test("of one partition has no skew", () => {
    expect(topicLateness([partition(7, 10, 90, 3)])).toMatchObject({ worstPartition: 7, skewSeconds: 0 });
  });
});
