import { pino } from "pino";
import { describe, expect, it, test } from "vitest";
import { type BeatNote, beatNoteText, OwnBeats } from "../../../src/batch/run/beat-note.ts";
import { requireAlone, watchTwins } from "../../../src/batch/run/twin-watch.ts";
import { TradetapeError } from "../../../src/errors.ts";
import type { Connection } from "../../../src/table/connection.ts";

const THEIRS = "0000000b";
const COMPANION = "0000000c";
const START_MS = Date.UTC(2026, 0);

type Services = Parameters<typeof requireAlone>[0];

interface Arranged {
  /** Of our database. */
  timeline?: string;
  settledMs?: number;
  hasTwin?: boolean;
  /** The id that the database has, after so many seconds. */
  databaseId?: (second: number) => string;
  sinceMs?: number;
  /** The other process's beats that our database has, after so many seconds; none without it. */
  known?: (second: number) => number;
  /** Whether the other process has beaten since our server's start, after so many seconds: always without it. */
  isHere?: (second: number) => boolean;
  /** What the other process shows after so many seconds; undefined while it shows nothing. */
  shows?: (second: number) => number | undefined;
  note?: Partial<BeatNote>;
  /** Whether another process of our database is in the groups. */
  isAccompanied?: boolean;
  text?: string;
  /** What reading the notes throws in that second. */
  brokerFault?: (second: number) => Error | undefined;
  databaseFault?: (second: number) => Error | undefined;
}

/** A database and a consumer group's notes in virtual time; what the watch wrote into the database; and what it logged. */
function setUp(world: Arranged) {
  let nowMs = 0;
  const second = () => Math.floor(nowMs / 1000);
  const stop = new AbortController();
  const written: string[] = [];
  const told: string[] = [];
  const log = pino({ level: "warn" }, { write: (line: string) => told.push(JSON.parse(line).msg) });
  const answer = () => ({
    databaseId: world.databaseId?.(second()) ?? "the-id",
    atMs: START_MS + nowMs,
    timeline: world.timeline ?? "00000001",
    sinceMs: world.sinceMs ?? 1000,
    settledMs: world.settledMs ?? 0,
    hasTwin: world.hasTwin ?? false,
    known: { [THEIRS]: world.known?.(second()) ?? 0, [COMPANION]: grows(second()) },
    beatHere: [COMPANION, ...((world.isHere?.(second()) ?? true) ? [THEIRS] : [])],
  });
  const query = async (text: string) => {
    if (text.includes("INSERT INTO tradetape.beat")) return [answer()];
    written.push(/SET (\w+)/.exec(text)![1]!);
    return [{ id: "the-id" }];
  };
  const run = async (text: string) => {
    if (text.startsWith("UPDATE")) written.push(/SET (\w+)/.exec(text)![1]!);
  };
  const use = async (work: (connection: Connection) => unknown) => {
    const fault = world.databaseFault?.(second());
    if (fault) throw fault;
    return work({ query, run } as unknown as Connection);
  };
  const fetchMarks = async () => {
    const fault = world.brokerFault?.(second());
    if (fault) throw fault;
    const number = world.shows?.(second());
    const shown = { process: THEIRS, number: number!, atMs: START_MS + nowMs, sinceMs: 2000, timeline: "00000001" };
    const notes = number === undefined ? [] : [world.text ?? beatNoteText({ ...shown, ...world.note })];
    if (world.isAccompanied) notes.push(beatNoteText({ ...shown, process: COMPANION, number: grows(second()) }));
    return notes.map((note, partition) => ({ topicName: "ticks", partition, offset: 5, note }));
  };
  const sleep = async (ms: number, signal?: AbortSignal) => {
    signal?.throwIfAborted();
    nowMs += ms;
    if (nowMs > 3_600_000) stop.abort();
  };
  const services = {
    clock: { now: () => nowMs, sleep, random: () => 0.5 },
    log,
    questions: { use },
    beats: new OwnBeats(),
    admin: { fetchMarks },
    config: { namespace: "", databaseUrl: "postgres://here/tape" },
    databaseId: "the-id",
  } as unknown as Services;
  return { services, stop, written, told, seconds: second };
}

const grows = (second: number) => 5 + Math.floor(second / 3);
const copied = { code: "database_copied", next: expect.stringContaining("--as restored") };
const gone = () => Object.assign(new Error("the server ends"), { code: "57P01", severity: "FATAL" });
const away = () => new TradetapeError("broker_unreachable", "Kafka: away", { canRetry: true });

