import { describe, expect, it } from "vitest";
import { askedOf, barsOf, ticksOf } from "../support/feeds/feed-cases.ts";
import { fileOf } from "../support/feeds/feed-files.ts";

const DAILY = { symbol: "IBM", interval: "1d" };
const HEAD = "Date,Open,High,Low,Close,Volume";
const ROW = "2024-03-04,1.5,2.5,0.5,1.7,10";
const NEXT = "2024-03-05,300.5,302.5,300,301.7,10";

describe("files that were put behind one another", () => {
  it("may be of two instruments or orders, so that rows behind the second header are rejected", async () => {
    for (const second of [HEAD, "Date,Close,High,Low,Open,Volume", "Date,Open,High,Low,Close,Adj Close,Volume"]) {
      const { rows, rejected, reasons } = await barsOf("b.csv", [HEAD, ROW, second, NEXT, NEXT].join("\n"), DAILY);
      expect([rows.length, rejected, reasons[0]]).toEqual([1, [3, 4, 5], expect.stringMatching(/^a second header/)]);
    }
  });
  it("go on where a column names the symbol and the header is the same", async () => {
    const head = `${HEAD},Ticker`;
    const file = [head, `${ROW},IBM`, head, `${NEXT},MSFT`];
    const all = { symbols: "all", interval: "1d" };
    const read = await barsOf("b.csv", file.join("\n"), all);
    expect([read.rows.length, read.rejected]).toEqual([2, [3]]);
    const turned = [...file.slice(0, 2), "Date,Close,High,Low,Open,Volume,Ticker", `${NEXT},MSFT`];
    expect((await barsOf("b.csv", turned.join("\n"), all)).rejected).toEqual([3, 4]);
  });
});

describe("rows of empty cells", () => {
  it("are no rows: spreadsheets write them behind the last one", async () => {
    const { rows, rejected } = await barsOf("e.csv", [HEAD, ROW, ",,,,,", " , ,,,,", ""].join("\n"), DAILY);
    expect([rows.length, rejected]).toEqual([1, []]);
  });
});

describe("numbers", () => {
  it("with an apostrophe may be 32nds of a bond's price, unless some number shows groups", async () => {
    const bond = `${HEAD}\n2024-03-04,110'160,110'240,110'080,110'200,1'500`;
    await expect(barsOf("b.csv", bond, DAILY)).rejects.toThrow("may be thousands or 32nds");
    const map = fileOf("m.yaml", 'version: 1\nkind: bars\nsource: desk\nnumbers: { group: "\'" }');
    expect((await barsOf("b.csv", bond, { ...DAILY, map })).rows[0]).toMatch(/ 110160 110240 110080 110200 1500 1d /);
    const swiss = `${HEAD}\n2024-03-04,1'500.5,2'500.5,1'000,1'700.5,1'500`;
    expect((await barsOf("b.csv", swiss, DAILY)).rows[0]).toMatch(/ 1500\.5 2500\.5 1000 1700\.5 1500 1d /);
  });
  it("in a format of a program have no groups: a comma is another program's", async () => {
    const text =
      "Date;Open;High;Low;Close;Volume;Dividends;Stock Splits\n2024-03-04;131,450;131,980;131,210;131,770;512;0;0";
    expect((await barsOf("y.csv", text, DAILY)).rejected).toEqual([2]);
  });
});

