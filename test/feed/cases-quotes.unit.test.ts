import { describe, expect, it } from "vitest";
import { askedOf, barsOf, quotesOf, ticksOf } from "../support/feeds/feed-cases.ts";
import { fileOf } from "../support/feeds/feed-files.ts";

const DAY = { symbol: "ES", date: "2023-09-15" };
const SHARES = "14430270,1815200,100,1815300,200,P,2,0\n14430280,0,0,1815300,200,P,,1";

describe("Lean's quotes", () => {
  it("of shares have eight columns and whole prices; a side of 0 is quoted by nobody", async () => {
    expect((await quotesOf("20131007_spy_quote_tick.csv", SHARES)).rows).toEqual([
      expect.stringMatching(/ 2013-10-07T08:00:30\.27Z 181\.52 x 100 181\.53 x 200 lean-quotes - P 2$/),
      expect.stringMatching(/ 2013-10-07T08:00:30\.28Z none x - 181\.53 x 200 lean-quotes - P suspicious$/),
    ]);
    expect((await quotesOf("spy/20131007_quote.csv", SHARES)).rows.length).toBe(2);
    const other = { ...DAY, asset: "future" };
    await expect(quotesOf("q.csv", SHARES, other)).rejects.toThrow("no such files");
    await expect(quotesOf("q.csv", SHARES.replaceAll("1815300", "181.53"), DAY)).rejects.toThrow("decimal prices");
  });
  it("of options and futures look alike, and are scaled otherwise: the class is asked", async () => {
    const text = "52200000,45000000,3,45002500,5,CME,0";
    expect(await askedOf(quotesOf("q.csv", text, DAY))).toEqual(["--asset"]);
    expect((await quotesOf("q.csv", text, { ...DAY, asset: "option" })).rows).toEqual([
      "ES 2023-09-15T18:30:00Z 4500 x 3 4500.25 x 5 lean-option-quotes - CME -",
    ]);
    expect(await askedOf(quotesOf("q.csv", text, { ...DAY, asset: "future" }))).toEqual(["--tz"]);
    const future = await quotesOf("q.csv", text.replaceAll("0000,3", ",3").replace("45002500", "4500.25"), {
      ...DAY,
      ...{ asset: "future", tz: "UTC" },
    });
    expect(future.rows).toEqual(["ES 2023-09-15T14:30:00Z 4500 x 3 4500.25 x 5 lean-future-quotes - CME -"]);
  });
  it("of crypto have six columns, those of forex three, which may be crypto's trades", async () => {
    expect((await quotesOf("q.csv", "1234,17130.88,1,17131,0.5,0", DAY)).rows).toEqual([
      "ES 2023-09-15T00:00:01.234Z 17130.88 x 1 17131 x 0.5 lean-crypto-quotes - - -",
    ]);
    const forex = "0,1.30543,1.30553\n250,1.30544,1.30553";
    expect(await askedOf(quotesOf("20140501_eurusd_tick.csv", forex))).toEqual(["--format", "--asset"]);
    const told = { format: "lean-quotes", asset: "forex", tz: "America/New_York" };
    expect((await quotesOf("20140501_eurusd_tick.csv", forex, told)).rows[1]).toBe(
      "EURUSD 2014-05-01T04:00:00.25Z 1.30544 x - 1.30553 x - lean-forex-quotes - - -",
    );
  });
});

describe("LOBSTER's messages", () => {
  it("are no quotes of Lean's, though one of their rows looks like one", async () => {
    const row = (clock: string, side: number) => `${clock},1,16113575,18,5853300,${side}`;
    for (const clock of ["34200.004241176", "34200.201743"]) {
      const text = [row(clock, 1), row("34200.025551", -1), row("34200.2017", 1)].join("\n");
      await expect(quotesOf("m.csv", text, DAY)).rejects.toThrow("none of the formats");
    }
  });
});

