import { expect, test } from "vitest";
import { bars } from "../../../producers/bars.ts";
import { quotes } from "../../../producers/quotes.ts";
import { ticks } from "../../../producers/ticks.ts";
import type { EventTopic } from "../../../src/event/schemas.ts";
import type { FeedOptions, Producer } from "../../../src/feed/feed.ts";
import { fileOf } from "../../support/feeds/feed-files.ts";
import { openTestTape, type TestTape } from "../../support/tape.ts";

/** What a person says of the first lines that each format shows, and the row that has to stand in PostgreSQL then. */
type Cases = Readonly<Record<string, readonly [FeedOptions, string]>>;
const IBM = { symbol: "IBM" };
const DAILY = { ...IBM, interval: "1d" };
const MINUTE = { ...IBM, interval: "1min" };
const LEAN = { ...IBM, date: "2013-10-07" };

/** time, nanoseconds, price, size, source, trade id, venue, conditions */
const TICKS: Cases = {
  lean: [LEAN, "IBM 2013-10-07T08:00:30.27 0 181.52 283 lean - P 20002020"],
  "binance-trades": [IBM, "IBM 2025-01-01T00:00:00.012345 0 93576 0.00042 binance-trades 4359421000 - buyer_maker"],
  "binance-aggtrades": [
    IBM,
    "IBM 2025-01-01T00:00:00.123456 0 93576 0.005 binance-aggtrades 3358101102 - seller_maker",
  ],
  "polygon-trades": [{}, "AAPL 2025-04-16T08:00:00.003123 456 200.29 25 polygon-trades 1 11-0 12,37"],
  "alpaca-trades": [{}, "AAPL 2024-01-02T14:30:00.000123 456 187.15 100 alpaca-trades 1 V @,F"],
  "databento-trades": [{}, "ESH1 2020-12-28T13:00:00.000429 831 3720.25 5 databento-trades - 1 seller_aggressor"],
  "lean-crypto": [LEAN, "IBM 2013-10-07T00:00:01.234 0 17130.88 0.01 lean-crypto - - -"],
  "kraken-trades": [{ ...IBM, format: "kraken-trades" }, "IBM 2013-10-06T21:34:15 0 122 0.1 kraken-trades - - -"],
  trades: [{ ...IBM, source: "desk" }, "IBM 2024-01-02T14:30:00.000123 456 187.15 100 desk 1 V -"],
};

/** time, nanoseconds, bid, its size, ask, its size, source, sequence, venue, conditions */
const QUOTES: Cases = {
  "polygon-quotes": [
    { sizeScale: "100" },
    "AAPL 2025-04-16T08:00:00.003456 789 200.29 300 200.3 200 polygon-quotes 1001 11-12 1",
  ],
  "alpaca-quotes": [{ sizeScale: "1" }, "AAPL 2024-01-02T14:30:00.000123 456 187.14 3 187.15 1 alpaca-quotes - V-Q R"],
  "databento-quotes": [{}, "ESH1 2020-12-28T13:00:00.000429 831 3720.25 24 3720.5 11 databento-quotes - 1 -"],
  "binance-bookticker": [
    { ...IBM, market: "cm" },
    "IBM 2024-12-01T00:00:00.123 0 96380.1 0.012 96380.2 1.5 binance-cm-bookticker - - -",
  ],
  "lean-quotes": [LEAN, "IBM 2013-10-07T08:00:30.27 0 181.52 100 181.53 200 lean-quotes - P -"],
  "histdata-ticks": [IBM, "IBM 2012-02-01T05:00:03.66 0 1.3066 - 1.30677 - histdata-ticks - - -"],
  "dukascopy-ticks": [IBM, "IBM 2024-03-01T00:00:00.123 0 1.08058 1.2 1.08061 0.9 dukascopy-ticks - - -"],
  truefx: [{}, "EUR/USD 2012-02-01T00:00:00.123 0 1.3066 - 1.3067 - truefx - - -"],
  quotes: [{ ...IBM, source: "desk" }, "IBM 2024-01-02T14:30:00.000123 456 187.14 300 187.15 100 desk - - -"],
};

