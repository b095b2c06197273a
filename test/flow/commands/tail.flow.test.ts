import { execFile } from "node:child_process";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { environmentOf } from "../../support/landing.ts";
import { idOf, NOON, SYMBOL_ID, session, symbol, tick } from "../../support/samples.ts";
import { openTestTape, type TestTape } from "../../support/tape.ts";
import { startTradetape, tradetape } from "../../support/tradetape.ts";

interface Line {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  readonly publishedAt: string | null;
  readonly key: string | null;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly event: Readonly<Record<string, unknown>> | null;
  readonly letter: { readonly reason: string; readonly detail: string } | null;
  readonly valueBytes: number | null;
  readonly valueHex: string | null;
}

/** Other symbols than the samples', so that ticks lie in several partitions. */
const SYMBOLS = Array.from({ length: 6 }, (_, n) => idOf(`tailed ${n}`));
const ESC_BIDI = "\u001b[2J\u202etxt";
const NEITHER = { symbol_id: idOf("none") };

let tape: TestTape;
let env: NodeJS.ProcessEnv;
/** The closes of 60 ticks in the order of their publishing. */
const closes: number[] = [];

beforeAll(async () => {
  tape = await openTestTape();
  env = environmentOf(tape.config);
  for (let n = 0; n < 60; n++) {
    const symbol_id = SYMBOLS[n % SYMBOLS.length]!;
    const event = tick(n, { symbol_id, source: n % 2 === 0 ? "even" : ESC_BIDI, backtest_session_id: null });
    await tape.publish("ticks", event);
    closes.push(event.close);
  }
});
afterAll(() => tape.stop());

const lines = (stdout: string): Line[] =>
  stdout
    .trim()
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as Line);
async function tailed(...args: string[]): Promise<Line[]> {
  const { code, stdout, stderr } = await tradetape(["tail", ...args, "--json"], env);
  expect(code, stderr).toBe(0);
  return lines(stdout);
}
const closesOf = (found: readonly Line[]) => found.map(({ event }) => event!.close);

describe("the newest first", () => {
  test("20 of all partitions by the broker's time, whole", async () => {
    const found = await tailed("ticks");
    expect(closesOf(found)).toEqual(closes.slice(-20).toReversed());
    expect(new Set(found.map(({ partition }) => partition)).size).toBeGreaterThan(1);
    const { event, ...first } = found[0]!;
    expect(event).toMatchObject({ close: closes.at(-1), timestamp: NOON + 59, symbol_id: SYMBOLS[5] });
    expect(first).toEqual({
      topic: tape.name("ticks"),
      partition: expect.any(Number),
      offset: expect.any(Number),
      publishedAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/),
      key: SYMBOLS[5],
      headers: {},
      schemaId: expect.any(Number),
      letter: null,
      valueBytes: expect.any(Number),
      valueHex: null,
    });
  });

  test("as many as are asked for, of those that are asked for", async () => {
    expect(closesOf(await tailed("ticks", "--limit", "3"))).toEqual(closes.slice(-3).toReversed());
    const ofOne = closes.filter((_, n) => n % SYMBOLS.length === 2).toReversed();
    expect(closesOf(await tailed("ticks", "--symbol", SYMBOLS[2]!))).toEqual(ofOne);
    expect(closesOf(await tailed("ticks", "--where", "close=194.25"))).toEqual([194.25]);
    expect(closesOf(await tailed("ticks", "--where", "timestamp=2024-03-05T14:30:00.000007Z"))).toEqual([closes[7]]);
    expect(
      await tailed("ticks", "--where", "close=194.25", "--where", "source=even", "--session", "live"),
    ).toHaveLength(1);
    expect(await tailed("ticks", "--session", idOf("session"))).toEqual([]);
  });

  test("in words that no text in them can turn or clear, times to the microsecond", async () => {
    const { stdout } = await tradetape(["tail", "ticks", "--limit", "1"], env);
    expect(stdout).toContain(String.raw`source=\x1b[2J\u202etxt`);
    expect(stdout).toContain("timestamp=2024-03-05T14:30:00.000059Z");
    expect(stdout.trimEnd()).not.toMatch(/[\p{Bidi_Control}\p{Cc}]/u);
  });
});

