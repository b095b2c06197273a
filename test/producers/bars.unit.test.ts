import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { bars } from "../../producers/bars.ts";
import { barId, symbolId } from "../../src/event/identity.ts";
import { checkEvent } from "../../src/event/validate.ts";
import type { FeedOptions } from "../../src/feed/feed.ts";
import { decidedOf, readText } from "../support/feeds/feed-files.ts";

const at = (iso: string) => Date.parse(iso) * 1000;
const HEADER = "Date,Open,High,Low,Close,Volume";
const table = (...dates: string[]) => [HEADER, ...dates.map((date) => `${date},1,2,0.5,1.5,100`)].join("\n");
const IBM: FeedOptions = { symbol: "IBM", source: "desk" };
/** For files of few rows, which can't tell how long their bars are. */
const DAILY: FeedOptions = { ...IBM, interval: "1d" };
const startsOf = async (text: string, options: FeedOptions = DAILY) => {
  const { feed, events, rejections } = await readText(bars, "bars.csv", text, options);
  const starts = events.map((e) => new Date(e.timestamp / 1000).toISOString());
  return { decided: decidedOf(feed), starts, rejections };
};

describe("OHLCV CSV", () => {
  it("is read whole: the S&P 500's daily bars of 2000 to 2020", async () => {
    const csv = readFileSync(new URL("../../node_modules/vega-datasets/data/sp500-2000.csv", import.meta.url), "utf8");
    const { feed, events, rejections } = await readText(bars, "sp500.csv", csv, { symbol: "SPX", source: "yahoo" });
    expect([events.length, rejections.length]).toEqual([5105, 0]);
    expect(decidedOf(feed)).toMatchObject({
      format: "ohlcv",
      interval: "1d",
      time: "yyyy-mm-dd",
      zone: "UTC: a day is a UTC day",
      "decimal sign": ".",
      "columns not used": "adjclose",
    });
    expect(events[0]).toMatchObject({
      symbol_id: symbolId("SPX", null),
      timestamp: at("2000-01-03T00:00:00Z"),
      interval: "1d",
      source: "yahoo",
      revised_at: null,
    });
    expect(events.every((event) => checkEvent("bars", event) === null && event.market_data_id === barId(event))).toBe(
      true,
    );
    expect(new Set(events.map((event) => event.market_data_id)).size).toBe(5105);
  });
  it("takes columns in any order and case, quoted, semicolons, grouped thousands and dollar signs", async () => {
    const text =
      '"CLOSE/Last";"Low";"HIGH";"open";"Vol";"Date"\n"$1,001.50";"999";"1,002";"1,000";"1,234,567";"2024-01-02"';
    const { events } = await readText(bars, "a.csv", text, DAILY);
    expect(events[0]).toMatchObject({ open: 1000, high: 1002, low: 999, close: 1001.5, volume: 1_234_567 });
  });
  it("says that volume is 0 where there is no such column, and joins date and time columns", async () => {
    const text = "Date,Time,Open,High,Low,Close\n2024.01.02,09:30,1,2,1,2\n2024-01-02,09:31,1,2,1,2";
    const { decided, starts, rejections } = await startsOf(text, {
      ...IBM,
      tz: "UTC",
      interval: "1m",
      dateFormat: "iso",
    });
    expect(decided.volume).toBe("0");
    expect(starts).toEqual(["2024-01-02T09:31:00.000Z"]);
    expect(rejections[0]?.line).toBe(2);
  });
});

