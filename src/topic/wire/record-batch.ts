import { createHash } from "node:crypto";
import { crc32c } from "@node-rs/crc32";
import { DECOMPRESS, DECOMPRESSED_BYTES_MAX } from "./codecs.ts";
import { RecordWriter } from "./record-writer.ts";

/** Where the fields of a record batch stand, counted from its beginning (Kafka's documentation, "Record Batch"). */
const LENGTH_AT = 8;
const LEADER_EPOCH_AT = 12;
const MAGIC_AT = 16;
const CHECKSUM_AT = 17;
const ATTRIBUTES_AT = 21;
const LAST_OFFSET_DELTA_AT = 23;
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
 * One batch of records as the log holds it, taken apart no further. kafkajs takes it for one message, because it has an
 * `offset`: by it kafkajs leaves out the batches below the offset that it fetched from. It has none of the members by
 * which kafkajs leaves out markers and aborted records, because a fetch of nothing else would then reach no handler.
 */
export class RecordBatch {
  readonly firstOffset: number;
  lastOffset: number;
  readonly count: number;
  /** The epoch of the leader that took it: the leaders of a partition count theirs up. */
  readonly leaderEpoch: number;
  /** The broker's time of every record, milliseconds since 1970; undefined where their producers set the times. */
  readonly timeMs: number | undefined;
  readonly producerId: bigint;
  readonly inTransaction: boolean;
  readonly isControl: boolean;
  /** Its records one after the other, decompressed. */
  readonly records: Buffer;
  /** Why it isn't what its producer made: a disk or a network changed it, and its header may be wrong, too. */
  damage: string | undefined;
  /** Why nobody can read its records: one without key and value is in their place then, at the last one's offset. */
  readonly fault: string | undefined;
  /** Whether readers get none of its records: it is a marker, or of a transaction that was aborted. */
  isHidden: boolean;

  readonly #header: Buffer;
  readonly #body: Buffer;

  /** @param body the records as they lie in the log */
  constructor(header: Buffer, records: Buffer, body = records, fault?: string) {
    const attributes = header.readInt16BE(ATTRIBUTES_AT);
    this.firstOffset = Number(header.readBigInt64BE(0));
    this.lastOffset = this.firstOffset + header.readInt32BE(LAST_OFFSET_DELTA_AT);
    this.count = fault === undefined ? header.readInt32BE(COUNT_AT) : 1;
    this.leaderEpoch = header.readInt32BE(LEADER_EPOCH_AT);
    const isBrokersTime = (attributes & LOG_APPEND_TIME_BIT) !== 0;
    this.timeMs = isBrokersTime ? Number(header.readBigInt64BE(LAST_TIME_AT)) : undefined;
    this.producerId = header.readBigInt64BE(PRODUCER_AT);
    this.inTransaction = (attributes & TRANSACTION_BIT) !== 0;
    this.isControl = (attributes & CONTROL_BIT) !== 0;
    this.records = records;
    this.isHidden = this.isControl;
    this.fault = fault;
    this.#header = header;
    this.#body = body;
  }

  /** The last record's offset under kafkajs's name for a message's. */
  get offset(): string {
    return String(this.lastOffset);
  }

