import { crc32c } from "@node-rs/crc32";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { type Consuming, startConsuming } from "../../support/landing.ts";
import { ledgerFaults } from "../../support/ledger.ts";
import { bar, tick } from "../../support/samples.ts";
import { openTapeWithSymbol, type TestTape } from "../../support/tape.ts";
import { type FalseBroker, type Lie, startFalseBroker } from "./false-broker.ts";

let tape: TestTape;
let broker: FalseBroker;
let consuming: Consuming;
let published = 0;

beforeAll(async () => {
  tape = await openTapeWithSymbol();
  const [target] = tape.config.kafkaBrokers!;
  broker = await startFalseBroker(target!);
  const config = { ...tape.config, kafkaBrokers: [`127.0.0.1:${broker.port}`] };
  consuming = await startConsuming(config, ["bars", "ticks"]);
});
afterEach(() => {
  broker.lie = {};
});
afterAll(async () => {
  await consuming.stop();
  await broker.close();
  await tape.stop();
});

/** Where a record batch has what these lies change (Kafka's documentation, "Record Batch"). */
const LENGTH_AT = 8;
const MAGIC_AT = 16;
const CHECKSUM_AT = 17;
const ATTRIBUTES_AT = 21;
const LAST_DELTA_AT = 23;
const COUNT_AT = 57;
const RECORDS_AT = 61;

/** The offset of the batch that is lied about. */
let victim = 0;

/** Changes the victim's batch wherever a fetch brings it. @param isSealed whether its checksum fits what it is then */
const ofVictim =
  (change: (batch: Buffer) => Buffer | number | undefined, isSealed: boolean): NonNullable<Lie["records"]> =>
  (topicName, records) => {
    if (topicName !== tape.name("bars")) return records;
    const parts: Buffer[] = [];
    for (let at = 0; at < records.length; ) {
      const end = at + LENGTH_AT + 4 + records.readInt32BE(at + LENGTH_AT);
      let batch: Buffer = Buffer.from(records.subarray(at, end));
      if (Number(batch.readBigInt64BE(0)) === victim) {
        const changed = change(batch);
        if (Buffer.isBuffer(changed)) batch = changed;
        if (isSealed) batch.writeUInt32BE(crc32c(batch.subarray(ATTRIBUTES_AT)), CHECKSUM_AT);
      }
      parts.push(batch);
      at = end;
    }
    return Buffer.concat(parts);
  };

const ofBatch = (change: (batch: Buffer) => Buffer | number | undefined): Lie => ({ records: ofVictim(change, true) });
const unsealed = (change: (batch: Buffer) => Buffer | number | undefined): Lie => ({
  records: ofVictim(change, false),
});
const ofAnswer = (change: (answer: Buffer) => Buffer | number): Lie => ({
  answer: (topicName, answer) => {
    if (topicName !== tape.name("bars")) return answer;
    const bytes = Buffer.from(answer);
    const changed = change(bytes);
    return Buffer.isBuffer(changed) ? changed : bytes;
  },
});

/** A control batch's record: its key is a version and a type. */
function control(batch: Buffer, version: number, type: number): Buffer {
  const key = Buffer.alloc(4);
  key.writeInt16BE(version, 0);
  key.writeInt16BE(type, 2);
  const record = Buffer.concat([Buffer.of(0, 0, 0, 8), key, Buffer.of(1, 0)]);
  const body = Buffer.concat([Buffer.of(record.length * 2), record]);
  const whole = Buffer.concat([batch.subarray(0, RECORDS_AT), body]);
  whole.writeInt32BE(whole.length - LENGTH_AT - 4, LENGTH_AT);
  whole.writeInt16BE(whole.readInt16BE(ATTRIBUTES_AT) | 0x30, ATTRIBUTES_AT);
  return whole;
}

const bars = async () =>
  (await tape.query<{ n: number }>("SELECT count(*)::int AS n FROM public.market_data_bar"))[0]!.n;
const ticks = async () =>
  (await tape.query<{ n: number }>("SELECT count(*)::int AS n FROM public.market_data_tick"))[0]!.n;

/** Publishes three bars, a batch each, of which the second is lied about, and a tick. */
async function publish(lie: Lie): Promise<void> {
  const offsets = await tape.admin((admin) => admin.fetchTopicOffsets(tape.name("bars")));
  victim = Number(offsets.find(({ partition }) => partition === 0)!.high) + 1;
  broker.lie = lie;
  for (let n = 0; n < 3; n++)
    await tape.raw("bars", [{ value: await tape.encode("bars", bar(published++)), partition: 0 }]);
  await tape.raw("ticks", [{ value: await tape.encode("ticks", tick(published)), partition: 0 }]);
}