describe("dates of OHLCV CSV", () => {
  it.each([
    ["01/13/2024", "2024-01-13", "mm/dd/yyyy"],
    ["13/01/2024", "2024-01-13", "dd/mm/yyyy"],
    ["13.01.2024", "2024-01-13", "dd/mm/yyyy"],
    ["2024-01-13", "2024-01-13", "yyyy-mm-dd"],
    ["2024/1/13", "2024-01-13", "yyyy-mm-dd"],
    ["20240113", "2024-01-13", "yyyymmdd"],
  ])("like %s are recognised", async (date, day, name) => {
    const { starts, decided } = await startsOf(table(date));
    expect([starts, decided.time]).toEqual([[`${day}T00:00:00.000Z`], name]);
  });
  it("are decided by the whole sample, not by the first row", async () => {
    const { starts } = await startsOf(table("01/02/2024", "02/02/2024", "13/02/2024"));
    expect(starts[0]).toBe("2024-02-01T00:00:00.000Z");
  });
  it("that may be either are asked about, and then told", async () => {
    const text = table("01/02/2024", "02/02/2024");
    await expect(startsOf(text)).rejects.toMatchObject({
      code: "input_invalid",
      message: expect.stringContaining("may be dd/mm/yyyy or mm/dd/yyyy"),
      next: expect.stringContaining("--date-format"),
    });
    expect((await startsOf(text, { ...DAILY, dateFormat: "dd/mm/yyyy" })).starts[0]).toMatch(/^2024-02-01/);
    expect((await startsOf(text, { ...DAILY, dateFormat: "MM/DD/YYYY" })).starts[0]).toMatch(/^2024-01-02/);
    await expect(startsOf(table("13/01/2024", "01/13/2024"))).rejects.toThrow("some only fit");
  });
  it("of any other kind are told by --date-format", async () => {
    const dateFormat = "dd-LLL-yyyy HH:mm";
    const { starts } = await startsOf(table("05-Jan-2024 09:30", "05-Jan-2024 09:35"), {
      ...IBM,
      dateFormat,
      tz: "UTC",
      interval: "5min",
    });
    expect(starts).toEqual(["2024-01-05T09:30:00.000Z", "2024-01-05T09:35:00.000Z"]);
    await expect(startsOf(table("05-Jan-2024"))).rejects.toThrow("no known way");
    await expect(startsOf(table("2024-01-05"), { ...DAILY, dateFormat: "nonsense" })).rejects.toThrow("names no date");
  });
  it.each([
    ["1704186000", "s"],
    ["1704186000000", "ms"],
    ["1704186000000000", "us"],
    ["1704186000000000000", "ns"],
  ])("as numbers like %s are read in %s", async (text, unit) => {
    const { decided, starts } = await startsOf(table(text), { ...IBM, interval: "1h" });
    expect([decided.time, starts]).toEqual([`epoch ${unit}`, ["2024-01-02T09:00:00.000Z"]]);
  });
  it("with an hour and no zone are asked about; a zone's changes are followed, days too", async () => {
    const text = table("2024-03-08 09:30", "2024-03-11 09:30", "2024-03-12 09:30");
    await expect(startsOf(text)).rejects.toMatchObject({ next: expect.stringContaining("--tz") });
    const tz = "America/New_York";
    const { starts } = await startsOf(text, { ...IBM, interval: "1h", tz });
    expect(starts).toEqual(["2024-03-08T14:30:00.000Z", "2024-03-11T13:30:00.000Z", "2024-03-12T13:30:00.000Z"]);
    expect((await startsOf(table("2024-07-01"), { ...DAILY, tz })).starts).toEqual(["2024-07-01T04:00:00.000Z"]);
    const skipped = await startsOf(table("2018-11-04"), { ...DAILY, tz: "America/Sao_Paulo" });
    expect(skipped.starts).toEqual(["2018-11-04T03:00:00.000Z"]);
    expect((await startsOf(table("2024-07-01T09:30:00-04:00"), { ...IBM, interval: "1h" })).starts).toEqual([
      "2024-07-01T13:30:00.000Z",
    ]);
  });
});

describe("the interval of OHLCV CSV", () => {
  it("is told under one name", async () => {
    for (const [text, name] of [
      ["5m", "5min"],
      ["5Min", "5min"],
      ["1M", "1mo"],
      ["1 day", "1d"],
    ]) {
      const { decided } = await startsOf(table("2024-01-02"), { ...IBM, interval: text! });
      expect(decided.interval).toBe(name);
    }
    await expect(startsOf(table("2024-01-02"), { ...IBM, interval: "tick" })).rejects.toThrow("no length of a bar");
  });
});