describe("columns", () => {
  it("of currencies make two series of one symbol", async () => {
    const of = (...currencies: string[]) =>
      [`${HEAD},Currency`, ...currencies.map((text, i) => `2024-03-0${i + 1},1.5,2.5,0.5,1.7,10,${text}`)].join("\n");
    expect(await askedOf(barsOf("c.csv", of("USD", "EUR"), DAILY))).toEqual(["--column"]);
    expect((await barsOf("c.csv", of("USD", "USD"), DAILY)).rows.length).toBe(2);
    const later = `${of("USD")}\n${Array.from({ length: 9000 }, () => "2024-03-01,1.5,2.5,0.5,1.7,10,USD").join("\n")}`;
    const { rejected, reasons } = await barsOf("c.csv", `${later}\n2024-03-02,1.5,2.5,0.5,1.7,10,EUR`, DAILY);
    expect([rejected, reasons]).toEqual([[9003], ['Currency turns from USD to "EUR": it may tell instruments apart']]);
  });
  it("of a few texts beside the symbol, as suffixes and series, may tell instruments apart", async () => {
    const row = (suffix: string, ms: number) => `${1704186000000 + ms},187.15,100,IBM,${suffix}`;
    const text = ["time,price,qty,ticker,suffix", row("CS", 1), row("PR", 2), row("CS", 3), row("PR", 4)].join("\n");
    expect(await askedOf(ticksOf("t.csv", text))).toEqual(["--column"]);
    expect((await ticksOf("t.csv", text, { column: ["ignore=suffix"] })).rows.length).toBe(4);
  });
  it("that count the rows are no trades' ids, or the venue's first", async () => {
    const text = "id,time,price,size\n0,2024-03-04T09:30:00Z,1.5,10\n1,2024-03-04T09:30:01Z,1.6,10";
    const idsOf = async (column: string) =>
      (await ticksOf("t.csv", text, { symbol: "IBM", column: [column] })).rows.map((row) => row.split(" ")[5]);
    expect(await askedOf(ticksOf("t.csv", text, { symbol: "IBM" }))).toEqual(["--column"]);
    expect([await idsOf("trade_id=id"), await idsOf("ignore=id")]).toEqual([
      ["0", "1"],
      ["-", "-"],
    ]);
  });
  it("that say another interval than --interval contradict it, in later rows, too", async () => {
    const row = (day: number, interval: string) =>
      `${new Date(day * 864e5).toISOString().slice(0, 10)},1.5,2.5,0.5,1.7,10,${interval}`;
    const text = [`${HEAD},Interval`, row(20_000, "1d"), row(20_007, "1w")].join("\n");
    await expect(barsOf("i.csv", text, DAILY)).rejects.toThrow('the column "Interval"');
    const many = Array.from({ length: 9000 }, (_, i) => row(i, "1d"));
    const { rows } = await barsOf("i.csv", [`${HEAD},Interval`, ...many, row(9000, "1w")].join("\n"), DAILY);
    expect(rows.at(-1)).toMatch(/ 1w ohlcv$/);
  });
  it("of shares and of money may both be the volume", async () => {
    const text =
      "Datum;Erster;Hoch;Tief;Schlusskurs;Stuecke;Volumen\n2024-03-15;131,45;131,98;131,21;131,77;512;67.458";
    expect(await askedOf(barsOf("a.csv", text, DAILY))).toEqual(["--column"]);
    const { rows } = await barsOf("a.csv", text, { ...DAILY, column: ["volume=Stuecke"] });
    expect(rows[0]).toMatch(/ 131\.45 131\.98 131\.21 131\.77 512 1d /);
  });
  it("of a header in another language are named by flags", async () => {
    const text = "日付,始値,高値,安値,終値,出来高\n2024/03/15,3545,3600,3540,3590,28000200";
    await expect(barsOf("j.csv", text, DAILY)).rejects.toMatchObject({
      next: expect.stringContaining("--format ohlcv"),
    });
    const column = ["time=日付", "open=始値", "high=高値", "low=安値", "close=終値", "volume=出来高"];
    const { rows } = await barsOf("j.csv", text, { ...DAILY, format: "ohlcv", source: "desk", column });
    expect(rows).toEqual(["IBM 2024-03-15T00:00:00Z 3545 3600 3540 3590 28000200 1d desk"]);
  });
  it("that are called like an end hold no starts", async () => {
    const text = `End,Open,High,Low,Close,Volume\n2024-03-04 09:31,1.5,2.5,0.5,1.7,10`;
    const told = { ...DAILY, interval: "1min", tz: "UTC", column: ["time=End"] };
    await expect(barsOf("e.csv", text, told)).rejects.toThrow('the times of "End" may be bars\' ends');
    const map = fileOf("m.yaml", "version: 1\nkind: bars\nsource: desk\ntime: { stamp: end }");
    expect((await barsOf("e.csv", text, { ...told, map })).rows[0]).toMatch(/^IBM 2024-03-04T09:30:00Z /);
  });
});

describe("texts", () => {
  it("of dates whose second number is no month are asked about", async () => {
    const days = ["2024-03-04", "2024-13-04", "2024-14-04"].map((day) => `${day},1.5,2.5,0.5,1.7,10`);
    const text = [HEAD, ...days].join("\n");
    expect(await askedOf(barsOf("d.csv", text, DAILY))).toEqual(["--date-format"]);
    const { rows } = await barsOf("d.csv", text, { ...DAILY, dateFormat: "yyyy-dd-mm" });
    expect(rows.map((row) => row.split(" ")[1])).toEqual([
      "2024-04-03T00:00:00Z",
      "2024-04-13T00:00:00Z",
      "2024-04-14T00:00:00Z",
    ]);
  });
  it("that aren't UTF-8 in the header are named, and read by a map that says what they are", async () => {
    const text =
      "Datum;Eröffnung;Hoch;Tief;Schluss;Volumen\n04.03.2024;1,5;2,5;0,5;1,7;10\n15.03.2024;1,5;2,5;0,5;1,7;10";
    const latin1 = Buffer.from(text, "latin1");
    await expect(barsOf("l.csv", latin1, DAILY)).rejects.toThrow("isn't UTF-8 in its first line");
    const map = fileOf("m.yaml", "version: 1\nkind: bars\nsource: desk\nencoding: windows-1252");
    expect((await barsOf("l.csv", latin1, { ...DAILY, map })).rows.length).toBe(2);
  });
});
