import { describe, expect, it } from "vitest";
import { bars, barsOfTicks } from "../../producers/bars.ts";
import { indicatorsOfBars } from "../../producers/indicators.ts";
import type { BarEvent } from "../../src/event/events.ts";
import type { FeedOptions } from "../../src/feed/feed.ts";
import type { InputRecord, Machine } from "../../src/stream/program.ts";
import { fileOf, readText } from "../support/feeds/feed-files.ts";
import { bar, NOON, tick } from "../support/samples.ts";

const at = (iso: string) => Date.parse(iso) * 1000;
const DAY = 86_400_000_000;
const NEW_YORK = "America/New_York";
const ofText = async (rows: readonly string[], options: FeedOptions) => {
  const text = ["Date,Open,High,Low,Close,Volume", ...rows.map((row) => `${row},1,2,0.5,1.5,100`)].join("\n");
  const { events } = await readText(bars, "bars.csv", text, {
    symbol: "IBM",
    source: "desk",
    interval: "1d",
    ...options,
  });
  return events.map(({ ends_at }) => (typeof ends_at === "number" ? new Date(ends_at / 1000).toISOString() : ends_at));
};
const ends = () => fileOf("m.yaml", "{ version: 1, kind: bars, source: d, time: { stamp: end } }");
const record = (topic: InputRecord["topic"], event: object, offset = 0) =>
  ({ topic, event, partition: 0, offset, publishedUs: NOON }) as unknown as InputRecord;

describe("the end of a file's bar", () => {
  it("of a day is the next midnight of the zone, also where a day has 25 or 23 hours", async () => {
    expect(await ofText(["2024-11-03", "2024-11-04"], { tz: NEW_YORK })).toEqual([
      "2024-11-04T05:00:00.000Z",
      "2024-11-05T05:00:00.000Z",
    ]);
    expect(await ofText(["2024-03-10"], { tz: NEW_YORK })).toEqual(["2024-03-11T04:00:00.000Z"]);
  });
  it("of a day without a zone is that of a UTC day, as its start is", async () => {
    expect(await ofText(["2024-11-03"], {})).toEqual(["2024-11-04T00:00:00.000Z"]);
  });
  it("of a day that an offset begins isn't known without the zone, for an offset is none", async () => {
    const midnight = "2024-11-03T00:00:00-04:00";
    expect(await ofText([midnight], {})).toEqual([null]);
    expect(await ofText([midnight], { tz: NEW_YORK })).toEqual(["2024-11-04T05:00:00.000Z"]);
  });
  it("of the last day before 1970 is no time in another unit", async () => {
    expect(await ofText(["1969-12-31"], {})).toEqual(["1970-01-01T00:00:00.000Z"]);
  });
  it("of weeks and months is that of their last day", async () => {
    expect(await ofText(["2024-10-28"], { tz: NEW_YORK, interval: "1w" })).toEqual(["2024-11-04T05:00:00.000Z"]);
    expect(await ofText(["2024-02-01"], { interval: "1mo" })).toEqual(["2024-03-01T00:00:00.000Z"]);
    expect(await ofText(["2024-02-02"], { interval: "1mo" })).toEqual([null]);
  });
  it("of minutes lies their length behind the start, by whichever end the file stamps them", async () => {
    const row = "2024-11-01T09:30:00-04:00";
    expect(await ofText([row], { interval: "5min" })).toEqual(["2024-11-01T13:35:00.000Z"]);
    for (const end of ["2024-11-01T09:35:00-04:00", "2024-11-01T09:34:59-04:00"]) {
      expect(await ofText([end], { interval: "5min", map: ends() })).toEqual(["2024-11-01T13:35:00.000Z"]);
    }
  });
  it("isn't known where a date names the last day of a week", async () => {
    expect(await ofText(["2024-11-01"], { interval: "1w", map: ends() })).toEqual([null]);
    expect(await ofText(["2024-11-01"], { map: ends() })).toEqual(["2024-11-02T00:00:00.000Z"]);
  });
  it("is the one that a kline says", async () => {
    const kline = (close: string) => `1735689600000,1.0,2.0,0.5,1.5,10.25,${close},15.1,42,5.0,7.5,0`;
    const read = async (close: string) => {
      const options = { symbol: "BTCUSDT", market: "spot", interval: "1h" } as const;
      return (await readText(bars, "a.csv", [kline("1735693199999"), kline(close)].join("\n"), options)).events[1];
    };
    expect((await read("1735693199999"))?.ends_at).toBe(at("2025-01-01T01:00:00Z"));
    expect((await read("1735689599999"))?.ends_at).toBeNull();
  });
});

describe("a bar of ticks", () => {
  it("carries its end, and when the trades were made that gave open and close, whatever their order", () => {
    const intervals = [{ name: "1min", us: 60_000_000 }];
    const machine = barsOfTicks({ intervals, days: null, latenessUs: 0, session: null }).open(() => true);
    const times = [20, 59.9, 3.318, 61].map((second) => NOON + second * 1_000_000);
    const drafts = times.flatMap((timestamp, n) => machine.take(record("ticks", tick(n, { timestamp }), n)));
    expect(drafts.map(({ event }) => event)).toMatchObject([
      { timestamp: NOON, ends_at: NOON + 60_000_000, first_trade_at: times[2], last_trade_at: times[1] },
    ]);
  });
});

describe("an indicator's time", () => {
  const open = () => indicatorsOfBars({ interval: "1d", actor: "bot", session: null }).open(() => true);
  /** Twenty days, the last of which is `last`: enough for an SMA(20). */
  const timesOf = (last: Partial<BarEvent> & { readonly timestamp: number }, machine: Machine = open()) => {
    const days = Array.from({ length: 20 }, (_, n) => ({
      timestamp: last.timestamp - n * DAY,
      ends_at: null,
    })).reverse();
    const events = [...days.slice(0, -1), last].map((day, n) => bar(n, { ...day, interval: "1d", close: 100 + n }));
    const drafts = events.flatMap((event, n) => machine.take(record("bars", event, n)));
    const times = drafts.flatMap(({ event }) =>
      "indicator_name" in event ? [[event.indicator_name, event.timestamp]] : [],
    );
    return times.filter(([name]) => name === "SMA").map(([, time]) => new Date((time as number) / 1000).toISOString());
  };
  it("is the bar's end: an hour later where the day has 25 hours", () => {
    const day = { timestamp: at("2024-11-03T04:00:00Z"), ends_at: at("2024-11-04T05:00:00Z") };
    expect(timesOf(day)).toEqual(["2024-11-04T05:00:00.000Z"]);
  });
  it("is the UTC day's end, of a bar that begins with one and says no end", () => {
    expect(timesOf({ timestamp: at("2024-11-03T00:00:00Z"), ends_at: null })).toEqual(["2024-11-04T00:00:00.000Z"]);
  });
  it("is nobody's guess for other days: they are counted, and told once their end is known", () => {
    const machine = open();
    const timestamp = at("2024-11-03T04:00:00Z");
    expect(timesOf({ timestamp, ends_at: null }, machine)).toEqual([]);
    expect(machine.counts?.()).toEqual({ endless: 20 });
    const known = bar(19, {
      timestamp,
      ends_at: at("2024-11-04T05:00:00Z"),
      interval: "1d",
      close: 119,
      revised_at: NOON + 9,
    });
    const told = machine.take(record("bars", known, 20)).map(({ event }) => event);
    expect(told).toContainEqual(expect.objectContaining({ indicator_name: "SMA", timestamp: known.ends_at }));
  });
});
