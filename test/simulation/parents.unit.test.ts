import { describe, expect, it } from "vitest";
import { calm, lateSymbol } from "./calm.ts";
import type { Script } from "./plan.ts";
import { simulatePlan } from "./world.ts";

/** Children of one symbol, each published at the moment given; those without one belong to the symbol that is there. */
const children = (
  symbol: ReturnType<typeof lateSymbol>,
  atMs: readonly (readonly [number, "its" | "another's"])[],
): Script => ({
  produce: (add) => {
    for (const [n, [ms, whose]] of atMs.entries()) {
      const parent = whose === "its" ? { parent: symbol } : {};
      add(ms, (maker, now) => maker.event(now, { n, amount: n + 1, ...parent }));
    }
  },
});

/** No sweep comes before the schedule is over, so that nothing but the parent's landing releases. */
const NO_SWEEPS = { sweepIntervalMs: 60_000 };

const msOf = (trace: readonly string[] | undefined, what: string): number[] =>
  trace!.filter((line) => line.includes(what)).map((line) => Number.parseFloat(line));

describe("children and their parents", () => {
  it("a child that comes before its parent has landed waits for it, and isn't parked", async () => {
    for (let seed = 1; seed <= 20; seed++) {
      const symbol = lateSymbol(3000, 20 * seed);
      const script = children(symbol, [[3010, "its"]]);
      const plan = calm({ seed, parents: [symbol], script, config: NO_SWEEPS, healsMs: 4000 });
      const { faults, counts } = await simulatePlan(plan);
      expect([seed, faults, counts.get("parked")]).toEqual([seed, [], undefined]);
    }
  });

  it("a child that comes before its parent is published is parked, and released as soon as that has landed", async () => {
    for (let seed = 1; seed <= 20; seed++) {
      const symbol = lateSymbol(4000, 20 * seed);
      const script = children(symbol, [[1000, "its"]]);
      const plan = calm({ seed, parents: [symbol], script, config: NO_SWEEPS, healsMs: 5000 });
      const { faults, counts, virtualMs } = await simulatePlan(plan);
      expect([seed, faults, counts.get("parked")]).toEqual([seed, [], 1]);
      expect(virtualMs).toBeLessThan(NO_SWEEPS.sweepIntervalMs / 2);
    }
  });

  it("parents' topics that stand still hold up nobody for long, and nobody twice", async () => {
    const symbol = lateSymbol(2000, 60_000);
    const script = children(symbol, [
      [3000, "its"],
      [4500, "another's"],
      [5000, "its"],
      [5500, "another's"],
    ]);
    const plan = calm({ parents: [symbol], script, config: NO_SWEEPS, healsMs: 7000 });
    const { faults, counts, trace } = await simulatePlan(plan, true);
    expect([faults, counts.get("parked")]).toEqual([[], 2]);
    const [parentMs] = msOf(trace, `parent-landed  ${symbol.id}`);
    const landedMs = msOf(trace, " landed  predictions/0").slice(0, 4);
    expect(landedMs).toHaveLength(4);
    expect(Math.max(...landedMs)).toBeLessThan(6000);
    expect(parentMs).toBeGreaterThan(6000);
  });
});
