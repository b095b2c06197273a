import { describe, expect, it, test } from "vitest";
import { ticks } from "../../producers/ticks.ts";
import type { TickEvent } from "../../src/event/events.ts";
import { symbolId } from "../../src/event/identity.ts";
import type { FeedOptions } from "../../src/feed/feed.ts";
import { fileOf, readText } from "../support/feeds/feed-files.ts";
import {
  type Decimal,
  decimalText,
  doubleOf,
  isTwice,
  POLYGON_TRADES,
  ROWS,
  RUNS,
  unitsText,
  wallOf,
} from "../support/feeds/random-rows.ts";
import fc from "../support/random/fast-check.ts";

const DAY = 86_400_000_000;
const dot = (price: Decimal) => decimalText(price, { sign: ".", group: "", isFixed: true });
const utc = (us: number, format: string) => wallOf(us, "UTC").toFormat(format);
const IBM = { symbol: "IBM" };

interface RandomTick {
  readonly us: number;
  readonly ns: number;
  readonly price: Decimal;
  readonly size: Decimal;
}

const ticksOf = fc
  .tuple(fc.integer({ min: 1_100_000_000, max: 1_720_000_000 }), fc.integer({ min: 0, max: 6 }))
  .chain(([first, places]) =>
    fc
      .array(fc.tuple(fc.nat(40_000_000), fc.nat(999), fc.integer({ min: 1, max: 90_000_000 }), fc.nat(5_000_000)), {
        minLength: ROWS,
        maxLength: ROWS,
      })
      .map((rows) => {
        let us = Math.floor(first / 86_400) * 86_400_000_000;
        return rows.map(([step, ns, digits, size]): RandomTick => {
          us += step;
          return { us, ns, price: { digits, places }, size: { digits: size, places: 2 } };
        });
      }),
  );

interface TickLayout {
  readonly head?: string;
  row(tick: RandomTick, price: string, size: string, i: number): string;
  readonly options: (rows: readonly RandomTick[]) => FeedOptions;
  /** The least that the layout can say of a time, in nanoseconds. */
  readonly stepNs: number;
  readonly price?: (price: Decimal) => string;
  readonly size?: (size: Decimal) => string;
  readonly source?: string;
}

const nanos = ({ us, ns }: RandomTick) => `${us}${String(ns).padStart(3, "0")}`;
const isoNanos = ({ us, ns }: RandomTick) =>
  `${utc(us, "yyyy-MM-dd'T'HH:mm:ss")}.${String(us % 1e6).padStart(6, "0")}${String(ns).padStart(3, "0")}Z`;
/** Rows of one UTC day begin at its midnight and go on for less than three hours. */
const dayOf = (rows: readonly RandomTick[]) => utc(rows[0]!.us, "yyyy-MM-dd");
const msOfDay = ({ us, ns }: RandomTick) =>
  `${Math.floor((us % DAY) / 1000)}.${String(us % 1000).padStart(3, "0")}${String(ns).padStart(3, "0")}`;
const whole = ({ digits }: Decimal) => String(digits);

const TICKS: Readonly<Record<string, TickLayout>> = {
  trades: {
    head: "timestamp,price,size,id,exchange",
    row: (tick, price, size, i) => [isoNanos(tick), price, size, i + 1000, "V"].join(","),
    options: () => ({ ...IBM, decimal: "dot", source: "trades" }),
    stepNs: 1,
  },
  "polygon-trades": {
    head: POLYGON_TRADES,
    row: (tick, price, size, i) =>
      ["IBM", '"12,37"', "0", "11", i, nanos(tick), price, i, nanos(tick), size, "3", "0", "0"].join(","),
    options: () => ({}),
    stepNs: 1,
  },
  "alpaca-trades": {
    head: "symbol,timestamp,exchange,price,size,id,conditions,tape",
    row: (tick, price, size, i) => ["IBM", isoNanos(tick), "V", price, size, i, "@ F", "C"].join(","),
    options: () => ({}),
    stepNs: 1,
  },
  "databento-trades": {
    head: "ts_recv,ts_event,rtype,publisher_id,instrument_id,action,side,depth,price,size,flags,ts_in_delta,sequence,symbol",
    row: (tick, price, size, i) =>
      [nanos(tick), nanos(tick), "0", "1", "5", "T", "A", "0", price, size, "0", "0", i, "IBM"].join(","),
    options: () => ({ priceScale: "1e-9" }),
    stepNs: 1,
    price: (price) => unitsText(price, 9),
  },
  "kraken-trades": {
    row: (tick, price, size) =>
      [`${Math.floor(tick.us / 1e6)}.${String(tick.us % 1e6).padStart(6, "0")}`, price, size].join(","),
    options: () => ({ ...IBM, format: "kraken-trades" }),
    stepNs: 1000,
  },
  "lean-crypto": {
    row: (tick, price, size) => [msOfDay(tick), price, size, "0"].join(","),
    options: (rows) => ({ ...IBM, date: dayOf(rows) }),
    stepNs: 1,
  },
  lean: {
    row: (tick, price, size) => [msOfDay(tick), price, size, "P", "0", "0"].join(","),
    options: (rows) => ({ ...IBM, date: dayOf(rows), tz: "UTC" }),
    stepNs: 1,
    price: whole,
    size: whole,
  },
  jsonl: {
    row: (tick, price, size, i) =>
      `{"timestamp":"${isoNanos(tick)}","close":${price},"volume":${size},"source":"jsonl","trade_id":"${i}"}`,
    options: () => IBM,
    stepNs: 1,
  },
  "binance-trades": {
    row: (tick, price, size, i) => [i, price, size, "1.5", tick.us, "True", "True"].join(","),
    options: () => IBM,
    stepNs: 1000,
  },
  "binance-aggtrades": {
    row: (tick, price, size, i) => [i, price, size, i, i, tick.us, "True", "True"].join(","),
    options: () => IBM,
    stepNs: 1000,
  },
};

