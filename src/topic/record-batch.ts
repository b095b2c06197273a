import kafkajs from "kafkajs";
import type { Codec } from "./codecs.ts";

/** Where the fields of a record batch stand, counted from its beginning (Kafka's documentation, "Record Batch"). */
const LENGTH_AT = 8;
const MAGIC_AT = 16;
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
 * batch's last: which batches lie below the fetched offset, or are nobody's records, it decides as it does for messages.
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
  /** kafkajs's names: what it sorts messages out by. */
  readonly offset: string;
  isControlRecord: boolean;

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
    this.isControlRecord = this.isControl;
  }
}

/**
 * The batches of one partition's part of a fetch. The last one may be cut off, as the broker counts bytes: it is left
 * to the next fetch.
 * @throws Error for a format older than Kafka 0.11's, and what a codec throws
 */
export async function readRecordBatches(bytes: Buffer): Promise<RecordBatch[]> {
  const batches: RecordBatch[] = [];
  for (let at = 0; at + RECORDS_AT <= bytes.length; ) {
    const end = at + LENGTH_AT + 4 + bytes.readInt32BE(at + LENGTH_AT);
    if (bytes[at + MAGIC_AT] !== MAGIC)
      throw new Error(`a record batch of format ${bytes[at + MAGIC_AT]}, not ${MAGIC}`);
    if (end < at + RECORDS_AT) throw new Error(`a record batch that ends at byte ${end - at} of itself`);
    if (end > bytes.length) break;
    const body = bytes.subarray(at + RECORDS_AT, end);
    const codec = codecOf(bytes.readInt16BE(at + ATTRIBUTES_AT) & CODEC_BITS);
    batches.push(new RecordBatch(bytes.subarray(at, at + RECORDS_AT), codec ? await codec.decompress(body) : body));
    at = end;
  }
  return batches;
}

const codecOf = (number: number): Codec | undefined =>
  number === 0 ? undefined : (kafkajs.CompressionCodecs as unknown as Record<number, () => Codec>)[number]!();

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
    else if (batch.inTransaction && aborted.has(batch.producerId)) batch.isControlRecord = true;
  }
}
