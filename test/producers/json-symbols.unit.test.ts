import { describe, expect, it } from "vitest";
import { bars } from "../../producers/bars.ts";
import { decisions } from "../../producers/decisions.ts";
import { fills } from "../../producers/fills.ts";
import { indicators } from "../../producers/indicators.ts";
import { performance } from "../../producers/performance.ts";
import { predictions } from "../../producers/predictions.ts";
import { quotes } from "../../producers/quotes.ts";
import { symbols } from "../../producers/symbols.ts";
import { ticks } from "../../producers/ticks.ts";
import { symbolId } from "../../src/event/identity.ts";
import type { EventTopic } from "../../src/event/schemas.ts";
import type { FeedOptions, Producer } from "../../src/feed/feed.ts";
import { fileOf, readText } from "../support/feeds/feed-files.ts";

const ID = "0198c5a4-8f6e-7c3a-9d2b-5e4f3a2b1c0d";
const IBM = symbolId("IBM", null);
const BTC = symbolId("BTCUSDT", "BINANCE");
const time = { timestamp: "2024-01-02T03:04:05Z" };
const ohlc = { open: 1, high: 2, low: 1, close: 2, volume: 0 };
const window = { window_start: time.timestamp, window_end: time.timestamp };
const TICK = { ...time, close: 1.5, volume: 2, source: "desk" };
const LINES: readonly (readonly [Producer<EventTopic>, object])[] = [
  [ticks, TICK],
  [quotes, { ...time, bid_price: 1, bid_size: 2, ask_price: 1.5, ask_size: 3, source: "desk" }],
  [bars, { ...time, ...ohlc, interval: "1d", source: "desk" }],
  [indicators, { ...time, indicator_name: "SMA", indicator_value: 1, period: 20, computed_by: "desk" }],
  [predictions, { prediction_id: ID, ...time, model_version: "m" }],
  [decisions, { decision_id: ID, ...time, action: "BUY", size: 1, approved: true }],
  [fills, { execution_id: ID, decision_id: ID, ...time, quantity: 0, status: "REJECTED", broker: "sim" }],
  [performance, { strategy_id: ID, ...window, total_trades: 0 }],
];
const MADE = "--make-symbols";
const MAKE = { makeSymbols: true };
const jsonl = (lines: readonly object[]) => lines.map((line) => `${JSON.stringify(line)}\n`).join("");
const read = (lines: readonly object[], options: FeedOptions = {}) =>
  readText(ticks, "events.jsonl", jsonl(lines), options);

