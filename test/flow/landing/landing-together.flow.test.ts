import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { decisions as DECISIONS } from "../../../consumers/decisions.ts";
import { fills as FILLS } from "../../../consumers/fills.ts";
import { ticks as TICKS } from "../../../consumers/ticks.ts";
import { encodeBatch } from "../../../src/batch/encode/encode.ts";
import type { EncodedBatch } from "../../../src/batch/encode/encoded-batch.ts";
import { LandingQueue } from "../../../src/batch/group/landing-queue.ts";
import { LockWatch } from "../../../src/batch/group/lock-watch.ts";
import { landBatch } from "../../../src/batch/land/land.ts";
import { CLEAN_BYTES_MAX, landClean, looksClean } from "../../../src/batch/land/land-clean.ts";
import type { LandingPlan } from "../../../src/batch/land/landing-plan.ts";
import { type LandingServices, openLandingServices } from "../../../src/batch/run/landing-services.ts";
import { makeLandingPlan } from "../../../src/batch/run/make-landing-plan.ts";
import { encodeEvent } from "../../../src/event/codec.ts";
import { openLog } from "../../../src/log.ts";
import { Connection } from "../../../src/table/connection.ts";
import { claimPartition } from "../../../src/table/landing/landed.ts";
import { ConnectionSlot } from "../../../src/table/pool/slot.ts";
import { recordsOf } from "../../support/landing.ts";
import { ledgerFaults } from "../../support/ledger.ts";
import { decision, fill, idOf, NOON, tick } from "../../support/samples.ts";
import { openTapeWithSymbol, type TestTape } from "../../support/tape.ts";

let tape: TestTape;
let plan: LandingPlan;
let connection: Connection;
let days: ConnectionSlot;
let closeServices: () => Promise<void>;
/** Partitions that Kafka doesn't assign, so that only this test lands there. */
const PARTITIONS = [71, 72, 73];
const ROWS = 5;
/** By a tick's number one knows its partition. */
const PARTITION_TICKS = 10_000;

beforeAll(async () => {
  tape = await openTapeWithSymbol();
  const services = await openLandingServices(tape.config, openLog(tape.config));
  plan = await makeLandingPlan(services, TICKS);
  for (const id of plan.encoder.reader.missing([await tape.encode("ticks", tick(0))])) {
    await services.registry.fetch(id);
  }
  const { databaseUrl } = tape.config;
  connection = await Connection.open(databaseUrl, { name: "test", role: "tradetape_lander", keepsPlans: true });
  days = new ConnectionSlot(databaseUrl, { name: "test days" });
  for (const partition of PARTITIONS) {
    await claimPartition(connection, plan.topicName, partition, 0, services.clusterId);
  }
  closeServices = () => services.close();
});
afterAll(async () => {
  await connection.close();
  await days.close();
  await closeServices();
  await tape.stop();
});

/** Ticks of a partition from offset `first` on, each with an id of its own; the third is changed. */
async function batch(partition: number, first: number, over: object = {}, rows = ROWS): Promise<EncodedBatch> {
  const id = (await tape.encode("ticks", tick(0))).readInt32BE(1);
  const values = Array.from({ length: rows }, (_, n) =>
    encodeEvent("ticks", id, tick(PARTITION_TICKS * partition + first + n, n === 2 ? over : {})),
  );
  const range = { firstOffset: first, nextOffset: first + rows, from: 0 };
  const encoded = encodeBatch(plan.encoder, partition, recordsOf(values, first), range);
  await plan.encoder.days.make(days, encoded);
  return encoded;
}

