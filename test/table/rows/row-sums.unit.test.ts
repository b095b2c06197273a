import { describe, expect, test } from "vitest";
import { CONSUMER_OF } from "../../../consumers/all.ts";
import { hasherOf } from "../../../src/batch/consumer.ts";
import { CopyBuffer, POSTGRES_EPOCH_US, writeNull } from "../../../src/table/rows/copy-buffer.ts";
import { type LandingTable, landingColumns } from "../../../src/table/rows/landing-table.ts";
import { RowHasher } from "../../../src/table/rows/row-hasher.ts";
import { coarsest, groupedBy, RowSums, sumsOf } from "../../../src/table/rows/row-sums.ts";
import fc from "../../support/random/fast-check.ts";
import { indicator, NOON, tick } from "../../support/samples.ts";

const TICKS = CONSUMER_OF.ticks.landing;
const INDICATORS = CONSUMER_OF.indicators.landing;

/** Rows as COPY has them. */
function rowsOf(landing: LandingTable, events: readonly object[]): Buffer {
  const out = new CopyBuffer(64);
  const columns = landingColumns(landing);
  for (const event of events) {
    out.int16(columns.length);
    for (const { name, fits } of columns) {
      const value = (event as Record<string, unknown>)[name];
      if (value === null || value === undefined) writeNull(out);
      else expect(Object.values(fits)[0]!(out, value)).toBe(true);
    }
  }
  return out.bytes.subarray(0, out.length);
}

function sumsFrom(landing: LandingTable, ...events: readonly object[]): Readonly<Record<string, string>> {
  const bytes = rowsOf(landing, events);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const sums = new RowSums();
  const hasher = new RowHasher(landing, "timestamp");
  let at = 0;
  while (at < bytes.length) at = hasher.add(sums, view, at);
  return sums.text();
}

describe("the sums of rows", () => {
  test("are told by the hours of their times, and don't depend on the rows' order", () => {
    const ticks = [tick(1), tick(2), tick(3, { timestamp: NOON + 3_600_000_000 })] as const;
    const sums = sumsFrom(TICKS, ...ticks);
    expect(Object.keys(sums)).toEqual(["2024-03-05T14", "2024-03-05T15"]);
    expect(sums["2024-03-05T14"]).toMatch(/^2 [0-9a-f]{16}$/);
    expect(sumsFrom(TICKS, ...ticks.toReversed())).toEqual(sums);
    expect(sumsFrom(TICKS, ticks[2], ticks[1])).not.toEqual(sums);
  });

  test("tell every column's values, and which column a value is in", () => {
    const same = sumsFrom(TICKS, tick(1));
    const changes: readonly object[] = [
      { close: 185.25000000000003 },
      { close: -185.25 },
      { volume: 101 },
      { timestamp_ns: 2 },
      { trade_id: "t2" },
      { trade_id: "t1 " },
      { trade_id: "P", venue: "t1" },
      { venue: null },
      { venue: "" },
      { conditions: ["@T"] },
      { conditions: ["T", "@"] },
      { conditions: [] },
      { conditions: null },
      { received_at: NOON + 7 },
      { source: "Sample" },
    ];
    const found = changes.map((change) => JSON.stringify(sumsFrom(TICKS, { ...tick(1), ...change })));
    expect(new Set([JSON.stringify(same), ...found]).size).toBe(changes.length + 1);
  });

  test("of two rows that exchanged one value are others", () => {
    const [a, b] = [tick(1, { volume: 5 }), tick(2, { volume: 7 })];
    expect(sumsFrom(TICKS, a, b)).not.toEqual(sumsFrom(TICKS, { ...a, volume: 7 }, { ...b, volume: 5 }));
  });

  test("stay what they are when a later version adds a column that is null", () => {
    const fewer = { ...TICKS, recordColumns: [] } satisfies LandingTable;
    const more = { ...TICKS, recordColumns: ["source_offset"] } satisfies LandingTable;
    expect(sumsFrom(more, tick(1))).toEqual(sumsFrom(fewer, tick(1)));
    expect(sumsFrom(more, { ...tick(1), source_offset: 5 })).not.toEqual(sumsFrom(fewer, tick(1)));
  });

  test("take JSON by what it means, and leave out what events of the same content raise", () => {
    const same = sumsFrom(INDICATORS, indicator(1, { parameters: '{"fast":12,"slow":26.0}' }));
    expect(sumsFrom(INDICATORS, indicator(1, { parameters: '{"slow": 2.6e1, "fast": 12}', revised_at: NOON }))).toEqual(
      same,
    );
    expect(sumsFrom(INDICATORS, indicator(1, { parameters: '{"slow": 26, "fast": 13}' }))).not.toEqual(same);
    expect(sumsFrom(INDICATORS, indicator(1, { parameters: "[1, no JSON" }))).not.toEqual(same);
  });
});

