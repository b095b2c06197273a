import type { TradetapeError } from "../../errors.ts";
import { type BufferedRecords, ValuePlace } from "./records.ts";

/** A topic's name without the namespace. @param name the full name */
export const shortName = (name: string): string => name.slice(name.lastIndexOf(".") + 1);

/** Which part of a log a fetch covers: [fetchedOffset, nextOffset), with or without a record in each. */
export interface FetchedRange {
  /** The full name. */
  readonly topicName: string;
  readonly partition: number;
  readonly fetchedOffset: number;
  readonly nextOffset: number;
  /** The log's end, as the fetch saw it. */
  readonly logEnd: number;
}

/** From an offset on, the epoch of the leader that took what the log holds. */
export interface LeaderEpoch {
  readonly from: number;
  readonly epoch: number;
}

/** What the log held in a fetched range, beside its records. */
interface FetchedFacts {
  /** Why what was fetched isn't what a producer made. */
  readonly damage?: TradetapeError;
  /** Whether the broker set the times of all records. */
  readonly isBrokersTime?: boolean;
  /** In the order of the offsets. */
  readonly leaderEpochs?: readonly LeaderEpoch[];
}

/** What one fetch brought of one partition. */
export class FetchedBatch implements FetchedRange {
  readonly topicName: string;
  readonly partition: number;
  readonly fetchedOffset: number;
  readonly nextOffset: number;
  readonly logEnd: number;
  /** Offsets of the range that the log held nothing for: not a record, not a marker, not an aborted record. */
  readonly missing: number;
  /** Whether the broker set the times of all records. */
  readonly isBrokersTime: boolean;

  readonly #leaderEpochs: readonly LeaderEpoch[];
  readonly #records: BufferedRecords;
  readonly #damage: TradetapeError | undefined;

  /** @param raw how many records of any kind the log held in the range, markers and aborted records included */
  constructor(range: FetchedRange, records: BufferedRecords, raw: number, facts: FetchedFacts = {}) {
    this.topicName = range.topicName;
    this.partition = range.partition;
    this.fetchedOffset = range.fetchedOffset;
    this.nextOffset = range.nextOffset;
    this.logEnd = range.logEnd;
    this.#records = records;
    this.#damage = facts.damage;
    this.missing = this.nextOffset - this.fetchedOffset - raw;
    this.isBrokersTime = facts.isBrokersTime ?? true;
    this.#leaderEpochs = facts.leaderEpochs ?? [];
  }

  /** Whether asking for `records` throws. */
  get isDamaged(): boolean {
    return this.#damage !== undefined;
  }

  /** @throws TradetapeError batch_unreadable: only who needs the records has to stop, and not who is behind them already */
  get records(): BufferedRecords {
    if (this.#damage !== undefined) throw this.#damage;
    return this.#records;
  }

  /** The epoch of the leader that took what the log holds at this offset, markers too; undefined where nothing says it. */
  leaderEpochAt(offset: number): number | undefined {
    return this.#leaderEpochs.findLast(({ from }) => from <= offset)?.epoch;
  }

  /** The first value of each run of values that begin with the same bytes, because these name the value's schema. */
  *heads(length: number): Generator<Buffer> {
    const { records } = this;
    const place = new ValuePlace();
    let last: Buffer | undefined;
    for (let index = 0; index < records.count; index++) {
      records.locate(index, place);
      const { bytes, start, end } = place;
      if (end - start < length || (last !== undefined && beginsWith(bytes, start, last, length))) continue;
      last = Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start);
      yield last;
    }
  }
}

function beginsWith(bytes: Uint8Array, start: number, other: Uint8Array, length: number): boolean {
  for (let i = 0; i < length; i++) if (bytes[start + i] !== other[i]) return false;
  return true;
}