/** Each case: what comes of a start, after how long at most, and what is recorded. */
const STARTS: Readonly<Record<string, readonly [Arranged, "begins" | "refused", number, ...string[]]>> = {
  "nobody else is there": [{}, "begins", 0],
  "others land in the same database": [{ known: grows, shows: grows }, "begins", 0],
  "others have ended, or were killed": [{ known: () => 9, shows: () => 9 }, "begins", 0],
  "somebody else's notes stand there": [{ shows: () => 1, text: "from 3" }, "begins", 0],
  "a note of long ago stands there": [{ shows: () => 1, note: { atMs: 0 } }, "begins", 0],
  "the topic isn't there": [{ brokerFault: () => new TradetapeError("topic_missing", "no topic") }, "begins", 0],
  "the broker is away for a while": [{ brokerFault: (s) => (s < 20 ? away() : undefined) }, "begins", 60],
  "the database is away for a while": [{ databaseFault: (s) => (s < 20 ? gone() : undefined) }, "begins", 60],
  "a failover took back a beat of one that goes on": [
    { timeline: "00000002", known: (s) => (s < 6 ? 4 : grows(s)), shows: grows },
    "begins",
    10,
  ],
  "a failover took back a beat of one that has ended": [
    { timeline: "00000002", known: () => 4, shows: () => 6 },
    "begins",
    20,
  ],
  "a backup was restored up to some moment": [{ timeline: "00000002", known: () => 4, shows: () => 99 }, "begins", 20],
  "it is a snapshot that has all that was shown, and the original runs": [
    { known: () => 6, shows: grows, isHere: () => false },
    "refused",
    20,
    "twin_found_at",
  ],
  "it is such a snapshot, and the original beats slowly": [
    { known: () => 6, shows: (s) => 6 + Math.floor(s / 11), isHere: () => false },
    "refused",
    50,
    "twin_found_at",
  ],
  "it is such a snapshot, with a clock four minutes ahead": [
    { known: () => 6, shows: grows, isHere: () => false, note: { atMs: START_MS - 240_000 } },
    "refused",
    20,
    "twin_found_at",
  ],
  "it is a standby that was promoted, and the original runs": [
    { timeline: "00000002", known: () => 6, shows: grows, isHere: () => false },
    "refused",
    20,
    "twin_found_at",
  ],
  "it is such a snapshot, and the original has ended": [
    { known: () => 6, shows: () => 6, isHere: () => false },
    "begins",
    20,
  ],
  "it was answered that it takes the original's place, and that runs": [
    { known: () => 6, settledMs: START_MS, shows: grows, isHere: () => false },
    "refused",
    20,
    "twin_found_at",
  ],
  "the server has started again, and others land in it": [
    { known: grows, shows: grows, isHere: (s) => s >= 5 },
    "begins",
    5,
  ],
  "the server has started again, and others ended an hour ago": [
    { known: () => 6, shows: () => 6, isHere: () => false, note: { atMs: START_MS - 3_600_000 } },
    "begins",
    0,
  ],
  "it is a snapshot, and the original runs": [{ known: () => 4, shows: grows }, "refused", 20, "twin_found_at"],
  "it is a snapshot, and the original's consumers are stopped": [
    { known: () => 4, shows: () => 9 },
    "refused",
    20,
    "twin_found_at",
  ],
  "it is a backup restored up to some moment, or a promoted standby, and the original runs": [
    { timeline: "00000002", known: () => 4, shows: grows },
    "refused",
    20,
    "twin_found_at",
  ],
  "the original runs, and has failed over since": [
    { known: () => 4, shows: grows, note: { timeline: "00000002" } },
    "refused",
    20,
    "twin_found_at",
  ],
  "it was answered that the database takes the original's place": [
    { settledMs: START_MS, known: () => 4, shows: () => 9 },
    "begins",
    20,
  ],
  "that was answered, and the original runs": [
    { settledMs: START_MS, known: () => 4, shows: grows },
    "refused",
    20,
    "twin_found_at",
  ],
  "it has all that was committed, as an old server may, and those who land went on by a failover": [
    { known: () => 9, shows: (s) => 10 + s, note: { timeline: "00000002" } },
    "refused",
    20,
    "twin_found_at",
  ],
  "its clock is behind, and it is a copy": [{ sinceMs: 0, shows: grows }, "refused", 20, "twin_found_at"],
  "it joins those who land there, and a copy is beside them": [
    { isAccompanied: true, sinceMs: 1000, shows: grows },
    "begins",
    20,
  ],
  "it joins those who land in a copy, and the original is beside them": [
    { isAccompanied: true, sinceMs: 3000, shows: grows },
    "refused",
    20,
    "twin_found_at",
  ],
  "it joins those who land there, and a snapshot was in the groups before": [
    { isAccompanied: true, shows: () => 9 },
    "begins",
    20,
  ],
  "another process of ours has found another database": [{ hasTwin: true }, "refused", 0, "twin_found_at"],
};

