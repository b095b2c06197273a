import { describe, expect, test } from "vitest";
import { commonEnd } from "../../src/rewind/common-end.ts";
import type { LandedEpoch } from "../../src/table/upkeep/rewinds.ts";
import type { EpochEnd } from "../../src/topic/offsets.ts";
import { FakeLog, type LogEntry } from "../simulation/fakes/fake-log.ts";

const part = (epoch: number | null, from: number, next: number): LandedEpoch => ({ epoch, from, next });

/** Asks a log that answers by these, in their order, and no further. */
function answering(...ends: EpochEnd[]) {
  const asked: number[] = [];
  const endOf = async (epoch: number) => {
    asked.push(epoch);
    return ends.shift();
  };
  return { asked, endOf };
}

describe("a log that was cut parts from what landed", () => {
  test.each([
    ["within the last leader's part", [part(4, 0, 450), part(5, 450, 1772)], [{ epoch: 5, end: 708 }], 708],
    ["where it has grown beyond", [part(5, 0, 1772)], [{ epoch: 5, end: 708 }], 708],
    [
      "before the last leader's part, where the log's older part is shorter",
      [part(4, 0, 450), part(5, 450, 900)],
      [{ epoch: 4, end: 300 }],
      300,
    ],
    [
      "before the last leader's part, where the log's older part is longer",
      [part(4, 0, 450), part(5, 450, 900)],
      [{ epoch: 4, end: 800 }],
      450,
    ],
    [
      "where both have an epoch only after two questions",
      [part(2, 0, 300), part(5, 300, 900)],
      [
        { epoch: 4, end: 700 },
        { epoch: 2, end: 250 },
      ],
      250,
    ],
    ["nowhere that is known: the log has none of what landed", [part(5, 0, 900)], [], undefined],
    [
      "nowhere that is known: nothing before the log's epoch is known",
      [part(5, 0, 900)],
      [{ epoch: 3, end: 700 }],
      undefined,
    ],
    ["nowhere that is known: an older version landed it", [part(null, 0, 900)], [], undefined],
    [
      "below what an older version landed, which has no epochs",
      [part(null, 0, 500), part(5, 500, 900)],
      [{ epoch: 5, end: 400 }],
      undefined,
    ],
    ["above what an older version landed", [part(null, 0, 500), part(5, 500, 900)], [{ epoch: 5, end: 600 }], 600],
  ] as const)("%s", async (_, landed, ends, offset) => {
    const next = Math.max(...landed.map((one) => one.next));
    expect((await commonEnd(landed, next, answering(...ends).endOf))?.offset).toBe(offset);
  });

  test("at or below where it does, however leaders follow one another and how batches cover their parts", async () => {
    const dice = (seed: number) => {
      let state = seed;
      return (below: number) => {
        state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff;
        return (state >> 8) % below;
      };
    };
    for (let seed = 1; seed <= 500; seed++) {
      const random = dice(seed);
      const entry = () => ({ key: random(1000) }) as unknown as LogEntry; // told apart by themselves
      const log = new FakeLog();
      const grow = () => {
        for (let n = random(20); n >= 0; n--) log.append(entry());
        if (random(2) === 0) log.elect(log.high);
      };
      for (let n = random(6); n >= 0; n--) grow();
      const landed = [...log.entries];
      const next = landed.length;
      const parts: LandedEpoch[] = [];
      for (let from = 0; from < next; ) {
        const to = Math.min(next, from + 1 + random(15));
        const epoch = log.leaders.findLast((leader) => leader.from < to)!.epoch;
        const known = parts.find((one) => one.epoch === epoch);
        parts.splice(parts.length - (known ? 1 : 0), known ? 1 : 0, part(epoch, known?.from ?? from, to));
        from = to;
      }
      // Leaders that lack records, and write on.
      for (let n = random(3); n >= 0; n--) {
        log.elect(random(log.high + 1));
        grow();
      }
      const same = landed.findIndex((one, offset) => log.entries[offset] !== one);
      const truth = same === -1 ? next : same;
      const found = await commonEnd(parts, next, async (epoch) => log.epochEnd(epoch));
      expect(found?.offset ?? 0, `seed ${seed}`).toBeLessThanOrEqual(truth);
    }
  });
});
