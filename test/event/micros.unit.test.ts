import { runInNewContext } from "node:vm";
import { describe, expect, it } from "vitest";
import { CONSUMERS } from "../../consumers/all.ts";
import { TradetapeError } from "../../src/errors.ts";
import { completeEvent } from "../../src/event/complete.ts";
import { EVENT_TOPICS, TIME_FIELDS } from "../../src/event/schemas.ts";
import { micros } from "../../src/event/time/micros.ts";
import { wrongTime } from "../../src/event/time/range.ts";
import { checkEvent } from "../../src/event/validate.ts";
import fc from "../support/random/fast-check.ts";
import { RULES_FILE } from "../support/rules.ts";
import { bar, NOON, performance, tick } from "../support/samples.ts";

const ISO = "2024-03-05T14:30:00.000007Z";
const US = NOON + 7;

describe("micros", () => {
  it("reads any form of a time, before 1970, too", () => {
    fc.assert(
      fc.property(fc.integer({ min: -8e12, max: 8e12 }), (ms) => {
        const us = ms * 1000;
        const forms = [us, new Date(ms), new Date(ms).toISOString(), BigInt(us) * 1000n];
        expect([...forms, { epochNanoseconds: BigInt(us) * 1000n }].map(micros)).toEqual(Array(5).fill(us));
      }),
    );
    expect(micros(ISO)).toBe(US);
    expect(micros("2024-03-05T15:30:00.000007+01:00")).toBe(US);
    expect(micros(-1000n)).toBe(-1);
  });
  it("reads a Date of another realm, as test runners hand over", () => {
    expect(micros(runInNewContext(`new Date(${NOON / 1000})`) as Date)).toBe(NOON);
  });
  it.each([
    ["2024-03-05T14:30:00", /has no zone/],
    ["2024-03-05", /has no zone/],
    ["1".repeat(50), /"1{40}\.\.\." is no ISO date or time/],
    ["yesterday", /no ISO date/],
    [1.5, /whole microseconds/],
    [2 ** 53, /whole microseconds/],
    [Number.NaN, /whole microseconds/],
    [2n ** 63n, /1684 to 2255/],
    ["1600-01-01T00:00:00Z", /1684 to 2255/],
    [new Date(Number.NaN), /invalid Date/],
    [{}, /Temporal.Instant/],
    [null, /Temporal.Instant/],
    [1n, /has 1 nanoseconds below/],
    [-1n, /has 999 nanoseconds below/],
    ["2024-03-05T14:30:00.0000071Z", /has 100 nanoseconds below/],
    ["2024-03-05T14:30:00,0000071Z", /has 100 nanoseconds below/],
  ])("refuses %s in a sentence", (time, sentence) => {
    expect(() => micros(time as never)).toThrow(TradetapeError);
    expect(() => micros(time as never)).toThrow(sentence);
  });
});

describe("completeEvent, of times in other forms", () => {
  const nanos = BigInt(US) * 1000n;
  const complete = (change: object) => completeEvent("ticks", { ...tick(), ...change });

  it.each(EVENT_TOPICS)(
    "puts microseconds in the place of every time of %s, and leaves the given object alone",
    (topic) => {
      const good = RULES_FILE.good[topic];
      const timeOf = (name: string) => (name === "ends_at" ? NOON + 60_000_000 : NOON);
      const times = Object.fromEntries(TIME_FIELDS[topic].map((name) => [name, new Date(timeOf(name) / 1000)]));
      const given = { ...good, ...times };
      const whole = Object.fromEntries(TIME_FIELDS[topic].map((name) => [name, timeOf(name)]));
      expect(completeEvent(topic, given)).toEqual({ ...good, ...whole });
      expect(given).toEqual({ ...good, ...times });
    },
  );
  it("keeps what lies below a tick's microsecond in its timestamp_ns", () => {
    const { timestamp_ns: _, ...plain } = tick();
    expect(completeEvent("ticks", { ...plain, timestamp: nanos + 5n })).toMatchObject({
      timestamp: US,
      timestamp_ns: 5,
    });
    expect(completeEvent("ticks", { ...plain, timestamp: ISO.replace("Z", "005Z") })).toMatchObject({
      timestamp_ns: 5,
    });
    expect(completeEvent("ticks", { ...plain, timestamp: "2024-03-05T14:30:00,000007005Z" })).toMatchObject({
      timestamp: US,
      timestamp_ns: 5,
    });
    expect(complete({ timestamp: nanos + 5n, timestamp_ns: 5 })).toMatchObject({ timestamp: US, timestamp_ns: 5 });
    expect(complete({ timestamp: ISO, timestamp_ns: 6 })).toMatchObject({ timestamp: US, timestamp_ns: 6 });
  });
  it("refuses nanoseconds that contradict timestamp_ns, or have no field of their own", () => {
    expect(complete({ timestamp: nanos + 5n, timestamp_ns: 6 })).toBe(
      "timestamp has 5 nanoseconds below its microsecond, and timestamp_ns is 6",
    );
    expect(complete({ timestamp: nanos, timestamp_ns: 6 })).toMatch(/has 0 nanoseconds/);
    expect(complete({ received_at: nanos + 5n })).toMatch(/^received_at has 5 nanoseconds below its microsecond/);
    expect(completeEvent("bars", { ...bar(), timestamp: nanos + 5n })).toMatch(/^timestamp has 5 nanoseconds/);
  });
  it("makes an id of the time that was meant", () => {
    const { market_data_id: _, ...plain } = bar(0, { timestamp: NOON });
    const made = completeEvent("bars", plain);
    expect(completeEvent("bars", { ...plain, timestamp: new Date(NOON / 1000) })).toEqual(made);
  });
  it("refuses text without a zone, by the field's name", () => {
    expect(complete({ timestamp: "2024-03-05 14:30" })).toMatch(/^timestamp "2024-03-05 14:30" has no zone/);
  });
});

