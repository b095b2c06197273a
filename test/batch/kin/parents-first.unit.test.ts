import { expect, it } from "vitest";
import type { EncodedBatch } from "../../../src/batch/encode/encoded-batch.ts";
import { Landings } from "../../../src/batch/kin/landings.ts";
import { ParentsFirst } from "../../../src/batch/kin/parents-first.ts";
import type { Landed } from "../../../src/batch/land/land.ts";
import type { LandingPlan } from "../../../src/batch/land/landing-plan.ts";
import { Process, Random, VirtualTime } from "../../simulation/virtual-time.ts";

const CHILD_MS = 1000;
const batch = { from: 0, to: 1, records: { publishedAtMs: () => CHILD_MS } } as unknown as EncodedBatch;

/** A group of decisions beside one of predictions, whose only lane holds what was published from `oldestMs` on. */
function world(oldestMs: number) {
  const time = new VirtualTime(new Random(1), false);
  const landings = new Landings();
  const lane = { oldestMs, holds: (timeMs: number) => lane.oldestMs <= timeMs };
  const end = landings.begin("predictions", new Map([[0, lane]]));
  const plan = {
    publishes: true,
    consumer: { landing: { parents: [{ topic: "predictions" }, { topic: "symbols" }] } },
    topicEnds: { nameOf: (topic: string) => topic },
  } as unknown as LandingPlan;
  const stop = new AbortController();
  const unasked = () => {
    throw new Error("nobody is to be asked");
  };
  const parts = {
    plan,
    landings,
    landing: { use: unasked },
    clock: time.clockOf(new Process("p")),
    signal: stop.signal,
  };
  const parents = new ParentsFirst({ ...parts, patience: unasked });
  const landedMs: number[] = [];
  const land = () =>
    parents.land({ earlyColumns: new Set() }, batch, async () => {
      landedMs.push(time.now);
      return { kind: "landed", ledger: { parked: 0 } } as Landed;
    });
  const until = (ms: number) => {
    time.after(ms - time.now, () => undefined);
    return time.run(() => time.now >= ms, ms);
  };
  return { lane, landings, landedMs, land, until, stop, end };
}

it("lands children behind what was fetched of their parents before, as soon as that has landed", async () => {
  const { lane, landings, landedMs, land, until } = world(CHILD_MS - 1);
  void land();
  await until(400);
  landings.tell("predictions");
  await until(500);
  expect(landedMs).toEqual([]);
  lane.oldestMs = CHILD_MS + 1;
  landings.tell("predictions");
  await until(501);
  expect(landedMs).toEqual([500]);
});

it("doesn't wait for what was published later, or by a group that is gone", async () => {
  const later = world(CHILD_MS + 1);
  void later.land();
  await later.until(10);
  expect(later.landedMs).toHaveLength(1);
  const gone = world(CHILD_MS);
  void gone.land();
  await gone.until(100);
  gone.end();
  await gone.until(101);
  expect(gone.landedMs).toEqual([100]);
});

it("waits for parents that don't move for seconds and once, and for none where the group ends", async () => {
  const { landedMs, land, until, stop, landings } = world(CHILD_MS);
  void land();
  await until(4000);
  expect(landedMs).toEqual([]);
  await until(6000);
  expect(landedMs).toHaveLength(1);
  void land();
  await until(6010);
  expect(landedMs).toHaveLength(2);
  landings.tell("symbols");
  void land();
  await until(6020);
  expect(landedMs).toHaveLength(2);
  stop.abort();
  await until(6021);
  expect(landedMs).toHaveLength(3);
});
