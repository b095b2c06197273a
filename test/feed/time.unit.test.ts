import { DateTime } from "luxon";
import { describe, expect, it } from "vitest";
import { TradetapeError } from "../../src/errors.ts";
import { parseIso, type WrittenTime } from "../../src/event/time/iso.ts";
import { epochUnit, momentOf, outsideRange, parseEpoch } from "../../src/feed/time.ts";
import { ZoneClock } from "../../src/feed/zone.ts";
import fc from "../support/random/fast-check.ts";

const at = (iso: string) => Date.parse(iso) * 1000;
const anyTime = fc.integer({ min: at("1700-01-01T00:00:00Z"), max: 4_000_000_000_000_000 });

describe("parseIso", () => {
  it("reads what toISOString writes, with up to nine decimals", () => {
    fc.assert(
      fc.property(anyTime, fc.nat(999), (us, ns) => {
        const text = new Date(Math.floor(us / 1e6) * 1000).toISOString().slice(0, 19);
        const decimals = `${us - Math.floor(us / 1e6) * 1e6}`.padStart(6, "0") + `${ns}`.padStart(3, "0");
        expect(parseIso(`${text}.${decimals}Z`)).toEqual({ us, ns, zoned: true, dateOnly: false });
      }),
    );
  });
  it.each([
    ["2024-02-29", "2024-02-29T00:00:00Z", false],
    ["2024/02/29 09:30", "2024-02-29T09:30:00Z", false],
    ["2024-02-29T09:30:15+02:00", "2024-02-29T07:30:15Z", true],
    ["2024-02-29 09:30:15.5 -0530", "2024-02-29T15:00:15.5Z", true],
    ["2024-02-29T09:30:15z", "2024-02-29T09:30:15Z", true],
    ["2024-02-29T09:30:15+02", "2024-02-29T07:30:15Z", true],
  ])("reads %s", (text, utc, zoned) => {
    expect(parseIso(text)).toMatchObject({ us: at(utc), zoned });
  });
  it.each([
    "2023-02-29",
    "2024-13-01",
    "2024-00-10",
    "2024-01-32",
    "2024-01-01T24:00",
    "2024-01-01T10:60",
    "2024-01-01T10:00:60Z",
    "2024-01-01T10:00+25:00",
    "01/02/2024",
    "yesterday",
    "",
    "2024-01-01T10:00:00.1234567891Z",
  ])("refuses %s with a sentence", (text) => {
    expect(parseIso(text)).toBeTypeOf("string");
  });
});

describe("epoch times", () => {
  it("are told apart by size and read without rounding", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1e14, max: 4e15 }), fc.nat(999), (us, ns) => {
        if (us >= 1e15) expect(epochUnit(String(us).length)).toBe("us");
        expect(parseEpoch(String(us), "us")).toEqual({ us, ns: 0 });
        expect(parseEpoch(`${us}${`${ns}`.padStart(3, "0")}`, "ns")).toEqual({ us, ns });
        const ms = Math.floor(us / 1000);
        expect(parseEpoch(String(ms), "ms")).toEqual({ us: ms * 1000, ns: 0 });
        expect(parseEpoch(`${Math.floor(us / 1e6)}.${`${us % 1e6}`.padStart(6, "0")}`, "s")).toEqual({ us, ns: 0 });
      }),
    );
  });
  it("keeps the nanoseconds that a double would lose", () => {
    expect(parseEpoch("1675329600138123457", "ns")).toEqual({ us: 1_675_329_600_138_123, ns: 457 });
  });
  it("of few digits and before 1970 are read in the unit that was decided", () => {
    expect(parseEpoch("-252374400", "s")).toEqual({ us: at("1962-01-02T00:00:00Z"), ns: 0 });
    expect(parseEpoch("-252374400000", "ms")).toEqual({ us: at("1962-01-02T00:00:00Z"), ns: 0 });
    expect(parseEpoch("9000000000", "ms")).toEqual({ us: at("1970-04-15T04:00:00Z"), ns: 0 });
    expect(parseEpoch("-1.5", "s")).toEqual({ us: -1_500_000, ns: 0 });
    expect(parseEpoch("-1", "ns")).toEqual({ us: -1, ns: 999 });
    expect(parseEpoch("-1001", "ns")).toEqual({ us: -2, ns: 999 });
    expect(parseEpoch("-1000", "ns")).toEqual({ us: -1, ns: 0 });
    expect(parseEpoch("0", "s")).toEqual({ us: 0, ns: 0 });
  });
  it("refuses what is no number", () => {
    expect(parseEpoch("1e12", "ms")).toMatch(/no time/);
    expect(parseEpoch("1735689600.1234567891", "s")).toMatch(/no time/);
  });
});

