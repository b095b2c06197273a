import { describe, expect, it } from "vitest";
import { nthTickId } from "../../src/event/identity.ts";
import { BYTES_PER_EVENT, OccurrenceCounter } from "../../src/event/occurrence.ts";
import fc from "../support/random/fast-check.ts";

const MINUTE = 60_000_000;
const START = 1_381_152_600_000_000;
const tick = (minutes: number, close = 1) => ({
  symbol_id: "0198c5a4-8f6e-7c3a-9d2b-5e4f3a2b1c0d",
  timestamp: START + minutes * MINUTE,
  close,
  volume: 100,
  source: "lean",
});
const idsOf = (counter: OccurrenceCounter<ReturnType<typeof tick>>, ticks: ReturnType<typeof tick>[]) =>
  ticks.map((t) => {
    const made = counter.idOf(t);
    return typeof made === "string" ? made : made.id;
  });

describe("OccurrenceCounter", () => {
  it("counts equal ticks from 0 and others apart, also when others lie between", () => {
    const ids = idsOf(new OccurrenceCounter(nthTickId), [tick(0), tick(0), tick(1), tick(0, 2), tick(0)]);
    expect(ids).toEqual([
      nthTickId(tick(0), 0),
      nthTickId(tick(0), 1),
      nthTickId(tick(1), 0),
      nthTickId(tick(0, 2), 0),
      nthTickId(tick(0), 2),
    ]);
  });
  it("gives a prefix of a run the ids of the run, whatever the order of the lines", () => {
    const ticks = fc.array(
      fc.tuple(fc.integer({ min: 0, max: 200 }), fc.integer({ min: 1, max: 2 })).map(([m, c]) => tick(m, c)),
      { maxLength: 60 },
    );
    fc.assert(
      fc.property(ticks, fc.nat(60), (all, cut) => {
        const options = { bytesMax: 20 * BYTES_PER_EVENT };
        const whole = idsOf(new OccurrenceCounter(nthTickId, options), all);
        expect(idsOf(new OccurrenceCounter(nthTickId, options), all.slice(0, cut))).toEqual(whole.slice(0, cut));
        const ids = whole.filter((id) => !id.includes(" "));
        expect(new Set(ids).size).toBe(ids.length);
      }),
    );
  });
  it("counts lines within the reorder window on, and refuses older ones", () => {
    const counter = new OccurrenceCounter(nthTickId, { reorderWindowUs: 60 * MINUTE });
    const begin = [tick(0), tick(0), tick(0)];
    const [, , , , late, older, on] = idsOf(counter, [...begin, tick(60), tick(0), tick(-1), tick(61)]);
    expect(late).toBe(nthTickId(tick(0), 3));
    expect(older).toMatch(/sort the file/);
    expect(on).toBe(nthTickId(tick(61), 0));
    expect(idsOf(counter, [tick(0)])[0]).toMatch(/sort the file/);
  });
  it("loses no line to a single one whose time jumped ahead, at the start or later", () => {
    const jumpLater = idsOf(new OccurrenceCounter(nthTickId), [tick(0), tick(700), tick(1), tick(2)]);
    expect(jumpLater.filter((id) => id.includes(" "))).toEqual([]);
    const jumpFirst = idsOf(new OccurrenceCounter(nthTickId), [tick(700), tick(0), tick(1), tick(2), tick(3)]);
    expect(jumpFirst.filter((id) => id.includes(" "))).toEqual([]);
  });
  it("follows the file over a night, and forgets the evening", () => {
    const evening = [tick(0), tick(0), tick(1)];
    const ids = idsOf(new OccurrenceCounter(nthTickId), [
      ...evening,
      tick(900),
      tick(901),
      tick(0),
      tick(902),
      tick(903),
    ]);
    expect(ids.filter((id) => id.includes(" "))).toEqual([]);
    const sorted = idsOf(new OccurrenceCounter(nthTickId), [...evening, tick(900), tick(901), tick(902), tick(1)]);
    expect(sorted.at(-1)).toMatch(/sort the file/);
  });
  it("gives up the oldest minutes when its bytes are full, and refuses what they held", () => {
    const counter = new OccurrenceCounter(nthTickId, { bytesMax: 3 * BYTES_PER_EVENT });
    const ids = idsOf(counter, [tick(0), tick(1), tick(2), tick(3), tick(0), tick(3)]);
    expect(ids[3]).toBe(nthTickId(tick(3), 0));
    expect(ids[4]).toMatch(/sort the file/);
    expect(ids[5]).toBe(nthTickId(tick(3), 1));
  });
  it("refuses more different ticks of one minute than its bytes hold, and goes on counting the known ones", () => {
    const counter = new OccurrenceCounter(nthTickId, { bytesMax: 2 * BYTES_PER_EVENT });
    const ids = idsOf(counter, [tick(0, 1), tick(0, 2), tick(0, 3), tick(0, 1)]);
    expect(ids[2]).toMatch(/more than the 2 different events/);
    expect(ids[3]).toBe(nthTickId(tick(0, 1), 1));
  });
});
