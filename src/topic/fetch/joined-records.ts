import type { RecordHeaders } from "../wire/record-writer.ts";
import type { RawRecord, Records, ValuePlace } from "./records.ts";

/** The records [from, to) of `records`. */
interface RecordRange {
  readonly records: Records;
  readonly from: number;
  readonly to: number;
}

/**
 * Ranges of records one behind the other, as one list. `#rangeOf` walks from the range of the last call, because callers
 * go through the records in order, or nearly.
 */
export class JoinedRecords implements Records {
  readonly count: number;
  readonly #ranges: readonly RecordRange[];
  /** The index here of each range's first record. */
  readonly #starts: readonly number[];
  /** The range that the last call asked for. */
  #at = 0;

  constructor(ranges: readonly RecordRange[]) {
    let count = 0;
    const starts: number[] = [];
    for (const { from, to } of ranges) {
      starts.push(count);
      count += to - from;
    }
    this.count = count;
    this.#ranges = ranges;
    this.#starts = starts;
  }

  offsetOf(index: number): number {
    const { records, from } = this.#rangeOf(index);
    return records.offsetOf(from + index - this.#starts[this.#at]!);
  }

  publishedAtMs(index: number): number {
    const { records, from } = this.#rangeOf(index);
    return records.publishedAtMs(from + index - this.#starts[this.#at]!);
  }

  locate(index: number, place: ValuePlace): void {
    const { records, from } = this.#rangeOf(index);
    records.locate(from + index - this.#starts[this.#at]!, place);
  }

  headersOf(index: number): RecordHeaders | undefined {
    const { records, from } = this.#rangeOf(index);
    return records.headersOf(from + index - this.#starts[this.#at]!);
  }

  record(index: number): RawRecord {
    const { records, from } = this.#rangeOf(index);
    return records.record(from + index - this.#starts[this.#at]!);
  }

  faultAt(index: number): string | undefined {
    const { records, from } = this.#rangeOf(index);
    return records.faultAt(from + index - this.#starts[this.#at]!);
  }

  #rangeOf(index: number): RecordRange {
    const starts = this.#starts;
    while (index < starts[this.#at]!) this.#at--;
    while (this.#at + 1 < starts.length && index >= starts[this.#at + 1]!) this.#at++;
    return this.#ranges[this.#at]!;
  }
}
