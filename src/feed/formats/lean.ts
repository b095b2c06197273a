import { DAY_MS } from "../../event/day.ts";
import type { TickEvent } from "../../event/events.ts";
import { OccurrenceCounter } from "../../event/occurrence.ts";
import { digits, shown } from "../decimal.ts";
import { CSV_LINE_BYTES_MAX, type Format, type Opening, refusal } from "../format.ts";
import { leanName, parseSymbol } from "../symbol.ts";
import { outsideRange, parseIso } from "../time.ts";
import { ZoneClock } from "../zone.ts";

const PRICE_SCALE = 10_000;

/** 14430270,1815200,283,P,20002020,0 */
const LINE = /^\d{1,8},-?\d+,-?\d+,[^,]*,[0-9A-Fa-f]*,[01]$/;

interface Day {
  readonly midnightUs: number;
  readonly clock: ZoneClock;
}

/**
 * Lean's ticks of US shares: milliseconds since midnight on the exchange's clock, price times 10,000, size, exchange,
 * condition flags in hexadecimal, suspicious 0 or 1; no header, and no trade id.
 */
export const leanTicks: Format<"ticks"> = {
  name: "lean",
  about: "Lean trade ticks: ms since midnight, price x 10000, size, exchange, conditions, suspicious",
  lineBytesMax: CSV_LINE_BYTES_MAX,
  detects: (first) => LINE.test(first),
  open(opening) {
    const { options, names, file } = opening;
    const named = leanName(names);
    const ticker = options.symbol ?? named.ticker;
    if (ticker === undefined) {
      throw refusal(
        `${file} doesn't say which instrument it holds`,
        "Say --symbol TICKER or --symbol TICKER@EXCHANGE.",
      );
    }
    const symbol = parseSymbol(ticker);
    const day = dayOf(opening, named.date);
    const source = options.source ?? "lean";
    const base = { symbol_id: symbol.id, source, backtest_session_id: options.session ?? null };
    const tz = day.clock.name;
    const date = new Date(day.midnightUs / 1000).toISOString().slice(0, 10);
    return {
      described: { source, symbol: symbol.text, unit: "ms", tz, date },
      symbols: [symbol.event],
      header: false,
      convert: converter(base, day),
    };
  },
};

function dayOf({ options, file }: Opening, named: string | undefined): Day {
  const text = options.date ?? named;
  if (text === undefined) {
    throw refusal(`${file} doesn't say which day it holds`, "Say --date YYYY-MM-DD.");
  }
  const day = parseIso(text);
  if (typeof day === "string" || !day.dateOnly) {
    throw refusal(`the day ${shown(text)} is no date`, "Say --date YYYY-MM-DD.");
  }
  const outside = outsideRange(day.us);
  if (outside !== null) throw refusal(`the day ${text} can't be: ${outside}`, "Say --date YYYY-MM-DD.");
  return { midnightUs: day.us, clock: new ZoneClock(options.tz ?? "America/New_York") };
}

type Base = Pick<TickEvent, "symbol_id" | "source" | "backtest_session_id">;

function converter(base: Base, day: Day): (text: string) => TickEvent | string {
  const counter = new OccurrenceCounter();
  // A day has a few dozen sets of flags: their lists are shared, not built per line.
  const conditionLists = new Map<string, readonly string[] | null>();
  return (text) => {
    const ends = commas(text);
    if (ends === null) return `the line has ${text.split(",").length} columns instead of 6`;
    const [a, b, c, d, e] = ends;
    const time = timeOf(text.slice(0, a), day);
    if (typeof time === "string") return time;
    const price = digits(text, a + 1, b);
    if (price < 0) return `the price ${shown(text.slice(a + 1, b))} is no whole number of 1/10000`;
    const size = digits(text, b + 1, c);
    if (size < 0) return `the size ${shown(text.slice(b + 1, c))} is no whole number from 0 on`;
    const conditions = conditionsOf(text.slice(d + 1), e - d - 1, conditionLists);
    if (typeof conditions === "string") return conditions;
    const venue = text.slice(c + 1, d);
    if (venue.length > 32 || !/^[\x20-\x7e]*$/.test(venue)) return `the exchange ${shown(venue)} is no code`;
    const tick: TickEvent = {
      market_data_id: "",
      symbol_id: base.symbol_id,
      timestamp: time.us,
      timestamp_ns: time.ns,
      close: price / PRICE_SCALE,
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
