import { expect } from "vitest";
import { bars } from "../../../producers/bars.ts";
import { quotes } from "../../../producers/quotes.ts";
import { ticks } from "../../../producers/ticks.ts";
import type { BarEvent, QuoteEvent, TickEvent } from "../../../src/event/events.ts";
import { symbolId } from "../../../src/event/identity.ts";
import type { EventTopic } from "../../../src/event/schemas.ts";
import { checkEvent } from "../../../src/event/validate.ts";
import type { FeedOptions, Producer } from "../../../src/feed/feed.ts";
import { fileOf, readFile } from "./feed-files.ts";

const TICKERS = ["IBM", "AAPL", "MSFT", "ES", "EURUSD", "BTCUSDT", "BTCUSD", "OMGUSDT", "AAPL.US", "ESH1", "XBTUSD"];
const tickerOf = (id: string) => TICKERS.find((ticker) => symbolId(ticker, null) === id) ?? id;

function timeText(us: number, ns = 0): string {
  const text = new Date(Math.floor(us / 1000)).toISOString().slice(0, 19);
  const below = `${String(us % 1_000_000).padStart(6, "0")}${String(ns).padStart(3, "0")}`.replace(/0+$/, "");
  return `${text}${below === "" ? "" : `.${below}`}Z`;
}

const barText = (e: BarEvent) =>
  [tickerOf(e.symbol_id), timeText(e.timestamp), e.open, e.high, e.low, e.close, e.volume, e.interval, e.source].join(
    " ",
  );

const tickText = (e: TickEvent) =>
  [
    ...[tickerOf(e.symbol_id), timeText(e.timestamp, e.timestamp_ns), e.close, e.volume, e.source],
    ...[e.trade_id ?? "-", e.venue ?? "-", e.conditions?.join("|") ?? "-"],
  ].join(" ");

const UNNAMED = ["ohlcv", "metatrader", "metatrader-rows", "trades", "quotes"];

const sideText = (price: number | null | undefined, size: number | null | undefined) =>
  `${price ?? "none"} x ${size ?? "-"}`;

const quoteText = (e: QuoteEvent) =>
  [
    ...[tickerOf(e.symbol_id), timeText(e.timestamp, e.timestamp_ns), sideText(e.bid_price, e.bid_size)],
    ...[sideText(e.ask_price, e.ask_size), e.source, e.sequence ?? "-", e.venue ?? "-", e.conditions?.join("|") ?? "-"],
  ].join(" ");

/** Reads a file of this text; a layout that any program writes doesn't name its data set, and is called like the layout. */
async function read<T extends EventTopic>(
  producer: Producer<T>,
  name: string,
  text: string | Buffer,
  options: FeedOptions,
) {
  const path = fileOf(name, text);
  if (options.source !== undefined || options.map !== undefined) return readFile(producer, path, options);
  const { description } = await producer.sniff(path, options);
  const isUnnamed = UNNAMED.includes(description.format);
  return readFile(producer, path, isUnnamed ? { ...options, source: description.format } : options);
}

/** What landing would get of a file: an event a line, in words, and the numbers of the lines that are rejected. */
export async function barsOf(name: string, text: string | Buffer, options: FeedOptions = {}) {
  const { feed, events, rejections } = await read(bars, name, text, options);
  expect(events.map((event) => checkEvent("bars", event)).filter((wrong) => wrong !== null)).toEqual([]);
  return {
    rows: events.map(barText),
    rejected: rejections.map((r) => r.line),
    reasons: rejections.map((r) => r.reason),
    feed,
  };
}

export async function ticksOf(name: string, text: string | Buffer, options: FeedOptions = {}) {
  const { feed, events, rejections } = await read(ticks, name, text, options);
  expect(events.map((event) => checkEvent("ticks", event)).filter((wrong) => wrong !== null)).toEqual([]);
  return {
    rows: events.map(tickText),
    rejected: rejections.map((r) => r.line),
    reasons: rejections.map((r) => r.reason),
    feed,
  };
}

export async function quotesOf(name: string, text: string | Buffer, options: FeedOptions = {}) {
  const { feed, events, rejections } = await read(quotes, name, text, options);
  expect(events.map((event) => checkEvent("quotes", event)).filter((wrong) => wrong !== null)).toEqual([]);
  return {
    rows: events.map(quoteText),
    rejected: rejections.map((r) => r.line),
    reasons: rejections.map((r) => r.reason),
    feed,
  };
}

/** Which flags a file asks for, each once, in the order of asking; nothing of it was read into events. */
export async function askedOf(reading: Promise<unknown>): Promise<string[]> {
  const error = await reading.then(
    () => expect.unreachable("nothing was asked"),
    (thrown: { code?: string; message: string; next?: string }) => thrown,
  );
  expect(error).toMatchObject({ code: "input_invalid", message: expect.stringMatching(/undecided/) });
  return [...new Set((error.next ?? "").match(/--[a-z-]+/g)?.filter((flag) => flag !== "--map"))];
}
