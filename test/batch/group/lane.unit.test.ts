import { describe, expect, it } from "vitest";
import { BufferSpace } from "../../../src/batch/buffer-space.ts";
import type { EncodedBatch } from "../../../src/batch/encode/encoded-batch.ts";
import type { Job, LaneStep } from "../../../src/batch/group/job.ts";
import { BATCH_BYTES, Lane } from "../../../src/batch/group/lane.ts";
import { sweepUntilQuiet } from "../../../src/batch/run/sweep-until-quiet.ts";
import type { Records } from "../../../src/topic/fetch/records.ts";
import { FIRST_LOG } from "../../support/landing.ts";

/** Each has a gap before it, so that none is joined. */
const batchOf = (name: string, bytes = 10): Job => {
  const batch = { name, firstOffset: 1, nextOffset: 0 } as unknown as EncodedBatch;
  return { kind: "batch", batch, bytes };
};
const SWEEP: Job = { kind: "sweep", bytes: 0 };
const nameOf = (job: Job) => (job.kind === "sweep" ? "sweep" : (job.batch as unknown as { name: string }).name);

/** One record without a row at this offset. */
const tinyBatch = (offset: number): EncodedBatch => ({
  ...{ partition: 0, firstOffset: offset, nextOffset: offset + 1, records: { count: 1 } as Records, from: 0, to: 1 },
  ...{ rows: { bytes: Buffer.alloc(0), ends: [], indexes: [] }, letters: [], filtered: 0, sessions: [], days: [] },
});

/** A lane whose jobs end when the test says so. */
function stagedLane(onBegun: (job: Job) => void = () => {}, onFreed: () => void = () => {}) {
  const begun: string[] = [];
  const ends: ((step: LaneStep | Error) => void)[] = [];
  let freed = 0;
  const lane = new Lane(
    0,
    (_, job) => {
      begun.push(nameOf(job));
      onBegun(job);
      return new Promise((resolve, reject) => {
        ends.push((step) => (step instanceof Error ? reject(step) : resolve(step)));
      });
    },
    (bytes) => {
      freed += bytes;
      onFreed();
    },
  );
  const end = async (step: Partial<LaneStep> | Error) => {
    ends.shift()!(step instanceof Error ? step : { nextOffset: 0, ledger: [], ahead: false, ...step });
    await new Promise((resolve) => setImmediate(resolve));
  };
  return { lane, begun, end, freed: () => freed };
}

