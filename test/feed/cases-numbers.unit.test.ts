import { describe, expect, it } from "vitest";
import { askedOf, barsOf } from "../support/feeds/feed-cases.ts";

/** Each case is a file of a kind that people were misled by; the numbers are those of the list they are kept in. */
const IBM = { symbol: "IBM" };
const DAILY = { symbol: "IBM", interval: "1d" };

describe("decimal signs", () => {
  const HEAD = "Date;Open;High;Low;Close;Volume";
  const UNCLEAR = [
    HEAD,
    "2024-05-06;131,450;131,980;131,210;131,770;512000",
    "2024-05-07;131,770;132,640;131,600;132,550;98",
  ];

  it("01: one number of the file proves the comma for all", async () => {
    const { rows } = await barsOf("bund.csv", [...UNCLEAR, "2024-05-08;132,5;132,9;132,1;132,700;43"].join("\n"), IBM);
    expect(rows).toEqual([
      "IBM 2024-05-06T00:00:00Z 131.45 131.98 131.21 131.77 512000 1d ohlcv",
      "IBM 2024-05-07T00:00:00Z 131.77 132.64 131.6 132.55 98 1d ohlcv",
      "IBM 2024-05-08T00:00:00Z 132.5 132.9 132.1 132.7 43 1d ohlcv",
    ]);
  });
  it("01b, 26: three digits behind every sign prove nothing, whichever sign and delimiter it is", async () => {
    for (const [comma, delimiter] of [
      [true, ";"],
      [false, ";"],
      [false, ","],
      [false, "\t"],
    ] as const) {
      const text = UNCLEAR.join("\n")
        .replaceAll(",", comma ? "," : ".")
        .replaceAll(";", delimiter);
      expect(await askedOf(barsOf("bund.csv", text, IBM))).toEqual(["--decimal"]);
      const told = async (decimal: string) => (await barsOf("bund.csv", text, { ...IBM, decimal })).rows[0];
      const [small, large] = comma ? ["comma", "dot"] : ["dot", "comma"];
      expect(await told(small)).toBe("IBM 2024-05-06T00:00:00Z 131.45 131.98 131.21 131.77 512000 1d ohlcv");
      expect(await told(large)).toBe("IBM 2024-05-06T00:00:00Z 131450 131980 131210 131770 512000 1d ohlcv");
    }
  });
  it("26a: a group sign that stands twice proves itself; German headers are known", async () => {
    const text = [
      "Datum;Eröffnung;Hoch;Tief;Schluss;Volumen",
      "04.03.2024;100;102;99;101;25.300",
      "13.03.2024;101;103;100;102;1.250.000",
    ].join("\n");
    const { rows } = await barsOf("dax.csv", text, DAILY);
    expect(rows).toEqual([
      "IBM 2024-03-04T00:00:00Z 100 102 99 101 25300 1d ohlcv",
      "IBM 2024-03-13T00:00:00Z 101 103 100 102 1250000 1d ohlcv",
    ]);
  });
  it("are asked about where the file proves both, and a flag that contradicts the file is refused", async () => {
    const both = `${HEAD}\n2024-03-04;1,5;2,5;1,25;2,5;10\n2024-03-05;1.5;2.5;1.25;2.5;10`;
    expect(await askedOf(barsOf("a.csv", both, IBM))).toEqual(["--decimal"]);
    const commas = `${HEAD}\n2024-03-04;1,5;2,5;1,25;2,5;10\n2024-03-05;1,5;2,5;1,25;2,5;10`;
    await expect(barsOf("a.csv", commas, { ...IBM, decimal: "dot" })).rejects.toThrow(/only fit ","/);
  });
  it("that the first rows don't show aren't guessed in a later one", async () => {
    const whole = Array.from(
      { length: 12_000 },
      (_, i) => `${new Date((i + 90) * 864e5).toISOString().slice(0, 10)};10;12;9;11;100`,
    );
    const { rejected, reasons } = await barsOf(
      "a.csv",
      `${HEAD}\n${whole.join("\n")}\n2024-03-05;17.716;17.9;17.1;17.2;100`,
      IBM,
    );
    expect([rejected, reasons[0]]).toEqual([
      [12_002],
      expect.stringMatching(/17\.716.* as the rows before it write them/),
    ]);
  });
  it("17, 18, 18b: negative prices, cells that say null, and 3.49M", async () => {
    const oil = [
      "Date,Open,High,Low,Close,Adj Close,Volume",
      "2020-04-20,17.73,17.85,-40.32,-37.63,-37.63,247947",
      "2020-04-21,-14.00,13.86,-16.74,10.01,10.01,82937",
    ].join("\n");
    expect((await barsOf("cl.csv", oil, IBM)).rows[0]).toBe(
      "IBM 2020-04-20T00:00:00Z 17.73 17.85 -40.32 -37.63 247947 1d ohlcv",
    );
    const gaps = [
      "Date,Open,High,Low,Close,Adj Close,Volume",
      "2024-02-08,188.1,189.0,187.2,188.3,187.9,1000",
      "2024-02-09,null,null,null,null,null,null",
      "2024-02-12,188.4,188.7,184.8,187.2,187.0,",
      "2024-02-13,,,,,,",
    ].join("\n");
    const read = await barsOf("y.csv", gaps, DAILY);
    expect([read.rows.length, read.rejected]).toEqual([1, [3, 4, 5]]);
    expect(read.reasons).toEqual([
      "open is empty",
      expect.stringMatching(/^volume is empty: --missing-volume 0/),
      "open is empty",
    ]);
    expect((await barsOf("y.csv", gaps, { ...DAILY, missingVolume: "0" })).rows[1]).toMatch(/ 187\.2 0 1d ohlcv$/);
    const investing = [
      '\ufeff"Date","Price","Open","High","Low","Vol.","Change %"',
      '"03/15/2024","5,117.09","5,123.31","5,136.86","5,104.35","","-0.65%"',
      '"03/14/2024","5,150.48","5,175.14","5,176.85","5,123.30","3.49M","-0.29%"',
    ].join("\n");
    const index = await barsOf("i.csv", investing, IBM);
    expect(index.rows).toEqual(["IBM 2024-03-14T00:00:00Z 5175.14 5176.85 5123.3 5150.48 3490000 1d investing"]);
    expect(index.rejected).toEqual([2]);
  });
  it("12, 12b: prices in units of 1e-9, and the same as decimals; below a cent it is asked which", async () => {
    const head = "ts_event,rtype,publisher_id,instrument_id,open,high,low,close,volume,symbol";
    const bar = (prices: string) => `${head}\n1609160400000000000,33,1,5482,${prices},1234,ESH1`;
    const expected = ["ESH1 2020-12-28T13:00:00Z 3720.25 3721 3720 3720.75 1234 1min databento-ohlcv"];
    expect((await barsOf("d.csv", bar("3720250000000,3721000000000,3720000000000,3720750000000"))).rows).toEqual(
      expected,
    );
    expect((await barsOf("d.csv", bar("3720.250000000,3721.000000000,3720.000000000,3720.750000000"))).rows).toEqual(
      expected,
    );
    expect(await askedOf(barsOf("d.csv", bar("3720,3721,3719,3720")))).toEqual(["--price-scale"]);
  });
  it("39: dollar signs and groups", async () => {
    const text = [
      "\ufeffDate,Close/Last,Volume,Open,High,Low\r",
      "03/15/2024,$172.62,121752700,$171.17,$172.62,$170.285\r",
      '03/14/2024,"$1,173.00",72913510,"$1,172.91","$1,174.3078","$1,172.05"\r',
      "",
    ].join("\n");
    expect((await barsOf("n.csv", text, IBM)).rows).toEqual([
      "IBM 2024-03-15T00:00:00Z 171.17 172.62 170.285 172.62 121752700 1d nasdaq",
      "IBM 2024-03-14T00:00:00Z 1172.91 1174.3078 1172.05 1173 72913510 1d nasdaq",
    ]);
  });
});

