import { spawn } from "node:child_process";
import { once } from "node:events";
import { describe, expect, it } from "vitest";
import { bars } from "../../producers/bars.ts";
import { decisions } from "../../producers/decisions.ts";
import { fills } from "../../producers/fills.ts";
import { indicators } from "../../producers/indicators.ts";
import { performance } from "../../producers/performance.ts";
import { predictions } from "../../producers/predictions.ts";
import { sessions } from "../../producers/sessions.ts";
import { symbols } from "../../producers/symbols.ts";
import { ticks } from "../../producers/ticks.ts";
import { barId, indicatorId, nthTickId, performanceId, symbolId, tickId } from "../../src/event/identity.ts";
import type { FeedOptions, Producer } from "../../src/feed/feed.ts";
import { decidedOf, readText } from "../support/feeds/feed-files.ts";

const ID = "0198c5a4-8f6e-7c3a-9d2b-5e4f3a2b1c0d";
const TIME = "2024-01-02T03:04:05.678901Z";
const MICROS = Date.parse("2024-01-02T03:04:05.678Z") * 1000 + 901;
const at = { symbol_id: ID, timestamp: TIME };
const TICK = { ...at, close: 1.5, volume: 2, source: "desk" };
const read = <T extends Parameters<typeof readText>[0]["topic"]>(
  producer: Producer<T>,
  lines: readonly (object | string)[],
  options: FeedOptions = {},
) =>
  readText(
    producer,
    "events.jsonl",
    lines.map((line) => (typeof line === "string" ? line : JSON.stringify(line))).join("\n"),
    options,
  );

describe("JSON lines of every kind", () => {
  it("are events, with ISO times and the ids that follow from the content", async () => {
    const bar = { ...at, open: 1, high: 2, low: 1, close: 2, volume: 0, interval: "1d", source: "desk" };
    const indicator = { ...at, indicator_name: "SMA", indicator_value: 1, period: 20, computed_by: "desk" };
    const row = { strategy_id: ID, window_start: TIME, window_end: TIME, total_trades: 0 };
    const [b] = (await read(bars, [bar])).events;
    expect(b).toEqual({ ...bar, timestamp: MICROS, market_data_id: barId({ ...bar, timestamp: MICROS }) });
    const [i] = (await read(indicators, [indicator])).events;
    expect(i?.indicator_id).toBe(indicatorId({ ...indicator, timestamp: MICROS }));
    const [p] = (await read(performance, [row])).events;
    expect(p?.performance_id).toBe(performanceId({ ...row, window_start: MICROS, window_end: MICROS }));
    const [s] = (await read(symbols, [{ ticker: "IBM", exchange: "NYSE", asset_type: "equity" }])).events;
    expect(s?.symbol_id).toBe(symbolId("IBM", "NYSE"));
    const prediction = { prediction_id: ID, ...at, model_version: "m" };
    expect((await read(predictions, [prediction])).events).toEqual([{ ...prediction, timestamp: MICROS }]);
    const decision = { decision_id: ID, ...at, action: "BUY", size: 1, approved: true };
    expect((await read(decisions, [decision])).events).toEqual([{ ...decision, timestamp: MICROS }]);
    const fill = { execution_id: ID, decision_id: ID, ...at, quantity: 0, status: "REJECTED", broker: "sim" };
    expect((await read(fills, [fill])).events).toEqual([{ ...fill, timestamp: MICROS }]);
    const session = { backtest_session_id: ID, kind: "backtest", status: "created", config: { fast: 12 } };
    expect((await read(sessions, [session])).events).toEqual([{ ...session, config: '{"fast":12}' }]);
  });
  it("tell equal ticks apart, by the venue's id or by their order", async () => {
    const plain = { ...TICK, timestamp: MICROS };
    const { events } = await read(ticks, [TICK, TICK, { ...TICK, trade_id: "7" }, { ...TICK, market_data_id: ID }]);
    expect(events.map((event) => event.market_data_id)).toEqual([
      nthTickId(plain, 0),
      nthTickId(plain, 1),
      tickId({ ...plain, trade_id: "7" }),
      ID,
    ]);
  });
  it("take what the command line says where a line is silent, and reject what contradicts it", async () => {
    const { symbol_id: _, source: __, ...bare } = TICK;
    const options = { symbol: "IBM", source: "lab", session: ID };
    const other = { ...bare, source: "other" };
    const { feed, events, rejections } = await read(ticks, [bare, other], options);
    expect(events[0]).toMatchObject({ symbol_id: symbolId("IBM", null), source: "lab", backtest_session_id: ID });
    expect(rejections).toEqual([{ line: 2, reason: "source differs from what the command line says" }]);
    expect(feed.symbols[0]?.ticker).toBe("IBM");
    expect(decidedOf(feed)).toMatchObject({
      format: "jsonl",
      source: "lab",
      symbol_id: "IBM",
      backtest_session_id: ID,
    });
  });
});

