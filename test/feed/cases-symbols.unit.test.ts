import { describe, expect, it } from "vitest";
import { symbolId } from "../../src/event/identity.ts";
import { askedOf, barsOf, ticksOf } from "../support/feeds/feed-cases.ts";
import { POLYGON_TRADES } from "../support/feeds/random-rows.ts";

const FINRL = [
  ",date,open,high,low,close,volume,tic,day",
  "0,2024-01-02,187.1,188.4,183.9,185.6,82000,AAPL,1",
  "1,2024-01-02,373.8,375.9,366.8,370.9,25000,MSFT,1",
  "2,2024-01-03,184.2,185.9,183.4,184.2,58000,AAPL,2",
].join("\n");

describe("files of several symbols", () => {
  it("03: are asked about, also with --symbol; --symbols takes all or some", async () => {
    expect(await askedOf(barsOf("f.csv", FINRL))).toEqual(["--symbols"]);
    expect(await askedOf(barsOf("f.csv", FINRL, { symbol: "AAPL" }))).toEqual(["--symbols"]);
    const one = await barsOf("f.csv", FINRL, { symbols: "AAPL" });
    expect(one.rows).toEqual([
      "AAPL 2024-01-02T00:00:00Z 187.1 188.4 183.9 185.6 82000 1d ohlcv",
      "AAPL 2024-01-03T00:00:00Z 184.2 185.9 183.4 184.2 58000 1d ohlcv",
    ]);
    expect([one.rejected, one.feed.leftOut()]).toEqual([[], 1]);
    const all = await barsOf("f.csv", FINRL, { symbols: "all" });
    expect(all.rows[1]).toBe("MSFT 2024-01-02T00:00:00Z 373.8 375.9 366.8 370.9 25000 1d ohlcv");
  });
  it("of which the first rows show one reject another one by line", async () => {
    const many = Array.from(
      { length: 9000 },
      (_, i) => `${new Date((i + 90) * 864e5).toISOString().slice(0, 10)},1,2,0.5,1.5,10,AAPL`,
    );
    const text = `date,open,high,low,close,volume,ticker\n${many.join("\n")}\n2024-01-02,1,2,0.5,1.5,10,MSFT`;
    const { rejected, reasons } = await barsOf("a.csv", text);
    expect([rejected, reasons]).toEqual([[9002], ['ticker says "MSFT", unlike the rows before it: say --symbols all']]);
    await expect(barsOf("a.csv", text, { symbol: "MSFT" })).rejects.toThrow(/contradicts the column "ticker"/);
    const called = await barsOf("a.csv", text, { symbol: "AAPL@NASDAQ" });
    expect(called.rows[0]).toContain(symbolId("AAPL", "NASDAQ"));
  });
  it("may be told apart by a column of codes, which is asked about, and has to stay as it is", async () => {
    const row = (day: number, code: number) =>
      `${new Date((day + 90) * 864e5).toISOString().slice(0, 10)},1,2,0.5,1.5,10,${code}`;
    const head = "date,open,high,low,close,volume,permno";
    const two = [head, row(1, 10107), row(2, 10107), row(3, 14593), row(4, 14593)].join("\n");
    expect(await askedOf(barsOf("c.csv", two, { symbol: "IBM" }))).toEqual(["--column"]);
    const bySymbol = await barsOf("c.csv", two, { column: ["symbol=permno"], symbols: "14593" });
    expect([bySymbol.rows.length, bySymbol.feed.leftOut()]).toEqual([2, 2]);
    const later = [head, ...Array.from({ length: 12_000 }, (_, i) => row(i, 10107)), row(12_001, 14593)].join("\n");
    const { rejected, reasons } = await barsOf("c.csv", later, { symbol: "IBM" });
    expect([rejected, reasons]).toEqual([
      [12_002],
      ['permno turns from 10107 to "14593": it may tell instruments apart'],
    ]);
    expect((await barsOf("c.csv", later, { symbol: "IBM", column: ["ignore=permno"] })).rejected).toEqual([]);
  });
  it("tell of the symbols before the events that name them", async () => {
    const { feed } = await barsOf("f.csv", FINRL, { symbols: "all" });
    expect(feed.symbols).toEqual([]);
    const { bars } = await import("../../producers/bars.ts");
    const { fileOf } = await import("../support/feeds/feed-files.ts");
    const again = await bars.open(fileOf("f.csv", FINRL), { symbols: "all", source: "desk" });
    const batches = [];
    for await (const batch of again.batches()) batches.push(...batch.symbols.map((symbol) => symbol.ticker));
    expect(batches).toEqual(["AAPL", "MSFT"]);
  });
  it("07, 07b: tables of yfinance, with one ticker and with two, both ways round", async () => {
    const one = [
      "Price,Close,High,Low,Open,Volume",
      "Ticker,MSFT,MSFT,MSFT,MSFT,MSFT",
      "Date,,,,,",
      "2024-01-02,370.87,375.9,366.77,373.86,25258600",
      "2024-01-03,370.6,373.26,368.51,369.01,23083500",
    ].join("\n");
    expect((await barsOf("y.csv", one)).rows[0]).toBe(
      "MSFT 2024-01-02T00:00:00Z 373.86 375.9 366.77 370.87 25258600 1d yfinance",
    );
    const two = [
      "Date,Close,Close,High,High,Low,Low,Open,Open,Volume,Volume",
      ",AAPL,MSFT,AAPL,MSFT,AAPL,MSFT,AAPL,MSFT,AAPL,MSFT",
      "2024-01-02,185.6,370.9,188.4,375.9,183.9,366.8,187.1,373.8,82000,25000",
      "2024-01-03,184.2,,185.9,,183.4,,184.2,,58000,",
    ].join("\n");
    expect(await askedOf(barsOf("y.csv", two))).toEqual(["--symbols"]);
    const { rows, rejected } = await barsOf("y.csv", two, { symbols: "all" });
    expect([rows, rejected]).toEqual([
      [
        "AAPL 2024-01-02T00:00:00Z 187.1 188.4 183.9 185.6 82000 1d yfinance",
        "MSFT 2024-01-02T00:00:00Z 373.8 375.9 366.8 370.9 25000 1d yfinance",
        "AAPL 2024-01-03T00:00:00Z 184.2 185.9 183.4 184.2 58000 1d yfinance",
      ],
      [],
    ]);
    const [fields, tickers, ...days] = two.split("\n");
    const byTicker = [
      tickers!.replace(/^/, "Ticker"),
      fields!.replace("Date", "Price"),
      "Date,,,,,,,,,,",
      ...days,
    ].join("\n");
    expect((await barsOf("y.csv", byTicker, { symbols: "MSFT" })).rows.length).toBe(1);
  });
  it("of one line are rejected each by itself", async () => {
    const table = [
      "Price,Close,Close,High,High,Low,Low,Open,Open,Volume,Volume",
      "Ticker,AAPL,MSFT,AAPL,MSFT,AAPL,MSFT,AAPL,MSFT,AAPL,MSFT",
      "2024-01-02,185.6,370.9,188.4,375.9,183.9,366.8,187.1,373.8,82000,25000",
      "2024-01-03,184.2,x,185.9,375.9,183.4,366.8,184.2,373.8,58000,25000",
      "2024-01-04,184.2,370.9,183.9,375.9,188.4,366.8,184.2,373.8,58000,25000",
    ].join("\n");
    const { rows, rejected, reasons } = await barsOf("y.csv", table, { symbols: "all" });
    expect(rows.map((row) => row.slice(0, 15))).toEqual([
      "AAPL 2024-01-02",
      "MSFT 2024-01-02",
      "AAPL 2024-01-03",
      "MSFT 2024-01-04",
    ]);
    expect([rejected, reasons]).toEqual([
      [4, 5],
      ['MSFT: close "x" is no number as the rows before it write them', "AAPL: high 183.9 lies below low 188.4"],
    ]);
  });
  it("11, 11b: minutes of Polygon, and the same under another name of the time", async () => {
    const text = [
      "ticker,volume,open,close,high,low,window_start,transactions",
      "AAPL,4930,200.29,200.5,200.63,200.29,1744792500000000000,129",
      "MSFT,1815,380.39,380.34,380.61,380.34,1744792500000000000,57",
    ].join("\n");
    for (const [name, source] of [
      ["window_start", "polygon-bars"],
      ["timestamp", "ohlcv"],
    ]) {
      const named = text.replace("window_start", name!);
      expect(await askedOf(barsOf("p.csv", named))).toEqual(["--symbols", "--interval"]);
      expect((await barsOf("p.csv", named, { symbols: "all", interval: "1min" })).rows).toEqual([
        `AAPL 2025-04-16T08:35:00Z 200.29 200.63 200.29 200.5 4930 1min ${source}`,
        `MSFT 2025-04-16T08:35:00Z 380.39 380.61 380.34 380.34 1815 1min ${source}`,
      ]);
    }
  });
  it("14: Stooq's bulk files say the period; the time of a day is none", async () => {
    const text = [
      "<TICKER>,<PER>,<DATE>,<TIME>,<OPEN>,<HIGH>,<LOW>,<CLOSE>,<VOL>,<OPENINT>",
      "AAPL.US,D,20240102,000000,186.231,187.514,182.979,184.730,82598139,0",
    ].join("\n");
    expect((await barsOf("s.txt", text)).rows).toEqual([
      "AAPL.US 2024-01-02T00:00:00Z 186.231 187.514 182.979 184.73 82598139 1d stooq",
    ]);
    const five = text.replace(",D,", ",5,").replace("000000", "153500");
    expect(await askedOf(barsOf("s.txt", five))).toEqual(["--tz"]);
    const read = await barsOf("s.txt", five, { tz: "America/New_York" });
    expect(read.rows[0]).toMatch(/^AAPL\.US 2024-01-02T20:35:00Z .* 5min stooq$/);
  });
});

