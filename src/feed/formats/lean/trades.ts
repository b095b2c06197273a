import { shown } from "../../../errors.ts";
import { DAY_MS } from "../../../event/day.ts";
import type { TickEvent } from "../../../event/events.ts";
import { nthTickId } from "../../../event/identity.ts";
import { OccurrenceCounter } from "../../../event/occurrence.ts";
import { midnightOf } from "../../decide/clock.ts";
import { fileSymbol } from "../../decide/symbols.ts";
import { decimal, digits } from "../../decimal.ts";
import { byRows } from "../../decision.ts";
import { CSV_LINE_BYTES_MAX, type Format, type Opening, refusal } from "../../format.ts";
import { leanName } from "../../symbol.ts";
import type { ZoneClock } from "../../zone.ts";
import { askAsset, isScaled, type LeanAsset, leanClock, leanSource, toldAsset } from "./asset.ts";

const PRICE_SCALE = 10_000;

/** 14430270,1815200,283,P,20002020,0 */
const LINE = /^\d{1,8}(\.\d+)?,-?\d+(\.\d+)?,-?\d+(\.\d+)?,(?![\d.]+,)[^,]*,[0-9A-Fa-f]*,[01]$/;
/** The asset classes whose trades are written so: crypto has four columns, and forex and CFDs have quotes alone. */
const WITH_EXCHANGE: readonly LeanAsset[] = ["equity", "option", "index", "future"];

interface Day {
  readonly midnightUs: number;
  readonly clock: ZoneClock;
}

/**
 * Lean's trades: milliseconds since midnight on the data's clock, price, size, exchange, condition flags in hexadecimal,
 * suspicious 0 or 1; no header, and no trade id. Prices of shares and their options are whole 1/10000.
 */
export const leanTicks: Format<"ticks"> = {
  name: "lean",
  about:
    "Lean's trades: ms since midnight, price (of shares and options times 10,000), size, exchange, conditions, suspicious",
  sample: ["14430270,1815200,283,P,20002020,0"],
  asks: "--symbol and --date as far as the names don't say them; --asset where exchange codes aren't those of US shares; --tz",
  lineBytesMax: CSV_LINE_BYTES_MAX,
  detects: ([first]) => LINE.test(first!),
  open(opening) {
    const { options, names, decisions } = opening;
    const named = leanName(names);
    const symbol = fileSymbol(opening, named.ticker);
    const asset = assetOf(opening);
    const isWhole = isScaled(asset);
    decisions.take("price scale", isWhole ? "0.0001" : "1", `Lean's documentation of ${asset}`);
    const midnightUs = midnightOf(opening, named.date, "the file's name");
    const clock = leanClock(opening, asset);
    const source = options.source ?? leanSource(asset);
    decisions.take("time", "milliseconds since midnight", "the format");
    decisions.take("source", source, options.source ? "--source" : "the format");
    const base = { symbol_id: symbol.id, source, backtest_session_id: options.session ?? null };
    const convert = converter(base, { midnightUs, clock }, isWhole);
    return { symbols: [symbol.event], head: 0, isOnce: true, convert };
  },
};

/** US shares alone have exchange codes of one letter; a price with decimals is none of 1/10000. */
function assetOf(opening: Opening): LeanAsset {
  const told = toldAsset(opening, WITH_EXCHANGE);
  const rows = opening.lines.map((line) => line.split(",")).filter((cells) => cells.length === 6);
  const fractions = rows.filter((cells) => cells[1]!.includes(".")).length;
  if (told !== undefined) {
    if (!isScaled(told) || fractions * 2 <= rows.length) return told;
    throw refusal(
      `--asset ${told} has whole prices, and ${opening.file} has decimal ones`,
      "Say the asset class that it holds.",
    );
  }
  const codes = rows.map((cells) => cells[3]!).filter((code) => code !== "");
  const isUs = codes.length > 0 && codes.every((code) => /^[A-Z]$/.test(code)) && fractions === 0;
  if (codes.some((code) => /^[\d.]+$/.test(code))) {
    throw refusal(`${opening.file} has numbers for exchanges, as quotes of crypto have asks there`, "Publish quotes.");
  }
  if (!isUs)
    return askAsset(
      opening,
      "its prices may be whole 1/10000 or not: Lean's files don't say the asset class",
      WITH_EXCHANGE,
    );
  opening.decisions.take("asset class", "equity", byRows(codes.length, rows.length));
  return "equity";
}

type Base = Pick<TickEvent, "symbol_id" | "source" | "backtest_session_id">;