const together = (batches: readonly EncodedBatch[]) => landClean(connection, plan, batches, () => {});
/** How many rows each partition has, and where it stands. */
async function stateOf() {
  const rows = await tape.query<{ rows: number }>(
    `SELECT (SELECT count(*) FROM public.market_data_tick WHERE substr(trade_id, 2)::int / ${PARTITION_TICKS} = p) AS rows
     FROM unnest($1::int[]) AS p ORDER BY p`,
    [PARTITIONS],
  );
  const places = await tape.query<{ next: number }>(
    "SELECT next_offset AS next FROM tradetape.landed_offset WHERE partition = ANY($1) ORDER BY partition",
    [PARTITIONS],
  );
  return { rows: rows.map((row) => row.rows), next: places.map(({ next }) => next) };
}

describe("clean batches of several partitions", () => {
  test("land in one transaction, each with its own ledger row, place and receipt", async () => {
    const batches = await Promise.all(PARTITIONS.map((partition) => batch(partition, 0)));
    expect(batches.every((one) => looksClean(plan, one))).toBe(true);
    const landings = await together(batches);
    expect(landings).toMatchObject(
      PARTITIONS.map(() => ({ kind: "landed", nextOffset: ROWS, ledger: { read: ROWS, written: ROWS } })),
    );
    expect(await stateOf()).toEqual({ rows: [ROWS, ROWS, ROWS], next: [ROWS, ROWS, ROWS] });
    const ledger = await tape.query<{ landings: number; moments: number }>(
      `SELECT count(*) AS landings, count(DISTINCT landed_at) AS moments FROM tradetape.landed_batch
       WHERE partition = ANY($1)`,
      [PARTITIONS],
    );
    expect(ledger).toEqual([{ landings: 3, moments: 1 }]);
    const owed = await tape.query<{ partition: number }>(
      "SELECT source_partition AS partition FROM tradetape.outbox ORDER BY outbox_id",
    );
    expect(owed.map(({ partition }) => partition)).toEqual(PARTITIONS);
  });

  test("leave nothing behind when PostgreSQL refuses a row of one of them, and land by themselves", async () => {
    const before = await stateOf();
    const batches = [await batch(71, ROWS), await batch(72, ROWS, { volume: -1 }), await batch(73, ROWS)];
    expect(await together(batches)).toBe("apart");
    expect(await stateOf()).toEqual(before);
    const landings = [];
    for (const one of batches) landings.push(await landBatch(connection, plan, one, false));
    expect(landings).toMatchObject([
      { ledger: { written: ROWS, dead: 0 } },
      { ledger: { written: ROWS - 1, dead: 1 } },
      { ledger: { written: ROWS, dead: 0 } },
    ]);
  });

  test.each([
    ["before its partition was rewound", { rewinds: 1, claims: 1 }],
    ["under an earlier claim", { rewinds: 0, claims: 0 }],
  ])("leave nothing behind when one of them was read %s", async (_, read) => {
    const before = await stateOf();
    const origin = { ...read, leaderEpoch: 0, topicId: null };
    const rest = [await batch(72, 2 * ROWS), await batch(73, 2 * ROWS)];
    expect(await together([{ ...(await batch(71, 2 * ROWS)), origin }, ...rest])).toBe("apart");
    expect(await stateOf()).toEqual(before);
  });

  test("leave nothing behind when one of them has landed before", async () => {
    const before = await stateOf();
    expect(await together([await batch(71, 2 * ROWS), await batch(72, ROWS)])).toBe("apart");
    expect(await stateOf()).toEqual(before);
  });

  test("leave nothing behind when one of them isn't the next of its partition", async () => {
    const before = await stateOf();
    expect(await together([await batch(71, 2 * ROWS), await batch(72, 3 * ROWS)])).toBe("apart");
    expect(await stateOf()).toEqual(before);
  });

  test("land once when two owners have the same at the same moment", async () => {
    const other = await Connection.open(tape.config.databaseUrl, { name: "zombie", role: "tradetape_lander" });
    const batches = await Promise.all(PARTITIONS.map((partition) => batch(partition, 2 * ROWS)));
    const both = await Promise.all([connection, other].map((owner) => landClean(owner, plan, batches, () => {})));
    await other.close();
    expect(both.filter((landings) => landings === "apart")).toHaveLength(1);
    expect(await stateOf()).toMatchObject({ next: [3 * ROWS, 3 * ROWS, 3 * ROWS] });
    // No pump runs here.
    expect(await ledgerFaults(tape)).toEqual([expect.stringContaining("messages are left in the outbox")]);
  });
});

