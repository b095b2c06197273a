import { pino } from "pino";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { checkHistory } from "../../src/batch/group/history.ts";
import { judge, Patience, type Wait, Waits } from "../../src/batch/patience.ts";
import { SYSTEM_CLOCK } from "../../src/clock.ts";
import { TradetapeError } from "../../src/errors.ts";

const log = pino({ level: "silent" });
const databaseFault = (code: string, more: object = {}) =>
  Object.assign(new Error(`state ${code}`), { code, severity: "ERROR", ...more });

describe("what is done about a landing's error", () => {
  it.each([
    ["a lost connection", databaseFault("08006")],
    ["a deadlock", databaseFault("40P01")],
    ["a full disk", databaseFault("53100")],
    ["a lock timeout", databaseFault("55P03")],
    ["a shutdown", databaseFault("57P01")],
    ["a missing right", databaseFault("42501")],
    ["a read-only database", databaseFault("25006")],
    ["a race with a parent", databaseFault("23503")],
    ["a prepared statement that a pooler's next session lacks", databaseFault("26000")],
    ["an outage that says it may pass", new TradetapeError("registry_unreachable", "away", { canRetry: true })],
  ])("%s is waited out", (_, error) => {
    expect(judge(error, "ticks")).toBe("retry");
  });

  it.each([
    ["a missing table", databaseFault("42P01")],
    ["a partition that can't be made", databaseFault("23514")],
  ])("%s stops the group with the topic and SQLSTATE", (_, error) => {
    const verdict = judge(error, "paper.ticks");
    expect(verdict).toMatchObject({ code: "landing_refused", canRetry: false });
    expect((verdict as TradetapeError).message).toMatch(/^paper\.ticks: .*SQLSTATE/);
  });

  it("a stop says what PostgreSQL hints at, as the only words that name a way out", () => {
    const next = (more: object) => (judge(databaseFault("42809", more), "ticks") as TradetapeError).next;
    expect(next({ hint: "Attach it." })).toBe(
      "Nothing of the batch was landed. Mend the cause. PostgreSQL's hint: Attach it.",
    );
    expect(next({})).toBe("Nothing of the batch was landed. Mend the cause.");
  });

  it("an error of ours that no retry mends is the group's end as it is", () => {
    const error = new TradetapeError("history_lost", "gone");
    expect(judge(error, "ticks")).toBe(error);
  });

  it("a plain error is a bug that is thrown on: what comes of a session that is gone is no plain error", () => {
    const error = new Error("undefined is not a function");
    expect(() => judge(error, "ticks")).toThrow(error);
  });
});

/** Waits end at once, unless a test holds them; how long each would have been is kept. */
const waits = vi.hoisted(() => ({ ms: [] as number[], areHeld: false }));
vi.mock("node:timers/promises", async (original) => {
  const real = await original<typeof import("node:timers/promises")>();
  const setTimeout = (ms: number, value: unknown, options: object) => {
    waits.ms.push(ms);
    return waits.areHeld ? real.setTimeout(60_000, value, options) : Promise.resolve(value);
  };
  return { ...real, setTimeout };
});

describe("patience", () => {
  beforeEach(() => {
    waits.ms = [];
    waits.areHeld = false;
  });

  it("has no limit; its waits grow from a fifth of a second to 15 s, none like the other", async () => {
    const waiting = new Waits();
    const patience = new Patience(log, new AbortController().signal, SYSTEM_CLOCK, waiting);
    const seen: (Wait | undefined)[] = [];
    const attempt = async () => {
      seen.push(waiting.longest);
      if (seen.length <= 40) throw new Error("no route");
      return "landed";
    };
    expect(await patience.insist("landing ticks/0", attempt, () => "retry")).toBe("landed");
    expect([seen[0], seen[1]?.reason, waiting.longest]).toEqual([undefined, "landing ticks/0: no route", undefined]);
    expect(seen.at(-1)?.since).toBe(seen[1]?.since);
    expect(waits.ms).toHaveLength(40);
    for (const [n, ms] of waits.ms.entries()) {
      const full = Math.min(15_000, 200 * 2 ** n);
      expect(ms).toBeGreaterThanOrEqual(full / 2);
      expect(ms).toBeLessThanOrEqual(full);
    }
    expect(new Set(waits.ms.slice(10)).size).toBeGreaterThan(20);
  });

  it("says an outage's first tries, then one in five", async () => {
    const lines: string[] = [];
    const said = pino({ level: "warn" }, { write: (line) => void lines.push(JSON.parse(line).msg) });
    const patience = new Patience(said, new AbortController().signal);
    let tries = 0;
    const attempt = async () => {
      if (++tries <= 40) throw new Error("no route");
    };
    await patience.insist("landing ticks/0", attempt, () => "retry");
    expect(lines).toEqual([...Array(8 + 6).fill("paused, trying again"), "works again"]);
  });

  it("ends with the error that the judge returns or throws, without another try", async () => {
    const patience = new Patience(log, new AbortController().signal);
    const refused = new TradetapeError("landing_refused", "no");
    let tries = 0;
    const attempt = async () => {
      tries++;
      throw new Error("x");
    };
    await expect(patience.insist("x", attempt, () => refused)).rejects.toBe(refused);
    const bug = new Error("bug");
    const throwing = () => {
      throw bug;
    };
    await expect(patience.insist("x", attempt, throwing)).rejects.toBe(bug);
    expect(tries).toBe(2);
  });

  it("gives up at its signal, also in the middle of a wait", async () => {
    waits.areHeld = true;
    const abort = new AbortController();
    const patience = new Patience(log, abort.signal);
    const waiting = patience.insist(
      "x",
      () => Promise.reject(new Error("x")),
      () => "retry",
    );
    const ended = expect(waiting).rejects.toMatchObject({ name: "AbortError" });
    await new Promise((resolve) => setImmediate(resolve));
    abort.abort();
    await ended;
  });
});

describe("holding the log against the database", () => {
  const check =
    (next: number, low: number, high: number, landedFrom: string | null = "c") =>
    () =>
      checkHistory(
        "paper.ticks",
        { nextOffset: next, clusterId: landedFrom, topicId: null, leaderEpoch: null },
        { log: { partition: 2, low, high }, clusterId: "c", topicId: undefined, epochEnd: undefined },
      );

  it.each([
    [5, 0, 9],
    [5, 5, 9],
    [9, 0, 9],
    [0, 0, 0],
  ])("next %d in a log from %d to %d is good", (next, low, high) => {
    expect(check(next, low, high)).not.toThrow();
    expect(check(next, low, high, null)).not.toThrow();
  });

  it.each([
    ["a log that begins later", check(5, 6, 9), /paper\.ticks\/2: expected offset 5 .* begins at 6/],
    ["a log that ends before", check(10, 0, 9), /paper\.ticks\/2: expected offset 10 .* ends at 9/],
    ["another cluster", check(5, 0, 9, "d"), /paper\.ticks\/2: .* d, and this is c/],
  ])("%s is lost history, with place, expected and found", (_, run, words) => {
    expect(run).toThrow(words);
    expect(run).toThrow(expect.objectContaining({ code: "history_lost", canRetry: false }));
  });
});
