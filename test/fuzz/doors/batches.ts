import { gzipSync, zstdCompressSync } from "node:zlib";
import { compressFrameSync } from "lz4-napi";
import snappy from "snappy";
import { batchOf } from "../../../src/topic/fetch/batch-of.ts";
import { BatchRecords } from "../../../src/topic/fetch/batch-records.ts";
import type { FetchedBatch } from "../../../src/topic/fetch/fetched-batch.ts";
import { openBatches } from "../../../src/topic/fetch/open-batches.ts";
import { ValuePlace } from "../../../src/topic/fetch/records.ts";
import { markAborted } from "../../../src/topic/wire/aborted.ts";
import { readRecordBatches } from "../../../src/topic/wire/read-batches.ts";
import type { RecordBatch } from "../../../src/topic/wire/record-batch.ts";
import type { Dice } from "../../chaos/dice.ts";
import { batchBytes, byKafkajs, list, type Sent, sealed } from "../../topic/wire/batch-bytes.ts";
import { mutate } from "../mutate.ts";
import { type Door, kindOf, must } from "./door.ts";

/** The offset that is asked for; the seeds are around it. */
export const FROM = 100;
const LENGTH_AT = 8;
const MAGIC_AT = 16;
const ATTRIBUTES_AT = 22;
const LAST_DELTA_AT = 23;
const COUNT_AT = 57;
const RECORDS_AT = 61;
const CODECS = 5;

/** Record batches as the log may hold them, by whoever may write to it or stands between. */
export async function batchesDoor(dice: Dice): Promise<Door> {
  const seeds: Buffer[] = [Buffer.alloc(0)];
  for (let n = 0; n < 12; n++) seeds.push(await randomBatches(dice, FROM - 3));
  return { name: "batches", seeds, open, reshape, agree };
}

/** Batches of random records, one behind the other. */
export async function randomBatches(dice: Dice, first: number): Promise<Buffer> {
  const parts: Buffer[] = [];
  let offset = first;
  for (let left = dice.between(1, 3); left > 0; left--) {
    const sent = Array.from({ length: dice.between(1, 6) }, () => randomRecord(dice));
    const change = {
      compression: dice.pick([0, 0, 1, 2, 3, 4]),
      ...(dice.happens(0.7) ? { brokersTimeMs: 1.7e12 } : {}),
    };
    parts.push(await batchBytes(sent, offset, change));
    offset += sent.length;
  }
  return Buffer.concat(parts);
}

const randomBytes = (dice: Dice, max: number) =>
  Buffer.from(Array.from({ length: dice.between(0, max) }, () => dice.between(0, 255)));

function randomRecord(dice: Dice): Sent {
  const names = ["tradetape-redrive", "tradetape-revised-at", "a", "", "é"].filter(() => dice.happens(0.3));
  return {
    key: dice.happens(0.3) ? null : randomBytes(dice, 20),
    value: dice.happens(0.1) ? null : randomBytes(dice, 80),
    headers: Object.fromEntries(names.map((name) => [name, randomBytes(dice, 12)])),
    timeMs: 1.7e12 + dice.between(0, 1000),
  };
}

async function open(input: Buffer): Promise<string> {
  const batches = readRecordBatches(input, FROM);
  must(input.length === 0 || batches.length > 0, "bytes, and no batch");
  markAborted(batches, [{ producerId: -1n, firstOffset: FROM + 4 }]);
  return readBatches(batches);
}

/** Reads all that batches hold, as kafkajs hands them over. @returns the kind of what they are */
export async function readBatches(batches: readonly RecordBatch[]): Promise<string> {
  // kafkajs leaves out what ends before the offset that was asked for.
  const within = await openBatches(batches.filter(({ offset }) => BigInt(offset) >= BigInt(FROM)));
  if (within.length === 0) return "nothing";
  const nextOffset = Number(within.at(-1)!.offset) + 1;
  const range = { topicName: "live.ticks", partition: 0, fetchedOffset: FROM, nextOffset, logEnd: nextOffset };
  const batch = batchOf({ ...range, batches: within });
  must(Number.isSafeInteger(batch.nextOffset) && batch.nextOffset > FROM, `it ends at ${batch.nextOffset}`);
  if (batch.isDamaged) return `damaged: ${kindOf(batches[0]!.damage!)}`;
  return readRecords(batch);
}

