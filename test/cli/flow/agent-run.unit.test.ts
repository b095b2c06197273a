import { expect, test } from "vitest";
import { programKey } from "../../../src/cli/flow/agent-run.ts";

const MIN = { name: "1min", us: 60_000_000 };
const HOUR = { name: "1h", us: 3_600_000_000 };
const RUN = { actor: "bot", strategy: "plain", session: null, interval: "1d", intervals: [MIN, HOUR], latenessUs: 0 };

test("bars of other lengths or lateness begin anew; the same ones, in whatever order, go on", () => {
  const places = [RUN, { ...RUN, intervals: [MIN] }, { ...RUN, latenessUs: 1 }, { ...RUN, session: "one" }].map((run) =>
    programKey("bars", run),
  );
  expect(new Set(places).size).toBe(places.length);
  expect(programKey("bars", { ...RUN, intervals: [HOUR, MIN] })).toBe(places[0]);
});

test("another program's place is of the bars that it trades", () => {
  expect(programKey("fills", { ...RUN, intervals: [MIN] })).toBe(programKey("fills", RUN));
  expect(programKey("fills", { ...RUN, interval: "1h" })).not.toBe(programKey("fills", RUN));
});
