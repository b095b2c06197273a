import { describe, expect, it, vi } from "vitest";
import { ticks } from "../../consumers/ticks.ts";
import { encodeBatch } from "../../src/batch/encode/encode.ts";
import type { Encoder } from "../../src/batch/encode/encoder.ts";
import { EventFilter } from "../../src/batch/encode/event-filter.ts";
import { KnownDays } from "../../src/batch/encode/known-days.ts";
import { held, watchLoop } from "../../src/batch/loop-watch.ts";
import type { EventReader } from "../../src/event/codec.ts";
import { Refusal } from "../../src/event/letter.ts";
import { RowEncoder } from "../../src/table/rows/row-encoder.ts";
import { recordsOf } from "../support/landing.ts";
import { EVERY_SESSION_KIND } from "../support/samples.ts";

/** A clock that only work moves, with a timer that the test calls as a loop does that is free again. */
function handedClock() {
  let now = 0;
  const looks = new Set<() => void>();
  const passes = (ms: number) => {
    now += ms;
  };
  const turn = () => {
    passes(250);
    for (const look of looks) look();
  };
  const every = (_ms: number, look: () => void) => {
    looks.add(look);
    return () => void looks.delete(look);
  };
  return { passes, turn, looks, clock: { now: () => now, every } };
}

/** Reads values of which each takes as many milliseconds as it says: a hostile one is one that takes many. */
const encoderOf = (passes: (ms: number) => void): Encoder => ({
  consumer: ticks,
  reader: {
    read: (value: Buffer) => {
      passes(Number(String(value)));
      return new Refusal("undecodable", "no event");
    },
  } as unknown as EventReader,
  rowEncoder: new RowEncoder([], false),
  transcoders: { of: () => undefined },
  eventBytesMax: 1000,
  early1970: "refuse",
  judge: () => undefined,
  signerOf: undefined,
  newDaysPerBatchMax: 2,
  filter: new EventFilter(EVERY_SESSION_KIND),
  days: new KnownDays("market_data_tick"),
});

const STEP = { step: "tell", topic: "fills", partition: 3, offset: 7, nextOffset: 9 } as const;

describe("a loop that is held", () => {
  it("is told of with the topic, partition, offsets and step, where a value is slow to read", () => {
    const { clock, passes, turn } = handedClock();
    const warn = vi.fn();
    const end = watchLoop({ warn }, clock);
    const values = ["1", "2000", "1"].map((ms) => Buffer.from(ms));
    encodeBatch(encoderOf(passes), 2, recordsOf(values, 40), { firstOffset: 40, nextOffset: 43, from: 0 });
    held(STEP, () => passes(30));
    turn();
    expect(warn.mock.calls).toEqual([
      [
        { heldMs: 2032, tookMs: 2002, step: "encode", topic: "ticks", partition: 2, offset: 40, nextOffset: 43 },
        expect.stringContaining("nothing else of this process ran"),
      ],
    ]);
    end();
  });

  it("is told of once, and each time anew", () => {
    const { clock, passes, turn } = handedClock();
    const warn = vi.fn();
    const end = watchLoop({ warn }, clock);
    for (const ms of [900, 0, 700]) {
      held(STEP, () => passes(ms));
      turn();
    }
    expect(warn.mock.calls.map(([{ heldMs }]) => heldMs)).toEqual([900, 700]);
    end();
  });

  it("is told of where a step throws, which is thrown", () => {
    const { clock, passes, turn } = handedClock();
    const warn = vi.fn();
    const end = watchLoop({ warn }, clock);
    const step = () =>
      held(STEP, () => {
        passes(900);
        throw new Error("of the step");
      });
    expect(step).toThrow("of the step");
    turn();
    expect(warn.mock.calls).toEqual([[expect.objectContaining({ topic: "fills", tookMs: 900 }), expect.any(String)]]);
    end();
  });

  it("is told of without a group where no step took long", () => {
    const { clock, passes, turn } = handedClock();
    const warn = vi.fn();
    const end = watchLoop({ warn }, clock);
    held(STEP, () => passes(20));
    passes(3000);
    turn();
    expect(warn.mock.calls).toEqual([[{ heldMs: 3020 }, expect.stringContaining("no group's step")]]);
    end();
  });

  it("isn't told of for less than half a second, nor for steps of which each lets others run", () => {
    const { clock, passes, turn } = handedClock();
    const warn = vi.fn();
    const end = watchLoop({ warn }, clock);
    for (let n = 0; n < 10; n++) {
      held(STEP, () => passes(499));
      turn();
    }
    expect(warn).not.toHaveBeenCalled();
    end();
  });

  it("is told of to all who look, until each has ended that", () => {
    const [one, other] = [handedClock(), handedClock()];
    const warns = [vi.fn(), vi.fn()];
    const ends = [one, other].map(({ clock }, n) => watchLoop({ warn: warns[n]! }, clock));
    held(STEP, () => {
      one.passes(800);
      other.passes(800);
    });
    one.turn();
    other.turn();
    ends[0]!();
    expect(one.looks.size).toBe(0);
    held(STEP, () => other.passes(700));
    other.turn();
    ends[1]!();
    expect(warns.map(({ mock }) => mock.calls.map(([{ tookMs }]) => tookMs))).toEqual([[800], [800, 700]]);
    expect(held(STEP, () => "what the step gives")).toBe("what the step gives");
  });
});
