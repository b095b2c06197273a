import { crc32c } from "@node-rs/crc32";
import kafkajs from "kafkajs";
import type { Codec } from "./codecs.ts";

/** Where the fields of a record batch stand, counted from its beginning (Kafka's documentation, "Record Batch"). */
const LENGTH_AT = 8;
const MAGIC_AT = 16;
const CHECKSUM_AT = 17;
const ATTRIBUTES_AT = 21;
const LAST_OFFSET_DELTA_AT = 23;
const FIRST_TIME_AT = 27;
const LAST_TIME_AT = 35;
const PRODUCER_AT = 43;
const COUNT_AT = 57;
const RECORDS_AT = 61;
const MAGIC = 2;

const CODEC_BITS = 0x07;
const LOG_APPEND_TIME_BIT = 0x08;
const TRANSACTION_BIT = 0x10;
const CONTROL_BIT = 0x20;

/**
 * One batch of records as the log holds it, taken apart no further. To kafkajs it is a message whose offset is the
 * batch's last: which batches lie below the fetched offset it decides as it does for messages. It knows of none that is
 * nobody's records: what a fetch of these alone lacks, it would tell nobody.
 */
export class RecordBatch {
  readonly firstOffset: number;
  readonly lastOffset: number;
  readonly count: number;
  /** Milliseconds since 1970: of every record where the broker sets them, else of the first one. */
  readonly timeMs: number;
  readonly isBrokersTime: boolean;
  readonly producerId: bigint;
  readonly inTransaction: boolean;
  readonly isControl: boolean;
  /** Its records one after the other, decompressed. */
  readonly records: Buffer;
  /** kafkajs's name: what it sorts messages out by. */
  readonly offset: string;
  /** Whether these are nobody's records: a marker, or what a transaction left that was given up. */
  isHidden: boolean;

  constructor(header: Buffer, records: Buffer) {
    const attributes = header.readInt16BE(ATTRIBUTES_AT);
    this.firstOffset = Number(header.readBigInt64BE(0));
    this.lastOffset = this.firstOffset + header.readInt32BE(LAST_OFFSET_DELTA_AT);
    this.count = header.readInt32BE(COUNT_AT);
    this.isBrokersTime = (attributes & LOG_APPEND_TIME_BIT) !== 0;
    this.timeMs = Number(header.readBigInt64BE(this.isBrokersTime ? LAST_TIME_AT : FIRST_TIME_AT));
    this.producerId = header.readBigInt64BE(PRODUCER_AT);
    this.inTransaction = (attributes & TRANSACTION_BIT) !== 0;
    this.isControl = (attributes & CONTROL_BIT) !== 0;
    this.records = records;
    this.offset = String(this.lastOffset);
    this.isHidden = this.isControl;
  }
}

/**
 * The batches of one partition's part of a fetch. The last one may be cut off, as the broker counts bytes: it is left
 * to the next fetch.
 * @throws Unreadable for a format older than Kafka 0.11's, a wrong checksum, an unknown codec, and what a codec throws
 */
export async function readRecordBatches(bytes: Buffer): Promise<RecordBatch[]> {
  const batches: RecordBatch[] = [];
  for (let at = 0; at + RECORDS_AT <= bytes.length; ) {
    const header = bytes.subarray(at, at + RECORDS_AT);
    const length = LENGTH_AT + 4 + header.readInt32BE(LENGTH_AT);
    if (header[MAGIC_AT] !== MAGIC) throw unreadable(header, `its format is ${header[MAGIC_AT]}, not ${MAGIC}`);
    if (length < RECORDS_AT) throw unreadable(header, `it ends at byte ${length} of itself`);
    if (at + length > bytes.length) break;
    // A bit that a disk or a wire turned would land as another price: no other check sees it. kafkajs has none.
    const isWhole = crc32c(bytes.subarray(at + ATTRIBUTES_AT, at + length)) === header.readUInt32BE(CHECKSUM_AT);
    if (!isWhole) throw unreadable(header, "its checksum is another than its bytes have");
    batches.push(new RecordBatch(header, await decompressed(header, bytes.subarray(at + RECORDS_AT, at + length))));
    at += length;
  }
  return batches;
}

async function decompressed(header: Buffer, body: Buffer): Promise<Buffer> {
  const number = header.readInt16BE(ATTRIBUTES_AT) & CODEC_BITS;
  if (number === 0) return body;
  const codec = (kafkajs.CompressionCodecs as unknown as Record<number, (() => Codec) | undefined>)[number];
  if (codec === undefined) throw unreadable(header, `its codec is ${number}, unknown here`);
  try {
    return await codec().decompress(body);
  } catch (error) {
    throw unreadable(header, (error as Error).message);
  }
}

/**
 * What a fetch brought and nobody can read, now or later. kafkajs takes any other error of a fetch for a passing one and
 * fetches the same again, for ever and in silence; it looks at the deepest cause, so this has none.
 */
export class Unreadable extends Error {
  readonly retriable = false;
}

const unreadable = (header: Buffer, why: string): Unreadable =>
  new Unreadable(`the record batch at offset ${header.readBigInt64BE(0)} can't be read: ${why}`);

/** A transaction that was given up, from its first record on. */
export interface AbortedTransaction {
  readonly producerId: bigint;
  readonly firstOffset: number;
}

/**
 * Marks the batches that are nobody's records: markers, and what transactions left that were given up. kafkajs takes up
 * one such transaction per message, and so forgets some where a fetch begins amid several.
 */
export function markAborted(batches: readonly RecordBatch[], transactions: readonly AbortedTransaction[]): void {
  const waiting = [...transactions].sort((a, b) => a.firstOffset - b.firstOffset);
  const aborted = new Set<bigint>();
  for (const batch of batches) {
    while (waiting.length > 0 && waiting[0]!.firstOffset <= batch.lastOffset) aborted.add(waiting.shift()!.producerId);
    // The first marker behind a transaction's beginning is its own.
    if (batch.isControl) aborted.delete(batch.producerId);
    else if (batch.inTransaction && aborted.has(batch.producerId)) batch.isHidden = true;
  }
}