describe("columns", () => {
  it("06, 06b: volumes in two currencies: the symbol's own is kept, the banner is no row", async () => {
    const rows = [
      "Unix,Date,Symbol,Open,High,Low,Close,Volume BTC,Volume USDT,tradecount",
      "1704157200000,2024-01-02 01:00:00,BTCUSDT,44800.1,45100.2,44700.3,45000.4,1500.5,67500000.1,45000",
    ].join("\n");
    for (const text of [`www.CryptoDataDownload.com\n${rows}`, rows]) {
      expect(await askedOf(barsOf("cdd.csv", text))).toEqual(["--interval"]);
      expect((await barsOf("cdd.csv", text, { interval: "1h" })).rows).toEqual([
        "BTCUSDT 2024-01-02T01:00:00Z 44800.1 45100.2 44700.3 45000.4 1500.5 1h cryptodatadownload",
      ]);
    }
  });
  it("that may be the volume, the symbol or a second time are asked about, and told", async () => {
    const of = (name: string, cells: readonly string[], head = "date,open,high,low,close") =>
      [`${head},${name}`, ...cells.map((cell, i) => `2024-03-0${i + 1},1,2,0.5,1.5,${cell}`)].join("\n");
    const numbers = of("Umsatz", ["100", "200"]);
    expect(await askedOf(barsOf("a.csv", numbers, IBM))).toEqual(["--column", "--missing-volume"]);
    expect((await barsOf("a.csv", numbers, { ...IBM, column: ["volume=Umsatz"] })).rows[1]).toMatch(/ 200 1d ohlcv$/);
    expect((await barsOf("a.csv", numbers, { ...IBM, missingVolume: "0" })).rows[1]).toMatch(/ 0 1d ohlcv$/);
    for (const name of ["Turnover", "Adj Volume", "Quote asset volume", "unadjustedVolume"]) {
      expect(await askedOf(barsOf("a.csv", of(name, ["100", "200"]), IBM)), name).toEqual([
        "--column",
        "--missing-volume",
      ]);
      expect((await barsOf("a.csv", of(`volume,${name}`, ["1,100", "2,200"]), IBM)).rows.length, name).toBe(2);
    }
    const texts = of("desk,volume", ["AAPL,7", "MSFT,8"]);
    expect(await askedOf(barsOf("a.csv", texts, DAILY))).toEqual(["--column"]);
    expect((await barsOf("a.csv", texts, { ...IBM, column: ["ignore=desk"] })).rows.length).toBe(2);
    const bySymbol = { column: ["symbol=desk"], symbols: "MSFT", interval: "1d" };
    expect((await barsOf("a.csv", texts, bySymbol)).rows).toEqual(["MSFT 2024-03-02T00:00:00Z 1 2 0.5 1.5 8 1d ohlcv"]);
    const times = of("volume,settled", ["7,2024-03-03", "8,2024-03-04"]);
    expect(await askedOf(barsOf("a.csv", times, IBM))).toEqual(["--column"]);
    expect((await barsOf("a.csv", times, { ...IBM, column: ["ignore=settled"] })).rows.length).toBe(2);
    const codes = of("permno,volume", ["10107,7", "10107,8"]).concat(
      "\n2024-03-01,3,4,2,3,14593,9\n2024-03-02,3,4,2,3,14593,9",
    );
    expect(await askedOf(barsOf("a.csv", codes, IBM))).toEqual(["--column"]);
  });
  it("that are called by a name of several meanings are told, and those that lack are named", async () => {
    const last = "Date,Last,Open,High,Low,Volume\n2024-03-04,1,1,2,0.5,100\n2024-03-05,1.5,1,2,0.5,100";
    await expect(barsOf("l.csv", last, IBM)).rejects.toThrow("lacks close");
    const told = await barsOf("l.csv", last, { ...IBM, column: ["close=Last"] });
    expect(told.rows[1]).toBe("IBM 2024-03-05T00:00:00Z 1 2 0.5 1.5 100 1d ohlcv");
    await expect(barsOf("l.csv", last, { ...IBM, column: ["close=Lost"] })).rejects.toThrow('the column "Lost"');
    await expect(barsOf("l.csv", last, { ...IBM, column: ["close=Last", "shut=Open"] })).rejects.toThrow(
      "begins with no field",
    );
    const twice = { ...IBM, column: ["close=Last", "close=Open"] };
    await expect(barsOf("l.csv", last, twice)).rejects.toThrow("names two columns for close");
  });
  it("10: MetaTrader's two volumes are asked about, and its dates are read", async () => {
    const text = [
      "<DATE>\t<OPEN>\t<HIGH>\t<LOW>\t<CLOSE>\t<TICKVOL>\t<VOL>\t<SPREAD>",
      "2024.03.04\t1.08410\t1.08670\t1.08370\t1.08560\t61234\t0\t0",
      "2024.03.05\t1.08560\t1.08760\t1.08410\t1.08570\t68765\t0\t0",
    ].join("\n");
    expect(await askedOf(barsOf("mt5.csv", text, { symbol: "EURUSD" }))).toEqual(["--column"]);
    const told = await barsOf("mt5.csv", text, { symbol: "EURUSD", column: ["volume=<TICKVOL>"] });
    expect(told.rows[0]).toBe("EURUSD 2024-03-04T00:00:00Z 1.0841 1.0867 1.0837 1.0856 61234 1d metatrader");
  });
  it("19, 19b, 19c, 27, 28: sep=;, UTF-16 with and without a mark, trailing commas, columns that say nothing", async () => {
    const table = [
      "Date;Open;High;Low;Close;Volume",
      "04/03/2024;100.5;101;99.5;100.9;1000",
      "13/03/2024;101;102;100;101.5;1200",
      "",
    ].join("\n");
    const expected = [
      "IBM 2024-03-04T00:00:00Z 100.5 101 99.5 100.9 1000 1d ohlcv",
      "IBM 2024-03-13T00:00:00Z 101 102 100 101.5 1200 1d ohlcv",
    ];
    const swapped = (text: string) => Buffer.from(text, "utf16le").swap16();
    const files = [
      `sep=;\n${table}`,
      Buffer.from(`\ufeff${table}`, "utf16le"),
      Buffer.from(table, "utf16le"),
      swapped(table),
      swapped(`\ufeff${table}`),
    ];
    for (const file of files) {
      expect(await askedOf(barsOf("x.csv", file, IBM))).toEqual(["--interval"]);
      expect((await barsOf("x.csv", file, DAILY)).rows).toEqual(expected);
    }
    const trailing = "Date,Open,High,Low,Close,Volume\n2024-03-04,1,2,0.5,1.5,100,\n2024-03-05,1.5,2.5,1,2,100,";
    expect((await barsOf("t.csv", trailing, IBM)).rows.length).toBe(2);
    const view = [
      "time,open,high,low,close,Volume,Volume MA",
      "1709510400,1,2,0.5,1.5,100,90",
      "1709596800,1.5,2.5,1,2,100,95",
    ].join("\n");
    expect((await barsOf("v.csv", view, DAILY)).rows[1]).toBe("IBM 2024-03-05T00:00:00Z 1.5 2.5 1 2 100 1d ohlcv");
  });
});