describe("quotes of sites", () => {
  it("of HistData are in EST all year, and named by the file", async () => {
    const text = "20120201 000003660,1.306600,1.306770,0\n20120701 000003973,1.306580,1.306750,0";
    expect((await quotesOf("DAT_ASCII_EURUSD_T_201202.csv", text)).rows).toEqual([
      "EURUSD 2012-02-01T05:00:03.66Z 1.3066 x - 1.30677 x - histdata-ticks - - -",
      "EURUSD 2012-07-01T05:00:03.973Z 1.30658 x - 1.30675 x - histdata-ticks - - -",
    ]);
  });
  it("of Dukascopy, by its site and by others' programs; local times without an offset ask for the zone", async () => {
    const row = "1.08061,1.08058,0.9,1.2";
    const expected = "EURUSD 2024-03-01T00:00:00.123Z 1.08058 x 1.2 1.08061 x 0.9 dukascopy-ticks - - -";
    const of = async (head: string, time: string, options = {}) =>
      (await quotesOf("d.csv", `${head}\n${time},${row}`, { symbol: "EURUSD", ...options })).rows[0];
    expect(await of("Gmt time,Ask,Bid,AskVolume,BidVolume", "01.03.2024 00:00:00.123")).toBe(expected);
    expect(await of("timestamp,askPrice,bidPrice,askVolume,bidVolume", "1709251200123")).toBe(expected);
    const node = "time,ask,bid,ask_volume,bid_volume";
    expect(await askedOf(of(node, "2024-03-01 00:00:00.123"))).toEqual(["--tz"]);
    expect(await of(node, "2024-03-01 01:00:00.123", { tz: "Europe/Zurich" })).toBe(expected);
    const local = "Local time,Ask,Bid,AskVolume,BidVolume";
    expect(await askedOf(of(local, "01.03.2024 01:00:00.123"))).toEqual(["--tz"]);
    expect(await of(local, "01.03.2024 01:00:00.123 GMT+0100")).toBe(expected);
  });
  it("of TrueFX name the pair in each row", async () => {
    const text = "EUR/USD,20120201 00:00:00.123,1.3066,1.3067\nGBP/USD,20120201 00:00:00.223,1.5066,1.5067";
    expect(await askedOf(quotesOf("t.csv", text))).toEqual(["--symbols"]);
    expect((await quotesOf("t.csv", text, { symbols: "EUR/USD" })).rows).toEqual([
      expect.stringMatching(/ 2012-02-01T00:00:00\.123Z 1\.3066 x - 1\.3067 x - truefx - - -$/),
    ]);
  });
});

describe("quotes of vendors", () => {
  const POLYGON = [
    [
      "ticker,ask_exchange,ask_price,ask_size,bid_exchange",
      "bid_price,bid_size,conditions,indicators,participant_timestamp",
      "sequence_number,sip_timestamp,tape,trf_timestamp",
    ].join(","),
    'AAPL,12,200.3,2,11,200.29,3,"1,92",,1744790400003123456,1001,1744790400003456789,3,0',
    "AAPL,12,0,0,11,200.29,3,,,1744790400003123456,1002,1744790400003456790,3,0",
  ];

  it("of Polygon have their sequence, and sizes that may be lots", async () => {
    expect(await askedOf(quotesOf("p.csv", POLYGON.join("\n")))).toEqual(["--size-scale"]);
    expect((await quotesOf("p.csv", POLYGON.join("\n"), { sizeScale: "100" })).rows).toEqual([
      "AAPL 2025-04-16T08:00:00.003456789Z 200.29 x 300 200.3 x 200 polygon-quotes 1001 11-12 1|92",
      "AAPL 2025-04-16T08:00:00.00345679Z 200.29 x 300 none x - polygon-quotes 1002 11-12 -",
    ]);
  });
  it("of Alpaca", async () => {
    const text = [
      "symbol,timestamp,bid_exchange,bid_price,bid_size,ask_exchange,ask_price,ask_size,conditions,tape",
      "AAPL,2024-01-02T14:30:00.000123456Z,V,187.14,3,Q,187.15,1,R,C",
    ].join("\n");
    expect(await askedOf(quotesOf("a.csv", text))).toEqual(["--size-scale"]);
    expect((await quotesOf("a.csv", text, { sizeScale: "1" })).rows).toEqual([
      "AAPL 2024-01-02T14:30:00.000123456Z 187.14 x 3 187.15 x 1 alpaca-quotes - V-Q R",
    ]);
  });
  it("of Databento, in units of 1e-9 and as decimals, with the price that there isn't", async () => {
    const head = [
      "ts_recv,ts_event,rtype,publisher_id,instrument_id,action,side",
      "depth,price,size,flags,ts_in_delta,sequence,bid_px_00",
      "ask_px_00,bid_sz_00,ask_sz_00,bid_ct_00,ask_ct_00,symbol",
    ].join(",");
    const row = (bid: string, ask: string, asks: number) =>
      `${head}\n1609160400000704060,1609160400000429831,1,1,5482,A,A,0,,1,128,22993,1170352,${bid},${ask},24,${asks},15,9,ESH1`;
    const both = "ESH1 2020-12-28T13:00:00.000429831Z 3720.25 x 24 3720.5 x 11 databento-quotes - 1 -";
    expect((await quotesOf("d.csv", row("3720250000000", "3720500000000", 11))).rows).toEqual([both]);
    expect((await quotesOf("d.csv", row("3720.250000000", "3720.500000000", 11))).rows).toEqual([both]);
    const alone = both.replace("3720.5 x 11", "none x -");
    expect((await quotesOf("d.csv", row("3720250000000", "9223372036854775807", 0))).rows).toEqual([alone]);
    expect((await quotesOf("d.csv", row("3720.250000000", "", 0))).rows).toEqual([alone]);
    expect((await quotesOf("d.csv", row("3720.250000000", "", 7))).reasons).toEqual([
      "the ask has the size 7 and no price",
    ]);
  });
  it("of Binance's futures ask for the market, unless the name says it", async () => {
    const text = [
      "update_id,best_bid_price,best_bid_qty,best_ask_price,best_ask_qty,transaction_time,event_time",
      "2400000001,96380.1,0.012,96380.2,1.5,1733011200123,1733011200130",
    ].join("\n");
    expect((await quotesOf("BTCUSDT-bookTicker-2024-12-01.csv", text)).rows).toEqual([
      "BTCUSDT 2024-12-01T00:00:00.123Z 96380.1 x 0.012 96380.2 x 1.5 binance-um-bookticker - - -",
    ]);
    expect(await askedOf(quotesOf("b.csv", text, { symbol: "BTCUSDT" }))).toEqual(["--market"]);
  });
});

