import { expect, test } from "vitest";
import { FeedProgress } from "../../../src/cli/flow/publish-progress.ts";

/** A feed's progress on a clock of the test's own, and everything it says. */
function openBed(everyMs = 5000, bytes: { read: number; total: number | null } = { read: 0, total: null }) {
  let nowMs = 0;
  let tick = () => {};
  const said: string[] = [];
  const told: object[] = [];
  const progress = new FeedProgress({
    name: "standard input",
    bytes: () => bytes,
    progress: {
      line: (text) => said.push(`! ${text}`),
      status: () => ({ everyMs, set: (text) => said.push(text), end: () => {} }),
    },
    event: (event) => told.push(event),
    clock: {
      now: () => nowMs,
      every: (_ms, call) => {
        tick = call;
        return () => {
          tick = () => {};
        };
      },
    },
  });
  const pass = (ms: number) => {
    nowMs += ms;
    tick();
  };
  return { progress, said, told, pass };
}

test("what was read, acknowledged and rejected is told with its rate since the last time, and what waits", () => {
  const { progress, said, told, pass } = openBed();
  progress.sent(2475);
  progress.rejected(25);
  progress.acked({ acked: 2400 });
  pass(5000);
  progress.sent(500);
  progress.acked({ acked: 2975 });
  pass(5000);
  progress.end();
  expect(said.filter((text) => !text.startsWith("!"))).toEqual([
    "standard input: read 2,500 (500/s), acknowledged 2,400 (480/s), waiting 75, rejected 25 (5/s)",
    "standard input: read 3,000 (100/s), acknowledged 2,975 (115/s), waiting 0, rejected 25 (0/s)",
    "standard input: read 3,000 (0/s), acknowledged 2,975 (0/s), waiting 0, rejected 25 (0/s)",
  ]);
  expect(told[0]).toEqual({
    event: "progress",
    file: "standard input",
    read: 2500,
    acknowledged: 2400,
    rejected: 25,
    waiting: 75,
    readPerSecond: 500,
    acknowledgedPerSecond: 480,
    rejectedPerSecond: 5,
  });
  expect(told.filter((one) => "read" in one).length).toBe(3);
});

test("a broker that doesn't answer is told of, with what waits and whether reading goes on, and so is its answer", () => {
  const { progress, said, told, pass } = openBed();
  progress.sent(100);
  pass(4000);
  progress.acked({ acked: 40 });
  pass(4000);
  expect(said.filter((text) => text.startsWith("!"))).toEqual([]);
  pass(5000);
  progress.sent(1000);
  progress.readingWaits = true;
  pass(21_000);
  progress.acked({ acked: 60 });
  pass(1000);
  progress.acked({ acked: 1100 });
  pass(60_000);
  expect(said.filter((text) => text.startsWith("!"))).toEqual([
    "! the broker hasn't answered for 9 s: 60 events wait",
    "! the broker hasn't answered for 30 s: 1,060 events wait, and the reading waits, too",
    "! the broker answers again, after 30 s",
  ]);
  expect(told.filter((one) => !("read" in one))).toEqual([
    { event: "broker_silent", file: "standard input", forMs: 9000, waiting: 60, readingWaits: false },
    { event: "broker_silent", file: "standard input", forMs: 30_000, waiting: 1060, readingWaits: true },
    { event: "broker_answers", file: "standard input", afterMs: 30_000 },
  ]);
});

test.each([5000, 500])("a timer of %d ms that fires a moment early leaves no report out", (everyMs) => {
  const { progress, told, pass } = openBed(everyMs);
  progress.sent(1);
  for (let n = 0; n < 20_000 / everyMs; n++) pass(everyMs - 1);
  expect(told.map((one) => ("event" in one ? one.event : ""))).toEqual([
    "progress",
    ...["progress", "broker_silent"],
    ...["progress", "broker_silent"],
    ...["progress", "broker_silent"],
  ]);
});

test("a feed from which nothing comes says nothing of the broker, however long nothing waits for it", () => {
  const { progress, said, pass } = openBed();
  progress.sent(1);
  progress.acked({ acked: 1 });
  pass(3_600_000);
  pass(3000);
  progress.sent(1);
  pass(2000);
  expect(said.filter((text) => text.startsWith("!"))).toEqual([]);
});

test("symbols that aren't acknowledged wait, too", async () => {
  const { progress, said, pass } = openBed();
  const { promise, resolve } = Promise.withResolvers<{ sent: number }>();
  const awaited = progress.symbols(promise, 2);
  pass(6000);
  resolve({ sent: 2 });
  await awaited;
  expect(said.slice(1)).toEqual([
    "! the broker hasn't answered for 6 s: 2 events wait",
    "! the broker answers again, after 6 s",
  ]);
});

test("on a terminal the line changes more often than programs are told, and a file's share and end are told", () => {
  const { progress, said, told, pass } = openBed(500, { read: 250, total: 1000 });
  progress.sent(10);
  for (let n = 0; n < 10; n++) pass(500);
  expect([said.filter((text) => !text.startsWith("!")).length, told.length]).toEqual([10, 2]);
  expect(said[9]).toBe(
    "standard input 25 %: read 10 (2/s), acknowledged 0 (0/s), waiting 10, rejected 0 (0/s), 15 s left",
  );
  progress.end();
  pass(5000);
  expect(told.length).toBe(4);
});
