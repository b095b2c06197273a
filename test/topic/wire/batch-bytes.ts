import { createRequire } from "node:module";
import { crc32c } from "@node-rs/crc32";
import { expect } from "vitest";
import { NO_BROKERS_TIME, type Records, ValuePlace } from "../../../src/topic/fetch/records.ts";
import "../../support/services/plain-kafka.ts";

const load = createRequire(import.meta.url);
const { RecordBatch: encodeBatch } = load("kafkajs/src/protocol/recordBatch/v0/index.js");
const Record = load("kafkajs/src/protocol/recordBatch/record/v0/index.js");
const Decoder = load("kafkajs/src/protocol/decoder.js");
const decodeBatch = load("kafkajs/src/protocol/recordBatch/v0/decoder.js");

export interface Sent {
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: Readonly<Record<string, Buffer>>;
  readonly timeMs: number;
}

const BROKERS_TIME_BIT = 0x08;
/** As kafkajs calls it. */
const LOG_APPEND_TIME = 1;

/** A record batch as a broker stores it, by kafkajs's own encoder. */
export async function batchBytes(
  sent: readonly Sent[],
  first: number,
  change: { compression?: number; brokersTimeMs?: number } = {},
) {
  const firstTimestamp = sent[0]!.timeMs;
  const records = sent.map(({ key, value, headers, timeMs }, offsetDelta) =>
    Record({ offsetDelta, timestampDelta: timeMs - firstTimestamp, key, value, headers }),
  );
  const lastTime = Math.max(...sent.map(({ timeMs }) => timeMs));
  const { buffer } = await encodeBatch({
    compression: change.compression ?? 0,
    firstOffset: first,
    firstTimestamp,
    maxTimestamp: change.brokersTimeMs ?? lastTime,
    lastOffsetDelta: sent.length - 1,
    records,
  });
  if (change.brokersTimeMs !== undefined) buffer[22] |= BROKERS_TIME_BIT;
  return sealed(buffer as Buffer);
}

/** With the checksum of what it holds now: whoever wrote it meant it so. */
export function sealed(batch: Buffer): Buffer {
  batch.writeUInt32BE(crc32c(batch.subarray(21)), 17);
  return batch;
}

export const list = (records: Records) =>
  Array.from({ length: records.count }, (_, index) => {
    const place = new ValuePlace();
    records.locate(index, place);
    const value = place.start < 0 ? null : Buffer.from(place.bytes.slice(place.start, place.end));
    const { headers, ...record } = records.record(index);
    expect(record.value).toEqual(value);
    return { offset: records.offsetOf(index), timeMs: records.publishedAtMs(index), ...record, headers: headers ?? {} };
  });

/** The same bytes, read by kafkajs. */
export async function byKafkajs(bytes: Buffer) {
  const decoder = new Decoder(bytes);
  const all = [];
  while (decoder.canReadBytes(61)) all.push(...(await decodeBatch(decoder)).records);
  return all.map(({ offset, timestamp, key, value, headers, batchContext }) => ({
    offset: Number(offset),
    timeMs: batchContext.timestampType === LOG_APPEND_TIME ? Number(timestamp) : NO_BROKERS_TIME,
    key,
    value,
    headers,
  }));
}

/** A record of a text alone. */
export const plain = (text: string): Sent => ({
  key: null,
  value: Buffer.from(text),
  headers: {},
  timeMs: 1_700_000_000_000,
});
