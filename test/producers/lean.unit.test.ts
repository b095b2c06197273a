import { existsSync, readdirSync } from "node:fs";
import { gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { ticks } from "../../producers/ticks.ts";
import { symbolId } from "../../src/event/identity.ts";
import { TIME_FIELDS } from "../../src/event/schemas.ts";
import { wrongTime } from "../../src/event/time/range.ts";
import { checkEvent } from "../../src/event/validate.ts";
import { decidedOf, readFile, readText, zipOf } from "../support/feeds/feed-files.ts";

const at = (iso: string) => Date.parse(iso) * 1000;
const LEAN = ["14430270,1815200,283,P,20002020,0", "14450472,1818000,500,P,,0", "14450472,1818000,500,,2000,1"];
const LEAN_FILE = "ibm_20131007.csv";

describe("Lean ticks", () => {
  it("are read with the ticker, the day and the zone that the names and the format give", async () => {
    const { feed, events, rejections } = await readText(ticks, LEAN_FILE, LEAN.join("\n"));
    expect(rejections).toEqual([]);
    expect(decidedOf(feed)).toMatchObject({
      format: "lean",
      source: "lean",
      symbols: "IBM",
      "asset class": "equity",
      "price scale": "0.0001",
      zone: "America/New_York",
      day: "2013-10-07",
    });
    const [first, second, third] = events;
    expect(first).toMatchObject({
      symbol_id: symbolId("IBM", null),
      timestamp: at("2013-10-07T08:00:30.270Z"),
      timestamp_ns: 0,
      close: 181.52,
      volume: 283,
      source: "lean",
      trade_id: null,
      venue: "P",
      conditions: ["20002020"],
      backtest_session_id: null,
    });
    expect(second).toMatchObject({ conditions: null });
    expect(third).toMatchObject({ venue: null, conditions: ["2000", "suspicious"] });
    for (const event of events) expect(checkEvent("ticks", event)).toBeNull();
  });
  it("have the same ids from a renamed file, plain, zipped or gzipped, and in a prefix of it", async () => {
    const text = [...LEAN, ...LEAN, LEAN[0]].join("\n");
    const ids = async (name: string, content: string | Buffer, options = {}) => {
      const { events, rejections } = await readText(ticks, name, content, options);
      expect(rejections).toEqual([]);
      return events.map((event) => event.market_data_id);
    };
    const plain = await ids(LEAN_FILE, text);
    expect(new Set(plain).size).toBe(7);
    expect(await ids("renamed.txt", text, { symbol: "IBM", date: "2013-10-07" })).toEqual(plain);
    expect(await ids("ibm_20131007.zip", zipOf({ "20131007_ibm_Trade_Tick.csv": text }))).toEqual(plain);
    expect(await ids("ibm/20131007_trade.zip", zipOf({ "20131007_ibm_trade_tick.csv": text }))).toEqual(plain);
    expect(await ids("ibm/20131007_trade.zip", zipOf({ "data.csv": text }))).toEqual(plain);
    expect(await ids("ibm_20131007.csv.gz", gzipSync(text))).toEqual(plain);
    expect(await ids(LEAN_FILE, [...LEAN, ...LEAN].join("\n"))).toEqual(plain.slice(0, 6));
    expect(await ids(LEAN_FILE, `${text}\r\n\r\n`)).toEqual(plain);
  });
  it("make the symbol known without overriding what the desk said about it", async () => {
    const { feed } = await readText(ticks, LEAN_FILE, LEAN[0]!, { symbol: "IBM@NYSE" });
    expect(feed.symbols).toEqual([
      {
        symbol_id: symbolId("IBM", "NYSE"),
        ticker: "IBM",
        exchange: "NYSE",
        asset_type: "unknown",
        is_active: true,
        created_at: null,
        revised_at: 0,
      },
    ]);
    expect(checkEvent("symbols", feed.symbols[0])).toBeNull();
    expect(wrongTime(TIME_FIELDS.symbols, feed.symbols[0]!, "refuse", at("2013-10-08T00:00:00Z"))).toBeNull();
  });
  it("follow the exchange's clock on days that change it", async () => {
    const noon = "43200000,1815200,283,P,0,0";
    const utc = async (date: string) =>
      (await readText(ticks, "x.csv", noon, { symbol: "IBM", date })).events[0]!.timestamp;
    expect(await utc("2024-03-08")).toBe(at("2024-03-08T17:00:00Z"));
    expect(await utc("2024-03-10")).toBe(at("2024-03-10T16:00:00Z"));
    expect(await utc("2024-11-03")).toBe(at("2024-11-03T17:00:00Z"));
    const skipped = await readText(ticks, "x.csv", "9000000,1,1,P,0,0", { symbol: "IBM", date: "2024-03-10" });
    expect(skipped.rejections[0]?.reason).toMatch(/2024-03-10 02:30 doesn't exist in America\/New_York/);
  });
  it("keep decimals of a millisecond, down to the nanosecond", async () => {
    const { events } = await readText(ticks, LEAN_FILE, "14430270.123457,1815200,283,P,0,0", { format: "lean" });
    expect(events[0]).toMatchObject({ timestamp: at("2013-10-07T08:00:30.270Z") + 123, timestamp_ns: 457 });
  });
  it("reject each bad line by number and go on", async () => {
    const bad = [
      "14430270,1815200,283,P,20002020",
      "14430270,1815200,283,P,20002020,0,0",
      "14430270,abc,283,P,20002020,0",
      "14430270,1815200,-283,P,20002020,0",
      "14430270,1815200,2e3,P,20002020,0",
      "14430270,NaN,283,P,20002020,0",
      "86400000,1815200,283,P,20002020,0",
      "-1,1815200,283,P,20002020,0",
      "14430270,1815200,283,P,xyz,0",
      "14430270,1815200,283,P,2000,2",
      ",,,,,",
      "garbage",
    ];
    const { events, rejections } = await readText(ticks, LEAN_FILE, [LEAN[0], ...bad, LEAN[1]].join("\n"));
    expect(events.length).toBe(2);
    expect(rejections.map((r) => r.line)).toEqual(bad.map((_, i) => i + 2));
    expect(rejections.map((r) => r.reason)).toEqual([
      "the line has 5 columns instead of 6",
      "the line has 7 columns instead of 6",
      'the price "abc" is no whole number of 1/10000',
      'the size "-283" is no whole number from 0 on',
      'the size "2e3" is no whole number from 0 on',
      'the price "NaN" is no whole number of 1/10000',
      'the time "86400000" lies beyond the day\'s 86400000 ms',
      'the time "-1" is no number of milliseconds since midnight',
      'the conditions "xyz" are no hexadecimal flags',
      'suspicious is "2" instead of 0 or 1',
      'the time "" is no number of milliseconds since midnight',
      "the line has 1 columns instead of 6",
    ]);
  });
  it("ask for the instrument and the day where nothing says them", async () => {
    await expect(readText(ticks, "x.csv", LEAN[0]!)).rejects.toThrow("which instrument");
    await expect(readText(ticks, "x.csv", LEAN[0]!, { symbol: "IBM" })).rejects.toThrow("which day");
    const impossible = { symbol: "IBM", date: "2013-02-30" };
    await expect(readText(ticks, "x.csv", LEAN[0]!, impossible)).rejects.toThrow("no date");
    await expect(readText(ticks, "x.csv", LEAN[0]!, { symbol: "I BM", date: "2013-02-20" })).rejects.toThrow(
      "--symbol",
    );
    await expect(readText(ticks, LEAN_FILE, LEAN[0]!, { tz: "Mars/Olympus" })).rejects.toThrow("no time zone");
    await expect(readText(ticks, LEAN_FILE, LEAN[0]!, { session: "s1" })).rejects.toThrow("--session");
  });
  it("carry the session, which makes other ids", async () => {
    const session = "0198c5a4-8f6e-7c3a-9d2b-5e4f3a2b1c0d";
    const { events } = await readText(ticks, LEAN_FILE, LEAN[0]!, { session: session.toUpperCase() });
    expect(events[0]?.backtest_session_id).toBe(session);
    const live = await readText(ticks, LEAN_FILE, LEAN[0]!);
    expect(events[0]?.market_data_id).not.toBe(live.events[0]?.market_data_id);
  });

  const folder = process.env.TEST_DATA ?? new URL("../../../shared/data", import.meta.url).pathname;
  const real = existsSync(folder) ? readdirSync(folder).filter((name) => /^ibm_\d{8}\.zip$/.test(name)) : [];
  it.skipIf(real.length === 0)("are all read from real files (skipped where ../shared/data has none)", async () => {
    const seen = new Set<string>();
    let volume = 0;
    for (const name of real) {
      const { events, rejections } = await readFile(ticks, `${folder}/${name}`);
      expect(rejections).toEqual([]);
      for (const event of events) {
        if (checkEvent("ticks", event) !== null) throw new Error(String(checkEvent("ticks", event)));
        seen.add(event.market_data_id);
        volume += event.volume;
      }
    }
    expect({ ticks: seen.size, volume }).toEqual({ ticks: 126_395, volume: 20_775_262 });
  });
});
