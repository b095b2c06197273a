import { describe, expect, it } from "vitest";
import { DOORS, openDoor } from "./doors/all.ts";
import { hunt } from "./hunt.ts";

const SEED = 18;
const INPUTS = 1500;

describe.each(Object.keys(DOORS))("the door of %s", (name) => {
  it("makes a value of every mutant, and of good input what an independent reader does", async () => {
    const inputs = name === "schemas" ? INPUTS / 10 : INPUTS;
    const figures = await hunt(await openDoor(name, SEED), { seed: SEED, inputs });
    expect(figures.finds.map(({ what }) => what)).toEqual([]);
    expect(figures.inputs).toBeGreaterThanOrEqual(inputs);
    expect(figures.kinds.size).toBeGreaterThan(5);
  });
});

it("opens the same doors with the same inputs, by one seed", async () => {
  const run = async () => (await hunt(await openDoor("texts", SEED), { seed: SEED, inputs: 300 })).kinds;
  expect(await run()).toEqual(await run());
});