describe("JSON lines that name their symbol by ticker", () => {
  it.each(LINES)("are events of every kind that has symbol_id, and make the symbol before them", async (kind, line) => {
    const named = [
      { ...line, ticker: "BTCUSDT", exchange: "BINANCE" },
      { ...line, ticker: "IBM" },
      { ...line, ticker: "IBM" },
    ];
    const feed = await kind.open(fileOf("events.jsonl", jsonl(named)), MAKE);
    for await (const { events, rejections, symbols } of feed.batches()) {
      expect(rejections).toEqual([]);
      expect(events.map((event) => (event as { symbol_id?: string }).symbol_id)).toEqual([BTC, IBM, IBM]);
      expect(symbols.map(({ ticker, exchange, symbol_id }) => [ticker, exchange, symbol_id])).toEqual([
        ["BTCUSDT", "BINANCE", BTC],
        ["IBM", null, IBM],
      ]);
    }
  });

  it("are asked about when the first line does and nobody said that symbols may be made", async () => {
    await expect(read([{ ...TICK, ticker: "IBM" }])).rejects.toMatchObject({
      code: "input_invalid",
      next: expect.stringContaining("--make-symbols"),
    });
  });

  it("are rejected further on, and make no symbol, where nobody said so", async () => {
    const lines = [
      { ...TICK, symbol_id: IBM },
      { ...TICK, ticker: "AAPL" },
      { ...TICK, ticker: "IBM", symbol_id: IBM },
    ];
    const feed = await ticks.open(fileOf("events.jsonl", jsonl(lines)));
    for await (const { events, rejections, symbols } of feed.batches()) {
      expect([events.map((event) => event.symbol_id), symbols]).toEqual([[IBM, IBM], []]);
      expect(rejections).toEqual([expect.objectContaining({ line: 2, reason: expect.stringContaining(MADE) })]);
    }
  });

  it("may name the one that --symbol names, and no other", async () => {
    const { feed, events, rejections } = await read(
      [
        { ...TICK, ticker: "IBM" },
        { ...TICK, ticker: "AAPL" },
      ],
      { symbol: "IBM" },
    );
    expect([feed.symbols[0]?.ticker, events.map((event) => event.symbol_id)]).toEqual(["IBM", [IBM]]);
    expect(rejections.map(({ line }) => line)).toEqual([2]);
    const told = await read([{ ...TICK, ticker: "AAPL" }], { symbol: "IBM", ...MAKE });
    expect(told.rejections).toEqual([{ line: 1, reason: "symbol_id differs from what the command line says" }]);
  });

  it("are rejected when the ticker and the id are of two symbols, and when there is none", async () => {
    const bad = [
      { ...TICK, ticker: "AAPL", symbol_id: IBM },
      { ...TICK, ticker: 700 },
      { ...TICK, ticker: "BRK B" },
      { ...TICK, ticker: "IBM", exchange: "N Y" },
      { ...TICK, ticker: "IBM", exchange: 1 },
      { ...TICK, symbol_id: IBM, exchange: "NYSE" },
    ];
    const both = { ...TICK, ticker: "IBM", symbol_id: IBM.toUpperCase() };
    const { events, rejections } = await read([both, ...bad], MAKE);
    expect(events.map((event) => event.symbol_id)).toEqual([IBM]);
    expect(rejections.map(({ reason }) => reason)).toEqual([
      'symbol_id isn\'t that of the ticker "AAPL"',
      "ticker must be text",
      'the symbol "BRK B" is no ticker',
      '"N Y" is no exchange',
      "exchange must be text",
      "exchange is not a field of this event",
    ]);
  });

  it("keep their own ticker where they are symbols", async () => {
    const line = { ticker: "IBM", exchange: "NYSE", asset_type: "equity" };
    const { events } = await readText(symbols, "symbols.jsonl", JSON.stringify(line));
    expect(events[0]).toMatchObject({ ticker: "IBM", exchange: "NYSE", symbol_id: symbolId("IBM", "NYSE") });
  });
});

describe("a name that stands twice in one object", () => {
  const TEXT = JSON.stringify({ ...TICK, symbol_id: IBM });
  it.each([
    TEXT.replace("{", '{"close":1.4,'),
    TEXT.replace("{", '{"close" :\t1.4, '),
    TEXT.replace("{", '{"clo\\u0073e":1.4,'),
    TEXT.replace("{", '{"conditions":["a"],"conditions":["b"],'),
  ])("rejects the line, however it is written: %s", async (line) => {
    const { events, rejections } = await readText(ticks, "t.jsonl", `${TEXT}\n${line}`);
    expect([events.length, rejections]).toEqual([1, [{ line: 2, reason: "the line has a name twice in one object" }]]);
  });
  it("is found within JSON fields, too", async () => {
    const row = { ...time, symbol_id: IBM, indicator_name: "SMA", indicator_value: 1, period: 20, computed_by: "d" };
    const line = JSON.stringify({ ...row, parameters: { a: { x: 1 }, b: { x: 1 } } });
    const { events, rejections } = await readText(indicators, "i.jsonl", `${line}\n${line.replace('"b"', '"a"')}`);
    expect([events.length, rejections.map((one) => one.line)]).toEqual([1, [2]]);
  });
  it("is no text that only looks like one", async () => {
    const venues = ['"close":1', "a\\", '\\":', '{"close":1,"close":2}', '\\\\"'];
    const lines = venues.map((venue) => JSON.stringify({ ...TICK, symbol_id: IBM, venue }));
    const { events } = await readText(ticks, "t.jsonl", lines.join("\n"));
    expect(events.map((event) => event.venue)).toEqual(venues);
  });
});
