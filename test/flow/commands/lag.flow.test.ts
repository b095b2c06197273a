import type { Transaction } from "kafkajs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { EventTopic } from "../../../src/event/schemas.ts";
import type { PartitionRow } from "../../../src/status/read-status.ts";
import { environmentOf } from "../../support/landing.ts";
import { idOf, symbol } from "../../support/samples.ts";
import { plainKafka } from "../../support/services/plain-kafka.ts";
import { openTestTape, type TestTape } from "../../support/tape.ts";
import { startTradetape, tradetape } from "../../support/tradetape.ts";

// No consumer runs while `status` is asked: what it says, it has from the database and the log.
let tape: TestTape;
let env: NodeJS.ProcessEnv;

beforeAll(async () => {
  tape = await openTestTape();
  env = environmentOf(tape.config);
});
afterAll(() => tape.stop());

async function statusOf(topic: EventTopic, ...flags: string[]): Promise<PartitionRow> {
  const { stdout, stderr } = await tradetape(["status", "--json", ...flags], env);
  expect(stderr).toBe("");
  return (JSON.parse(stdout) as PartitionRow[]).find((row) => row.topic === tape.name(topic))!;
}
let made = 0;
async function publishSymbols(count: number): Promise<void> {
  for (let n = 0; n < count; n++) {
    const name = `LAG${made++}`;
    await tape.publish("symbols", symbol({ symbol_id: idOf(name), ticker: name }));
  }
}

/** The broker's time of the record at an offset, by a client that isn't ours. */
async function timeOf(topic: EventTopic, offset: number): Promise<string> {
  const consumer = plainKafka(tape.config).consumer({ groupId: `${tape.name(topic)}-time-${offset}` });
  const { promise, resolve } = Promise.withResolvers<string>();
  await consumer.connect();
  await consumer.subscribe({ topic: tape.name(topic), fromBeginning: true });
  await consumer.run({
    eachMessage: async ({ message }) => {
      if (Number(message.offset) === offset) resolve(new Date(Number(message.timestamp)).toISOString());
    },
  });
  const time = await promise;
  await consumer.disconnect();
  return time;
}

/** What a program writes in a transaction that it has not ended yet, to partition 0. */
async function inTransaction(topic: EventTopic, values: readonly string[]): Promise<Transaction> {
  const options = { transactionalId: `${tape.name(topic)}-${made++}`, idempotent: true, maxInFlightRequests: 1 };
  const producer = plainKafka(tape.config).producer(options);
  await producer.connect();
  const transaction = await producer.transaction();
  const messages = values.map((value) => ({ value, partition: 0 }));
  await transaction.send({ topic: tape.name(topic), messages });
  return transaction;
}
const endOf = async (topic: EventTopic) => (await statusOf(topic)).end;

describe("how late a partition is", () => {
  test("is nothing in an empty topic, which no consumer has ever claimed", async () => {
    const none = {
      landed: null,
      end: 0,
      lag: 0,
      secondsBehind: 0,
      oldestAt: null,
      caughtUpIn: { over10s: 0, over60s: 0 },
    };
    expect(await statusOf("symbols")).toMatchObject(none);
  });

  test("is told from the log before any consumer has run, and from where it stopped afterwards", async () => {
    await publishSymbols(3);
    const first = await statusOf("symbols");
    expect(first).toMatchObject({ landed: null, end: 3, lag: 3, group: "none", oldestAt: await timeOf("symbols", 0) });
    expect(first.ofTopic).toMatchObject({ lag: 3, worstPartition: 0, skewSeconds: 0 });
    await tape.land("symbols");
    expect(await statusOf("symbols")).toMatchObject({ landed: 3, lag: 0, secondsBehind: 0, oldestAt: null });
    await publishSymbols(2);
    const stopped = await statusOf("symbols");
    expect(stopped).toMatchObject({ landed: 3, end: 5, lag: 2, oldestAt: await timeOf("symbols", 3) });
    // Its own clock and the broker's are one here: it waits on, so the next look finds it later.
    expect(stopped.secondsBehind).toBeGreaterThanOrEqual(0);
    expect((await statusOf("symbols")).secondsBehind).toBeGreaterThan(stopped.secondsBehind!);
  });

  test("counts from the oldest event that the log still has, where retention deleted what had not landed", async () => {
    const topic = tape.name("symbols");
    await tape.admin(async (admin) => {
      // kafkajs looks for the leader in metadata that only this call loads.
      await admin.fetchTopicMetadata({ topics: [topic] });
      await admin.deleteTopicRecords({ topic, partitions: [{ partition: 0, offset: "4" }] });
    });
    expect(await statusOf("symbols")).toMatchObject({ landed: 3, lag: 1, oldestAt: await timeOf("symbols", 4) });
  });
});

describe("transactions", () => {
  test("that were aborted are no lag, and what is behind one is told by its own time", async () => {
    const transaction = await inTransaction("bars", ["x", "y"]);
    expect(await statusOf("bars")).toMatchObject({ end: 2, lag: 0, secondsBehind: 0, inTransaction: 2 });
    await transaction.abort();
    await expect.poll(() => endOf("bars")).toBe(3);
    expect(await statusOf("bars", "--stalled-after", "1")).toMatchObject({ lag: 0, inTransaction: 0, stalled: false });
    await tape.raw("bars", [{ value: Buffer.from("a letter to be") }]);
    expect(await statusOf("bars")).toMatchObject({ landed: null, end: 4, lag: 1, oldestAt: await timeOf("bars", 3) });
  });

  test("that stay open hold up what is behind them, and are named when it takes too long", async () => {
    const transaction = await inTransaction("fills", ["x"]);
    const stalled = async () => (await statusOf("fills", "--stalled-after", "1")).stalled;
    await expect.poll(stalled).toBe(true);
    const { code, stdout } = await tradetape(["status", "--stalled-after", "1"], env);
    expect([code, stdout]).toEqual([1, expect.stringContaining("fills/0: stalled: a transaction stays open")]);
    await transaction.abort();
    await expect.poll(stalled).toBe(false);
  });
});

describe("the rates", () => {
  test("are what the ledger and the log say of the last 10 and 60 seconds, and time until caught up follows", async () => {
    await tape.query("DELETE FROM tradetape.landed_offset WHERE topic = $1", [tape.name("sessions")]);
    await tape.query(
      `INSERT INTO tradetape.landed_offset (topic, partition, next_offset, origin) VALUES ($1, 0, 0, 0)`,
      [tape.name("sessions")],
    );
    await tape.raw(
      "sessions",
      Array.from({ length: 600 }, () => ({ value: Buffer.from("not a session") })),
    );
    const row = await statusOf("sessions");
    const over60s = row.publishedPerSecond.over60s;
    expect([row.lag, over60s]).toEqual([600, 10]);
    expect(row.landedPerSecond).toEqual({ over10s: 0, over60s: 0 });
  });
});

test("--watch shows a block again and again, and ends well when it is told to", async () => {
  const watching = startTradetape(["status", "--watch"], env);
  let shown = "";
  watching.process.stdout!.on("data", (text: string) => {
    shown += text;
  });
  const blocks = () => shown.split("\n").filter((line) => /^\d{4}-\d\d-\d\dT/.test(line)).length;
  await expect.poll(blocks).toBeGreaterThanOrEqual(2);
  expect(shown).toContain(`namespace ${tape.config.namespace}`);
  expect(shown).not.toContain("\x1b");
  watching.process.kill("SIGINT");
  expect((await watching.ended).code).toBe(0);
});
