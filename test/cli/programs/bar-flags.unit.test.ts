import { expect, test } from "vitest";
import { daysOfFlags, lengthFlag } from "../../../src/cli/programs/bar-flags.ts";

const days = (flags: object, ...lengths: string[]) =>
  daysOfFlags({ intervals: lengths.map(lengthFlag), ...flags })?.name ?? null;

test("bars are of the UTC clock, of a zone's days, or of an exchange's sessions, regular ones unless told", () => {
  expect(days({}, "1min", "1d")).toBeNull();
  expect(days({ tz: "America/New_York" }, "1w", "1mo")).toBe("America/New_York");
  expect(days({ calendar: "XNYS" }, "1d")).toBe("XNYS-regular");
  expect(days({ calendar: "XNAS", hours: "extended" }, "1d")).toBe("XNAS-extended");
});

test("flags that contradict each other are refused, and so are weeks and months of no zone", () => {
  expect(() => days({ calendar: "XNYS", tz: "UTC" })).toThrow("has a zone of its own");
  expect(() => days({ hours: "regular" })).toThrow("are those of an exchange");
  expect(() => days({}, "1d", "1w")).toThrow("bars of 1w begin at another time in each zone");
  expect(() => days({}, "1mo")).toThrow("bars of 1mo");
  expect(() => days({ tz: "New York" })).toThrow("no time zone");
  expect(() => lengthFlag("banana")).toThrow();
});
