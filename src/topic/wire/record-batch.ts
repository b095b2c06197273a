import { createHash } from "node:crypto";
import { CODECS, type Codec } from "./codecs.ts";
import { RecordWriter } from "./record-writer.ts";

/** Where the fields of a record batch stand, counted from its beginning (Kafka's documentation, "Record Batch"). */
const LEADER_EPOCH_AT = 12;
export const ATTRIBUTES_AT = 21;
export const LAST_OFFSET_DELTA_AT = 23;
const LAST_TIME_AT = 35;
const PRODUCER_AT = 43;
const COUNT_AT = 57;

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
  /** Whether its records are still compressed: `opened` gives the batch with records. */
  readonly isSealed: boolean;
  /** Why it isn't what its producer made: a disk or a network changed it, and its header may be wrong, too. */
  damage: string | undefined;
  /** Why nobody can read its records: one without key and value is in their place then, at the last one's offset. */
  readonly fault: string | undefined;
  /** Whether readers get none of its records: it is a marker, or of a transaction that was aborted. */
  isHidden: boolean;

  readonly #header: Buffer;
  readonly #body: Buffer;
  readonly #records: Buffer;

  /**
   * @param body the records as they lie in the log
   * @param records where they aren't the body: what this grew to, or what stands in its place
   */
  constructor(header: Buffer, body: Buffer, records?: Buffer, fault?: string) {
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
    this.isSealed = records === undefined && codecOf(header) !== 0;
    this.#records = records ?? body;
    this.isHidden = this.isControl;
    this.fault = fault;
    this.#header = header;
    this.#body = body;
  }

  /** The last record's offset under kafkajs's name for a message's. */
  get offset(): string {
    return String(this.lastOffset);
  }

  /** Its records one after the other. */
  get records(): Buffer {
    if (this.isSealed) throw new Error(`the batch at offset ${this.firstOffset} is still compressed`);
    return this.#records;
  }

  /** Whether its records have a buffer of their own, and don't lie in that of the whole fetch. */
  get isOwnBuffer(): boolean {
    return this.#records !== this.#body;
  }

  /** What it is compressed by; undefined where nobody knows its number, and where it isn't compressed. */
  get codec(): Codec | undefined {
    return CODECS.get(codecOf(this.#header));
  }

  /** What it takes in memory when it is opened, as far as its bytes say. */
  get grownBytes(): number {
    const places = this.count * RECORD_BYTES;
    if (!this.isSealed) return this.#records.length + places;
    try {
      return (this.codec?.grownBytes(this.#body) ?? 0) + places;
    } catch {
      // Its codec can't make sense of it, and says so when it is opened.
      return 0;
    }
  }

  /** This batch with its records decompressed; as one that nobody can read, where they can't be. */
  async opened(): Promise<RecordBatch> {
    if (!this.isSealed) return this;
    const { codec } = this;
    if (codec === undefined) return this.unreadable(`its codec is ${codecOf(this.#header)}, unknown here`);
    try {
      const batch = new RecordBatch(this.#header, this.#body, await codec.decompress(this.#body));
      batch.isHidden = this.isHidden;
      return batch;
    } catch (error) {
      // The checksum was right, so the body is what its producer made: no other fetch brings another one.
      return this.unreadable((error as Error).message);
    }
  }

  /** The same batch as one that nobody can read, its bytes named by their digest. @param why in a few words */
  unreadable(why: string): RecordBatch {
    const bytes = Buffer.concat([this.#header, this.#body]);
    const digest = createHash("sha256").update(bytes).digest("hex");
    const fault = `offsets ${this.firstOffset} to ${this.lastOffset}, ${bytes.length} bytes of sha256 ${digest}: ${why}`;
    const batch = new RecordBatch(this.#header, this.#body, lostRecord(this.lastOffset - this.firstOffset), fault);
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

const codecOf = (header: Buffer): number => header.readInt16BE(ATTRIBUTES_AT) & CODEC_BITS;