describe("a lane", () => {
  it("runs its jobs one after the other, in the order they came", async () => {
    const { lane, begun, end, freed } = stagedLane();
    for (const name of ["a", "b"]) lane.push(batchOf(name));
    lane.push(SWEEP);
    expect(begun).toEqual(["a"]);
    await end({ nextOffset: 5 });
    expect([begun, lane.nextOffset, freed()]).toEqual([["a", "b"], 5, 10]);
    await end({ nextOffset: 9 });
    expect([begun, lane.nextOffset, freed()]).toEqual([["a", "b", "sweep"], 9, 20]);
  });

  it("joins what waits by its rows and records: what a batch takes besides is only freed", async () => {
    const sizes: number[] = [];
    const { lane, end, freed } = stagedLane((job) => sizes.push(job.kind === "batch" ? job.batch.nextOffset : -1));
    const own = 10_000;
    for (let n = 0; n < 181; n++) lane.push({ kind: "batch", batch: tinyBatch(n), bytes: BATCH_BYTES + own });
    await end({ nextOffset: 1 });
    expect([sizes, freed()]).toEqual([[1, 181], BATCH_BYTES + own]);
    await end({ nextOffset: 181 });
    expect(freed()).toBe(181 * (BATCH_BYTES + own));
  });

  it("knows its log only when the landmark was seen, after however many claims", async () => {
    const { lane } = stagedLane();
    const landmark = { offset: 4, digest: Buffer.alloc(32) };
    let isKnown = false;
    lane.begin({ ...FIRST_LOG, nextOffset: 5, parked: 0, landmark });
    const known = lane.known().then(() => {
      isKnown = true;
    });
    const claim = Promise.withResolvers<void>();
    lane.drop();
    lane.claimed = claim.promise;
    await new Promise((resolve) => setImmediate(resolve));
    lane.begin({ ...FIRST_LOG, nextOffset: 5, parked: 0, landmark });
    claim.resolve();
    await new Promise((resolve) => setImmediate(resolve));
    expect(isKnown).toBe(false);
    lane.recognise();
    await known;
  });

  describe("is proven", () => {
    const LANDMARK = { offset: 4, digest: Buffer.alloc(32) };
    const begun = (end: number, landmark: typeof LANDMARK | undefined) => {
      const staged = stagedLane();
      staged.lane.begin({ ...FIRST_LOG, nextOffset: 5, parked: 0, landmark, end });
      return staged;
    };

    it("once a batch has landed, though more waits", async () => {
      const { lane, end } = begun(90, undefined);
      lane.push(batchOf("a"));
      lane.push(batchOf("b"));
      expect(lane.isProven).toBe(false);
      await end({ nextOffset: 6 });
      expect([lane.isProven, lane.isIdle]).toEqual([true, false]);
    });

    it("not by a landing that fails, nor by a sweep", async () => {
      const { lane, end } = begun(90, undefined);
      lane.push(SWEEP);
      await end({ nextOffset: 5 });
      expect(lane.isProven).toBe(false);
      lane.push(batchOf("a"));
      // What a group answers of a landing that has ended it.
      await end({ nextOffset: 5, ahead: true });
      expect(lane.isProven).toBe(false);
    });

    it("not while a sweep runs, and when the last one has ended, of which it tells who waits for that", async () => {
      const told: boolean[] = [];
      const { lane, end } = stagedLane(
        () => {},
        () => told.push(lane.isProven),
      );
      lane.begin({ ...FIRST_LOG, nextOffset: 5, parked: 1200, landmark: LANDMARK, end: 5 });
      lane.push(SWEEP);
      lane.recognise();
      lane.noteNothingNew();
      expect(lane.isProven).toBe(false);
      lane.push(SWEEP);
      await end({ nextOffset: 5, parked: 200 });
      await end({ nextOffset: 5, parked: 0 });
      expect([told, lane.isProven]).toEqual([[false, true], true]);
    });

    it("not before what is parked has been swept: it may be what stopped the group", async () => {
      const { lane, end } = stagedLane();
      lane.begin({ ...FIRST_LOG, nextOffset: 5, parked: 7, landmark: undefined, end: 5 });
      expect(lane.isProven).toBe(false);
      lane.push(SWEEP);
      // It waits on for its parents.
      await end({ nextOffset: 5, parked: 7 });
      expect(lane.isProven).toBe(true);
    });

    it("where the log ended at what has landed, once it is known for the log that landed", () => {
      const { lane } = begun(5, LANDMARK);
      expect(lane.isProven).toBe(false);
      lane.recognise();
      expect(lane.isProven).toBe(true);
    });

    it("where a fetch brought nothing new, though the log has more that nobody may read yet", () => {
      const { lane } = begun(9, LANDMARK);
      lane.recognise();
      expect(lane.isProven).toBe(false);
      lane.noteNothingNew();
      expect(lane.isProven).toBe(true);
    });

    it("anew after each claim", async () => {
      const { lane, end } = begun(90, undefined);
      lane.push(batchOf("a"));
      await end({ nextOffset: 6 });
      lane.drop();
      expect(lane.isProven).toBe(false);
      lane.begin({ ...FIRST_LOG, nextOffset: 6, parked: 0, landmark: undefined, end: 90 });
      expect(lane.isProven).toBe(false);
    });
  });

  it("takes one waiting sweep for several", async () => {
    const { lane, begun, end } = stagedLane();
    lane.push(batchOf("a"));
    for (let n = 0; n < 3; n++) lane.push(SWEEP);
    await end({});
    await end({});
    lane.push(SWEEP);
    expect(begun).toEqual(["a", "sweep", "sweep"]);
  });

  it("dropped, forgets what has not begun, gives its bytes back, and lets the one in hand end", async () => {
    const { lane, begun, end, freed } = stagedLane();
    for (const name of ["a", "b", "c"]) lane.push(batchOf(name));
    lane.tail = 30;
    lane.drop();
    expect([lane.tail, freed()]).toEqual([undefined, 20]);
    await end({ nextOffset: 5 });
    await lane.idle();
    expect([begun, lane.nextOffset, freed()]).toEqual([["a"], 5, 30]);
  });

  it("whose job turns out to be ahead of the database drops all that is behind it", async () => {
    const { lane, begun, end, freed } = stagedLane();
    for (const name of ["a", "b"]) lane.push(batchOf(name));
    await end({ nextOffset: 2, ahead: true });
    await lane.idle();
    expect([begun, lane.nextOffset, lane.tail, freed()]).toEqual([["a"], 2, undefined, 20]);
  });

  it("counts what is parked by the ledger's rows, releases as well", async () => {
    const { lane, end } = stagedLane();
    lane.push(batchOf("a"));
    lane.push(SWEEP);
    await end({ ledger: [{ parked: 3 }] as never });
    expect(lane.parked).toBe(3);
    await end({ ledger: [{ parked: -2 }] as never });
    expect(lane.parked).toBe(1);
  });

  it("holds what was published by then until it has landed, and says so no longer when it gives its bytes back", async () => {
    const at = (offset: number): Job => {
      const records = { count: 1, publishedAtMs: () => 100 * offset } as unknown as Records;
      return { kind: "batch", batch: { ...tinyBatch(offset), records }, bytes: 10 };
    };
    const held: boolean[] = [];
    const { lane, end } = stagedLane(
      () => {},
      () => held.push(lane.holds(150)),
    );
    lane.push(at(1));
    lane.push(SWEEP);
    lane.push(at(2));
    expect([lane.holds(99), lane.holds(100), lane.holds(150)]).toEqual([false, true, true]);
    await end({});
    expect(held).toEqual([false]);
    expect([lane.holds(199), lane.holds(200)]).toEqual([false, true]);
  });

  it("is idle when its last job has ended, not before", async () => {
    const { lane, end } = stagedLane();
    let isIdle = false;
    await lane.idle();
    lane.push(batchOf("a"));
    const idle = lane.idle().then(() => {
      isIdle = true;
    });
    lane.push(batchOf("b"));
    await end({});
    expect(isIdle).toBe(false);
    await end({});
    await idle;
  });
});

