import { crc32c } from "@node-rs/crc32";
import { ATTRIBUTES_AT, LAST_OFFSET_DELTA_AT, RecordBatch } from "./record-batch.ts";

/** Where more fields of a record batch stand, counted from its beginning (Kafka's documentation, "Record Batch"). */
const LENGTH_AT = 8;
const MAGIC_AT = 16;
const CHECKSUM_AT = 17;
const MAGIC = 2;
const RECORDS_AT = 61;

/**
 * The batches of one partition's part of a fetch, in the order of their offsets. The last one may be cut off, as the broker
 * counts bytes: it is left to the next fetch. What is compressed stays so. A batch with `damage` isn't as the log should have
 * it. It comes alone: what is before it lands first.
 * @param from the offset that was asked for: brokers send the batch that holds it whole, however large it is
 */
export function readRecordBatches(bytes: Buffer, from: number): RecordBatch[] {
  const batches: RecordBatch[] = [];
  let next = from;
  for (let at = 0; at < bytes.length; ) {
    const part = bytes.subarray(at);
    const length = part.length < RECORDS_AT ? part.length : LENGTH_AT + 4 + part.readInt32BE(LENGTH_AT);
    const isFirst = batches.length === 0;
    const damage = damageOf(part, length) ?? misplaced(part, next, isFirst);
    if (damage !== undefined && !isFirst) break;
    if (damage !== undefined) return [damaged(part, length, damage, from)];
    const batch = new RecordBatch(part.subarray(0, RECORDS_AT), part.subarray(RECORDS_AT, length));
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
  const batch = new RecordBatch(header, Buffer.alloc(0), Buffer.alloc(0));
  const end = header[MAGIC_AT] === MAGIC ? batch.lastOffset : batch.firstOffset;
  const last = next > from ? next - 1 : end;
  batch.damage = why;
  batch.lastOffset = Number.isSafeInteger(last) ? Math.max(last, from) : from;
  return batch;
}
