import { expect, test } from "vitest";
import { moneyFlag } from "../../src/cli/flags.ts";
import { tradetape } from "../support/tradetape.ts";

const ID = "0198c5a4-8f6e-7c3a-9d2b-5e4f3a2b1c0d";

test.each([
  [["run", "fills", "--session"]],
  [["replay", "--into", "postgres://localhost/x", "--session"]],
  [["sessions", "show"]],
  [["audit", "prove"]],
])("%j takes an id in capitals for the same one, and refuses what is none", async (args) => {
  const refused = await tradetape([...args, "nightly"]);
  expect([refused.code, refused.stderr]).toEqual([2, expect.stringContaining("nightly")]);
  // Goes on to ask for what it works on, which isn't set here.
  const taken = await tradetape([...args, ID.toUpperCase()]);
  expect([taken.code, taken.stderr]).toEqual([2, expect.stringContaining("not set: ")]);
});

test("money is a number above 0, or wasn't told", () => {
  expect(["100000", "0.5", "1e6", undefined].map((text) => moneyFlag("--capital", text))).toEqual([
    ...[100_000, 0.5, 1e6, undefined],
  ]);
  for (const text of ["0", "-1", "", "a lot", "NaN", "Infinity"]) {
    expect(() => moneyFlag("--capital", text), text).toThrow(`--capital ${text} can't be used`);
  }
});

test("run without a session runs what is named without fills, and says so where it doesn't", async () => {
  for (const programs of [[], ["decisions", "fills"]]) {
    const { code, stderr } = await tradetape(["run", ...programs, "--until-caught-up"]);
    expect([code, stderr]).toEqual([2, expect.stringContaining("a paper broker's fills would pass for live ones")]);
    expect(stderr).toContain(
      "name what is to run live, of bars, indicators, predictions, decisions, performance, outcomes",
    );
  }
  // Goes on to ask for what it works on, which isn't set here.
  const live = await tradetape(["run", "decisions", "performance", "--until-caught-up"]);
  expect([live.code, live.stderr]).toEqual([2, expect.stringContaining("not set: ")]);
});
