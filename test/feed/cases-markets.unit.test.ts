import { describe, expect, it } from "vitest";
import { askedOf, barsOf, ticksOf } from "../support/feeds/feed-cases.ts";

const LEAN_DAY = { symbol: "ES", date: "2023-09-15" };

describe("Binance's markets", () => {
  const KLINES = [
    "1733011200000,96407.99,96500.00,96300.10,96450.01,120.5,1733014799999,11600000.0,20000,60.1,5800000.0,0",
    "1733014800000,96450.01,96600.00,96400.00,96555.50,98.2,1733018399999,9470000.0,18000,50.0,4820000.0,0",
  ].join("\n");
  const HEADER =
    "open_time,open,high,low,close,volume,close_time,quote_volume,count,taker_buy_volume,taker_buy_quote_volume,ignore";
  const NAME = "BTCUSDT-1h-2024-12.csv";

  it("05: klines of spot and futures look alike, so the market is asked, and makes two series", async () => {
    for (const text of [KLINES, `${HEADER}\n${KLINES}`]) {
      expect(await askedOf(barsOf(NAME, text))).toEqual(["--market"]);
      const of = async (market: string) => (await barsOf(NAME, text, { market })).rows[0];
      expect(await of("spot")).toBe(
        "BTCUSDT 2024-12-01T00:00:00Z 96407.99 96500 96300.1 96450.01 120.5 1h binance-klines",
      );
      expect(await of("um")).toBe(
        "BTCUSDT 2024-12-01T00:00:00Z 96407.99 96500 96300.1 96450.01 120.5 1h binance-um-klines",
      );
      await expect(of("um-mark")).rejects.toThrow("--market um-mark contradicts");
      await expect(of("moon")).rejects.toThrow("isn't known");
    }
    const coin = await barsOf("BTCUSD_PERP-1h-2024-12.csv", KLINES);
    expect(coin.rows[0]).toMatch(/ binance-cm-klines$/);
  });
  it("of prices without a volume aren't those of trades", async () => {
    const mark = KLINES.split("\n")
      .map((line) =>
        line
          .split(",")
          .map((cell, i) => (i === 5 || i === 7 || i > 8 ? "0" : cell))
          .join(","),
      )
      .join("\n");
    await expect(barsOf(NAME, mark, { market: "spot" })).rejects.toThrow("contradicts");
    expect(await askedOf(barsOf(NAME, mark))).toEqual(["--market"]);
    expect((await barsOf(NAME, mark, { market: "um-mark" })).rows[0]).toMatch(/ 0 1h binance-um-mark-klines$/);
    const premium = mark.replaceAll(/,9\d+\.\d+/g, ",-0.0005");
    expect((await barsOf(NAME, premium, { market: "um-premium" })).rows[0]).toMatch(
      / -0\.0005 0 1h binance-um-premium-klines$/,
    );
  });
  it("22b: klines in microseconds are spot's", async () => {
    const text = "1735689600000000,0.316,0.316,0.316,0.316,27.0,1735689600999999,8.532,1,0.0,0.0,0";
    expect((await barsOf("DOGEUSDT-1s-2025-01-01.csv", text)).rows).toEqual(
      ["BTCUSDT 2025-01-01T00:00:00Z 0.316 0.316 0.316 0.316 27 1s binance-klines"].map((row) =>
        expect.stringContaining(row.slice(8)),
      ),
    );
  });
  it("08, 08c: trades of futures, told by the header or by what the fourth column is", async () => {
    const head = [
      "id,price,qty,quote_qty,time,is_buyer_maker",
      "5000000001,96380.1,0.002,192.7602,1733011200123,true",
    ].join("\n");
    const expected = "BTCUSDT 2024-12-01T00:00:00.123Z 96380.1 0.002 binance-um-trades 5000000001 - buyer_maker";
    expect((await ticksOf("BTCUSDT-trades-2024-12-01.csv", head)).rows).toEqual([expected]);
    const bare = "5000000001,9.96,18.8,187.248,1617840001352,false";
    expect((await ticksOf("OMGUSDT-trades-2021-04-08.csv", bare)).rows).toEqual([
      "OMGUSDT 2021-04-08T00:00:01.352Z 9.96 18.8 binance-um-trades 5000000001 - seller_maker",
    ]);
    const coins = "5000000001,50000.0,3,0.006,1617840001352,false";
    expect((await ticksOf("a.csv", coins, { symbol: "BTCUSD" })).rows[0]).toContain(" binance-cm-trades ");
    expect(await askedOf(ticksOf("a.csv", "5000000001,50000.0,3,7,1617840001352,false", { symbol: "BTCUSD" }))).toEqual(
      ["--market"],
    );
  });
  it("08b: aggregated trades of futures have nothing that tells, but contracts in coins are called so", async () => {
    const text = [
      "agg_trade_id,price,quantity,first_trade_id,last_trade_id,transact_time,is_buyer_maker",
      "2400000001,96380.1,0.012,5000000001,5000000002,1733011200123,true",
    ].join("\n");
    expect((await ticksOf("BTCUSDT-aggTrades-2024-12-01.csv", text)).rows).toEqual([
      "BTCUSDT 2024-12-01T00:00:00.123Z 96380.1 0.012 binance-um-aggtrades 2400000001 - buyer_maker",
    ]);
    expect(await askedOf(ticksOf("a.csv", text))).toEqual(["--symbol", "--market"]);
    expect((await ticksOf("BTCUSD_PERP-aggTrades-2024-12-01.csv", text)).rows[0]).toContain(" binance-cm-aggtrades ");
  });
  it("22, 23: microseconds, True and true, 1e-8 and 1.23e-06; another unit is rejected by line", async () => {
    const trades = [
      "4359421000,93576.00,0.00042,39.30192,1735689600012345,True,True",
      "4359421001,1.23e-06,1e-8,0.0,1735689600012999,False,true",
      "4359421002,93576.01,0.000001,0.09,1735689600013,false,true",
    ].join("\n");
    const { rows, rejected } = await ticksOf("BTCUSDT-trades-2025-01-01.csv", trades);
    expect(rows).toEqual([
      "BTCUSDT 2025-01-01T00:00:00.012345Z 93576 0.00042 binance-trades 4359421000 - buyer_maker",
      "BTCUSDT 2025-01-01T00:00:00.012999Z 0.00000123 1e-8 binance-trades 4359421001 - seller_maker",
    ]);
    expect(rejected).toEqual([3]);
  });
});

