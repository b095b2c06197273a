import { expect, test } from "vitest";
import { EventFilter } from "../../../src/batch/encode/event-filter.ts";
import { readConfig } from "../../../src/config.ts";
import { EVERY_SESSION_KIND } from "../../support/samples.ts";

test("by default every kind of session is served, and events of none", () => {
  const filter = new EventFilter(readConfig({}, {}).sessionKinds);
  expect(EVERY_SESSION_KIND.every((kind) => filter.serves(kind))).toBe(true);
  expect([filter.hasSession(null), filter.hasSession("a"), filter.hasTime(0)]).toEqual([true, true, true]);
});

test("without live, events of no session are not served; the kinds of the others are asked of their sessions", () => {
  const filter = new EventFilter(readConfig({}, { TRADETAPE_SESSION_KINDS: "backtest, paper" }).sessionKinds);
  expect([filter.hasSession(null), filter.hasSession("a")]).toEqual([false, true]);
  expect(EVERY_SESSION_KIND.filter((kind) => filter.serves(kind))).toEqual(["paper", "backtest"]);
});

test("a kind that there isn't is refused by name", () => {
  expect(() => readConfig({}, { TRADETAPE_SESSION_KINDS: "live,demo" })).toThrow(/TRADETAPE_SESSION_KINDS/);
});

test("one session only, or none only: both leave every other one out", () => {
  const one = new EventFilter(EVERY_SESSION_KIND, { only: "a" });
  expect([one.hasSession("a"), one.hasSession("b"), one.hasSession(null)]).toEqual([true, false, false]);
  const none = new EventFilter(EVERY_SESSION_KIND, "none");
  expect([none.hasSession("a"), none.hasSession(null)]).toEqual([false, true]);
});

test("a window begins with its first millisecond and ends before its last", () => {
  const filter = new EventFilter(EVERY_SESSION_KIND, "all", { fromMs: 10, untilMs: 20 });
  expect([9, 10, 19, 20].map((ms) => filter.hasTime(ms))).toEqual([false, true, true, false]);
});
