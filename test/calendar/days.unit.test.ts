import { describe, expect, it } from "vitest";
import { type Days, exchangeDays, type Span, utcSpans, zoneDays } from "../../src/calendar/days.ts";
import { Exchange } from "../../src/calendar/exchange.ts";
import { TradetapeError } from "../../src/errors.ts";
import { DAY_US, dayOf } from "../../src/event/day.ts";

const at = (iso: string) => Date.parse(iso) * 1000;
const iso = (us: number) => new Date(us / 1000).toISOString().slice(0, 16);
const shown = (span: Span | null) => span && `${iso(span.start)} ${iso(span.end)}`;
const spanOf = (days: Days, interval: string, time: string) => shown(days.spansOf(interval)(at(time)));
const REGULAR = exchangeDays("XNYS", "regular");
const EXTENDED = exchangeDays("XNYS", "extended");

describe("sessions of New York", () => {
  it.each([
    ["in winter", "2014-01-07T15:00:00Z", "2014-01-07T14:30 2014-01-07T21:00", "2014-01-07T09:00 2014-01-08T01:00"],
    ["in summer", "2013-10-08T15:00:00Z", "2013-10-08T13:30 2013-10-08T20:00", "2013-10-08T08:00 2013-10-09T00:00"],
    [
      "that end early",
      "2024-11-29T15:00:00Z",
      "2024-11-29T14:30 2024-11-29T18:00",
      "2024-11-29T09:00 2024-11-29T22:00",
    ],
    [
      "on a day whose clocks changed before",
      "2024-11-04T15:00:00Z",
      "2024-11-04T14:30 2024-11-04T21:00",
      "2024-11-04T09:00 2024-11-05T01:00",
    ],
  ])("%s", (_what, time, regular, extended) => {
    expect(spanOf(REGULAR, "1d", time)).toBe(regular);
    expect(spanOf(EXTENDED, "1d", time)).toBe(extended);
  });
  it.each([
    ["a Saturday", "2014-01-11T15:00:00Z"],
    ["Thanksgiving", "2024-11-28T15:00:00Z"],
    ["Good Friday, which is no holiday elsewhere", "2024-03-29T15:00:00Z"],
    ["a holiday that is kept on the Monday behind it", "2022-06-20T15:00:00Z"],
    ["a day of mourning", "2025-01-09T15:00:00Z"],
    ["a storm", "2012-10-29T15:00:00Z"],
  ])("are none on %s", (_what, time) => {
    expect(spanOf(EXTENDED, "1d", time)).toBeNull();
  });
  it("are from the open on and end before the close", () => {
    const exchange = new Exchange("XNAS", "regular");
    const session = { date: "2014-01-07", open: at("2014-01-07T14:30:00Z"), close: at("2014-01-07T21:00:00Z") };
    expect(exchange.sessionOf(session.open)).toEqual(session);
    expect(exchange.sessionOf(session.close - 1)).toEqual(session);
    expect([exchange.sessionOf(session.open - 1), exchange.sessionOf(session.close)]).toEqual([null, null]);
  });
  it("are 252 in 2024, of which three end early", () => {
    const sessions = new Exchange("XNYS", "regular").sessionsBetween(dayOf(at("2024-01-01")), dayOf(at("2025-01-01")));
    const isShort = ({ open, close }: { open: number; close: number }) => close - open < 0.25 * DAY_US;
    expect([sessions.length, sessions.filter(isShort).map(({ date }) => date)]).toEqual([
      252,
      ["2024-07-03", "2024-11-29", "2024-12-24"],
    ]);
  });
  it("are refused for years that the calendar says nothing of, as for calendars and hours that aren't there", () => {
    expect(() => spanOf(REGULAR, "1d", "1999-03-05T15:00:00Z")).toThrow("knows 2003 to 2028, not 1999-03-05");
    expect(() => exchangeDays("XMOS", "regular")).toThrow(TradetapeError);
    expect(() => exchangeDays("FX", "extended")).toThrow("no extended hours");
  });
});

