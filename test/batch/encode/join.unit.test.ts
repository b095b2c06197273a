import { describe, expect, it } from "vitest";
import type { EncodedBatch } from "../../../src/batch/encode/encoded-batch.ts";
import { isJoinable, joinBatches } from "../../../src/batch/encode/join.ts";
import type { Job } from "../../../src/batch/group/job.ts";
import { Lane } from "../../../src/batch/group/lane.ts";
import type { Records } from "../../../src/topic/fetch/records.ts";

/** Records at every offset from `first`, each with its offset as value. */
const recordsFrom = (first: number, count: number): Records => ({
  count,
  offsetOf: (index) => first + index,
  publishedAtMs: (index) => 1000 + first + index,
  locate: (index, place) => place.cover(Buffer.from(String(first + index))),
  headersOf: () => undefined,
  faultAt: () => undefined,
  record: (index) => ({ key: null, value: Buffer.from(String(first + index)) }),
});

/** A batch of [first, next): each record a row that holds its offset, but for the letters' ones. */
function batchOf(
  first: number,
  next: number,
  change: Partial<EncodedBatch> & { letterAt?: number } = {},
): EncodedBatch {
  const { letterAt, ...rest } = change;
  const offsets = Array.from({ length: next - first }, (_, n) => first + n).filter((offset) => offset !== letterAt);
  const texts = offsets.map(String);
  let end = 0;
  const ends = texts.map((text) => {
    end += text.length;
    return end;
  });
  const letters =
    letterAt === undefined ? [] : [{ index: letterAt - first, reason: "invalid" as const, detail: `at ${letterAt}` }];
  const indexes = offsets.map((offset) => offset - first);
  return {
    partition: 3,
    firstOffset: first,
    nextOffset: next,
    records: recordsFrom(first, next - first),
    from: 0,
    to: next - first,
    rows: { bytes: Buffer.from(texts.join("")), ends, indexes },
    letters,
    filtered: 0,
    sessions: [],
    days: [],
    ...rest,
  };
}

/** Per row: its bytes, and the offset of the record it says it came from. */
const rowsOf = ({ rows, records }: EncodedBatch) =>
  Array.from(rows.ends, (end, n) => [
    rows.bytes.subarray(rows.ends[n - 1] ?? 0, end).toString(),
    String(records.offsetOf(rows.indexes[n]!)),
  ]);

describe("joined batches", () => {
  it("cover the offsets of all, and every row still knows its record", () => {
    const joined = joinBatches([batchOf(8, 10), batchOf(10, 11), batchOf(11, 14, { filtered: 2 })]);
    expect([joined.firstOffset, joined.nextOffset, joined.from, joined.to]).toEqual([8, 14, 0, 6]);
    expect(rowsOf(joined)).toEqual(["8", "9", "10", "11", "12", "13"].map((text) => [text, text]));
    expect([joined.partition, joined.filtered]).toEqual([3, 2]);
  });

  it("keep every letter at its record", () => {
    const joined = joinBatches([batchOf(8, 10, { letterAt: 8 }), batchOf(10, 13, { letterAt: 11 })]);
    const at = joined.letters.map(({ index, detail }) => [joined.records.offsetOf(index), detail]);
    expect(at).toEqual([
      [8, "at 8"],
      [11, "at 11"],
    ]);
    expect(rowsOf(joined).map(([text]) => text)).toEqual(["9", "10", "12"]);
  });

  it("take of a batch that was cut its own part only", () => {
    const whole = recordsFrom(8, 4);
    const part = batchOf(10, 12, { records: whole, from: 2, to: 4 });
    const rows = { ...part.rows, indexes: [2, 3] };
    const joined = joinBatches([{ ...part, rows }, batchOf(12, 13)]);
    expect(rowsOf(joined).map(([, offset]) => offset)).toEqual(["10", "11", "12"]);
    expect(joined.records.count).toBe(3);
  });

  it("wait for no day and no session more than the first", () => {
    const first = batchOf(0, 1, { days: ["2020-01-01" as never], sessions: ["s"] });
    expect(isJoinable(first, batchOf(1, 2))).toBe(true);
    expect(isJoinable(first, batchOf(1, 2, { days: ["2020-01-02" as never] }))).toBe(false);
    expect(isJoinable(first, batchOf(1, 2, { sessions: ["t"] }))).toBe(false);
  });
});

describe("what waits in a lane", () => {
  /** A lane whose first job runs until the others are queued. */
  async function landed(jobs: readonly Job[]): Promise<{ ranges: (readonly number[] | "sweep")[]; freed: number }> {
    const ranges: (readonly number[] | "sweep")[] = [];
    const begin = Promise.withResolvers<void>();
    let freed = 0;
    const run = async (_: Lane, job: Job) => {
      ranges.push(job.kind === "sweep" ? "sweep" : [job.batch.firstOffset, job.batch.nextOffset]);
      await begin.promise;
      return { nextOffset: job.kind === "sweep" ? 0 : job.batch.nextOffset, ledger: [], ahead: false };
    };
    const lane = new Lane(0, run, (bytes) => {
      freed += bytes;
    });
    for (const job of jobs) lane.push(job);
    begin.resolve();
    await lane.idle();
    return { ranges, freed };
  }
  const job = (first: number, next: number, bytes = 1000): Job => ({
    kind: "batch",
    batch: batchOf(first, next),
    bytes,
  });

  it("behind the job in hand lands at once, and gives back the bytes of all", async () => {
    const { ranges, freed } = await landed([job(0, 1), job(1, 2), job(2, 3), job(3, 9)]);
    expect(ranges).toEqual([
      [0, 1],
      [1, 9],
    ]);
    expect(freed).toBe(4000);
  });

  it("is joined up to two mebibytes", async () => {
    const { ranges } = await landed([job(0, 1), ...[1, 2, 3, 4].map((n) => job(n, n + 1, 800_000))]);
    expect(ranges).toEqual([
      [0, 1],
      [1, 3],
      [3, 5],
    ]);
  });

  it("isn't joined across a sweep, nor where offsets were delivered twice", async () => {
    const { ranges } = await landed([job(0, 1), job(1, 2), { kind: "sweep", bytes: 0 }, job(2, 5), job(3, 7)]);
    expect(ranges).toEqual([[0, 1], [1, 2], "sweep", [2, 5], [3, 7]]);
  });
});
