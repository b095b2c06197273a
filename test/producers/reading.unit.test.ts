import { gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { ticks } from "../../producers/ticks.ts";
import type { FeedBatch, Place } from "../../src/feed/feed.ts";
import { START } from "../../src/feed/lines.ts";
import { decidedOf, fileOf, readFile, readText, zipOf } from "../support/feeds/feed-files.ts";

/** For a machine whose other core is busy, too: nothing here waits, so this is no measure. */
const LEAN_FILE = "ibm_20131007.csv";
const LEAN = ["14430270,1815200,283,P,20002020,0", "14450472,1818000,500,P,,0", "14450472,1818000,500,,2000,1"];

describe("files that can't be read at all", () => {
  const refused: [string, string | Buffer, RegExp][] = [
    ["empty.csv", "", /is empty/],
    ["blank.csv", "\n \n", /holds no line/],
    ["ibm.csv", Buffer.from([1, 2, 0, 3, 10]), /is not text: byte 2 is 0/],
    ["ibm.parquet", "PAR1abcdef", /is a Parquet file/],
    ["two.zip", zipOf({ "a.csv": LEAN[0]!, "b.csv": LEAN[0]! }), /several files \(a\.csv, b\.csv/],
    ["none.zip", zipOf({}), /zip without a file/],
    ["bad.zip", Buffer.from("PK\x03\x04 nonsense"), /no readable zip/],
    ["array.json", '[{"a": 1}]', /one JSON array/],
    ["other.csv", "a;b;c\n1;2;3\n", /none of the formats of `tradetape feeds list`/],
    ["old.csv", "a,b\r1,2\r3,4", /ends its lines with a carriage return alone/],
    ["long.csv", Buffer.alloc(1 << 20, "7"), /none of the formats/],
  ];
  it.each(refused)("are turned away with one clear error: %s", async (name, content, message) => {
    await expect(readText(ticks, name, content)).rejects.toMatchObject({
      code: "input_invalid",
      message: expect.stringMatching(message),
      next: expect.any(String),
    });
  });
  it("are named when they are missing, and when they are folders", async () => {
    await expect(ticks.open("no/such/file.csv")).rejects.toThrow("can't be opened");
    await expect(ticks.open(".")).rejects.toThrow("is a folder");
    const unknown = { format: "ohlcv" };
    await expect(readText(ticks, "a.csv", LEAN[0]!, unknown)).rejects.toThrow('--format "ohlcv" isn\'t known here');
  });
  it("say so when they break off in the middle of an archive", async () => {
    const whole = gzipSync(`${LEAN[0]}\n`.repeat(20_000));
    const path = fileOf("ibm_20131007.csv.gz", whole.subarray(0, whole.length - 20));
    await expect(readFile(ticks, path)).rejects.toThrow("can't be read to its end");
  });
});

describe("reading", () => {
  it("rejects one line of 100 MB by number, and holds none of it", async () => {
    const path = fileOf("ibm_20131007.csv", Buffer.concat([Buffer.from(`${LEAN[0]}\n`), Buffer.alloc(100 << 20, "9")]));
    const { events, rejections } = await readFile(ticks, path);
    expect(events.length).toBe(1);
    expect(rejections).toEqual([{ line: 2, reason: "the line is longer than 65536 bytes" }]);
  });
  it("takes UTF-16 and a byte order mark", async () => {
    const utf16 = Buffer.from(`\ufeff${LEAN.join("\r\n")}`, "utf16le");
    const { feed, events } = await readText(ticks, LEAN_FILE, utf16);
    expect([decidedOf(feed).encoding, events.length]).toEqual(["utf-16le", 3]);
    expect((await readText(ticks, LEAN_FILE, `\ufeff${LEAN[0]}`)).events.length).toBe(1);
  });
  it("says how far it is, up to the whole file", async () => {
    const { feed } = await readText(ticks, LEAN_FILE, LEAN.join("\n"));
    expect(feed.progress()).toEqual({ read: LEAN.join("\n").length, total: LEAN.join("\n").length });
    const zip = zipOf({ "20131007_ibm_Trade_Tick.csv": LEAN.join("\n") });
    expect((await readText(ticks, "ibm_20131007.zip", zip)).feed.progress()).toEqual({
      read: zip.length,
      total: zip.length,
    });
  });
  it("can stop after the first batch", async () => {
    const feed = await ticks.open(fileOf(LEAN_FILE, `${LEAN[0]}\n`.repeat(50_000)));
    let events = 0;
    for await (const batch of feed.batches()) {
      events += batch.events.length;
      break;
    }
    expect(events).toBeGreaterThan(1000);
    expect(events).toBeLessThan(50_000);
  });
  it("goes on behind a place with the ids that the whole file has, and with the symbols of what is left", async () => {
    const rows = Array.from(
      { length: 40_000 },
      (_, n) => `2024-03-05T14:30:00Z,${n % 3},1,${n < 39_000 ? "A" : "B"}\n`,
    );
    const path = fileOf("two.csv", `timestamp,price,size,symbol\n${rows.join("")}`);
    const read = async (from: Place) => {
      const batches: FeedBatch<"ticks">[] = [];
      const feed = await ticks.open(path, { symbols: "all", source: "desk" });
      for await (const batch of feed.batches(from)) batches.push(batch);
      return batches;
    };
    const whole = await read(START);
    expect(whole.length).toBeGreaterThan(3);
    const rest = await read(whole[1]!.end!);
    const idsOf = (batches: readonly FeedBatch<"ticks">[]) =>
      batches.flatMap(({ events }) => events.map((event) => event.market_data_id));
    expect(idsOf(rest)).toEqual(idsOf(whole.slice(2)));
    expect(new Set(idsOf(whole)).size).toBe(40_000);
    expect(rest.flatMap(({ symbols }) => symbols.map(({ ticker }) => ticker))).toEqual(["B"]);
    expect(rest.at(-1)?.end).toEqual(whole.at(-1)?.end);
  });
  it("ends within a line, which it doesn't give, when it is closed meanwhile", async () => {
    const lines = `${LEAN[0]}\n`.repeat(20_000);
    const feed = await ticks.open(fileOf(LEAN_FILE, `${lines}${LEAN[1]}`));
    let events = 0;
    for await (const batch of feed.batches()) {
      events += batch.events.length;
      expect(batch.rejections).toEqual([]);
      feed.close();
    }
    expect(events).toBeGreaterThan(1000);
    expect(events).toBeLessThan(20_000);
  });
});