describe("onward", () => {
  test("from a time, the oldest first, and from an offset of a partition", async () => {
    expect(closesOf(await tailed("ticks", "--from", "1h", "--limit", "100"))).toEqual(closes);
    const [newest] = await tailed("ticks", "--limit", "1");
    const { partition, offset } = newest!;
    const from = await tailed("ticks", "--from", `${partition}:${offset - 1}`);
    expect(from.map((one) => [one.partition, one.offset])).toEqual([
      [partition, offset - 1],
      [partition, offset],
    ]);
  });

  test("and on, until it is stopped", async () => {
    const follower = startTradetape(["tail", "sessions", "--follow", "--json", "--from", "0"], env);
    let stdout = "";
    follower.process.stdout!.on("data", (text: string) => {
      stdout += text;
    });
    const names = () => lines(stdout).map(({ event }) => event!.name);
    await tape.publish("sessions", session({ backtest_session_id: idOf("one"), name: "one" }));
    await expect.poll(names).toEqual(["one"]);
    await tape.publish("sessions", session({ backtest_session_id: idOf("two"), name: "two" }));
    await expect.poll(names).toEqual(["one", "two"]);
    follower.process.kill("SIGINT");
    expect((await follower.ended).code).toBe(0);
  });

  test("until as many have come, or nobody reads any more", async () => {
    const command = `node src/cli/main.ts tail ticks --from 1h --limit 50 --json | head -n 1; echo \${PIPESTATUS[0]}`;
    const stdout = await new Promise<string>((resolve) => {
      execFile(
        "bash",
        ["-c", command.replace("node ", `${process.execPath} `)],
        { env: { ...process.env, ...env } },
        (_, out) => resolve(out),
      );
    });
    const [first, code] = stdout.trim().split("\n");
    expect([(JSON.parse(first!) as Line).event!.close, code]).toEqual([closes[0], "0"]);
  });
});

describe("what is no event", () => {
  test("is shown with what a letter of it would say", async () => {
    const good = await tape.encode("symbols", symbol({ symbol_id: idOf("good") }));
    await tape.raw("symbols", [
      { value: null, key: SYMBOL_ID },
      { value: Buffer.from("{}"), key: "k\u0007", headers: { why: "a test" } },
      { value: Buffer.concat([good, Buffer.of(1)]) },
      { value: await tape.encode("symbols", { ...symbol(), created_at: 1_709_649_000_000 }) },
      { value: good },
    ]);
    const found = await tailed("symbols");
    expect(found.map(({ letter }) => letter?.reason)).toEqual([
      undefined,
      "time_unit",
      "undecodable",
      "not_avro",
      "null_value",
    ]);
    expect(found.map(({ event }) => event !== null)).toEqual([true, true, false, false, false]);
    expect(found[3]).toMatchObject({ key: "0x6b07", headers: { why: "a test" }, valueHex: "7b7d", valueBytes: 2 });
    const { stdout } = await tradetape(["tail", "symbols"], env);
    expect(stdout).toMatch(/TOMBSTONE key=\S+ ! null_value: the message has no value/);
    expect(stdout).toMatch(/POISON 2 bytes 0x7b7d key=0x6b07 header\.why="a test" ! not_avro: 2 bytes, too short/);
    await tape.land("symbols");
    const letters = await tape.query<{ reason: string; detail: string }>(
      'SELECT reason, detail FROM tradetape.dead_letter ORDER BY "offset" DESC',
    );
    expect(found.flatMap(({ letter }) => letter ?? [])).toEqual(letters);
  });
});

describe("what can't be asked is refused with what can", () => {
  test.each([
    [["nothing"], "topic nothing can't be used", "ticks"],
    [["ticks", "--where", "price=1"], "price", "close"],
    [["ticks", "--where", "close=high"], "close=high", "a number"],
    [["ticks", "--where", "timestamp=noon"], "timestamp=noon", "microseconds since 1970"],
    [["sessions", "--where", "kind=nightly"], "kind=nightly", "backtest"],
    [["sessions", "--symbol", "IBM"], "--symbol", "backtest_session_id"],
    [["ticks", "--from", "17"], "--from 17", "0:17, 1:17"],
    [["ticks", "--from", "9:1"], "--from 9:1", "a partition of 0 to 3"],
    [["sessions", "--from", "1000"], "holds offsets 0 to", "gone"],
    [["ticks", "--from", "soon"], "--from soon", "2026-07-01"],
    [["ticks", "--limit", "0"], "--limit 0", "whole number"],
  ])("%j", async (args, says, can) => {
    const { code, stderr } = await tradetape(["tail", ...args], env);
    expect([code, stderr]).toEqual([2, expect.stringContaining(says)]);
    expect(stderr).toContain(can);
  });

  test("and an empty answer is said", async () => {
    const { code, stdout, stderr } = await tradetape(["tail", "ticks", "--symbol", NEITHER.symbol_id], env);
    expect([code, stdout, stderr.trim()]).toEqual([0, "", `${tape.name("ticks")} holds no such event`]);
    expect((await tradetape(["tail", "ticks", "--symbol", "IBM"], env)).stderr).toContain("TICKER@EXCHANGE");
  });
});