describe("Lean's asset classes", () => {
  it("04: futures have decimal prices and exchanges of several letters: the class is asked, and the clock", async () => {
    const text = "52200000,4500,3,CME,,0\n52200125.25,4501,1,CME,,0\n52200250,4500.25,2,CME,,0";
    expect(await askedOf(ticksOf("20230915_es_trade_tick.csv", text))).toEqual(["--asset"]);
    expect(await askedOf(ticksOf("x.csv", text, { asset: "future" }))).toEqual(["--symbol", "--date", "--tz"]);
    const { rows } = await ticksOf("x.csv", text, { ...LEAN_DAY, asset: "future", tz: "UTC" });
    expect(rows).toEqual([
      "ES 2023-09-15T14:30:00Z 4500 3 lean-future - CME -",
      "ES 2023-09-15T14:30:00.12525Z 4501 1 lean-future - CME -",
      "ES 2023-09-15T14:30:00.25Z 4500.25 2 lean-future - CME -",
    ]);
    await expect(ticksOf("x.csv", "1,4500.25,3,CME,,0", { ...LEAN_DAY, asset: "equity" })).rejects.toThrow(
      "whole prices",
    );
  });
  it("41: US shares are told by their exchanges' letters", async () => {
    const text = [
      "14430270,1815200,283,P,20002020,0",
      "34200000.123456,1,100,Q,,1",
      "57600000,1815400,1,K,4000,0",
    ].join("\n");
    expect((await ticksOf("ibm/20131007_trade.csv", text)).rows).toEqual([
      "IBM 2013-10-07T08:00:30.27Z 181.52 283 lean - P 20002020",
      "IBM 2013-10-07T13:30:00.000123456Z 0.0001 100 lean - Q suspicious",
      "IBM 2013-10-07T20:00:00Z 181.54 1 lean - K 4000",
    ]);
    expect(await askedOf(ticksOf("ibm/20131007_trade.csv", "1,1815200,283,,0,0"))).toEqual(["--asset"]);
  });
  it("33: bars of days ask for the class, which decides scale and clock", async () => {
    const text = [
      "20240102 00:00,1871500,1884400,1838900,1856400,82488700",
      "20240103 00:00,1842200,1858800,1834300,1842500,58414500",
    ].join("\n");
    expect(await askedOf(barsOf("aapl.csv", text, { symbol: "AAPL", interval: "1d" }))).toEqual(["--asset", "--tz"]);
    const shares = { symbol: "AAPL", interval: "1d", asset: "equity" };
    expect((await barsOf("aapl.csv", text, shares)).rows[0]).toBe(
      "AAPL 2024-01-02T05:00:00Z 187.15 188.44 183.89 185.64 82488700 1d lean",
    );
    const minute = { ...shares, interval: "1min", format: "lean-minutes" };
    expect(
      (await barsOf("20240102_aapl_minute_trade.csv", "34200000,1871500,1884400,1838900,1856400,90", minute)).rows,
    ).toEqual(["AAPL 2024-01-02T14:30:00Z 187.15 188.44 183.89 185.64 90 1min lean"]);
  });
  it("crypto is read, quotes are called quotes", async () => {
    expect(
      (await ticksOf("20171225_btcusd_trade_tick.csv", "1234,17130.88,0.01,0\n2345.6789,17131,0.5,1")).rows,
    ).toEqual([
      "BTCUSD 2017-12-25T00:00:01.234Z 17130.88 0.01 lean-crypto - - -",
      "BTCUSD 2017-12-25T00:00:02.3456789Z 17131 0.5 lean-crypto - - suspicious",
    ]);
    expect(await askedOf(ticksOf("x.csv", "0,1.30543,1.30553\n250,1.30544,1.30553", LEAN_DAY))).toEqual(["--format"]);
    await expect(ticksOf("q.csv", "14430270,1815200,100,1815300,200,P,,0", LEAN_DAY)).rejects.toThrow("holds quotes");
    const crypto = "1234,17130.88,1,17131,5,0";
    await expect(ticksOf("c.csv", crypto, LEAN_DAY)).rejects.toThrow("holds quotes");
    await expect(ticksOf("c.csv", crypto, { ...LEAN_DAY, format: "lean" })).rejects.toThrow("numbers for exchanges");
    const trade = "52200000,4500,3,CME,,0";
    await expect(ticksOf("c.csv", trade, { ...LEAN_DAY, asset: "crypto" })).rejects.toThrow("no such files");
    const sides = "34200000,1871500,1871600,1871400,1871500,100,,,,,";
    await expect(barsOf("b.csv", sides, { symbol: "ES" })).rejects.toThrow("holds quotes (Lean's bars of quotes");
    await expect(ticksOf("h.csv", "20120201 000003660,1.306600,1.306770,0", LEAN_DAY)).rejects.toThrow("holds quotes");
    await expect(
      ticksOf("d.csv", "Gmt time,Ask,Bid,AskVolume,BidVolume\n01.03.2024 00:00:00.000,1,2,3,4", LEAN_DAY),
    ).rejects.toThrow("holds quotes");
  });
});

