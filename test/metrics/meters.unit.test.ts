import { Registry } from "prom-client";
import { describe, expect, test } from "vitest";
import { METRICS } from "../../src/metrics/declared.ts";
import { Meters } from "../../src/metrics/meters.ts";
import { inWindows } from "../../src/status/lag.ts";
import { MEASURED, measureAll, measuredRow } from "./measured.ts";

const { topic: TOPIC } = MEASURED;

async function valuesOf(registry: Registry, name: string) {
  const found = await registry.getSingleMetric(name)!.get();
  return found.values.map(({ value, labels }) => [value, labels] as const);
}

describe("the declaration", () => {
  test("names all that is measured, as Prometheus has names: a prefix, base units, counters by their ending", async () => {
    const registry = new Registry();
    measureAll(new Meters(registry));
    const found = await registry.getMetricsAsJSON();
    expect(found.map(({ name }) => name).toSorted()).toEqual(Object.keys(METRICS).toSorted());
    for (const [name, { kind, unit }] of Object.entries(METRICS)) {
      expect(name).toMatch(/^tradetape_[a-z_]+$/);
      expect(name.endsWith("_total"), name).toBe(kind === "counter");
      if (unit.startsWith("seconds")) expect(name).toMatch(/_seconds$/);
    }
  });
});

test("what landed is counted by what became of it, and a batch's wait from its first event's time at the broker", async () => {
  const registry = new Registry();
  measureAll(new Meters(registry));
  const events = await valuesOf(registry, "tradetape_landed_events_total");
  expect(Object.fromEntries(events.map(([n, { outcome }]) => [outcome, n]))).toEqual({
    written: 3,
    dead: 2,
    duplicate: 0,
    replaced: 0,
    parked: 0,
    filtered: 0,
  });
  const waits = new Map((await valuesOf(registry, "tradetape_event_to_row_seconds")).map(([n, { le }]) => [le, n]));
  expect([waits.get(2.5), waits.get(5)]).toEqual([0, 1]);
});

test("a step in which nothing was committed, as one of another owner's, counts as nothing", async () => {
  const registry = new Registry();
  new Meters(registry).landed({ topicName: TOPIC, partition: 1, ledger: [], firstPublishedAtMs: Date.now() });
  expect(await registry.metrics()).toBe("\n");
});

test("a group has one state at a time", async () => {
  const registry = new Registry();
  const meters = new Meters(registry);
  for (const state of ["waiting", "running", "stopped"] as const) meters.group(TOPIC, state);
  const values = await valuesOf(registry, "tradetape_group_state");
  expect(values.filter(([value]) => value === 1)).toEqual([[1, { topic: TOPIC, state: "stopped" }]]);
  expect(values).toHaveLength(3);
});

describe("what waits", () => {
  test("is infinitely far from caught up where it grows, and has no seconds where nobody knows its time", async () => {
    const registry = new Registry();
    const meters = new Meters(registry);
    meters.looked([measuredRow({ secondsBehind: null, caughtUpIn: inWindows(() => "never" as const) })]);
    expect(await valuesOf(registry, "tradetape_caught_up_in_seconds")).toEqual([[Number.POSITIVE_INFINITY, MEASURED]]);
    expect(await valuesOf(registry, "tradetape_lag_seconds")).toEqual([]);
    expect(await registry.metrics()).toContain(`tradetape_caught_up_in_seconds{topic="${TOPIC}",partition="1"} +Inf`);
  });

  test("is absent once it can't be read any more", async () => {
    const registry = new Registry();
    const meters = new Meters(registry);
    meters.looked([measuredRow({})]);
    expect(await valuesOf(registry, "tradetape_lag_offsets")).toEqual([[7, MEASURED]]);
    meters.looked(undefined);
    expect(await registry.metrics()).not.toContain(`topic="${TOPIC}"`);
  });
});

test("two connections of one registry are counted together", async () => {
  const registry = new Registry();
  for (const meters of [new Meters(registry), new Meters(registry)]) {
    meters.sent({ topicName: TOPIC, events: 10, isAcked: true, seconds: 0.02 });
  }
  expect(await valuesOf(registry, "tradetape_published_events_total")).toEqual([[20, { topic: TOPIC }]]);
});
