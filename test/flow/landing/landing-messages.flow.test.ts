import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { CONSUMER_OF } from "../../../consumers/all.ts";
import { encodeBatch } from "../../../src/batch/encode/encode.ts";
import type { EncodedBatch } from "../../../src/batch/encode/encoded-batch.ts";
import { landBatch } from "../../../src/batch/land/land.ts";
import { landClean } from "../../../src/batch/land/land-clean.ts";
import type { LandingPlan } from "../../../src/batch/land/landing-plan.ts";
import { type LandingServices, openLandingServices } from "../../../src/batch/run/landing-services.ts";
import { makeLandingPlan } from "../../../src/batch/run/make-landing-plan.ts";
import { encodeEvent } from "../../../src/event/codec.ts";
import { openLog } from "../../../src/log.ts";
import { Connection } from "../../../src/table/connection.ts";
import { claimPartition } from "../../../src/table/landing/landed.ts";
import { ConnectionSlot } from "../../../src/table/pool/slot.ts";
import { recordsOf } from "../../support/landing.ts";
import { prediction, tick } from "../../support/samples.ts";
import { openTapeWithSymbol, type TestTape } from "../../support/tape.ts";

const SAMPLES = { ticks: tick, predictions: prediction };
type Topic = keyof typeof SAMPLES;
/** Partitions that Kafka doesn't assign, so that only this test lands there. */
const PARTITIONS = { alone: 81, one: 82, other: 83 };
const ROWS = 10;

let tape: TestTape;
let services: LandingServices;
let connection: Connection;
let days: ConnectionSlot;
const plans = new Map<Topic, LandingPlan>();

beforeAll(async () => {
  tape = await openTapeWithSymbol();
  services = await openLandingServices(tape.config, openLog(tape.config));
  const { databaseUrl } = tape.config;
  connection = await Connection.open(databaseUrl, { name: "test", role: "tradetape_lander", keepsPlans: true });
  days = new ConnectionSlot(databaseUrl, { name: "test days" });
  for (const topic of ["ticks", "predictions"] as const) {
    const plan = await makeLandingPlan(services, CONSUMER_OF[topic]);
    await services.registry.fetch(await schemaId(topic));
    for (const partition of Object.values(PARTITIONS)) {
      await claimPartition(connection, plan.topicName, partition, 0, services.clusterId);
    }
    plans.set(topic, plan);
  }
});
afterAll(async () => {
  await connection.close();
  await days.close();
  await services.close();
  await tape.stop();
});

const schemaId = async (topic: Topic) => (await tape.encode(topic, SAMPLES[topic](0))).readInt32BE(1);

/** The batch [first, first + ROWS) of a partition, of events of its own. */
async function batch(topic: Topic, partition: number, first = 0): Promise<EncodedBatch> {
  const plan = plans.get(topic)!;
  const id = await schemaId(topic);
  const values = Array.from({ length: ROWS }, (_, i) =>
    encodeEvent(topic, id, SAMPLES[topic](partition * 1000 + first + i)),
  );
  const range = { firstOffset: first, nextOffset: first + ROWS, from: 0 };
  const encoded = encodeBatch(plan.encoder, partition, recordsOf(values, first), range);
  await plan.encoder.days.make(days, encoded);
  return encoded;
}

/** How often the session's socket is written to meanwhile. What is asked in one trip goes out in one write. */
async function messagesOf(work: () => Promise<unknown>): Promise<number> {
  const { stream } = connection.client.connection;
  const { _write, _writev } = stream;
  let messages = 0;
  stream._write = (...args) => {
    messages++;
    _write.apply(stream, args);
  };
  stream._writev = (...args) => {
    messages++;
    _writev!.apply(stream, args);
  };
  try {
    await work();
    return messages;
  } finally {
    Object.assign(stream, { _write, _writev });
  }
}

const byItself = (topic: Topic, encoded: EncodedBatch) =>
  messagesOf(async () => {
    const landing = await landBatch(connection, plans.get(topic)!, encoded, false);
    expect(landing).toMatchObject({ kind: "landed", ledger: { read: ROWS } });
  });

describe("what a landing says to PostgreSQL", () => {
  test("is four messages for a clean batch by itself: BEGIN and the lock, COPY, receipt and ledger row, COMMIT", async () => {
    expect(await byItself("ticks", await batch("ticks", PARTITIONS.alone))).toBe(4);
    expect(await byItself("ticks", await batch("ticks", PARTITIONS.alone, ROWS))).toBe(4);
  });

  test("is two messages for several partitions' clean batches together: everything, and COMMIT", async () => {
    const both = [await batch("ticks", PARTITIONS.one), await batch("ticks", PARTITIONS.other)];
    const messages = await messagesOf(async () => {
      expect(await landClean(connection, plans.get("ticks")!, both, () => {})).toHaveLength(2);
    });
    expect(messages).toBe(2);
  });

  test("is ten messages for a batch of a small topic, when its session has made the stage", async () => {
    await byItself("predictions", await batch("predictions", PARTITIONS.alone));
    // BEGIN and the lock, is the stage there, COPY, parents, SAVEPOINT, INSERT, RELEASE, conflicts, outbox and ledger, COMMIT.
    expect(await byItself("predictions", await batch("predictions", PARTITIONS.alone, ROWS))).toBe(10);
  });
});