describe("trades of several symbols", () => {
  it("11c, 12, 34: Polygon's, Databento's and Alpaca's, to the nanosecond", async () => {
    const polygon = [
      POLYGON_TRADES,
      'AAPL,"12,37",0,11,1,1744790400003123456,200.29,1001,1744790400003456789,25,3,0,0',
      "AAPL,,1,4,1,1744790400003123457,200.3,1002,1744790400003456789,5,3,12,0",
    ].join("\n");
    expect((await ticksOf("p.csv", polygon)).rows).toEqual([
      "AAPL 2025-04-16T08:00:00.003123456Z 200.29 25 polygon-trades 1 11-0 12|37",
      "AAPL 2025-04-16T08:00:00.003123457Z 200.3 5 polygon-trades 1 4-12 correction 1",
    ]);
    const databento = [
      "ts_recv,ts_event,rtype,publisher_id,instrument_id,action,side,depth,price,size,flags,ts_in_delta,sequence,symbol",
      "1609160400000704060,1609160400000429831,0,1,5482,T,A,0,3720250000000,5,129,19251,1170380,ESH1",
    ].join("\n");
    const expected = ["ESH1 2020-12-28T13:00:00.000429831Z 3720.25 5 databento-trades - 1 seller_aggressor"];
    expect((await ticksOf("d.csv", databento)).rows).toEqual(expected);
    const pretty = databento
      .replace("1609160400000429831", "2020-12-28T13:00:00.000429831Z")
      .replace("3720250000000", "3720.250000000");
    expect((await ticksOf("d.csv", pretty)).rows).toEqual(expected);
    const alpaca = [
      "symbol,timestamp,exchange,price,size,id,conditions,tape",
      'AAPL,2024-01-02T14:30:00.000123456Z,V,187.15,100,1,"@ F",C',
    ].join("\n");
    expect((await ticksOf("a.csv", alpaca)).rows).toEqual([
      "AAPL 2024-01-02T14:30:00.000123456Z 187.15 100 alpaca-trades 1 V @|F",
    ]);
  });
  it("with a header of any program, and equal trades told apart", async () => {
    const text = [
      "time,price,qty,side",
      "1704186000123,187.15,100,buy",
      "1704186000123,187.15,100,buy",
      "1704186000124,187.2,1,sell",
    ].join("\n");
    const { rows } = await ticksOf("t.csv", text, { symbol: "AAPL" });
    expect(rows).toEqual([
      "AAPL 2024-01-02T09:00:00.123Z 187.15 100 trades - - buy",
      "AAPL 2024-01-02T09:00:00.123Z 187.15 100 trades - - buy",
      "AAPL 2024-01-02T09:00:00.124Z 187.2 1 trades - - sell",
    ]);
  });
});
