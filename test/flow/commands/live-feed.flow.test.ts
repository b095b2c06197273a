import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { symbolId } from "../../../src/event/identity.ts";
import { withAdmin } from "../../../src/topic/log-client.ts";
import { environmentOf } from "../../support/landing.ts";
import { readLog } from "../../support/services/topic-log.ts";
import { openTestTape, type TestTape } from "../../support/tape.ts";
import { type Running, startTradetape, tradetape } from "../../support/tradetape.ts";

let folder: string;
let tape: TestTape;
let env: NodeJS.ProcessEnv;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "tradetape-live-"));
});
beforeEach(async ({ task }) => {
  tape = await openTestTape({}, task.name);
  env = environmentOf(tape.config);
});
afterEach(() => tape.stop());
afterAll(() => rmSync(folder, { recursive: true }));

const TICK = { ticker: "IBM", timestamp: "2024-03-05T14:30:00Z", close: 100, volume: 1, source: "desk" };
const line = (n: number, change: object = {}) => `${JSON.stringify({ ...TICK, trade_id: `${n}`, ...change })}\n`;
const count = () =>
  withAdmin(tape.client, async (admin) => {
    const ends = await admin.fetchOffsets(tape.name("ticks"));
    return ends.reduce((sum, { low, high }) => sum + high - low, 0);
  });
/** The ids of the ticks in the topic, each once. */
const ids = async () =>
  new Set((await readLog(tape.config, tape.name("ticks"))).map(({ value }) => value!.subarray(6, 42).toString())).size;
const jsonLines = (text: string) =>
  text
    .trimEnd()
    .split("\n")
    .map((one) => JSON.parse(one));

async function live(...flags: readonly string[]): Promise<Running> {
  const running = startTradetape(["publish", "ticks", "-", "--json", "--make-symbols", ...flags], env, null);
  running.process.stdin!.write(line(1));
  await expect.poll(count).toBe(1);
  return running;
}

describe("a live feed", () => {
  test("sends each line soon, however few come, and is good when it is stopped while nothing comes", async () => {
    const running = await live();
    for (const n of [2, 3]) {
      running.process.stdin!.write(line(n));
      await expect.poll(count).toBe(n);
    }
    // Half a line, of which nobody knows how it goes on.
    running.process.stdin!.write(line(4).trimEnd());
    running.process.kill("SIGTERM");
    const { code, stdout, stderr } = await running.ended;
    expect([code, stderr]).toEqual([0, expect.stringContaining("read 3 ")]);
    expect(stderr).toMatch(/standard input: read 3 .*, acknowledged 3 .*, waiting 0, rejected 0 /);
    const events = jsonLines(stdout);
    expect(events.at(-1)).toMatchObject({ event: "published", read: 3, sent: 3, files: [{ complete: false }] });
    expect(events.at(-2)).toMatchObject({ event: "progress", read: 3, acknowledged: 3, waiting: 0 });
    await tape.land("symbols", "ticks");
    expect(await tape.query("SELECT count(*) AS n FROM market_data_tick JOIN symbol USING (symbol_id)")).toEqual([
      { n: 3 },
    ]);
  });

  test("has each rejected line in the file while it runs, and in its summary when it is stopped", async () => {
    const path = join(folder, "live.jsonl");
    const running = await live("--rejects", path);
    const bad = ["{ no JSON", line(2, { volume: -1 }).trimEnd()];
    for (const one of bad) {
      running.process.stdin!.write(`${one}\n`);
      await expect.poll(() => readFileSync(path, "utf8")).toContain(JSON.stringify(one));
    }
    running.process.kill("SIGINT");
    const { code, stdout } = await running.ended;
    expect(code).toBe(0);
    const result = jsonLines(stdout).at(-1);
    expect(result).toMatchObject({ read: 3, sent: 1, rejected: 2 });
    expect(result.rejections.map((one: { line: number }) => one.line)).toEqual([2, 3]);
    expect(jsonLines(readFileSync(path, "utf8")).map((one) => [one.file, one.line, one.text])).toEqual([
      ["-", 2, bad[0]],
      ["-", 3, bad[1]],
    ]);
  });

  test("that ends by itself is as good as a file: rejects are exit code 1, and their file keeps those of before", async () => {
    const path = join(folder, "twice.jsonl");
    for (const n of [1, 2]) {
      const { code } = await tradetape(
        ["publish", "ticks", "-", "--make-symbols", "--rejects", path],
        env,
        `${line(n)}bad\n`,
      );
      expect(code).toBe(1);
      expect(jsonLines(readFileSync(path, "utf8")).map((one) => one.text)).toEqual(Array(n).fill("bad"));
    }
  });

  test("is stopped before its first line, too", async () => {
    const running = startTradetape(["publish", "ticks", "-", "--json"], env, null);
    await running.says("waiting for its first JSON line");
    running.process.kill("SIGTERM");
    const { code, stdout } = await running.ended;
    expect([code, jsonLines(stdout)]).toEqual([
      0,
      [expect.objectContaining({ event: "published", read: 0, files: [] })],
    ]);
  });
});

