import { describe, expect, test } from "vitest";
import { timeOf, wholeFlag } from "../../../src/cli/flags.ts";
import { coordinates } from "../../../src/cli/letters/dead-letters-show.ts";
import { letterFilter } from "../../../src/cli/letters/letter-filter.ts";
import { readConfig } from "../../../src/config.ts";
import { EVENT_TOPICS } from "../../../src/event/schemas.ts";

const NOW_MS = Date.UTC(2026, 6, 10, 12);
const paper = readConfig({ namespace: "paper" }, {});
const time = (text: string) => timeOf("--since", text, NOW_MS);

describe("the letters that flags mean", () => {
  test("are those of this namespace, and of one topic by its short or full name", () => {
    const { topics } = letterFilter(paper, {});
    expect(topics?.toSorted()).toEqual(EVENT_TOPICS.map((topic) => `paper.${topic}`).toSorted());
    expect(letterFilter(paper, { topic: "ticks" }).topics).toEqual(["paper.ticks"]);
    expect(letterFilter(paper, { topic: "paper.ticks" }).topics).toEqual(["paper.ticks"]);
    expect(() => letterFilter(paper, { topic: "live.ticks" })).toThrow("live.ticks");
    expect(() => letterFilter(paper, { reason: "toString" })).toThrow("toString");
  });

  test("lie between times, in UTC without a zone, or so long ago", () => {
    expect(time("2026-07-01")).toBe("2026-07-01T00:00:00.000Z");
    expect(time("2026-07-01T14:30")).toBe("2026-07-01T14:30:00.000Z");
    expect(time("2026-07-01T14:30+02:00")).toBe("2026-07-01T12:30:00.000Z");
    expect([time("90m"), time("7d")]).toEqual(["2026-07-10T10:30:00.000Z", "2026-07-03T12:00:00.000Z"]);
    for (const text of ["", "7", "7w", "2026-13-01", "yesterday"]) expect(() => time(text)).toThrow("--since");
  });
});

test("a letter's coordinates are topic/partition/offset, nothing else", () => {
  const at = { topic: "ticks", partition: 2, offset: 4711 };
  expect([coordinates("paper", "ticks/2/4711"), coordinates("paper", "paper.ticks/2/4711")]).toEqual([at, at]);
  for (const text of ["ticks/2", "ticks/2/-1", "ticks/2/1/3", "ticks/x/1", "/2/1", `ticks/0/${"9".repeat(20)}`]) {
    expect(() => coordinates("paper", text)).toThrow();
  }
});

test("a number flag takes whole numbers from its least on", () => {
  expect([wholeFlag("--limit", undefined, 1), wholeFlag("--limit", "7", 1)]).toEqual([undefined, 7]);
  for (const text of ["0", "-1", "1.5", "1e3", "many", ""]) expect(() => wholeFlag("--limit", text, 1)).toThrow();
});