describe("sums", () => {
  const spread = (count: number, stepHours: number) => {
    const sums = new RowSums();
    const first = (NOON - POSTGRES_EPOCH_US) / 3_600_000_000;
    for (let n = 0; n < count; n++) sums.add(Math.floor(first) + n * stepHours, n, -n);
    return sums;
  };

  test("of many hours are told by days, of many days by months, and of many months by years", () => {
    expect(Object.keys(spread(256, 1).text())[0]).toBe("2024-03-05T14");
    expect(Object.keys(spread(257, 1).text())).toHaveLength(12);
    expect(Object.keys(spread(257, 1).text())[0]).toBe("2024-03-05");
    expect(Object.keys(spread(257, 24).text())[0]).toBe("2024-03");
    expect(Object.keys(spread(257, 24 * 31).text())[0]).toBe("2024");
  });

  test("carry beyond 32 bits and are modulo 2^64", () => {
    const sums = new RowSums();
    for (let n = 0; n < 3; n++) sums.add(0, -1, -1);
    expect(sums.sums().get("2000-01-01T00")).toEqual({ rows: 3, hash: 2n ** 64n - 3n });
  });

  test("read back are what they were, and what isn't sums is none", () => {
    const hours = spread(5, 1);
    expect(sumsOf(hours.text())).toEqual(hours.sums());
    for (const text of [null, "x", { "2024": "5" }, { "2024": "5 xyz" }, [1]]) expect(sumsOf(text)).toBeUndefined();
  });

  test("of up to 256 hours are told as they are, sorted by name, of years of four digits", () => {
    const hour = fc.oneof(fc.integer({ min: 200_000, max: 200_300 }), fc.integer({ min: -17e6, max: 70e6 }));
    const word = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 });
    fc.assert(
      fc.property(fc.array(fc.tuple(hour, word, word), { maxLength: 256, size: "max" }), (rows) => {
        const sums = new RowSums();
        for (const [at, low, high] of rows) sums.add(at, low, high);
        const text = (hash: bigint) => hash.toString(16).padStart(16, "0");
        const told = [...sums.sums()].map(([name, { rows: own, hash }]) => [name, `${own} ${text(hash)}`]);
        expect(Object.entries(sums.text())).toEqual(told.sort());
      }),
    );
  });

  test("are compared by the longest part of time that one of them is told by", () => {
    const part = coarsest(["2024-03-05T14", "2024-03-05", "2024-04", "2024-04-01"]);
    const names = ["2024-03-05T14", "2024-03-06T00", "2024-04-01T01", "2024-04"];
    expect(names.map(part)).toEqual(["2024-03-05", "2024-03-06T00", "2024-04", "2024-04"]);
    const days = groupedBy(spread(48, 1).sums(), coarsest(["2024-03-06"]));
    expect(days.get("2024-03-06")?.rows).toBe(24);
  });
});

test("rows are hashed of the topics whose batches have receipts, and of no others", () => {
  const hashed = Object.values(CONSUMER_OF).filter((consumer) => hasherOf(consumer) !== undefined);
  expect(hashed.map(({ topic }) => topic)).toEqual(["ticks", "quotes", "bars", "indicators", "contents"]);
});
