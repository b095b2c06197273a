import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ticks as TICKS } from "../../consumers/ticks.ts";
import type { Consumer } from "../../src/batch/consumer.ts";
import { type EncodedBatch, encodeBatch } from "../../src/batch/encode.ts";
import { landBatch } from "../../src/batch/land.ts";
import { landClean, looksClean } from "../../src/batch/land-clean.ts";
import { makePlan } from "../../src/batch/landing-plan.ts";
import { openLandingServices } from "../../src/batch/landing-services.ts";
import type { LandingPlan } from "../../src/batch/plan.ts";
import { encodeEvent } from "../../src/event/codec.ts";
import { openLog } from "../../src/log.ts";
import { Connection } from "../../src/table/connection.ts";
import { claimPartition } from "../../src/table/landed.ts";
import { ConnectionSlot } from "../../src/table/slot.ts";
import type { Records } from "../../src/topic/fetched-batch.ts";
import { ledgerFaults } from "../support/ledger.ts";
import { tick } from "../support/samples.ts";
import { openTapeWithSymbol, type TestTape } from "../support/tape.ts";

let tape: TestTape;
let plan: LandingPlan;
let connection: Connection;
let days: ConnectionSlot;
let closeServices: () => Promise<void>;
/** Partitions that Kafka doesn't assign, so that only this test lands there. */
const PARTITIONS = [71, 72, 73];
const ROWS = 5;

beforeAll(async () => {
  tape = await openTapeWithSymbol();
  const services = await openLandingServices(tape.config, openLog(tape.config));
  plan = await makePlan(services, TICKS as unknown as Consumer);
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

/** Five ticks of a partition from offset `first` on, each with an id of its own. */
async function batch(partition: number, first: number, over: object = {}): Promise<EncodedBatch> {
  const id = (await tape.encode("ticks", tick(0))).readInt32BE(1);
  const values = Array.from({ length: ROWS }, (_, n) =>
    encodeEvent("ticks", id, tick(1000 * partition + first + n, n === 2 ? over : {})),
  );
  const records: Records = {
    count: ROWS,
    offsetOf: (index) => first + index,
    publishedAtMs: () => Date.now(),
    locate: (index, place) => place.hold(values[index]!),
    record: (index) => ({ key: null, value: values[index]! }),
  };
  const range = { firstOffset: first, nextOffset: first + ROWS, from: 0 };
  const encoded = encodeBatch(plan.encoder, partition, records, range);
  await plan.encoder.days.make(days, encoded);
  return encoded;
}

const together = (batches: readonly EncodedBatch[]) => landClean(connection, plan, batches, () => {});
/** How many rows each partition has, and where it stands. */
async function stateOf() {
  const rows = await tape.query<{ rows: number }>(
    `SELECT (SELECT count(*) FROM public.market_data_tick WHERE substr(trade_id, 2)::int / 1000 = p) AS rows
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