describe("quotes of any program", () => {
  const HEAD = "timestamp,bid,bid_size,ask,ask_size";
  const row = (ms: number, ...cells: readonly (number | string)[]) => [1709510400000 + ms, ...cells].join(",");

  it("are told apart by their content, and equal ones by their number", async () => {
    const text = [HEAD, row(1, 1.5, 10, 1.6, 5), row(1, 1.5, 10, 1.6, 5), row(2, 1.7, 10, 1.6, 5)].join("\n");
    const { rows, feed } = await quotesOf("q.csv", text, { symbol: "IBM" });
    expect(rows.map((line) => line.slice(4))).toEqual([
      "2024-03-04T00:00:00.001Z 1.5 x 10 1.6 x 5 quotes - - -",
      "2024-03-04T00:00:00.001Z 1.5 x 10 1.6 x 5 quotes - - -",
      "2024-03-04T00:00:00.002Z 1.7 x 10 1.6 x 5 quotes - - -",
    ]);
    expect(feed.warnings()).toEqual([expect.objectContaining({ what: expect.stringContaining("crossed"), count: 1 })]);
  });
  it("with an empty or a zero side may have none or an unchanged one: rejected, unless a map says what it means", async () => {
    const text = [HEAD, row(1, "", "", 1.6, 5), row(2, 0, 0, 1.6, 5), row(3, 0, 10, 1.6, 5), row(4, 1.5, "", 1.6, 5)];
    const { rows, rejected, reasons } = await quotesOf("q.csv", text.join("\n"), { symbol: "IBM" });
    expect([rejected, reasons[0]]).toEqual([[2, 3], expect.stringContaining("unchanged")]);
    expect(rows.map((line) => line.split(" ").slice(2, 5).join(" "))).toEqual(["0 x 10", "1.5 x -"]);
    const map = fileOf("q.yaml", 'version: 1\nkind: quotes\nsource: quotes\nnoQuote: ["", "0"]');
    const none = await quotesOf("q.csv", text.slice(0, 3).join("\n"), { symbol: "IBM", map });
    expect(none.rows.map((line) => line.split(" ")[2])).toEqual(["none", "none"]);
  });
  it("of MetaTrader leave a side empty that didn't change: such lines are rejected", async () => {
    const text = [
      "<DATE>\t<TIME>\t<BID>\t<ASK>\t<LAST>\t<VOLUME>\t<FLAGS>",
      "2024.03.04\t00:00:00.123\t1.0841\t1.0842\t\t\t6",
      "2024.03.04\t00:00:00.223\t1.0840\t\t\t\t2",
    ].join("\n");
    const { rows, rejected } = await quotesOf("m.csv", text, { symbol: "EURUSD", tz: "UTC" });
    expect([rows, rejected]).toEqual([["EURUSD 2024-03-04T00:00:00.123Z 1.0841 x - 1.0842 x - quotes - - -"], [3]]);
  });
  it("are no trades and no bars, and are told where they belong", async () => {
    const text = `${HEAD}\n${row(1, 1.5, 10, 1.6, 5)}`;
    for (const quoted of [text, "timestamp,bid,ask,volume\n1709510400123,1.5,1.6,10"]) {
      await expect(ticksOf("q.csv", quoted, { symbol: "IBM" })).rejects.toMatchObject({
        message: expect.stringContaining("holds quotes"),
        next: expect.stringContaining("publish quotes"),
      });
    }
    await expect(barsOf("q.csv", text, { symbol: "IBM" })).rejects.toThrow("none of the formats");
    const both = "timestamp,price,size,bid,ask\n1709510400123,1.55,10,1.5,1.6";
    expect((await ticksOf("q.csv", both, { symbol: "IBM" })).rows.length).toBe(1);
  });
});