describe("wrongTime", () => {
  const DAY = 86_400_000_000;
  /** Times within a bar, which may begin in 1969 and end in 1970. */
  const OF_BAR = ["ends_at", "first_trade_at", "last_trade_at"];
  it.each(OF_BAR)(
    "leaves a bar's %s that is another unit's to the rules, which find it before the bar's start",
    (name) => {
      const event = { ...RULES_FILE.good.bars, [name]: NOON / 1000 };
      expect(wrongTime(TIME_FIELDS.bars, event, "refuse", NOON)).toBeNull();
      expect(checkEvent("bars", event)).toMatch(/ must (not )?lie before /);
    },
  );
  it.each(EVENT_TOPICS)("finds each time of %s that is another unit's", (topic) => {
    for (const name of TIME_FIELDS[topic].filter((one) => !OF_BAR.includes(one))) {
      const event = { ...RULES_FILE.good[topic], [name]: NOON / 1000 };
      expect(wrongTime(TIME_FIELDS[topic], event, "refuse", NOON)).toMatchObject({ reason: "time_unit", field: name });
      expect(wrongTime(TIME_FIELDS[topic], event, "allow", NOON)).toBeNull();
    }
  });
  it("says what the number would be in which unit", () => {
    const detail = (timestamp: number) => wrongTime(["timestamp"], { timestamp }, "refuse", NOON)!.detail;
    const date = "2024-03-05T14:30:00.000Z";
    expect(detail(NOON / 1000)).toContain(`as milliseconds it is ${date}. Times`);
    expect(detail(NOON / 1e6)).toContain(`as seconds ${date}`);
    expect(detail(0)).toContain("0 would be 1970-01-01T00:00:00.000Z");
  });
  it("takes a revised_at of 0, than which every revision is newer, and no other time of 0", () => {
    const zero = (name: string) => wrongTime([name], { [name]: 0 }, "refuse", NOON);
    const names = [...new Set(EVENT_TOPICS.flatMap((topic) => TIME_FIELDS[topic]))];
    expect(names.filter((name) => zero(name) === null)).toEqual(["revised_at", ...OF_BAR]);
    expect(wrongTime(["revised_at"], { revised_at: 1 }, "refuse", NOON)).toMatchObject({ reason: "time_unit" });
  });
  it.each(CONSUMERS)("bounds, of $topic, the time that its consumer names, and no other", ({ topic, time }) => {
    const bounded = TIME_FIELDS[topic].filter((name) => wrongTime([name], { [name]: NOON + 3 * DAY }, "refuse", NOON));
    expect(bounded).toEqual(time === undefined ? [] : [time]);
  });
  it("lets a time lie two days ahead of the broker's, and one by which nothing is ordered further", () => {
    const at = (event: object) => wrongTime(Object.keys(event), event as never, "refuse", NOON);
    expect(at({ timestamp: NOON + 2 * DAY })).toBeNull();
    expect(at({ timestamp: NOON + 2 * DAY + 1 })).toMatchObject({ reason: "time_out_of_range", field: "timestamp" });
    expect(at({ window_start: NOON + 3 * DAY })).toMatchObject({ reason: "time_out_of_range", field: "window_start" });
    expect(at({ window_end: NOON + 3 * DAY })).toBeNull();
    expect(at({ created_at: NOON + 3 * DAY })).toBeNull();
    expect(wrongTime(TIME_FIELDS.performance, performance(), "refuse", NOON)).toBeNull();
  });
});
