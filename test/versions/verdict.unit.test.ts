import { expect, test } from "vitest";
import { failuresOf, type Results } from "./verdict.ts";

const results = (passed: number, failed: number, ...statuses: readonly string[]): Results => ({
  numPassedTests: passed,
  numFailedTests: failed,
  testResults: statuses.map((status) => ({ name: "a", status, assertionResults: [] })),
});
const PROVEN = { isProven: true, says: "same server: repaired; no roles: repaired" };
const WRONG = { isProven: false, says: "same server: NOT as made" };

test.each([
  ["all passed", results(3, 0, "passed"), PROVEN, 0],
  ["two tests failed", results(1, 2, "failed"), PROVEN, 2],
  ["a file couldn't be loaded", results(3, 0, "passed", "failed"), PROVEN, 1],
  ["there is no report", undefined, PROVEN, 1],
  ["a report has no test", results(0, 0), PROVEN, 1],
  ["a dump isn't as it was made, or wasn't tried", results(3, 0, "passed"), WRONG, 1],
  ["tests and the dump failed", results(1, 2, "failed"), WRONG, 3],
])("%s", (_, found, dump, failures) => {
  expect(failuresOf(found, dump)).toBe(failures);
});