  /** The same batch as one that nobody can read, its bytes named by their digest. @param why in a few words */
  unreadable(why: string): RecordBatch {
    const bytes = Buffer.concat([this.#header, this.#body]);
    const digest = createHash("sha256").update(bytes).digest("hex");
    const fault = `offsets ${this.firstOffset} to ${this.lastOffset}, ${bytes.length} bytes of sha256 ${digest}: ${why}`;
    const batch = new RecordBatch(this.#header, lostRecord(this.lastOffset - this.firstOffset), this.#body, fault);
    batch.isHidden = this.isHidden;
    return batch;
  }
}

/** A record without key and value. @param delta its offset, counted from its batch's first one */
function lostRecord(delta: number): Buffer {
  const writer = new RecordWriter(16);
  writer.add(null, null, undefined, delta);
  return writer.bytes;
}

/** What a record takes in memory beside its bytes: three places of 4 bytes, its offset and its time. */
export const RECORD_BYTES = 3 * 4 + 2 * 8;

/** How far the compressed batches of one fetch may grow: behind that, each partition gets one batch of it. */
export class GrowthBound {
  bytesLeft = DECOMPRESSED_BYTES_MAX;
}

/**
 * The batches of one partition's part of a fetch, in the order of their offsets. The last one may be cut off, as the broker
 * counts bytes: it is left to the next fetch, as is what the fetch has no more bytes to grow to for. What its producer made
 * so that nobody can read it is a batch with a `fault`. One with `damage` isn't as the log should have it. It comes alone:
 * what is before it lands first.
 * @param from the offset that was asked for: brokers send the batch that holds it whole, however large it is
 */
export async function readRecordBatches(
  bytes: Buffer,
  from: number,
  bound = new GrowthBound(),
): Promise<RecordBatch[]> {
  const batches: RecordBatch[] = [];
  let next = from;
  for (let at = 0; at < bytes.length; ) {
    const part = bytes.subarray(at);
    const length = part.length < RECORDS_AT ? part.length : LENGTH_AT + 4 + part.readInt32BE(LENGTH_AT);
    const isFirst = batches.length === 0;
    if (!isFirst && bound.bytesLeft <= 0) break;
    const damage = damageOf(part, length) ?? misplaced(part, next, isFirst);
    if (damage !== undefined && !isFirst) break;
    if (damage !== undefined) return [damaged(part, length, damage, from)];
    const batch = await batchAt(part.subarray(0, RECORDS_AT), part.subarray(RECORDS_AT, length), bound);
    batches.push(batch);
    next = batch.lastOffset + 1;
    at += length;
  }
  return batches;
}

/**
 * Why a batch can't be what its producer made, or is of another format.
 * @param part the bytes from its beginning on
 * @param length how many of them it says that it takes
 */
function damageOf(part: Buffer, length: number): string | undefined {
  if (part.length < RECORDS_AT) return `it is cut off at byte ${part.length} of itself`;
  if (part[MAGIC_AT] !== MAGIC) return `its format is ${part[MAGIC_AT]}, not ${MAGIC}`;
  if (length < RECORDS_AT) return `it ends at byte ${length} of itself`;
  if (length > part.length) return `it is cut off at byte ${part.length} of itself`;
  // Without this check, which kafkajs leaves out, a bit that a disk or a wire turned would land as another price.
  const isAsMade = crc32c(part.subarray(ATTRIBUTES_AT, length)) === part.readUInt32BE(CHECKSUM_AT);
  if (!isAsMade) return "its checksum is another than its bytes have";
  const delta = part.readInt32BE(LAST_OFFSET_DELTA_AT);
  return delta < 0 ? `it covers ${delta + 1} offsets` : undefined;
}

/**
 * Why a batch can't be where it is. Its checksum leaves its first offset out, because the broker sets that.
 * @param next the offset that was asked for, which the first one has to hold or lie behind; or the end of the one before
 */
function misplaced(part: Buffer, next: number, isFirst: boolean): string | undefined {
  const first = Number(part.readBigInt64BE(0));
  const last = first + part.readInt32BE(LAST_OFFSET_DELTA_AT);
  const isThere = first >= 0 && Number.isSafeInteger(last) && (isFirst ? last : first) >= next;
  return isThere ? undefined : `its offsets are ${first} to ${last}, where ${next} or more are due`;
}

/**
 * A batch that ends where the next one begins, if that is there, because its own header may be what is damaged. It covers
 * what was asked for at least.
 */
function damaged(part: Buffer, length: number, why: string, from: number): RecordBatch {
  const header = Buffer.alloc(RECORDS_AT);
  part.copy(header);
  const behind = part.subarray(Math.max(RECORDS_AT, length));
  const next = behind[MAGIC_AT] === MAGIC ? Number(behind.readBigInt64BE(0)) : 0;
  const batch = new RecordBatch(header, Buffer.alloc(0));
  const end = header[MAGIC_AT] === MAGIC ? batch.lastOffset : batch.firstOffset;
  const last = next > from ? next - 1 : end;
  batch.damage = why;
  batch.lastOffset = Number.isSafeInteger(last) ? Math.max(last, from) : from;
  return batch;
}

async function batchAt(header: Buffer, body: Buffer, bound: GrowthBound): Promise<RecordBatch> {
  const number = header.readInt16BE(ATTRIBUTES_AT) & CODEC_BITS;
  if (number === 0) return new RecordBatch(header, body);
  const decompress = DECOMPRESS.get(number);
  if (decompress === undefined) return new RecordBatch(header, body).unreadable(`its codec is ${number}, unknown here`);
  try {
    const records = await decompress(body);
    const batch = new RecordBatch(header, records, body);
    bound.bytesLeft -= records.length + batch.count * RECORD_BYTES;
    return batch;
  } catch (error) {
    // The checksum was right, so the body is what its producer made: no other fetch brings another one.
    bound.bytesLeft = 0;
    return new RecordBatch(header, body).unreadable((error as Error).message);
  }
}
