import { describe, expect, test } from "vitest";
import { Exchange } from "../../src/calendar/exchange.ts";
import { FeedHealth } from "../../src/feed-health/feed-health.ts";
import type { FeedRow } from "../../src/feed-health/feed-row.ts";
import { Instruments } from "../../src/feed-health/instruments.ts";

const SECOND_US = 1_000_000;
const MINUTE_US = 60 * SECOND_US;
const at = (iso: string) => Date.parse(iso) * 1000;

/** Thanksgiving's week: Thursday is a holiday, Friday ends at 13:00 in New York. */
const WEEK = { from: at("2025-11-23T00:00:00Z"), to: at("2025-11-30T00:00:00Z") };
const HALT = { symbol: "N3", from: at("2025-11-25T16:00:00Z"), to: at("2025-11-25T16:45:00Z") };

interface Traded {
  readonly symbol: string;
  readonly exchange: string;
  readonly source: string;
  /** Between its ticks on the average. */
  readonly everySeconds: number;
}

/** Twenty of three feeds: shares of New York and Tokyo, and crypto at all hours. */
const TRADED: readonly Traded[] = [
  ...Array.from({ length: 10 }, (_, i) => ({
    symbol: `N${i}`,
    exchange: "XNYS",
    source: "sip",
    everySeconds: 2 + 6 * i,
  })),
  ...Array.from({ length: 6 }, (_, i) => ({
    symbol: `T${i}`,
    exchange: "XTKS",
    source: "tse",
    everySeconds: 5 + 9 * i,
  })),
  ...Array.from({ length: 4 }, (_, i) => ({
    symbol: `C${i}`,
    exchange: "BINANCE",
    source: "ccxt",
    everySeconds: 3 + 30 * i,
  })),
];

/** Numbers from 0 to 1 that are the same in each run (Lehmer's generator). */
function chance(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 48_271) % 2_147_483_647;
    return state / 2_147_483_647;
  };
}

interface Death {
  readonly source: string;
  readonly from: number;
  readonly to: number;
}

interface Tick {
  readonly traded: Traded;
  readonly us: number;
}

/** What is traded in the week, busier at the open and the close; nothing while it is closed or halted, or the feed is dead. */
function ticksOf(seed: number, deaths: readonly Death[]): Tick[] {
  const draw = chance(seed);
  const ticks: Tick[] = [];
  for (const traded of TRADED) {
    const exchange = new Exchange(traded.exchange === "BINANCE" ? "24/7" : traded.exchange, "regular");
    let us = WEEK.from;
    while (us < WEEK.to) {
      const session = exchange.sessionOf(us);
      const sinceOpen = session === null ? 1 : (us - session.open) / (session.close - session.open);
      const calm = traded.exchange === "BINANCE" ? 1 : 0.3 + 4 * sinceOpen * (1 - sinceOpen);
      us += -Math.log(draw()) * traded.everySeconds * calm * SECOND_US + 1000;
      // Trades come in bursts.
      const burst = draw() < 0.2 ? 5 : 1;
      if (exchange.openSince(us) === null) continue;
      if (traded.symbol === HALT.symbol && us >= HALT.from && us < HALT.to) continue;
      if (deaths.some((dead) => dead.source === traded.source && us >= dead.from && us < dead.to)) continue;
      for (let n = 0; n < burst; n++) ticks.push({ traded, us: us + n * 1000 });
    }
  }
  return ticks.sort((a, b) => a.us - b.us);
}

/** Plays the week and looks every fifteen seconds. @param look is told the rows and when it is */
function play(ticks: readonly Tick[], look: (rows: readonly FeedRow[], nowUs: number) => void): void {
  const instruments = new Instruments(new Map([["BINANCE", "24/7"]]));
  for (const { symbol, exchange } of TRADED) instruments.know(symbol, symbol, exchange);
  const health = new FeedHealth(instruments.of);
  let next = 0;
  for (let nowUs = WEEK.from; nowUs < WEEK.to; nowUs += 15 * SECOND_US) {
    for (; next < ticks.length && ticks[next]!.us <= nowUs; next++) {
      const { traded, us } = ticks[next]!;
      health.take({
        kind: "ticks",
        symbolId: traded.symbol,
        source: traded.source,
        venue: null,
        timestampUs: us - 20_000,
        publishedUs: us,
        sequence: null,
        isCrossed: false,
      });
    }
    look(health.report(nowUs, WEEK.from), nowUs);
  }
}

const iso = (us: number) => new Date(us / 1000).toISOString();

describe("a trading week of 20 symbols with a holiday, an early close, a lunch and a halt", () => {
  test("has no false alarm, and a halt is one quiet instrument", () => {
    const alarms: string[] = [];
    const states = new Set<string>();
    const quiet = new Set<string>();
    play(ticksOf(1, []), (rows, nowUs) => {
      for (const { source, state, instruments } of rows) {
        states.add(`${source} ${state}`);
        if (state === "dead") alarms.push(`${source} ${iso(nowUs)}`);
        if (nowUs < HALT.from || nowUs > HALT.to) continue;
        for (const one of instruments) if (one.state === "quiet") quiet.add(one.ticker!);
      }
    });
    expect(alarms).toEqual([]);
    for (const told of ["sip live", "sip closed", "tse live", "tse closed", "ccxt live"])
      expect(states).toContain(told);
    expect(quiet).toContain(HALT.symbol);
  });

  test("in which feeds die for five minutes tells each within one, and that it is back within half of one", () => {
    const deaths = [
      ["sip", "2025-11-24T15:00:00Z"],
      ["sip", "2025-11-24T17:00:00Z"],
      ["sip", "2025-11-26T20:50:00Z"],
      ["sip", "2025-11-28T17:30:00Z"],
      ["tse", "2025-11-26T04:30:00Z"],
      ["ccxt", "2025-11-27T03:00:00Z"],
    ].map(([source, from]) => ({ source: source!, from: at(from!), to: at(from!) + 5 * MINUTE_US, toldUs: Infinity }));
    const alarms: string[] = [];
    play(ticksOf(4, deaths), (rows, nowUs) => {
      for (const { source } of rows.filter(({ state }) => state === "dead")) {
        const death = deaths.find((one) => {
          return one.source === source && nowUs >= one.from && nowUs <= one.to + 30 * SECOND_US;
        });
        if (death === undefined) alarms.push(`${source} ${iso(nowUs)}`);
        else death.toldUs = Math.min(death.toldUs, nowUs);
      }
    });
    expect(alarms).toEqual([]);
    for (const { source, from, toldUs } of deaths) {
      expect((toldUs - from) / SECOND_US, `${source} ${iso(from)}`).toBeLessThanOrEqual(60);
    }
  });
});