function converter(base: Base, day: Day, isWhole: boolean): (text: string) => TickEvent | string {
  const counter = new OccurrenceCounter(nthTickId);
  // A day has a few dozen sets of flags: their lists are shared, not built per line.
  const conditionLists = new Map<string, readonly string[] | null>();
  return (text) => {
    const ends = commas(text);
    if (ends === null) return `the line has ${text.split(",").length} columns instead of 6`;
    const [a, b, c, d, e] = ends;
    const time = timeOf(text.slice(0, a), day);
    if (typeof time === "string") return time;
    const price = isWhole ? scaled(text, a + 1, b) : decimal(text.slice(a + 1, b));
    if (Number.isNaN(price))
      return `the price ${shown(text.slice(a + 1, b))} is no ${isWhole ? "whole number of 1/10000" : "number"}`;
    const size = isWhole ? digits(text, b + 1, c) : decimal(text.slice(b + 1, c));
    if (!(size >= 0)) return `the size ${shown(text.slice(b + 1, c))} is no whole number from 0 on`;
    const conditions = conditionsOf(text.slice(d + 1), e - d - 1, conditionLists);
    if (typeof conditions === "string") return conditions;
    const venue = text.slice(c + 1, d);
    if (venue.length > 32 || !/^[\x20-\x7e]*$/.test(venue)) return `the exchange ${shown(venue)} is no code`;
    const tick: TickEvent = {
      market_data_id: "",
      symbol_id: base.symbol_id,
      timestamp: time.us,
      timestamp_ns: time.ns,
      close: price,
      volume: size,
      source: base.source,
      trade_id: null,
      venue: venue === "" ? null : venue,
      conditions,
      received_at: null,
      backtest_session_id: base.backtest_session_id ?? null,
    };
    const made = counter.idOf(tick);
    if (typeof made === "string") return made;
    tick.market_data_id = made.id;
    return tick;
  };
}

function scaled(text: string, start: number, end: number): number {
  const whole = digits(text, start, end);
  return whole < 0 ? Number.NaN : whole / PRICE_SCALE;
}

type Commas = [number, number, number, number, number];

/** Where the five commas are, or null when there aren't five. Nothing in these files is quoted. */
function commas(text: string): Commas | null {
  const a = text.indexOf(",");
  const b = text.indexOf(",", a + 1);
  const c = text.indexOf(",", b + 1);
  const d = text.indexOf(",", c + 1);
  const e = text.indexOf(",", d + 1);
  // indexOf behind the last comma starts over at the first, so the order tells of a missing one.
  return a >= 0 && b > a && c > b && d > c && e > d && text.indexOf(",", e + 1) < 0 ? [a, b, c, d, e] : null;
}

/** Milliseconds since midnight, in newer files with up to six decimals. */
function timeOf(text: string, { midnightUs, clock }: Day): { us: number; ns: number } | string {
  let ms = digits(text, 0, text.length);
  let nanos = 0;
  if (ms < 0) {
    const found = /^(\d{1,8})\.(\d{1,6})$/.exec(text);
    if (found === null) return `the time ${shown(text)} is no number of milliseconds since midnight`;
    ms = Number(found[1]);
    nanos = Number(found[2]!.padEnd(6, "0"));
  }
  if (ms >= DAY_MS) return `the time ${shown(text)} lies beyond the day's ${DAY_MS} ms`;
  const us = clock.toUtc(midnightUs + ms * 1000);
  return typeof us === "string" ? us : { us: us + Math.floor(nanos / 1000), ns: nanos % 1000 };
}

/** `rest` is "flags,suspicious"; a suspicious trade gets a condition of that name beside its flags. */
function conditionsOf(
  rest: string,
  flagsLength: number,
  known: Map<string, readonly string[] | null>,
): readonly string[] | null | string {
  const found = known.get(rest);
  if (found !== undefined) return found;
  const flags = rest.slice(0, flagsLength);
  const suspicious = rest.slice(flagsLength + 1);
  if (!/^[0-9A-Fa-f]{0,16}$/.test(flags)) return `the conditions ${shown(flags)} are no hexadecimal flags`;
  if (suspicious !== "0" && suspicious !== "1") return `suspicious is ${shown(suspicious)} instead of 0 or 1`;
  const list = [...(flags === "" ? [] : [flags]), ...(suspicious === "1" ? ["suspicious"] : [])];
  const conditions = list.length > 0 ? list : null;
  if (known.size < 10_000) known.set(rest, conditions);
  return conditions;
}