describe("ZoneClock", () => {
  it("agrees with luxon about any wall-clock time that exists once", () => {
    for (const name of ["America/New_York", "Europe/London", "Australia/Lord_Howe", "Asia/Kolkata", "UTC"]) {
      const clock = new ZoneClock(name);
      fc.assert(
        fc.property(anyTime, (utc) => {
          const there = DateTime.fromMillis(Math.floor(utc / 1000), { zone: name });
          const wall = utc + there.offset * 60_000_000;
          const back = clock.toUtc(wall);
          if (typeof back === "string") expect(there.getPossibleOffsets().length).toBe(2);
          else expect(back).toBe(utc);
        }),
      );
    }
  });
  it("has no time in the hour that is skipped, and no guess in the one that comes twice", () => {
    const clock = new ZoneClock("America/New_York");
    expect(clock.toUtc(at("2024-03-10T01:59:59Z"))).toBe(at("2024-03-10T06:59:59Z"));
    expect(clock.toUtc(at("2024-03-10T02:30:00Z"))).toMatch(/doesn't exist in America\/New_York/);
    expect(clock.toUtc(at("2024-03-10T03:00:00Z"))).toBe(at("2024-03-10T07:00:00Z"));
    expect(clock.toUtc(at("2024-11-03T00:59:59Z"))).toBe(at("2024-11-03T04:59:59Z"));
    expect(clock.toUtc(at("2024-11-03T01:30:00Z"))).toMatch(/occurs twice/);
    expect(clock.toUtc(at("2024-11-03T02:00:00Z"))).toBe(at("2024-11-03T07:00:00Z"));
  });
  it("begins a day after midnight where midnight is skipped", () => {
    const clock = new ZoneClock("America/Sao_Paulo");
    expect(clock.dayStart(at("2018-11-04T00:00:00Z"))).toBe(at("2018-11-04T03:00:00Z"));
    expect(clock.dayStart(at("2018-11-05T00:00:00Z"))).toBe(at("2018-11-05T02:00:00Z"));
  });
  it.each([
    ["a day of 25 hours", "America/New_York", "1d", "2024-11-03T04:00:00Z", "2024-11-04T05:00:00Z"],
    ["a day of 23 hours", "America/New_York", "1d", "2024-03-10T05:00:00Z", "2024-03-11T04:00:00Z"],
    ["a day whose next one has no midnight", "America/Sao_Paulo", "1d", "2018-11-03T03:00:00Z", "2018-11-04T03:00:00Z"],
    ["a week with a day of 25 hours", "America/New_York", "1w", "2024-10-28T04:00:00Z", "2024-11-04T05:00:00Z"],
    ["a month with a day of 23 hours", "Europe/Berlin", "1mo", "2024-02-29T23:00:00Z", "2024-03-31T22:00:00Z"],
    ["a quarter", "UTC", "3mo", "2023-12-01T00:00:00Z", "2024-03-01T00:00:00Z"],
    ["an hour, wherever it begins", "America/New_York", "1h", "2024-11-03T05:30:00Z", "2024-11-03T06:30:00Z"],
    ["24 hours, which are no day", "America/New_York", "24h", "2024-11-03T04:00:00Z", "2024-11-04T04:00:00Z"],
  ])("ends %s (%s, %s)", (_what, zone, interval, start, end) => {
    expect(new ZoneClock(zone).endOf(at(start), interval)).toBe(at(end));
  });
  it("doesn't guess the end of what begins within a day or month, or is no interval", () => {
    const clock = new ZoneClock("America/New_York");
    expect(clock.endOf(at("2024-11-01T13:30:00Z"), "1d")).toBeNull();
    expect(clock.endOf(at("2024-11-02T04:00:00Z"), "1mo")).toBeNull();
    expect(clock.endOf(at("2024-11-01T04:00:00Z"), "banana")).toBeNull();
  });
  it("refuses a name that is no zone", () => {
    expect(() => new ZoneClock("New York")).toThrow(TradetapeError);
  });
});

describe("momentOf", () => {
  const naive: WrittenTime = { us: at("2024-07-01T09:30:00Z"), ns: 7, zoned: false, dateOnly: false };
  it("takes the zone for a time without one, and asks for it where there is none", () => {
    expect(momentOf(naive, new ZoneClock("America/New_York"))).toEqual({ us: at("2024-07-01T13:30:00Z"), ns: 7 });
    expect(momentOf(naive, undefined)).toMatch(/--tz/);
    expect(momentOf({ ...naive, zoned: true }, new ZoneClock("America/New_York"))).toMatchObject({ us: naive.us });
  });
});

describe("outsideRange", () => {
  it("allows what 2^53 microseconds reach, to two days ahead", () => {
    const now = Date.now() * 1000;
    const good = [at("1685-01-01T00:00:00Z"), -1, 0, now, now + 86_400e6];
    expect(good.map(outsideRange)).toEqual(good.map(() => null));
    expect(outsideRange(at("1684-01-01T00:00:00Z"))).toMatch(/1684/);
    expect(outsideRange(now + 3 * 86_400e6)).toMatch(/ahead/);
  });
});