describe("the queue of small batches", () => {
  const queueOf = (together: ConnectionSlot) =>
    new LandingQueue({ plan, together, lockWatch: new LockWatch(days, 1000, openLog(tape.config)) });
  let slot: ConnectionSlot;
  let next: number;

  beforeEach(async () => {
    slot = new ConnectionSlot(tape.config.databaseUrl, { name: "test together", role: "tradetape_lander" });
    next = (await stateOf()).next[0]!;
  });
  afterEach(() => slot.close());

  const landAll = (queue: LandingQueue, batches: readonly EncodedBatch[]) =>
    Promise.allSettled(batches.map((one) => queue.land(one, () => {})));
  const moments = async () => {
    const rows = await tape.query<{ n: number }>(
      "SELECT count(DISTINCT landed_at) AS n FROM tradetape.landed_batch WHERE partition = ANY($1) AND first_offset = $2",
      [PARTITIONS, next],
    );
    return rows[0]!.n;
  };

  test("lands what waits in one transaction", async () => {
    const landed = await landAll(
      queueOf(slot),
      await Promise.all(PARTITIONS.map((partition) => batch(partition, next))),
    );
    expect(landed.map(({ status }) => status)).toEqual(["fulfilled", "fulfilled", "fulfilled"]);
    expect(await moments()).toBe(1);
  });

  test("lands in a second one what doesn't fit into the first", async () => {
    const rows = 700;
    const batches = await Promise.all(PARTITIONS.map((partition) => batch(partition, next, {}, rows)));
    const bytes = batches.map((one) => one.rows.bytes.length);
    expect([bytes[0]! + bytes[1]! < CLEAN_BYTES_MAX, bytes[0]! * 3 > CLEAN_BYTES_MAX]).toEqual([true, true]);
    const landed = await landAll(queueOf(slot), batches);
    expect(landed.map((one) => one.status === "fulfilled" && one.value !== "apart")).toEqual([true, true, true]);
    expect(await moments()).toBe(2);
  });

  test("tells each that it is apart when two are of one partition", async () => {
    const before = await stateOf();
    const landed = await landAll(queueOf(slot), [await batch(71, next), await batch(71, next)]);
    expect(landed).toEqual([1, 2].map(() => ({ status: "fulfilled", value: "apart" })));
    expect(await stateOf()).toEqual(before);
  });

  test("tells each of a database that isn't there, those that wouldn't have fitted as well", async () => {
    const nowhere = new ConnectionSlot("postgres://nobody@127.0.0.1:1/none", { name: "test" });
    const batches = await Promise.all(PARTITIONS.map((partition) => batch(partition, next, {}, 700)));
    const landed = await landAll(queueOf(nowhere), batches);
    expect(landed).toMatchObject(
      PARTITIONS.map(() => ({ status: "rejected", reason: { code: "database_unreachable" } })),
    );
  });
});