describe("numbers in JSON lines", () => {
  const line = (change: string) => JSON.stringify(TICK).replace("{", `{${change},`);
  it("that are ids stay exact beyond 2^53, and keep their spelling", async () => {
    const { events } = await read(ticks, [
      line('"trade_id": 12345678901234567890'),
      line('"trade_id": 9007199254740993'),
      line('"trade_id": 1.50'),
      line('"trade_id": 77'),
    ]);
    expect(events.map((e) => e.trade_id)).toEqual(["12345678901234567890", "9007199254740993", "1.50", "77"]);
  });
  it("that would lose digits are rejected, others in any spelling are read", async () => {
    const cases: [string, string | number][] = [
      ['"volume": 9007199254740993', "volume 9007199254740993 has more digits than the field can hold"],
      ['"volume": 9007199254740992', 9_007_199_254_740_992],
      ['"volume": 1e400', "volume must be a finite number"],
      ['"volume": 100.0', 100],
      ['"volume": 0.30000000000000004', 0.30000000000000004],
      ['"volume": 123456789012345680000', 123_456_789_012_345_680_000],
    ];
    for (const [text, expected] of cases) {
      const { volume: _, ...rest } = TICK;
      const { events, rejections } = await read(ticks, [JSON.stringify(rest).replace("{", `{${text},`)]);
      expect(rejections[0]?.reason ?? events[0]?.volume).toBe(expected);
    }
  });
  it("in JSON fields given as objects keep every digit", async () => {
    const objects = ['{"seed":12345678901234567890,"deep":[{"x":0.1}]}', '{"fast":1.0,"slow":1e2}'];
    const session = `{"backtest_session_id":"${ID}","kind":"paper","status":"running","config":`;
    const { events } = await read(sessions, [`${session}${objects[0]}}`, `${session}${objects[1]}}`]);
    expect(events.map((event) => event.config)).toEqual(objects);
  });
  it("that are times are whole microseconds; other units and rounding are rejected", async () => {
    const { timestamp: _, ...rest } = TICK;
    const reason = async (timestamp: string) => {
      const { events, rejections } = await read(ticks, [
        JSON.stringify(rest).replace("{", `{"timestamp":${timestamp},`),
      ]);
      return rejections[0]?.reason ?? events[0];
    };
    expect(await reason(`${MICROS}`)).toMatchObject({ timestamp: MICROS });
    expect(await reason("1704164645678")).toMatch(/as milliseconds it is 2024-01-02T03:04:05/);
    expect(await reason("1704164645678901234")).toMatch(/more digits than the field can hold/);
    expect(await reason("1704164645678901.5")).toMatch(/must be whole microseconds/);
    expect(await reason('"2024-01-02T03:04:05.678901234Z"')).toMatchObject({ timestamp: MICROS, timestamp_ns: 234 });
    const finer = (ns: number | null) => reason(`"2024-01-02T03:04:05.678901234Z","timestamp_ns":${ns}`);
    for (const same of [234, null]) expect(await finer(same)).toMatchObject({ timestamp: MICROS, timestamp_ns: 234 });
    for (const other of [0, 5]) expect(await finer(other)).toMatch(`234 nanoseconds, and timestamp_ns is ${other}`);
    expect(await reason('"2024-01-02T03:04:05"')).toMatch(/no zone/);
    expect(await reason('"2023-02-29T00:00:00Z"')).toMatch(/doesn't exist/);
    expect(await reason('"1969-12-31T23:59:59Z"')).toMatchObject({ timestamp: -1_000_000 });
    expect(await reason("100000000000000")).toMatchObject({ timestamp: 100_000_000_000_000 });
    expect(await reason('"1683-01-01T00:00:00Z"')).toMatch(/outside of the years 1684 to 2255/);
    expect(await reason('"2200-01-01T00:00:00Z"')).toMatch(/two days ahead/);
    const bar = { ...rest, timestamp: "2024-01-02T00:00:00.000000001Z", open: 1, high: 2, low: 1, interval: "1d" };
    expect((await read(bars, [bar])).rejections[0]?.reason).toMatch(/more digits than microseconds/);
  });
  it("that are times without a zone take --tz", async () => {
    const naive = { ...TICK, timestamp: "2024-07-01 09:30:00" };
    const { events } = await read(ticks, [naive], { tz: "America/New_York" });
    expect(events[0]?.timestamp).toBe(Date.parse("2024-07-01T13:30:00Z") * 1000);
  });
});

describe("bad JSON lines", () => {
  it("are rejected by number, and the rest goes on", async () => {
    const bad = [
      '{"broken": ',
      "[1, 2]",
      "17",
      "null",
      { ...TICK, prise: 1 },
      { ...TICK, close: "1.5" },
      { ...TICK, close: null },
      { ...TICK, volume: -2 },
      { ...TICK, symbol_id: "IBM" },
      { ...TICK, venue: "a\u0000b" },
      '{"__proto__": {"close": 1}}',
    ];
    const { events, rejections } = await read(ticks, [TICK, ...bad, TICK]);
    expect(events.length).toBe(2);
    expect(rejections.map((r) => r.line)).toEqual(bad.map((_, i) => i + 2));
    expect(rejections.map((r) => r.reason)).toEqual([
      expect.stringMatching(/^the line is no JSON: /),
      "the line is no JSON object",
      "the line is no JSON object",
      "the line is no JSON object",
      "prise is not a field of this event",
      "close must be a finite number",
      "close must be a finite number",
      "volume must not be negative",
      expect.stringMatching(/^symbol_id must be a UUID/),
      "venue must not hold a NUL character",
      expect.stringMatching(/is missing|__proto__/),
    ]);
  });
  it("include events that are larger than a publisher sends", async () => {
    const session = { backtest_session_id: ID, kind: "paper", status: "running" };
    const large = { ...session, name: "日".repeat(400_000) };
    const { events, rejections } = await read(sessions, [session, large, session]);
    expect(events.length).toBe(2);
    expect(rejections).toEqual([
      { line: 2, reason: expect.stringMatching(/^the event has 12\d{5} bytes, 1048576 are/) },
    ]);
    const [small] = (await read(sessions, [{ ...session, name: "n".repeat(2000) }], { eventBytesMax: 1024 }))
      .rejections;
    expect(small?.reason).toMatch(/1024 are allowed/);
  });
  it("name the id that only the agent can make", async () => {
    const { rejections } = await read(predictions, [{ ...at, model_version: "m" }]);
    expect(rejections).toEqual([{ line: 1, reason: "prediction_id is missing" }]);
  });
  it("don't turn away the ticks behind one whose time lies in the far future", async () => {
    const { events, rejections } = await read(ticks, [TICK, { ...TICK, timestamp: "2100-01-01T00:00:00Z" }, TICK]);
    expect([events.length, rejections.length]).toEqual([2, 1]);
  });
});

describe("standard input", () => {
  it("gives an event as soon as its line is there, and takes lines until it ends", async () => {
    const script = `
      import { decisions } from ${JSON.stringify(new URL("../../producers/decisions.ts", import.meta.url).href)};
      const feed = await decisions.open("-");
      for await (const { events } of feed.batches()) for (const e of events) console.info(e.decision_id);
    `;
    const child = spawn(process.execPath, ["--input-type=module", "-e", script], {
      stdio: ["pipe", "pipe", "inherit"],
    });
    const line = (n: number) =>
      `${JSON.stringify({ decision_id: ID.replace(/.$/, `${n}`), ...at, action: "HOLD", size: 0, approved: false })}\n`;
    for (const n of [1, 2, 3]) {
      child.stdin.write(line(n));
      const [chunk] = (await once(child.stdout, "data")) as [Buffer];
      expect(String(chunk)).toBe(`${ID.replace(/.$/, `${n}`)}\n`);
    }
    child.stdin.end();
    const [code] = (await once(child, "exit")) as [number];
    expect(code).toBe(0);
  });
});