describe("rows that only a program's name explains", () => {
  it("25, 25b, 25c: are read when --format names it, or the file's own name does", async () => {
    const trades = "1381095255,122.0,0.1\n1381179030,123.61,0.1";
    expect(await askedOf(ticksOf("a.csv", trades, { symbol: "XBTUSD" }))).toEqual(["--format"]);
    expect((await ticksOf("XBTUSD.csv", trades, { format: "kraken-trades" })).rows[1]).toBe(
      "XBTUSD 2013-10-07T20:50:30Z 123.61 0.1 kraken-trades - - -",
    );
    const bars = "1381095240,122.0,122.0,122.0,122.0,0.1,1\n1381179000,123.61,123.61,123.61,123.61,0.1,1";
    expect(await askedOf(barsOf("a.csv", bars, { symbol: "XBTUSD" }))).toEqual(["--format", "--interval"]);
    expect((await barsOf("XBTUSD_1.csv", bars, { format: "kraken-ohlcvt" })).rows[1]).toMatch(
      /^XBTUSD 2013-10-07T20:50:00Z .* 0\.1 1min kraken-ohlcvt$/,
    );
    const minutes = [
      "20120201 000000;1.306600;1.306600;1.306560;1.306560;0",
      "20120201 000100;1.306570;1.306570;1.306470;1.306560;0",
    ].join("\n");
    expect(await askedOf(barsOf("a.csv", minutes, { symbol: "EURUSD" }))).toEqual(["--format"]);
    const expected = "EURUSD 2012-02-01T05:01:00Z 1.30657 1.30657 1.30647 1.30656 0 1min histdata";
    expect((await barsOf("a.csv", minutes, { symbol: "EURUSD", format: "histdata" })).rows[1]).toBe(expected);
    expect((await barsOf("DAT_ASCII_EURUSD_M1_201202.csv", minutes)).rows[1]).toBe(expected);
  });
});

