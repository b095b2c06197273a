import { describe, expect, it } from "vitest";
import { calm, lateSymbol } from "./calm.ts";
import type { Script } from "./plan.ts";
import { simulatePlan } from "./world.ts";

/** Each of these was found by a seed of the simulation before its schedule was written down here. */
describe("what went wrong once", () => {
  it("an event that was parked by a COMMIT whose answer was lost is swept when its parent comes", async () => {
    const symbol = lateSymbol(6000);
    const script: Script = {
      produce: (add) => add(0, (maker, now) => maker.event(now, { n: 1, amount: 1, parent: symbol })),
      isUnheard: (text, session) => text === "COMMIT" && session.includes("landing"),
    };
    const { faults, counts } = await simulatePlan(calm({ parents: [symbol], script }));
    expect(counts.get("commit-unheard")).toBe(1);
    expect(faults).toEqual([]);
  });

  it("a failover on a quiet topic is noticed, though a release is the first to hear of it", async () => {
    // It lands while the database is away, so that the first sweep behind the failover releases.
    const symbol = lateSymbol(6050);
    const script: Script = {
      produce(add) {
        add(0, (maker, now) => maker.event(now, { n: 1, amount: 1, parent: symbol }));
        add(4000, (maker, now) => maker.event(now, { n: 2, amount: 2 }));
      },
    };
    const config = { historyCheckMs: 3000 };
    // The second event's landing, and the deletion of what it owed.
    const actions = [{ atMs: 6000, kind: "fail-over", commits: 2 }] as const;
    const { faults, counts } = await simulatePlan(calm({ parents: [symbol], actions, config, script, healsMs: 7000 }));
    expect([counts.get("fail-over"), counts.get("landed")]).toEqual([1, 4]);
    expect(faults).toEqual([]);
  });

  it("a release that a failover took back is swept again, though no offset tells of it", async () => {
    const symbol = lateSymbol(3000);
    const script: Script = {
      produce: (add) => add(0, (maker, now) => maker.event(now, { n: 1, amount: 1, parent: symbol })),
    };
    const config = { historyCheckMs: 3000 };
    const actions = [{ atMs: 6000, kind: "fail-over", commits: 2 }] as const;
    const { faults, counts } = await simulatePlan(calm({ parents: [symbol], actions, config, script, healsMs: 7000 }));
    expect([counts.get("fail-over"), counts.get("landed")]).toEqual([1, 3]);
    expect(faults).toEqual([]);
  });

  it("a log made again that holds a marker where the last record landed is known for another one", async () => {
    const script: Script = {
      produce(add) {
        for (const n of [0, 1]) add(n, (maker, now) => maker.event(now, { n, amount: n + 1 }));
      },
      remade: (maker, now) => [maker.event(now, { n: 2, amount: 3 }), maker.marker(now)],
    };
    // Dead before the log changes, and back after it: the claim is all there is to find out.
    const actions = [
      { atMs: 2000, kind: "kill" },
      { atMs: 2050, kind: "remake" },
    ] as const;
    const { faults, counts } = await simulatePlan(calm({ actions, healsMs: 3000, fetchRecordsMax: 1, script }));
    expect(faults).toEqual([]);
    expect([counts.has("fetched-markers"), counts.get("history-lost")]).toEqual([true, 1]);
  });
});
