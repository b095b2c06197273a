import { describe, expect, test } from "vitest";
import { resumePoint } from "../../src/stream/begin.ts";
import { type Input, Inputs } from "../../src/stream/inputs.ts";

const mark = (offset: number, note: string) => ({ topicName: "ticks", partition: 0, offset, note });
const place = (...args: Parameters<typeof resumePoint>) => {
  const { next, done, isWhole } = resumePoint(...args);
  return { next, done, isWhole };
};

describe("where a partition is read from", () => {
  test("is its first record when nothing is known, whole unless retention has cut it", () => {
    expect(place(undefined, 0, 10)).toEqual({ next: 0, done: 0, isWhole: true });
    expect(place(undefined, 4, 10)).toEqual({ next: 4, done: 4, isWhole: false });
  });

  test("is where the note says, in silence up to the mark", () => {
    expect(place(mark(8, "5"), 0, 10)).toEqual({ next: 5, done: 8, isWhole: true });
  });

  test("is the log's begin where what is needed is gone", () => {
    expect(place(mark(8, "2"), 4, 10)).toEqual({ next: 4, done: 8, isWhole: false });
    expect(place(mark(8, "2"), 9, 10)).toEqual({ next: 9, done: 9, isWhole: false });
  });

  test("is the begin of a log that was made again: its mark is of another one", () => {
    expect(place(mark(80, "70"), 0, 10)).toEqual({ next: 0, done: 0, isWhole: true });
  });
});

describe("a replay of two inputs", () => {
  const start = (...dones: number[]) => {
    const said: string[] = [];
    const name = ({ partition }: { partition: number }) => String(partition);
    const all = dones.map((done, partition): Input => {
      const places = { next: 0, done, isWhole: true, end: 9, lastEnd: 9, isPaused: false };
      return { topic: "ticks", topicName: "ticks", partition, ...places };
    });
    const inputs = new Inputs(all, {
      seek: (at, offset) => said.push(`seek ${name(at)} ${offset}`),
      hold: (at) => said.push(`hold ${name(at)}`),
    });
    return { inputs, said };
  };

  test("holds the one that is at its mark until the other is at its own, then both go on from there", () => {
    const { inputs, said } = start(5, 3);
    inputs.advance(inputs.find("ticks", 1)!, 3);
    expect([inputs.isReplaying, inputs.find("ticks", 1)!.isPaused]).toEqual([true, true]);
    inputs.advance(inputs.find("ticks", 0)!, 5);
    expect([inputs.isReplaying, inputs.isCaughtUp]).toEqual([false, false]);
    expect(said).toEqual(["seek 0 0", "seek 1 0", "hold 1", "hold 0", "seek 0 5", "seek 1 3"]);
  });

  test("is none when there is nothing to be shown again", () => {
    expect(start(0, 0).inputs.isReplaying).toBe(false);
  });

  test("has caught up when each is where its log ended", () => {
    const { inputs } = start(0, 0);
    inputs.advance(inputs.find("ticks", 0)!, 9);
    expect([inputs.isCaughtUp, inputs.isAtLastEnd]).toEqual([false, false]);
    inputs.find("ticks", 0)!.end = 11;
    inputs.advance(inputs.find("ticks", 1)!, 9);
    expect([inputs.isCaughtUp, inputs.isAtLastEnd]).toEqual([false, true]);
  });
});