describe("rows of one file", () => {
  it("21: with one id and another content are rejected, equal ones are sent again", async () => {
    const head = [
      "Date,Open,High,Low,Close,Adj Close,Volume",
      "2024-03-04,1,2,0.5,1.5,1.5,100",
      "2024-03-05,1.5,2.5,1,2,2,100",
    ].join("\n");
    const twice = await barsOf("y.csv", `${head}\n2024-03-05,1.5,2.6,1,2.1,2.1,140`, { symbol: "IBM" });
    expect([twice.rows.length, twice.rejected, twice.reasons]).toEqual([
      2,
      [4],
      ["line 3 has the same symbol and start and says otherwise"],
    ]);
    expect((await barsOf("y.csv", `${head}\n2024-03-05,1.5,2.5,1,2,2,100`, { symbol: "IBM" })).rows.length).toBe(3);
    const trade = "4359421000,93576.00,0.00042,39.30192,1735689600012345,True,True";
    const changed = `${trade}\n${trade.replace("93576", "93577")}\n${trade}`;
    expect((await ticksOf("BTCUSDT-trades-2025-01-01.csv", changed)).rejected).toEqual([2]);
  });
  it("that look wrong beside their neighbours are counted, and rejected with strict", async () => {
    const bar = (day: string, close: number) => `${day},${close},${close * 1.1},${close * 0.9},${close},10`;
    const rows = [
      bar("2024-03-04", 150),
      bar("2024-03-05", 15_100),
      bar("2024-03-06", 151),
      bar("2024-03-05", 151),
      "2024-03-07,1.5,2,1,3,10",
    ];
    const text = `Date,Open,High,Low,Close,Volume\n${rows.join("\n")}`;
    const { feed, rows: read, rejected } = await barsOf("n.csv", text, { symbol: "IBM", source: "a" });
    const warnings = [{ what: "price 100 times off its neighbour", count: 2, line: 3 }];
    // The fifth row is another bar of the third's day, and the last one closed above its high.
    expect([read.length, feed.warnings(), rejected]).toEqual([3, warnings, [5, 6]]);
    const strict = await barsOf("n.csv", text, { symbol: "IBM", strict: true });
    expect(strict.rejected).toEqual([3, 4, 5, 6]);
  });
});