describe("a file that is published with --resume", () => {
  const ROWS = 60_000;
  /** Trades without a number, each there twice: their ids count those before them. */
  const rows = (from: number, to: number) =>
    Array.from(
      { length: to - from },
      (_, i) => `2024-03-05T14:30:0${(from + i) % 2}Z,${100 + ((from + i) % (ROWS / 2))},1\n`,
    );
  const HEADER = "timestamp,price,size\n";
  const told = ["--symbol", "IBM", "--source", "desk", "--json"];
  const flags = (path: string, state: string) => ["publish", "ticks", path, ...told, "--resume", state];
  const placeIn = (state: string, path: string): number =>
    existsSync(state) ? JSON.parse(readFileSync(state, "utf8")).files[path].lines : 0;

  test("goes on after a kill with the same ids, sends nothing twice that it knew of, and takes what was appended", async () => {
    const [path, state] = [join(folder, "trades.csv"), join(folder, "trades.state")];
    writeFileSync(path, HEADER + rows(0, ROWS).join(""));
    // Its first place is written down after a sixth of the half minute that it would take, so that a slow test finds it midway.
    const killed = startTradetape([...flags(path, state), "--speed", "2000/s"], env);
    // Behind the header and a row.
    await expect.poll(() => placeIn(state, path)).toBeGreaterThan(1);
    killed.process.kill("SIGKILL");
    await killed.ended;
    const known = placeIn(state, path) - 1;
    expect([known > 0, known < ROWS]).toEqual([true, true]);
    const second = await tradetape(flags(path, state), env);
    expect([second.code, JSON.parse(second.stdout)]).toEqual([0, expect.objectContaining({ read: ROWS - known })]);
    expect(second.stderr).toContain(`going on behind line ${(known + 1).toLocaleString("en-US")}`);
    writeFileSync(path, HEADER + rows(0, ROWS + 10).join(""));
    const third = await tradetape(flags(path, state), env);
    expect([third.code, JSON.parse(third.stdout).sent]).toEqual([0, 10]);
    expect(await ids()).toBe(ROWS + 10);
  });

  test("isn't gone on with when it or the flags changed, nor is standard input", async () => {
    const [path, state] = [join(folder, "other.csv"), join(folder, "other.state")];
    writeFileSync(path, HEADER + rows(0, 10).join(""));
    expect((await tradetape(flags(path, state), env)).code).toBe(0);
    const before = readFileSync(state, "utf8");
    const refused = async (args: readonly string[], why: RegExp) => {
      const { code, stderr } = await tradetape(args, env, line(1));
      expect([code, stderr]).toEqual([2, expect.stringMatching(why)]);
      expect(readFileSync(state, "utf8")).toBe(before);
    };
    await refused([...flags(path, state), "--source", "lab"], /another publishing: flags differ/);
    await refused(flags("-", state), /standard input can't be read again/);
    writeFileSync(path, HEADER + rows(1, 11).join(""));
    await refused(flags(path, state), /has other text than when its first 11 lines/);
    expect(await ids()).toBe(10);
  });
});

test("a ticker's symbol is published before the events that name it, and lands with them", async () => {
  const events = [line(1), line(2, { ticker: "BTCUSDT", exchange: "BINANCE" })];
  expect((await tradetape(["publish", "ticks", "-", "--make-symbols"], env, events.join(""))).code).toBe(0);
  await tape.land("symbols", "ticks");
  const rows = await tape.query(
    "SELECT symbol_id, ticker, exchange FROM symbol JOIN market_data_tick USING (symbol_id) ORDER BY ticker",
  );
  expect(rows).toEqual([
    { symbol_id: symbolId("BTCUSDT", "BINANCE"), ticker: "BTCUSDT", exchange: "BINANCE" },
    { symbol_id: symbolId("IBM", null), ticker: "IBM", exchange: null },
  ]);
});
