import { expect, test } from "vitest";
import { exchangeDays } from "../../../src/calendar/days.ts";
import { programKey } from "../../../src/cli/programs/agent-run.ts";

const MIN = { name: "1min", us: 60_000_000 };
const HOUR = { name: "1h", us: 3_600_000_000 };
const BARS = { interval: "1d", intervals: [MIN, HOUR], days: null, latenessUs: 0 };
const RUN = { actor: "bot", strategy: "plain", session: null, source: null, ...BARS };

test("bars of other lengths, days or lateness begin anew; the same ones, in whatever order, go on", () => {
  const days = ["regular", "extended"] as const;
  const others = days.map((hours) => ({ ...RUN, days: exchangeDays("XNYS", hours) }));
  const places = [
    RUN,
    ...others,
    { ...RUN, intervals: [MIN] },
    { ...RUN, latenessUs: 1 },
    { ...RUN, session: "one" },
  ].map((run) => programKey("bars", run));
  expect(new Set(places).size).toBe(places.length);
  expect(programKey("bars", { ...RUN, intervals: [HOUR, MIN] })).toBe(places[0]);
});

test("another program's place is of the bars that it trades", () => {
  expect(programKey("fills", { ...RUN, intervals: [MIN] })).toBe(programKey("fills", RUN));
  expect(programKey("fills", { ...RUN, interval: "1h" })).not.toBe(programKey("fills", RUN));
});

test("what trades a source that is told begins at its first price; what doesn't trade goes on", () => {
  for (const program of ["predictions", "decisions", "fills"]) {
    const places = [null, "lean", "yahoo"].map((source) => programKey(program, { ...RUN, source }));
    expect(new Set(places).size).toBe(3);
  }
  for (const program of ["bars", "indicators", "performance"]) {
    expect(programKey(program, { ...RUN, source: "lean" })).toBe(programKey(program, RUN));
  }
});
