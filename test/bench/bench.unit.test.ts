import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { Partitioning } from "../../src/topic/partition.ts";
import { COPY_HEADER, COPY_TRAILER, rowGroups } from "./copy-file.ts";
import { median, percentile } from "./figures.ts";
import { tables } from "./report.ts";
import { judged } from "./shows.ts";
import { Store } from "./store.ts";
import { type TickSource, tickArrays } from "./ticks.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "tradetape-bench-test-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const openStore = (resume = false, seed = 1) => new Store(join(folder, "bench.json"), { seed }, resume);

describe("figures", () => {
  test("a percentile is a value that was measured, and the median of two lies between them", () => {
    const sorted = Array.from({ length: 1000 }, (_, n) => n + 1);
    expect([0.5, 0.99, 0.999, 1].map((share) => percentile(sorted, share))).toEqual([500, 990, 999, 1000]);
    expect([median([3, 1, 2]), median([4, 1])]).toEqual([2, 2.5]);
  });
});

describe("the store", () => {
  test("a resumed bench measures only what is missing", async () => {
    await openStore().once("round 1 a", async () => ({ a: { rate: 5 } }));
    const resumed = openStore(true);
    const again = await resumed.once("round 1 a", async () => ({ a: { rate: 9 } }));
    await resumed.once("round 2 a", async () => ({ a: { rate: 7 } }));
    expect(again).toEqual({ a: { rate: 5 } });
    expect(resumed.values("a", "rate")).toEqual([5, 7]);
    expect(openStore(false).values("a", "rate")).toEqual([]);
  });

  test("figures of another seed are no beginning of this bench", async () => {
    await openStore().once("round 1 a", async () => ({ a: { rate: 5 } }));
    expect(() => openStore(true, 2)).toThrow("another seed");
  });
});

describe("promises", () => {
  const measure = async (store: Store, figures: Readonly<Record<string, readonly number[]>>) => {
    for (const [subject, rates] of Object.entries(figures)) {
      for (const [n, rate] of rates.entries())
        await store.once(`${n} ${subject}`, async () => ({ [subject]: { rate } }));
    }
  };
  const verdicts = (store: Store) => judged(store, 5).map(({ what, isOk }) => [what.slice(0, 16), isOk]);

  test("ratios are taken within each round, so a round that was slow for both counts as good", async () => {
    const store = openStore();
    await measure(store, { a: [70, 7, 700], b: [100, 10, 1000] });
    expect(judged(store, 5)).toMatchObject([{ found: "0.700 (0.700 to 0.700)", isOk: true }]);
  });

  test("what lies below its bound isn't ok, and what wasn't measured isn't judged", async () => {
    const store = openStore();
    await measure(store, { a: [59], b: [100], d: [60], h: [99_999] });
    expect(verdicts(store)).toEqual([
      ["(a) landing, as ", false],
      ["(d) what exactly", true],
      ["(h) ticks publis", false],
    ]);
  });

  test("every figure is in a table, a choice beside the first of its kind", async () => {
    const store = openStore();
    await store.once("a", async () => ({ a: { rate: 1000, nodeUs: 2 }, g30: { p50Ms: 3, p99Ms: 44 } }));
    await measure(store, { "advice copy 0": [200], "advice copy 1": [300] });
    const [throughput, others, advice] = tables(store, []).map(({ rows }) => rows);
    expect(throughput?.map((row) => row.slice(2, 5))).toEqual([["1,000", "-", "2.00"]]);
    expect(others?.map((row) => row[2])).toEqual(["3.00 ms p50, 44.0 ms p99"]);
    expect(advice?.map((row) => row.slice(0, 3))).toEqual([
      [expect.stringMatching("shipped"), "200", "1.00"],
      ["no index", "300", "1.50"],
    ]);
  });
});

test("a COPY file is cut between rows, whatever their fields hold", () => {
  const header = Buffer.alloc(19, 7);
  const row = (text: string | null) => {
    const field = Buffer.from(text ?? "");
    const head = Buffer.alloc(6);
    head.writeInt16BE(1);
    head.writeInt32BE(text === null ? -1 : field.length, 2);
    return Buffer.concat([head, field]);
  };
  const rows = [row("a"), row(null), row(""), row("\xff\xff\xff\xff"), row("e")];
  const file = Buffer.concat([header, ...rows, COPY_TRAILER]);
  expect(COPY_HEADER(file)).toEqual(header);
  expect(rowGroups(file, 2)).toEqual([
    Buffer.concat(rows.slice(0, 2)),
    Buffer.concat(rows.slice(2, 4)),
    Buffer.concat(rows.slice(4)),
  ]);
});

describe("seeded ticks", () => {
  const source: TickSource & { kind: "seeded" } = {
    kind: "seeded",
    events: 6000,
    seed: 4,
    firstDay: 18_631,
    days: 2,
    partitions: 2,
    repeated: 0,
  };
  const all = async (change: Partial<typeof source>) => {
    const ticks = [];
    for await (const some of tickArrays({ ...source, ...change })) ticks.push(...some);
    return ticks;
  };

  test("they are the same each time, on the days and partitions that were asked for", async () => {
    const ticks = await all({});
    const partitioning = new Partitioning(4);
    expect(await all({})).toEqual(ticks);
    expect(new Set(ticks.map(({ market_data_id }) => market_data_id)).size).toBe(6000);
    expect(new Set(ticks.map(({ symbol_id }) => partitioning.place(symbol_id).partition))).toEqual(new Set([0, 1]));
    expect(new Set(ticks.map(({ timestamp }) => Math.floor(timestamp / 86_400_000_000)))).toEqual(
      new Set([18_631, 18_632]),
    );
  });

  test("repeats come besides the events, each behind its first", async () => {
    const ticks = await all({ repeated: 0.01 });
    expect(ticks.length).toBe(6060);
    expect(new Set(ticks.map(({ market_data_id }) => market_data_id)).size).toBe(6000);
  });
});