function readRecords(batch: FetchedBatch): string {
  const { records } = batch;
  const place = new ValuePlace();
  const kinds = new Set<string>();
  let least = FROM;
  for (let index = 0; index < records.count; index++) {
    const offset = records.offsetOf(index);
    must(offset >= least && offset < batch.nextOffset, `offset ${offset} in ${least} to ${batch.nextOffset}`);
    least = offset + 1;
    records.locate(index, place);
    must(
      place.start === -1 || (place.start <= place.end && place.end <= place.bytes.length),
      "a value beyond its bytes",
    );
    const { key, value, headers } = records.record(index);
    must((value?.length ?? 0) === Math.max(0, place.end - place.start), "a value of two lengths");
    must(Number.isFinite(records.publishedAtMs(index)), "no time");
    const fault = records.faultAt(index);
    if (fault !== undefined) must(value === null && key === null && headers === undefined, "a fault with a value");
    kinds.add(
      fault === undefined ? `record${headers ? " with headers" : ""}` : kindOf(fault.replace(/^.*?: /, "fault: ")),
    );
    must(
      Object.keys(records.headersOf(index) ?? {}).length === Object.keys(headers ?? {}).length,
      "headers of two kinds",
    );
  }
  must(batch.missing >= 0, `${batch.missing} offsets are missing`);
  must(records.bufferBytes >= 0, "less memory than none");
  return `${[...kinds].sort().join(", ") || "no record"}${batch.missing > 0 ? ", some missing" : ""}`;
}

/** Makes the parts of the first batch fit again that a reader looks at first, so that mutants get past them. */
async function reshape(input: Buffer, dice: Dice): Promise<Buffer> {
  if (input.length < RECORDS_AT) return input;
  const said = LENGTH_AT + 4 + input.readInt32BE(LENGTH_AT);
  const end = said >= RECORDS_AT && said <= input.length && dice.happens(0.7) ? said : input.length;
  let batch: Buffer = Buffer.from(input.subarray(0, end));
  if (dice.happens(0.2)) batch = repacked(batch, dice);
  if (dice.happens(0.9)) batch[MAGIC_AT] = 2;
  if (dice.happens(0.8)) batch.writeInt32BE(batch.length - LENGTH_AT - 4, LENGTH_AT);
  if (dice.happens(0.1)) batch.writeInt32BE(dice.between(0, 40), COUNT_AT);
  if (dice.happens(0.1)) batch.writeInt32BE(dice.between(0, 40), LAST_DELTA_AT);
  if (dice.happens(0.05)) batch[ATTRIBUTES_AT]! ^= dice.pick([0x08, 0x10, 0x20, 0x30]);
  // A wrong checksum ends the reading: nine of ten mutants are meant as they are.
  return Buffer.concat([dice.happens(0.9) ? sealed(batch) : batch, input.subarray(end)]);
}

/** The records of another kind of packing, or in the place of packed ones some that aren't. */
function repacked(batch: Buffer, dice: Dice): Buffer {
  const codec = dice.between(0, CODECS);
  const body = batch.subarray(RECORDS_AT);
  const packed = pack(dice.happens(0.2) ? Buffer.concat(Array<Buffer>(64).fill(body)) : body, codec);
  batch[ATTRIBUTES_AT] = (batch[ATTRIBUTES_AT]! & 0xf8) | codec;
  return Buffer.concat([batch.subarray(0, RECORDS_AT), dice.happens(0.3) ? mutate(packed, dice, [body]) : packed]);
}

function pack(body: Buffer, codec: number): Buffer {
  if (codec === 1) return gzipSync(body, { level: 1 });
  if (codec === 2) return snappy.compressSync(body);
  if (codec === 3) return compressFrameSync(body);
  return codec === 4 ? zstdCompressSync(body) : body;
}

async function agree(dice: Dice): Promise<void> {
  const good = await randomBatches(dice, FROM);
  const ours = list(new BatchRecords(await openBatches(readRecordBatches(good, FROM)), 0));
  const theirs = await byKafkajs(good);
  must(JSON.stringify(ours) === JSON.stringify(theirs), "it reads another than kafkajs does");
}