/** start, open, high, low, close, volume, interval, source */
const BARS: Cases = {
  "binance-klines": [{ ...IBM, market: "um" }, "IBM 2025-01-01T00:00:00 1 2 0.5 1.5 10.25 1h binance-um-klines"],
  "yfinance-table": [{ interval: "1d" }, "MSFT 2024-01-02T00:00:00 373.86 375.9 366.77 370.87 25258600 1d yfinance"],
  yfinance: [DAILY, "IBM 2024-11-01T04:00:00 220.9 225.3 220.2 222.9 65276700 1d yfinance"],
  nasdaq: [IBM, "IBM 2024-03-15T00:00:00 171.17 172.62 170.285 172.62 121752700 1d nasdaq"],
  investing: [DAILY, "IBM 2024-03-14T00:00:00 5175.14 5176.85 5123.3 5150.48 3490000 1d investing"],
  barchart: [{ ...MINUTE, tz: "America/Chicago" }, "IBM 2024-03-15T14:30:00 1 2 0.5 1.5 100 1min barchart"],
  stooq: [{}, "AAPL.US 2024-01-02T00:00:00 186.231 187.514 182.979 184.73 82598139 1d stooq"],
  cryptodatadownload: [
    { interval: "1h" },
    "BTCUSDT 2024-01-02T00:00:00 44500.1 44850.2 44400.3 44800.1 1400.25 1h cryptodatadownload",
  ],
  "polygon-bars": [{ interval: "1min" }, "AAPL 2025-04-16T08:35:00 200.29 200.63 200.29 200.5 4930 1min polygon-bars"],
  "alpaca-bars": [{ interval: "1d" }, "AAPL 2024-01-02T05:00:00 187.15 188.44 183.89 185.64 82488674 1d alpaca-bars"],
  "databento-ohlcv": [{}, "ESH1 2020-12-28T13:00:00 3720.25 3721 3720 3720.75 1234 1min databento-ohlcv"],
  ibkr: [{ ...MINUTE, sizeScale: "100" }, "IBM 2024-01-02T14:30:00 187.1 187.4 187 187.2 100000 1min ibkr"],
  tradestation: [
    { ...MINUTE, tz: "America/New_York" },
    "IBM 2024-01-16T14:30:00 187.1 187.4 187 187.2 1000 1min tradestation",
  ],
  dukascopy: [
    { ...IBM, interval: "1d" },
    "IBM 2024-03-01T00:00:00 1.08048 1.08073 1.08042 1.08061 1234.5 1d dukascopy",
  ],
  histdata: [{ ...IBM, format: "histdata" }, "IBM 2012-02-01T05:00:00 1.3066 1.3066 1.30656 1.30656 0 1min histdata"],
  "metatrader-rows": [
    { ...MINUTE, tz: "Europe/Athens", source: "my-broker" },
    "IBM 2024-03-04T16:49:00 77.708 77.71 77.702 77.702 30 1min my-broker",
  ],
  metatrader: [
    { ...DAILY, tz: "UTC", source: "my-broker", column: ["volume=<VOL>"] },
    "IBM 2024-03-04T00:00:00 1.0841 1.0867 1.0837 1.0856 0 1d my-broker",
  ],
  "lean-days": [{ ...DAILY, asset: "equity" }, "IBM 2024-01-02T05:00:00 187.15 188.44 183.89 185.64 82488700 1d lean"],
  "kraken-ohlcvt": [
    { ...MINUTE, format: "kraken-ohlcvt" },
    "IBM 2013-10-06T21:34:00 122 122 122 122 0.1 1min kraken-ohlcvt",
  ],
  "lean-minutes": [
    { ...LEAN, interval: "1min", format: "lean-minutes", asset: "equity" },
    "IBM 2013-10-07T13:30:00 644.8 644.9 644.7 644.8 90 1min lean",
  ],
  ohlcv: [{ ...DAILY, source: "desk" }, "IBM 2024-03-04T00:00:00 171.15 175.2 170.9 174.1 81510101 1d desk"],
};

/** Formats that only say that a file holds another kind, and JSON lines, whose own fields are the event's. */
const NOT_READ = ["quotes", "lean-quote-bars", "jsonl"];
const AT = "to_char(m.timestamp AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US')";

async function publishAll<T extends EventTopic>(tape: TestTape, producer: Producer<T>, cases: Cases): Promise<void> {
  const names = producer.formats.map(({ name }) => name);
  expect(names.filter((name) => !(name in cases) && !NOT_READ.includes(name))).toEqual([]);
  for (const { name, sample } of producer.formats.filter((format) => format.name in cases)) {
    const feed = await producer.open(fileOf("sample.csv", sample.join("\n")), cases[name]![0]);
    expect(feed.description.format).toBe(name);
    await tape.publishAll("symbols", feed.symbols);
    for await (const { events, rejections, symbols } of feed.batches()) {
      expect(rejections).toEqual([]);
      await tape.publishAll("symbols", symbols);
      for (const event of events) await tape.publish(producer.topic, event as never);
    }
  }
}

/** Rows as their columns' texts, - for null. */
async function rowsOf(tape: TestTape, table: string, columns: readonly string[]): Promise<string[]> {
  const rows = await tape.query(
    `SELECT s.ticker, ${AT} AS at, ${columns.map((name) => `m.${name}`).join(", ")}
     FROM ${table} m JOIN symbol s USING (symbol_id)`,
  );
  const text = (value: unknown) => (value === null ? "-" : String(value));
  return rows.map((row) =>
    Object.values(row)
      .map(text)
      .join(" ")
      .replace(/\.(\d*?)0+ /, (_, kept) => (kept ? `.${kept} ` : " ")),
  );
}

const expected = (cases: Cases) => Object.values(cases).map(([, row]) => row);

test("the first lines of every format land as what they say, column by column", async () => {
  const tape = await openTestTape();
  try {
    await publishAll(tape, ticks, TICKS);
    await publishAll(tape, quotes, QUOTES);
    await publishAll(tape, bars, BARS);
    await tape.land();
    const ends = ["venue", "conditions"];
    const trades = ["timestamp_ns", "close", "volume", "source", "trade_id", ...ends];
    const sides = ["timestamp_ns", "bid_price", "bid_size", "ask_price", "ask_size", "source", "sequence", ...ends];
    const prices = ["open", "high", "low", "close", "volume", "interval", "source"];
    expect((await rowsOf(tape, "market_data_tick", trades)).sort()).toEqual(expected(TICKS).sort());
    expect((await rowsOf(tape, "quote", sides)).sort()).toEqual(expected(QUOTES).sort());
    expect((await rowsOf(tape, "market_data_bar", prices)).sort()).toEqual(expected(BARS).sort());
  } finally {
    await tape.stop();
  }
});