describe("bad rows of OHLCV CSV", () => {
  it("are rejected by number, and the rest goes on", async () => {
    const bad = [
      "2024-01-03,1,2,0.5,1.5",
      "2024-01-03,1,2,0.5,1.5,100,7",
      "2024-01-03,one,2,0.5,1.5,100",
      "2024-01-03,null,null,null,null,null",
      "2024-01-03,1,2,0.5,1.5,-100",
      "2023-02-30,1,2,0.5,1.5,100",
      "1683-12-31,1,2,0.5,1.5,100",
      "2024-01-03,1,2,3,1.5,100",
      "2024-01-03,1,Infinity,0.5,1.5,100",
      '2024-01-03,"1,2,0.5,1.5,100',
      "garbage",
    ];
    const { rejections, starts } = await startsOf(
      `${table("2024-01-02")}\n${bad.join("\n")}\n2024-01-04,1,2,0.5,1.5,0\n`,
    );
    expect(starts.length).toBe(2);
    expect(rejections.map((r) => r.line)).toEqual(bad.map((_, i) => i + 3));
    expect(rejections.map((r) => r.reason)).toEqual([
      "the line has 5 columns instead of 6",
      "the line has 7 columns instead of 6",
      'open "one" is no number as the rows before it write them',
      "open is empty",
      'volume "-100" is no number from 0 on',
      '"2023-02-30" doesn\'t exist in the calendar',
      "the time lies outside of the years 1684 to 2255",
      "high 2 lies below low 3",
      'high "Infinity" is no number as the rows before it write them',
      "the line's quotes don't match",
      "the line has 1 columns instead of 6",
    ]);
  });
  it("turn the file away when none fits, or when the instrument isn't said", async () => {
    await expect(startsOf(`${HEADER}\n`)).rejects.toThrow("no row that fits");
    await expect(startsOf(table("2024-01-02"), { interval: "1d" })).rejects.toMatchObject({
      next: expect.stringContaining("--symbol"),
    });
    await expect(startsOf("Date,Open,Close\n2024-01-02,1,2", { ...IBM, format: "ohlcv" })).rejects.toThrow(
      "lacks high, low",
    );
  });
});

const KLINE = "1735689600000,1.0,2.0,0.5,1.5,10.25,1735693199999,15.1,42,5.0,7.5,0";

describe("Binance klines", () => {
  it("are read in milliseconds and microseconds, with or without a header, and tell their interval", async () => {
    const { feed, events } = await readText(bars, "BTCUSDT-1h-2025-01.csv", KLINE, { market: "spot" });
    const spot = {
      format: "binance-klines",
      time: "epoch ms",
      interval: "1h",
      symbols: "BTCUSDT",
      source: "binance-klines",
    };
    expect(decidedOf(feed)).toMatchObject(spot);
    expect(events[0]).toMatchObject({ timestamp: 1_735_689_600_000_000, open: 1, low: 0.5, volume: 10.25 });
    expect(checkEvent("bars", events[0])).toBeNull();
    const micros = KLINE.replace("1735689600000", "1735689600000000").replace("1735693199999", "1735689659999999");
    const header = "open_time,open,high,low,close,volume,close_time,quote_volume,count,taker_buy,taker_quote,ignore";
    const other = await readText(bars, "x.csv", `${header}\n${micros}`, IBM);
    expect(decidedOf(other.feed)).toMatchObject({ time: "epoch us", interval: "1min", market: "spot" });
    expect([other.events.length, other.rejections.length]).toEqual([1, 0]);
  });
  it("reject bad lines by number", async () => {
    const bad = [
      KLINE.replace(",1.0,", ",x,"),
      KLINE.replace("10.25", "-1"),
      `${KLINE},1`,
      KLINE.replace("17356896", ""),
    ];
    const { events, rejections } = await readText(bars, "x.csv", [KLINE, ...bad, KLINE].join("\n"), {
      ...IBM,
      market: "um",
    });
    expect([events.length, rejections.map((r) => r.line)]).toEqual([2, [2, 3, 4, 5]]);
  });
});