describe("a batch that its producer may have made so", () => {
  const CASES: Readonly<Record<string, readonly [lie: Lie, detail: string]>> = {
    "more records than it has": [ofBatch((b) => b.writeInt32BE(2, COUNT_AT)), "is damaged"],
    "fewer records than none": [ofBatch((b) => b.writeInt32BE(-1, COUNT_AT)), "it can't hold -1 records"],
    "far more records than bytes": [ofBatch((b) => b.writeInt32BE(2 ** 31 - 1, COUNT_AT)), "more than 1048576"],
    "a record of a negative length": [ofBatch((b) => b.writeUInt8(1, RECORDS_AT)), "is damaged"],
    "a record that is cut off": [
      ofBatch((b) => {
        const cut = b.subarray(0, b.length - 5);
        return cut.writeInt32BE(cut.length - LENGTH_AT - 4, LENGTH_AT) && cut;
      }),
      "is damaged",
    ],
    "a codec that nobody knows": [ofBatch((b) => b.writeUInt8(0x0f, ATTRIBUTES_AT + 1)), "its codec is 7"],
    "a codec that its bytes aren't of": [
      ofBatch((b) => b.writeUInt8(0x0c, ATTRIBUTES_AT + 1)),
      "Unknown frame descriptor",
    ],
  };

  test.each(Object.entries(CASES))("with %s is a letter; its neighbours and other topics land", async (_, one) => {
    const [lie, detail] = one;
    const [before, others] = [await bars(), await ticks()];
    await publish(lie);
    await expect.poll(bars).toBe(before + 2);
    await expect.poll(ticks).toBe(others + 1);
    const [letter] = await tape.query<{ reason: string; detail: string }>(
      `SELECT reason, detail FROM tradetape.dead_letter WHERE "offset" = $1`,
      [victim],
    );
    expect(letter).toMatchObject({ reason: "unreadable_batch", detail: expect.stringContaining(detail) });
  });
});

describe("a marker of a transaction", () => {
  test.each([
    ["of a version that nobody knows", 7, 1],
    ["of a type that nobody knows", 0, 99],
    ["of numbers below none", -1, -1],
  ])("%s holds no record: what is around it lands", async (_, version, type) => {
    const before = await bars();
    await publish(ofBatch((batch) => control(batch, version, type)));
    await expect.poll(bars).toBe(before + 2);
    expect(await tape.query(`SELECT 1 FROM tradetape.dead_letter WHERE "offset" = $1`, [victim])).toEqual([]);
  });
});

describe("a batch that isn't as the log has it", () => {
  const CASES: Readonly<Record<string, readonly [lie: Lie, code: string]>> = {
    "a wrong checksum": [unsealed((b) => b.writeUInt8(b[RECORDS_AT + 20]! ^ 4, RECORDS_AT + 20)), "batch_unreadable"],
    "format 0": [unsealed((b) => b.writeUInt8(0, MAGIC_AT)), "batch_unreadable"],
    "format 1": [unsealed((b) => b.writeUInt8(1, MAGIC_AT)), "batch_unreadable"],
    "a format to come": [unsealed((b) => b.writeUInt8(3, MAGIC_AT)), "batch_unreadable"],
    "a length within its header": [unsealed((b) => b.writeInt32BE(5, LENGTH_AT)), "batch_unreadable"],
    "a negative length": [unsealed((b) => b.writeInt32BE(-5, LENGTH_AT)), "batch_unreadable"],
    "a length beyond all that came": [unsealed((b) => b.writeInt32BE(2 ** 30, LENGTH_AT)), "batch_unreadable"],
    "fewer offsets than none": [ofBatch((b) => b.writeInt32BE(-9, LAST_DELTA_AT)), "batch_unreadable"],
    "an offset before what landed": [unsealed((b) => void b.writeBigInt64BE(0n, 0)), "batch_unreadable"],
    "an offset below none": [unsealed((b) => void b.writeBigInt64BE(-(2n ** 63n), 0)), "batch_unreadable"],
    "an offset beyond any log": [unsealed((b) => void b.writeBigInt64BE(2n ** 62n, 0)), "batch_unreadable"],
    "an offset far behind its own": [unsealed((b) => void b.writeBigInt64BE(10n ** 9n, 0)), "history_lost"],
  };

  test.each(Object.entries(CASES))("with %s stops its topic alone, and lands when it is there", async (_, one) => {
    const [lie, code] = one;
    const [before, others] = [await bars(), await ticks()];
    await publish(lie);
    await expect.poll(() => consuming.stateOf("bars")).toMatchObject({ state: "stopped", code });
    await expect.poll(ticks).toBe(others + 1);
    // What came before it in the same fetch may land a try later.
    if (code === "batch_unreadable") await expect.poll(bars).toBe(before + 1);
    broker.lie = {};
    await expect.poll(bars).toBe(before + 3);
    await expect.poll(() => consuming.stateOf("bars")).toEqual({ state: "running" });
  });
});

describe("an answer to a fetch", () => {
  /** Where an answer of version 11 has the number of its topics, and the length of the first one's name. */
  const [TOPICS_AT, NAME_AT] = [10, 14];
  const CASES: Readonly<Record<string, Lie>> = {
    "more topics than it has": ofAnswer((a) => a.writeInt32BE(2 ** 31 - 1, TOPICS_AT)),
    "a name of a negative length": ofAnswer((a) => a.writeInt16BE(-20, NAME_AT)),
    "a name that nobody asked for": ofAnswer((a) => a.writeUInt8(a[NAME_AT + 2]! ^ 1, NAME_AT + 2)),
    "half of its bytes": ofAnswer((a) => a.subarray(0, a.length >> 1)),
    "bytes behind its end": ofAnswer((a) => Buffer.concat([a, Buffer.alloc(7)])),
  };

  test.each(Object.entries(CASES))("with %s is an outage: other topics land, and it ends by itself", async (_, lie) => {
    const [before, others, lies] = [await bars(), await ticks(), broker.lies];
    await publish(lie);
    await expect.poll(() => broker.lies).toBeGreaterThan(lies + 1);
    await expect.poll(ticks).toBe(others + 1);
    expect(await bars()).toBe(before);
    broker.lie = {};
    await expect.poll(bars).toBe(before + 3);
  });
});

test("all that was told leaves a whole ledger", async () => {
  await consuming.stop();
  await tape.land("audit");
  expect(await ledgerFaults(tape)).toEqual([]);
});