describe("small batches of children", () => {
  let services: LandingServices;
  let plans: Readonly<Record<"decisions" | "fills", LandingPlan>>;
  const ids = new Map<string, number>();

  beforeAll(async () => {
    services = await openLandingServices(tape.config, openLog(tape.config));
    plans = { decisions: await makeLandingPlan(services, DECISIONS), fills: await makeLandingPlan(services, FILLS) };
    for (const [topic, sample] of [
      ["decisions", decision(0)],
      ["fills", fill(0)],
    ] as const) {
      const value = await tape.encode(topic, sample);
      ids.set(topic, value.readInt32BE(1));
      await services.registry.fetch(value.readInt32BE(1));
      for (const partition of PARTITIONS) {
        await claimPartition(connection, plans[topic].topicName, partition, 0, services.clusterId);
      }
    }
  });
  afterAll(() => services.close());

  const childBatch = (topic: "decisions" | "fills", partition: number, first: number, events: readonly object[]) => {
    const values = events.map((event) => encodeEvent(topic, ids.get(topic)!, event as never));
    const range = { firstOffset: first, nextOffset: first + events.length, from: 0 };
    return encodeBatch(plans[topic].encoder, partition, recordsOf(values, first), range);
  };
  const landAs = (topic: "decisions" | "fills", batches: readonly EncodedBatch[]) =>
    landClean(connection, plans[topic], batches, () => {});
  const free = (n: number, change: object = {}) => decision(n, { model_reference: null, ...change });
  const filled = (n: number, decisionN: number, quantity: number) =>
    fill(n, { decision_id: idOf(`decision ${decisionN}`), quantity, timestamp: NOON + 100_000 });
  const count = async (of: string) => (await tape.query<{ n: number }>(`SELECT count(*)::int AS n FROM ${of}`))[0]!.n;

  test("land in one transaction, each event with its audit entries and each partition with its ledger row", async () => {
    const owedBefore = await count("tradetape.outbox");
    const batches = PARTITIONS.map((p) => childBatch("decisions", p, 0, [free(10 * p), free(10 * p + 1)]));
    expect(batches.every((one) => looksClean(plans.decisions, one))).toBe(true);
    expect(await landAs("decisions", batches)).toMatchObject(
      PARTITIONS.map(() => ({ kind: "landed", nextOffset: 2, ledger: { read: 2, written: 2, parked: 0 } })),
    );
    expect(await count("public.trade_decision")).toBe(6);
    expect(await count("(SELECT DISTINCT xmin::text FROM public.trade_decision) one")).toBe(1);
    expect((await count("tradetape.outbox")) - owedBefore).toBe(12);
    const fills = [filled(1, 710, 4)];
    expect(await landAs("fills", [childBatch("fills", 71, 0, fills)])).toMatchObject([{ ledger: { written: 1 } }]);
  });

  test.each([
    [
      "a parent that hasn't landed",
      "decisions",
      () => [free(800, { model_reference: idOf("nowhere") })],
      { parked: 1 },
    ],
    ["an id that has landed", "decisions", () => [free(710)], { duplicate: 1 }],
    ["an id twice", "decisions", () => [free(801), free(801, { size: 11 })], { written: 1, dead: 1 }],
    ["an id whose first event is parked", "decisions", () => [free(800)], { parked: 1 }],
    ["a row that PostgreSQL refuses", "decisions", () => [free(802, { size: -1 })], { dead: 1 }],
    ["a fill of more than was decided", "fills", () => [filled(2, 710, 7)], { dead: 1 }],
  ] as const)("leave nothing behind where one has %s, and land by themselves", async (_, topic, events, became) => {
    const places = await tape.query<{ partition: number; next: number }>(
      "SELECT partition, next_offset::int AS next FROM tradetape.landed_offset WHERE topic = $1 AND partition = ANY ($2)",
      [plans[topic].topicName, PARTITIONS],
    );
    const next = (partition: number) => places.find((place) => place.partition === partition)!.next;
    const fresh = next(71) * 10 + 900;
    const good = topic === "decisions" ? [free(fresh)] : [filled(fresh, 720, 1)];
    const batches = [childBatch(topic, 71, next(71), good), childBatch(topic, 72, next(72), events())];
    const [table, outbox] = [`public.${plans[topic].stage.table}`, "tradetape.outbox"];
    const before = [await count(table), await count(outbox)];
    expect(await landAs(topic, batches)).toBe("apart");
    expect([await count(table), await count(outbox)]).toEqual(before);
    const landings = [];
    for (const one of batches) landings.push(await landBatch(connection, plans[topic], one, false));
    expect(landings).toMatchObject([{ ledger: { written: 1, dead: 0, parked: 0 } }, { ledger: became }]);
  });
});
