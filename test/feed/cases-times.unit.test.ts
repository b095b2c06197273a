import { gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { askedOf, barsOf, quotesOf, ticksOf } from "../support/feeds/feed-cases.ts";
import { fileOf } from "../support/feeds/feed-files.ts";

const IBM = { symbol: "IBM" };
const DAILY = { symbol: "IBM", interval: "1d" };
const MINUTE = { symbol: "IBM", interval: "1min" };
const HEAD = "Date,Open,High,Low,Close,Volume";
const bars = (...times: string[]) => [HEAD, ...times.map((time) => `${time},1,2,0.5,1.5,10`)].join("\n");
const startsOf = async (text: string, options = {}) =>
  (await barsOf("t.csv", text, options)).rows.map((row) => row.split(" ")[1]);

describe("dates", () => {
  it("02, 02d: days of a spreadsheet are asked about, never taken for seconds", async () => {
    const days = bars("45383", "45384", "45385");
    expect(await askedOf(barsOf("x.csv", days, DAILY))).toEqual(["--unit", "--date-format"]);
    expect(await startsOf(days, { ...DAILY, dateFormat: "excel" })).toEqual([
      "2024-04-01T00:00:00Z",
      "2024-04-02T00:00:00Z",
      "2024-04-03T00:00:00Z",
    ]);
    const shares = bars("45383.395833", "45383.396528");
    expect(await askedOf(barsOf("x.csv", shares, MINUTE))).toEqual(["--unit", "--date-format"]);
    const told = { ...MINUTE, dateFormat: "excel", tz: "UTC" };
    expect(await startsOf(shares, told)).toEqual(["2024-04-01T09:30:00Z", "2024-04-01T09:31:00Z"]);
  });
  it("02b: six digits may be any order of day, month and year", async () => {
    const text = [
      "Date,Time,Open,High,Low,Close,Volume",
      "240301,0931,1,2,0.5,1.5,10",
      "240301,0932,1,2,0.5,1.5,10",
    ].join("\n");
    expect(await askedOf(barsOf("x.csv", text, { ...MINUTE, tz: "UTC" }))).toEqual(["--date-format"]);
    const told = { ...MINUTE, tz: "UTC", dateFormat: "yyMMdd HH:mm" };
    expect(await startsOf(text, told)).toEqual(["2024-03-01T09:31:00Z", "2024-03-01T09:32:00Z"]);
  });
  it("10, 10b: years first with dots, with and without a header", async () => {
    const rows = [
      "2024.03.04,18:49,77.708,77.710,77.702,77.702,30",
      "2024.03.04,18:50,77.700,77.701,77.693,77.700,19",
    ].join("\n");
    for (const text of [`Date,Time,Open,High,Low,Close,Volume\n${rows}`, rows]) {
      expect(await askedOf(barsOf("m.csv", text, MINUTE))).toEqual(["--tz"]);
      const { rows: read } = await barsOf("m.csv", text, { ...MINUTE, tz: "Europe/Athens" });
      expect(read[0]).toMatch(/^IBM 2024-03-04T16:49:00Z 77\.708 77\.71 77\.702 77\.702 30 1min metatrader/);
    }
    expect(await startsOf(bars("2024.03.04"), { ...DAILY, dateFormat: "yyyy.mm.dd" })).toEqual([
      "2024-03-04T00:00:00Z",
    ]);
  });
  it("29b, 31, 32: AM and PM, milliseconds in GMT, names of zones; abbreviations name none", async () => {
    const half = bars("3/15/2024 12:30 AM", "3/15/2024 9:31 AM", "3/15/2024 12:00 PM", "3/15/2024 11:59:59 pm");
    expect(await startsOf(half, { ...MINUTE, tz: "UTC" })).toEqual([
      "2024-03-15T00:30:00Z",
      "2024-03-15T09:31:00Z",
      "2024-03-15T12:00:00Z",
      "2024-03-15T23:59:59Z",
    ]);
    const gmt = bars("01.03.2024 00:00:00.000", "01.03.2024 00:01:00.000").replace("Date", "Gmt time");
    expect(await startsOf(gmt, MINUTE)).toEqual(["2024-03-01T00:00:00Z", "2024-03-01T00:01:00Z"]);
    const ahead = bars("2024-03-01 00:00").replace("Date", "Time (GMT+1)");
    expect(await askedOf(barsOf("a.csv", ahead, { ...MINUTE, column: ["time=Time (GMT+1)"] }))).toEqual(["--tz"]);
    const local = bars("01.03.2024 00:00:00.000 GMT+0100").replace("Date", "Local time");
    expect(await startsOf(local, MINUTE)).toEqual(["2024-02-29T23:00:00Z"]);
    expect(await startsOf(bars("20240102 09:30:00 US/Eastern", "20240702 09:30:00 US/Eastern"), MINUTE)).toEqual([
      "2024-01-02T14:30:00Z",
      "2024-07-02T13:30:00Z",
    ]);
    expect(await startsOf(bars("2024-01-02 09:30:00 UTC", "2024-01-02T09:31:00 GMT"), MINUTE)).toEqual([
      "2024-01-02T09:30:00Z",
      "2024-01-02T09:31:00Z",
    ]);
    const { rows, reasons } = await barsOf("a.csv", bars("2024-01-02 09:30:00 UTC", "2024-01-02 09:31:00 CST"), MINUTE);
    expect([rows.length, reasons]).toEqual([1, ['"CST" doesn\'t say which zone it is']]);
  });
  it("are exact below the millisecond, too, by a pattern", async () => {
    const text = ["time,price,size", "15 Mar 2024 09:30:00.012345678,1,1", "15 Mar 2024 09:30:00.1,1,1"].join("\n");
    const { rows } = await ticksOf("t.csv", text, { ...IBM, tz: "UTC", dateFormat: "dd LLL yyyy HH:mm:ss.u" });
    expect(rows.map((row) => row.split(" ")[1])).toEqual(["2024-03-15T09:30:00.012345678Z", "2024-03-15T09:30:00.1Z"]);
  });
  it("are read with hours of one digit, a blank in p. m., and a D before the time of day", async () => {
    const starts = (times: readonly string[], names = "Date,Time") =>
      startsOf(bars(...times).replace("Date", names), { ...MINUTE, tz: "UTC" });
    const digits = ["20240315,930", "20240315,93100", "20240315,1000"];
    const colons = ["20240315,9:30", "20240315,9:31", "20240315,10:00"];
    for (const times of [digits, colons]) {
      expect(await starts(times)).toEqual(["2024-03-15T09:30:00Z", "2024-03-15T09:31:00Z", "2024-03-15T10:00:00Z"]);
    }
    expect(await starts(["15/03/2024,01:30:00 p. m."])).toEqual(["2024-03-15T13:30:00Z"]);
    expect(await starts(["2024-03-15D09:30:00.000000000"], "timestamp")).toEqual(["2024-03-15T09:30:00Z"]);
  });
  it("37: a day and a time of day in two columns, whatever they are called", async () => {
    const row = (day: string, clock: string) => `${day},${clock},1,2,0.5,1.5,10`;
    const rows = [row("20240102", "00:00:00"), row("20240102", "00:01:00"), row("20240103", "00:00:00")].join("\n");
    for (const names of ["Date,Timestamp", "date,time", "Datum,Uhrzeit"]) {
      const text = `${names},Open,High,Low,Close,Volume\n${rows}`;
      expect(await startsOf(text, { ...MINUTE, tz: "UTC" })).toEqual([
        "2024-01-02T00:00:00Z",
        "2024-01-02T00:01:00Z",
        "2024-01-03T00:00:00Z",
      ]);
    }
    const unknown = `Date,Clock,Open,High,Low,Close,Volume\n${rows}`;
    expect(await askedOf(barsOf("a.csv", unknown, IBM))).toEqual(["--column"]);
    const told = { ...MINUTE, tz: "UTC", column: ["time=Date", "time=Clock"] };
    expect((await startsOf(unknown, told)).length).toBe(3);
  });
  it("40: day or month first is asked", async () => {
    const text = bars("01/02/2024", "02/02/2024");
    expect(await askedOf(barsOf("a.csv", text, DAILY))).toEqual(["--date-format"]);
    expect((await startsOf(text, { ...DAILY, dateFormat: "mm/dd/yyyy" }))[0]).toBe("2024-01-02T00:00:00Z");
    const proof = bars("01/02/2024", "02/02/2024", "13/02/2024");
    await expect(startsOf(proof, { ...DAILY, dateFormat: "mm/dd/yyyy" })).rejects.toThrow("only fit dd/mm/yyyy");
    const hour = bars("01/02/2024 9:30 AM", "13/02/2024 9:30 AM");
    await expect(startsOf(hour, { ...MINUTE, dateFormat: "mm/dd/yyyy", tz: "UTC" })).rejects.toThrow("only fit");
  });
  it("in numbers are of the unit whose digits they have, all of them", async () => {
    const later = bars("1733011200", "1733097600");
    expect(await startsOf(later, DAILY)).toEqual(["2024-12-01T00:00:00Z", "2024-12-02T00:00:00Z"]);
    expect(await askedOf(barsOf("a.csv", bars("1733011200", "1733097600000"), DAILY))).toEqual([
      "--unit",
      "--date-format",
    ]);
    expect(await askedOf(barsOf("a.csv", bars("946684800", "946771200"), DAILY))).toEqual(["--unit", "--date-format"]);
    expect(await startsOf(bars("946684800"), { ...DAILY, unit: "s" })).toEqual(["2000-01-01T00:00:00Z"]);
    const mixed = await barsOf("a.csv", bars("999907200", "1733011200", "45383"), { ...DAILY, unit: "s" });
    expect([mixed.rows.length, mixed.rejected]).toEqual([2, [4]]);
  });
});

describe("zones and days", () => {
  it("15, 30: hours without a zone are asked about; changes of clocks are followed, hours that come twice rejected", async () => {
    const text = bars("2024-03-11 09:31:00", "2024-03-08 15:59:00");
    expect(await askedOf(barsOf("a.csv", text, MINUTE))).toEqual(["--tz"]);
    const tz = "America/New_York";
    expect(await startsOf(text, { ...MINUTE, tz })).toEqual(["2024-03-11T13:31:00Z", "2024-03-08T20:59:00Z"]);
    const back = bars("2024-11-03 00:30:00", "2024-11-03 01:30:00", "2024-11-03 01:30:00", "2024-11-03 02:00:00");
    const read = await barsOf("a.csv", back, { symbol: "IBM", interval: "30min", tz });
    expect([read.rows.length, read.rejected]).toEqual([2, [3, 4]]);
  });
  it("16: days before 1970 are read, and those of its first quarter where they are meant", async () => {
    const text = bars("1962-01-02", "1969-12-31", "1970-01-02", "1970-04-01");
    const { rows, rejected, reasons } = await barsOf("i.csv", text, DAILY);
    expect([rows.length, rejected, reasons]).toEqual([3, [4], [expect.stringContaining("TRADETAPE_EARLY_1970=allow")]]);
    expect((await barsOf("i.csv", text, { ...DAILY, early1970: "allow" })).rows.length).toBe(4);
  });
  it("13, 13b, 13c: midnights of a zone over a weekend and a change of clocks", async () => {
    const text = [
      "Date,Open,High,Low,Close,Volume,Dividends,Stock Splits",
      "2024-11-01 00:00:00-04:00,1,2,0.5,1.5,10,0.0,0.0",
      "2024-11-04 00:00:00-05:00,1,2,0.5,1.5,10,0.25,0.0",
    ].join("\n");
    expect((await barsOf("y.csv", text, IBM)).rows).toEqual([
      "IBM 2024-11-01T04:00:00Z 1 2 0.5 1.5 10 1d yfinance",
      "IBM 2024-11-04T05:00:00Z 1 2 0.5 1.5 10 1d yfinance",
    ]);
    const plain = bars("2024-11-01 00:00:00-04:00", "2024-11-04 00:00:00-05:00", "2024-11-05 00:00:00-05:00");
    expect(await askedOf(barsOf("m.csv", plain, IBM))).toEqual(["--interval"]);
  });
  it("29: Barchart's last line is no row", async () => {
    const text = [
      "Time,Open,High,Low,Last,Change,%Chg,Volume",
      '"03/15/2024 09:30",1,2,0.5,1.5,0.1,1%,100',
      '"Downloaded from Barchart.com as of 03-16-2024 01:00pm CST"',
    ].join("\n");
    const { rows, rejected, feed } = await barsOf("b.csv", text, { ...MINUTE, tz: "America/Chicago" });
    expect([rows, rejected, feed.leftOut()]).toEqual([
      ["IBM 2024-03-15T14:30:00Z 1 2 0.5 1.5 100 1min barchart"],
      [],
      1,
    ]);
  });
  it("an end of bar is its start by the bar's length, but for days", async () => {
    const text = ['"Date","Time","Open","High","Low","Close","Up","Down"', "01/16/2024,09:31,1,2,0.5,1.5,600,400"].join(
      "\n",
    );
    const read = await barsOf("t.csv", text, { ...MINUTE, tz: "America/New_York" });
    expect(read.rows).toEqual(["IBM 2024-01-16T14:30:00Z 1 2 0.5 1.5 1000 1min tradestation"]);
  });
});

describe("clocks of twelve hours without AM and PM", () => {
  const NEW_YORK = { symbol: "IBM", tz: "America/New_York" };
  const halves = ["11:30", "12:30", "01:30", "02:30", "03:30"].map((clock) => `2024-03-15 ${clock}`);
  it("are asked about in bars, ticks and quotes, from the oldest or the newest row on, in one column or two", async () => {
    const told = { ...NEW_YORK, interval: "1h" };
    expect(await askedOf(barsOf("b.csv", bars(...halves), told))).toEqual(["--date-format"]);
    expect(await askedOf(barsOf("b.csv", bars(...halves.toReversed()), told))).toEqual(["--date-format"]);
    const apart = bars(...halves.map((time) => time.replace(" ", ","))).replace("Date", "Date,Time");
    expect(await askedOf(barsOf("b.csv", apart, told))).toEqual(["--date-format"]);
    const ticks = ["time,price,size", ...halves.map((time) => `${time}:01.5,1.5,10`)].join("\n");
    expect(await askedOf(ticksOf("t.csv", ticks, NEW_YORK))).toEqual(["--date-format"]);
    const quotes = ["time,bid,ask", ...halves.map((time) => `${time}:01.5,1.5,1.6`)].join("\n");
    expect(await askedOf(quotesOf("q.csv", quotes, NEW_YORK))).toEqual(["--date-format"]);
  });
  it("are of 24 hours where a pattern with the hour says so, and where an hour is 0 or beyond 12", async () => {
    const told = { ...NEW_YORK, interval: "1h", dateFormat: "yyyy-MM-dd HH:mm" };
    expect((await startsOf(bars(...halves), told))[2]).toBe("2024-03-15T05:30:00Z");
    const order = bars(...halves.map((time) => time.replace("2024-03-15", "03/04/2024")));
    expect(await askedOf(barsOf("b.csv", order, { ...told, dateFormat: "mm/dd/yyyy" }))).toEqual(["--date-format"]);
    for (const proof of ["2024-03-14 00:30", "2024-03-14 13:30"]) {
      expect((await startsOf(bars(proof, ...halves), { ...told, dateFormat: undefined })).length).toBe(6);
    }
  });
  it("don't show by mornings alone, by times out of order, or by each of several symbols beginning anew", async () => {
    const morning = bars("2024-03-14 09:30", "2024-03-14 12:30", "2024-03-15 09:30", "2024-03-15 12:30");
    expect((await startsOf(morning, { ...NEW_YORK, interval: "1h" })).length).toBe(4);
    const odd = ["time,price,size", "2024-03-15 09:31:00,1,1", "2024-03-15 09:30:59,1,1"].join("\n");
    expect((await ticksOf("t.csv", odd, NEW_YORK)).rows.length).toBe(2);
    const row = (ticker: string, clock: string) => `${ticker},2024-03-15 ${clock},1,2,0.5,1.5,10`;
    const both = [
      `Ticker,${HEAD}`,
      row("IBM", "05:30"),
      row("IBM", "11:30"),
      row("MSFT", "05:30"),
      row("MSFT", "11:30"),
    ];
    const all = { symbols: "all", tz: "UTC", interval: "1h" };
    expect((await barsOf("b.csv", both.join("\n"), all)).rows.length).toBe(4);
  });
  it("that show behind the first rows reject what follows", async () => {
    const many = Array.from({ length: 20_000 }, (_, i) => `2024-03-15 09:30:${String(i % 60).padStart(2, "0")},1.5,1`);
    const text = ["time,price,size", ...many, "2024-03-15 12:59:59,1.5,1", "2024-03-15 01:00:00,1.5,1"].join("\n");
    const { rows, rejected, reasons } = await ticksOf("t.csv", text, NEW_YORK);
    expect([rows.length, rejected]).toEqual([20_001, [20_003]]);
    expect(reasons[0]).toMatch(/AM and PM may be missing/);
  });
});

describe("times that may be bars' ends", () => {
  const stampOf = (stamp: string) => ({
    map: fileOf("m.yaml", `{ version: 1, kind: bars, source: d, time: { stamp: ${stamp} } }`),
  });
  it("are all in the last second of a minute: the bar begins with a full one", async () => {
    const ends = ["2024-03-15T14:30:59Z", "2024-03-15T14:31:59.999Z"];
    await expect(barsOf("e.csv", bars(...ends), MINUTE)).rejects.toThrow("all in the last second of a minute");
    expect(await startsOf(bars(...ends), { ...MINUTE, ...stampOf("end") })).toEqual([
      "2024-03-15T14:30:00Z",
      "2024-03-15T14:31:00Z",
    ]);
    const seconds = { ...MINUTE, interval: "1s" };
    expect(await startsOf(bars(ends[0]!), seconds)).toEqual(["2024-03-15T14:30:59Z"]);
    expect(await startsOf(bars("2024-03-15T14:30:00Z"), { ...seconds, ...stampOf("end") })).toEqual([
      "2024-03-15T14:29:59Z",
    ]);
  });
  it("are of days that begin at another time than midnight, on the clock that the file writes", async () => {
    const tz = "America/New_York";
    const closes = bars("2024-03-08 16:00", "2024-03-10 16:00", "2024-03-11 16:00");
    await expect(barsOf("d.csv", closes, { ...DAILY, tz })).rejects.toThrow("the starts or the ends of bars of 1d");
    expect(await startsOf(closes, { ...DAILY, tz, ...stampOf("start") })).toEqual([
      "2024-03-08T21:00:00Z",
      "2024-03-10T20:00:00Z",
      "2024-03-11T20:00:00Z",
    ]);
    const map = fileOf("m.yaml", "{ version: 1, kind: bars, source: d }");
    await expect(barsOf("d.csv", closes, { ...DAILY, tz, map })).rejects.toThrow(
      "the starts or the ends of bars of 1d",
    );
    // Clocks went forward on the 10th, whose day had 23 hours.
    expect(await startsOf(closes, { ...DAILY, tz, ...stampOf("end") })).toEqual([
      "2024-03-07T21:00:00Z",
      "2024-03-09T21:00:00Z",
      "2024-03-10T20:00:00Z",
    ]);
    expect(await startsOf(bars("2024-03-10 23:59:59"), { ...DAILY, tz, ...stampOf("end") })).toEqual([
      "2024-03-10T05:00:00Z",
    ]);
    expect((await startsOf(bars("2024-03-08 00:00", "2024-03-11 00:00"), { ...DAILY, tz })).length).toBe(2);
    const month = await barsOf("d.csv", closes, { symbol: "IBM", interval: "1mo", tz, ...stampOf("end") }).catch(
      String,
    );
    expect(month).toMatch(/begin .* apart/);
    const one = await barsOf("d.csv", bars("2024-03-29 16:00"), {
      symbol: "IBM",
      interval: "1mo",
      tz,
      ...stampOf("end"),
    });
    expect(one.reasons).toEqual(["the end of a bar of 1mo doesn't tell its start"]);
  });
});

describe("files that are damaged", () => {
  it("42 to 45: a header alone, an open quote, carriage returns alone, a broken archive", async () => {
    await expect(barsOf("h.csv", `${HEAD}\n`, IBM)).rejects.toThrow("has a header and no row that fits it");
    const open = await barsOf("q.csv", `${HEAD}\n2024-03-04,"1,2,0.5,1.5,100\n2024-03-05,1.5,2.5,1,2,100`, DAILY);
    expect([open.rows.length, open.rejected]).toEqual([1, [2]]);
    await expect(barsOf("c.csv", bars("2024-03-04").replaceAll("\n", "\r"), IBM)).rejects.toThrow(
      "a carriage return alone",
    );
    const whole = gzipSync(bars(...Array.from({ length: 90 }, (_, i) => `2024-0${1 + (i % 9)}-1${Math.floor(i / 9)}`)));
    await expect(barsOf("z.csv.gz", whole.subarray(0, -12), IBM)).rejects.toThrow("can't be read to its end");
  });
});