describe("the room of a group", () => {
  it("has place up to its bytes, and for one batch of any size when it is empty", () => {
    const room = new BufferSpace(100);
    expect([room.has(101), room.has(100)]).toEqual([true, true]);
    room.take(60);
    expect([room.has(40), room.has(41)]).toEqual([true, false]);
    room.free(60);
    expect(room.has(1000)).toBe(true);
  });

  it("wakes everybody who waits when something is freed", async () => {
    const room = new BufferSpace(100);
    room.take(100);
    let woken = 0;
    for (let n = 0; n < 2; n++) void room.freed().then(() => woken++);
    await new Promise((resolve) => setImmediate(resolve));
    expect(woken).toBe(0);
    room.free(1);
    await new Promise((resolve) => setImmediate(resolve));
    expect(woken).toBe(2);
  });
});

describe("sweeping until it is quiet", () => {
  /** Groups with so many parked that one sweep each releases what the one before has made ready. */
  function chain(counts: readonly number[], start: number) {
    const left = [...counts];
    const groups = counts.map((_, n) => ({
      tally: { parked: n === 0 ? start : 0 },
      sweep() {
        const isReady = left.slice(n + 1).every((count) => count === 0);
        if (isReady && left[n]! > 0) {
          left[n]!--;
          groups[n]!.tally.parked--;
        }
      },
      settled: async () => {},
    }));
    return { groups, left };
  }

  it("goes on as long as a round releases something, children before their parents as well", async () => {
    const { groups, left } = chain([3, 2, 2], 0);
    await sweepUntilQuiet(groups, new AbortController().signal);
    expect(left).toEqual([0, 0, 0]);
  });

  it.each([-1, 0, 5])("begins whatever was parked or released before, as with %d", async (start) => {
    const { groups, left } = chain([2], start);
    await sweepUntilQuiet(groups, new AbortController().signal);
    expect(left).toEqual([0]);
  });

  it("ends at a stop", async () => {
    const stop = new AbortController();
    const { groups, left } = chain([100], 0);
    stop.abort();
    await sweepUntilQuiet(groups, stop.signal);
    expect(left).toEqual([100]);
  });
});
