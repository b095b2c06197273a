import { describe, expect, it } from "vitest";
import { bars } from "../../producers/bars.ts";
import { ticks } from "../../producers/ticks.ts";
import { decideAll } from "../../src/feed/decide-all.ts";
import { askedOf, barsOf } from "../support/feeds/feed-cases.ts";
import { fileOf, readText } from "../support/feeds/feed-files.ts";

const DAILY = { symbol: "IBM", interval: "1d" };
const MINUTE = { symbol: "IBM", interval: "1min" };
const DECIDED = "Date,Open,High,Low,Close,Volume\n2024-03-04,1.5,2.5,1.25,2.5,10";

describe("a layout that any program writes", () => {
  it("doesn't name its data set, because two vendors' rows under one name would overwrite each other", async () => {
    const of = (source?: string) => readText(bars, "a.csv", DECIDED, { ...DAILY, source });
    expect(await askedOf(of())).toEqual(["--source"]);
    const [one, other] = [await of("vendor-a"), await of("vendor-b")];
    expect(one.events[0]!.market_data_id).not.toBe(other.events[0]!.market_data_id);
    const trades = "time,price,qty\n1704186000123,187.15,100";
    expect(await askedOf(readText(ticks, "t.csv", trades, { symbol: "IBM" }))).toEqual(["--source"]);
  });
  it("may be MetaTrader's, which every broker fills with prices of its own; HistData's names say whose they are", async () => {
    const row = "2024.03.04,18:49,77.708,77.710,77.702,77.702,30";
    for (const text of [row, `Date,Time,Open,High,Low,Close,Volume\n${row}`]) {
      expect(await askedOf(readText(bars, "m.csv", text, { ...MINUTE, tz: "UTC" }))).toEqual(["--source"]);
    }
    const { events } = await readText(bars, "DAT_MT_EURUSD_M1_2012.csv", row);
    expect(events.map(({ source }) => source)).toEqual(["histdata"]);
  });
});

describe("Stooq's layout", () => {
  it("is Finam's and others', too, where it has no open interest", async () => {
    const head = "<TICKER>;<PER>;<DATE>;<TIME>;<OPEN>;<HIGH>;<LOW>;<CLOSE>;<VOL>";
    const row = "SBER;D;20240315;000000;298.5;299.9;298.1;299.4;5400210";
    expect(await askedOf(readText(bars, "f.txt", `${head}\n${row}`))).toEqual(["--source"]);
    const { events } = await readText(bars, "s.txt", `${head};<OPENINT>\n${row};0`);
    expect(events.map(({ source, interval }) => [source, interval])).toEqual([["stooq", "1d"]]);
  });
});

describe("several files", () => {
  it("are all decided before the first is read", async () => {
    const first = fileOf("a.csv", DECIDED);
    const second = fileOf("b.csv", DECIDED.replaceAll(",1.5,", ",131,450,"));
    const unclear = fileOf("c.csv", "Date;Open;High;Low;Close\n2024-03-04;131,450;131,980;131,210;131,770");
    const options = { ...DAILY, source: "desk" };
    await expect(decideAll(bars, [first, unclear], options)).rejects.toThrow(`${unclear} leaves one thing undecided`);
    await expect(decideAll(bars, [first, "no-such.csv"], options)).rejects.toThrow("can't be opened");
    await expect(decideAll(bars, [first, second], options)).rejects.toThrow(`${second} has a header and no row`);
    await expect(decideAll(bars, ["-", "-"], options)).rejects.toThrow("named twice");
    const decided = await decideAll(bars, [first, first], options);
    const events = [];
    for (const { open } of decided) for await (const batch of (await open()).batches()) events.push(...batch.events);
    expect(events.length).toBe(2);
  });
});

describe("Interactive Brokers' volumes", () => {
  const HEAD = "date,open,high,low,close,volume,average,barCount";
  const row = (volume: string) => `20240102 09:30:00 US/Eastern,187.1,187.4,187.0,187.2,${volume},187.2,300`;

  it("32: are in lots of 100 or in shares, as the program was set that wrote them", async () => {
    const text = `${HEAD}\n${row("1000")}`;
    expect(await askedOf(barsOf("i.csv", text, MINUTE))).toEqual(["--size-scale"]);
    const of = async (sizeScale: string) => (await barsOf("i.csv", text, { ...MINUTE, sizeScale })).rows;
    expect(await of("1")).toEqual(["IBM 2024-01-02T14:30:00Z 187.1 187.4 187 187.2 1000 1min ibkr"]);
    expect(await of("100")).toEqual(["IBM 2024-01-02T14:30:00Z 187.1 187.4 187 187.2 100000 1min ibkr"]);
    await expect(of("3")).rejects.toThrow('--size-scale "3" is no power of ten');
  });
  it("are missing in bars of midpoints, which say -1", async () => {
    const text = `${HEAD}\n${row("-1.0")}`;
    const told = { ...MINUTE, sizeScale: "1" };
    expect((await barsOf("i.csv", text, told)).reasons).toEqual([
      "volume is empty: --missing-volume 0 takes it for none",
    ]);
    expect((await barsOf("i.csv", text, { ...told, missingVolume: "0" })).rows[0]).toMatch(/ 187\.2 0 1min ibkr$/);
  });
});