describe("10,000 rows of every format of ticks", () => {
  it.each(Object.keys(TICKS))("%s are read back equal, to the nanosecond and the last digit", async (name) => {
    const layout = TICKS[name]!;
    const check = async (rows: readonly RandomTick[]) => {
      const lines = rows.map((tick, i) =>
        layout.row(tick, (layout.price ?? dot)(tick.price), (layout.size ?? dot)(tick.size), i + 1),
      );
      const text = [...(layout.head === undefined ? [] : [layout.head]), ...lines].join("\n");
      const { feed, events, rejections } = await readText(ticks, "x.csv", text, layout.options(rows));
      expect([feed.description.format, rejections]).toEqual([name, []]);
      expect(events.map(seenTick)).toEqual(
        rows.map(({ us, ns, price, size }) => ({
          ...{
            symbol_id: symbolId("IBM", null),
            source: name,
            timestamp: us,
            timestamp_ns: layout.stepNs === 1 ? ns : 0,
          },
          close: name === "lean" ? price.digits / 10_000 : doubleOf(price),
          volume: name === "lean" ? size.digits : doubleOf(size),
        })),
      );
    };
    await fc.assert(fc.asyncProperty(ticksOf, check), RUNS);
  });
});

const mapLayouts = fc.record({
  sign: fc.constantFrom<"." | ",">(".", ","),
  zone: fc.constantFrom("UTC", "America/New_York", "Australia/Lord_Howe"),
  rows: ticksOf,
});

test("10,000 ticks by maps of random layouts are read back equal, but for hours that come twice", async () => {
  const run = async ({ sign, zone, rows }: typeof mapLayouts extends fc.Arbitrary<infer L> ? L : never) => {
    const numbers = { sign, group: "", isFixed: true } as const;
    const lines = rows.map(({ us, price, size }, i) => {
      const time = wallOf(us, zone).toFormat("dd/MM/yyyy HH:mm:ss.SSS");
      return [time, decimalText(price, numbers), decimalText(size, numbers), `t${i}`].join(";");
    });
    const map = {
      ...{ version: 1, kind: "ticks", source: "map", delimiter: ";", header: false, symbol: { fixed: "IBM" } },
      columns: { price: 2, size: 3, trade_id: 4 },
      ...{ numbers: { decimal: sign }, time: { columns: [1], format: "dd/mm/yyyy", zone } },
    };
    const path = fileOf("t.map.json", JSON.stringify(map));
    const { events, rejections } = await readText(ticks, "t.csv", lines.join("\n"), { map: path });
    const once = rows.filter(({ us }) => !isTwice(us, zone));
    expect(rejections.length).toBe(rows.length - once.length);
    expect(events.map(({ timestamp, close, volume }) => [timestamp, close, volume])).toEqual(
      once.map(({ us, price, size }) => [us - (us % 1000), doubleOf(price), doubleOf(size)]),
    );
  };
  await fc.assert(fc.asyncProperty(mapLayouts, run), RUNS);
});

test("no format of trades is without such rows", () => {
  const names = ticks.formats.map(({ name }) => name).filter((name) => !(name in TICKS));
  expect(names).toEqual(["quotes"]);
});

const seenTick = ({ symbol_id, source, timestamp, timestamp_ns = 0, close, volume }: TickEvent) => ({
  ...{ symbol_id, source, timestamp, timestamp_ns, close, volume },
});