describe("a start", () => {
  it.each(Object.entries(STARTS))("where %s", async (_, [world, outcome, withinSeconds, ...records]) => {
    const { services, stop, written, seconds } = setUp(world);
    const start = requireAlone(services, ["ticks"], stop.signal);
    if (outcome === "begins") await start;
    else await expect(start).rejects.toMatchObject(copied);
    expect(written).toEqual(records);
    expect(seconds()).toBeLessThanOrEqual(withinSeconds);
    expect(stop.signal.aborted).toBe(false);
  });

  test("of a process whose database got another id meanwhile is refused", async () => {
    const { services, stop, written } = setUp({ databaseId: () => "its-own" });
    await expect(requireAlone(services, ["ticks"], stop.signal)).rejects.toThrow("has the id its-own now");
    expect(written).toEqual([]);
  });

  test("that is stopped while it waits ends without a word", async () => {
    const { services, stop, written } = setUp({ timeline: "00000002", known: () => 4, shows: () => 6 });
    const start = requireAlone(services, ["ticks"], stop.signal);
    stop.abort();
    await start;
    expect(written).toEqual([]);
  });
});

/** Each case: whether ours stands back within an hour, and what is recorded. */
const RUNS: Readonly<Record<string, readonly [Arranged, boolean, ...string[]]>> = {
  "others land in the same database": [{ known: grows, shows: grows }, false],
  "a member comes and goes": [{ known: grows, shows: (s) => (s % 60 < 30 ? grows(s) : undefined) }, false],
  "a member can't reach the database": [{ known: () => 50, shows: (s) => Math.min(50, grows(s)) }, false],
  "the broker is away now and then": [
    { known: grows, shows: grows, brokerFault: (s) => (s % 100 < 50 ? away() : undefined) },
    false,
  ],
  "the database is away now and then": [
    { known: grows, shows: grows, databaseFault: (s) => (s % 100 < 50 ? gone() : undefined) },
    false,
  ],
  "failovers lose what was committed last": [
    { known: (s) => (s % 300 < 9 ? grows(s) - 3 : grows(s)), shows: grows },
    false,
  ],
  "another database's processes began later": [{ shows: grows, sinceMs: 1000 }, false],
  "another database's processes began before": [{ shows: grows, sinceMs: 3000 }, true, "twin_found_at"],
  "another database is landed in from before a failover of ours": [
    { shows: grows, sinceMs: 1000, timeline: "00000002" },
    false,
  ],
  "another process of ours has found one": [{ hasTwin: true }, true, "twin_found_at"],
};

describe("a process that runs", () => {
  it.each(Object.entries(RUNS))("where %s", async (_, [world, standsBack, ...records]) => {
    const { services, stop, written, told, seconds } = setUp(world);
    const watch = watchTwins(services, ["ticks"], stop.signal);
    if (standsBack) {
      await expect(watch).rejects.toMatchObject(copied);
      expect(seconds()).toBeLessThanOrEqual(30);
    } else await watch;
    expect(written).toEqual(records);
    const another = told.filter((line) => line.startsWith("another database"));
    const isBeside = !standsBack && world.known === undefined;
    expect(another.length > 0).toBe(isBeside);
    expect(services.beats.twin).toEqual(isBeside ? { reason: another[0], since: expect.any(Date) } : undefined);
  });

  test("ends with its database's id, before another process begins under that one, and asks nothing", async () => {
    const { services, stop, written, seconds } = setUp({ databaseId: (s) => (s < 600 ? "the-id" : "its-own") });
    await expect(watchTwins(services, ["ticks"], stop.signal)).rejects.toMatchObject({
      code: "database_copied",
      message: "PostgreSQL at here/tape has the id its-own now, and had the-id when this process began",
      next: expect.stringContaining("Start the command again"),
    });
    expect(seconds()).toBeLessThanOrEqual(603);
    expect(written).toEqual([]);
  });

  test("knows when the other database has stood back", async () => {
    const { services, stop } = setUp({ shows: (s) => (s < 600 ? grows(s) : undefined) });
    await watchTwins(services, ["ticks"], stop.signal);
    expect(services.beats.twin).toBeUndefined();
  });

  test("shows each beat behind its commit, and none that didn't commit", async () => {
    const { services, stop } = setUp({ databaseFault: (s) => (s >= 3 ? gone() : undefined) });
    await watchTwins(services, ["ticks"], stop.signal);
    expect(services.beats.note).toBe(`beat 1 of ${services.beats.process} at ${START_MS} since 1000 on 00000001`);
  });
});