describe("a market is open", () => {
  const since = (calendar: string, time: string) => {
    const us = new Exchange(calendar, "regular").openSince(at(time));
    return us === null ? null : iso(us);
  };
  it.each([
    ["in London, in summer", "XLON", "2025-07-01T14:00:00Z", "2025-07-01T07:00"],
    ["in London until noon on Christmas Eve", "XLON", "2025-12-24T12:29:00Z", "2025-12-24T08:00"],
    ["not in London behind that", "XLON", "2025-12-24T12:30:00Z", null],
    ["not in Frankfurt on Good Friday", "XETR", "2025-04-18T10:00:00Z", null],
    ["in Frankfurt until 14:00 on the year's last day", "XETR", "2024-12-30T12:59:00Z", "2024-12-30T08:00"],
    ["in Tokyo before lunch", "XTKS", "2025-07-01T02:29:59Z", "2025-07-01T00:00"],
    ["not in Tokyo at lunch", "XTKS", "2025-07-01T03:00:00Z", null],
    ["in Tokyo behind lunch", "XTKS", "2025-07-01T03:30:00Z", "2025-07-01T03:30"],
    ["in Tokyo until 15:30 since November 2024", "XTKS", "2024-11-05T06:29:00Z", "2024-11-05T03:30"],
    ["not in Tokyo behind 15:00 before", "XTKS", "2024-11-01T06:00:00Z", null],
    ["in Chicago since Sunday evening", "CMES", "2025-07-02T12:00:00Z", "2025-06-29T22:00"],
    ["not in Chicago on a Saturday", "CMES", "2025-07-05T12:00:00Z", null],
    ["at all hours, of which eight days are looked at", "24/7", "2025-07-05T12:00:00Z", "2025-06-28T00:00"],
  ])("%s", (_what, calendar, time, open) => {
    expect(since(calendar, time)).toBe(open);
  });
  it("until its last close", () => {
    const close = (calendar: string, time: string) => iso(new Exchange(calendar, "regular").lastClose(at(time)));
    expect(close("XNYS", "2025-11-28T18:00:00Z")).toBe("2025-11-28T18:00");
    expect(close("XNYS", "2025-11-28T17:59:00Z")).toBe("2025-11-26T21:00");
  });
});

describe("bars of a session", () => {
  it("shorter than it are counted from the open, and the last one ends at the close", () => {
    expect(spanOf(REGULAR, "1h", "2014-01-07T15:29:59Z")).toBe("2014-01-07T14:30 2014-01-07T15:30");
    expect(spanOf(REGULAR, "1h", "2014-01-07T20:59:59Z")).toBe("2014-01-07T20:30 2014-01-07T21:00");
    expect(spanOf(REGULAR, "1h", "2014-01-07T14:29:59Z")).toBeNull();
  });
  it("of weeks and months reach from the first open to the last close, and have nothing from between", () => {
    expect(spanOf(REGULAR, "1w", "2024-07-03T15:00:00Z")).toBe("2024-07-01T13:30 2024-07-05T20:00");
    expect(spanOf(REGULAR, "1w", "2024-09-03T15:00:00Z")).toBe("2024-09-03T13:30 2024-09-06T20:00");
    expect(spanOf(REGULAR, "1mo", "2024-11-15T15:00:00Z")).toBe("2024-11-01T13:30 2024-11-29T18:00");
    const week = REGULAR.spansOf("1w");
    expect([week(at("2024-07-02T15:00:00Z")), week(at("2024-07-02T23:00:00Z"))].map(shown)).toEqual([
      "2024-07-01T13:30 2024-07-05T20:00",
      null,
    ]);
  });
  it("of currencies begin on the evening before, and on Sunday's", () => {
    const days = exchangeDays("FX", "regular");
    expect(spanOf(days, "1d", "2024-11-03T22:30:00Z")).toBe("2024-11-03T22:00 2024-11-04T22:00");
    expect(spanOf(days, "1d", "2024-11-03T21:30:00Z")).toBeNull();
    expect(spanOf(days, "1w", "2024-11-05T12:00:00Z")).toBe("2024-11-03T22:00 2024-11-08T22:00");
  });
});

describe("bars of a zone", () => {
  const NEW_YORK = zoneDays("America/New_York");
  it.each([
    ["1d", "2024-11-03T12:00:00Z", "2024-11-03T04:00 2024-11-04T05:00"],
    ["1d", "2024-03-10T12:00:00Z", "2024-03-10T05:00 2024-03-11T04:00"],
    ["1w", "2024-11-03T12:00:00Z", "2024-10-28T04:00 2024-11-04T05:00"],
    ["1mo", "2024-11-30T12:00:00Z", "2024-11-01T04:00 2024-12-01T05:00"],
    ["4h", "2024-11-04T04:59:00Z", "2024-11-04T04:00 2024-11-04T05:00"],
  ])("of %s at %s are %s", (interval, time, span) => {
    expect(spanOf(NEW_YORK, interval, time)).toBe(span);
  });
  it("of weeks begin on Monday, in UTC too", () => {
    expect(spanOf(zoneDays("UTC"), "1w", "2013-10-09T12:00:00Z")).toBe("2013-10-07T00:00 2013-10-14T00:00");
  });
  it("of several days are nobody's guess", () => {
    for (const days of [NEW_YORK, REGULAR]) expect(() => days.spansOf("2d")).toThrow("nobody knows on which day");
  });
});

it("bars without days are counted from 1970 on", () => {
  expect(shown(utcSpans(DAY_US)(at("2014-01-07T00:26:07Z")))).toBe("2014-01-07T00:00 2014-01-08T00:00");
  expect(shown(utcSpans(DAY_US)(at("1969-12-31T12:00:00Z")))).toBe("1969-12-31T00:00 1970-01-01T00:00");
});
