import { expect, test } from "vitest";
import { parseBound, parseSpeed } from "../../src/replay/bounds.ts";

test("a bound is the log's edge, a time with its zone, or offsets by partition", () => {
  expect(parseBound("--from", "beginning", "beginning")).toEqual({ kind: "edge" });
  const noon = { kind: "time", ms: Date.UTC(2026, 2, 2, 14, 30) };
  expect(parseBound("--from", "2026-03-02T09:30-05:00", "beginning")).toEqual(noon);
  expect(parseBound("--until", "2026-03-02T14:30:00.000Z", "end")).toEqual(noon);
  const at = { "ticks/0": 1200, "fills/12": 0 };
  expect(parseBound("--until", "ticks/0:1200, fills/12:0", "end")).toEqual({ kind: "offsets", at });
});

test.each([
  "end",
  "2026-03-02T14:30:00",
  "2026-03-02",
  "2026-13-02T14:30:00Z",
  "2026-02-30T14:30:00Z",
  "yesterday",
  "ticks:3",
  "ticks/0:-1",
  "",
])("%j is no beginning, and the error says what would be", (text) => {
  expect(() => parseBound("--from", text, "beginning")).toThrow(
    expect.objectContaining({ code: "input_invalid", next: expect.stringContaining("'beginning'") }),
  );
});

test("a speed is max, a multiple, or events a second", () => {
  expect(["max", "1x", "0.5x", "500/s"].map(parseSpeed)).toEqual([
    { kind: "max" },
    { kind: "times", factor: 1 },
    { kind: "times", factor: 0.5 },
    { kind: "rate", perSecond: 500 },
  ]);
});

test.each(["0x", "0/s", "fast", "-1x", "10", "1x "])("%j is no speed", (text) => {
  expect(() => parseSpeed(text)).toThrow(expect.objectContaining({ code: "input_invalid" }));
});
