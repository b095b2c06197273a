import type { Withheld } from "../batch/group/replay-terms.ts";

/** Fetching of a partition pauses at so many bytes: its next events may wait for hours. */
export const WITHHELD_BYTES_MAX = 1024 * 1024;

/** What a pace withholds of one partition, in offset order: `take` lets one record go, `flush` queues those that went. */
export class WithheldStream {
  readonly #end: number;
  readonly #withheld: Withheld[] = [];
  /** Where the next batch begins. A batch that begins earlier was fetched again, and replaces all that is withheld. */
  #tail: number;
  #index = 0;
  #flushed = { offset: 0, index: 0 };
  #headTime: { readonly index: number; readonly timeUs: number | undefined } | undefined;
  bytes = 0;

  constructor(next: number, end: number) {
    this.#tail = next;
    this.#end = end;
  }

  add(records: Withheld): void {
    if (records.firstOffset < this.#tail && this.#withheld.length > 0) {
      this.#withheld.length = 0;
      this.bytes = 0;
    }
    this.#tail = records.nextOffset;
    this.#withheld.push(records);
    this.bytes += records.bytes;
    if (this.#withheld.length === 1) this.#begin(records);
  }

  get hasHead(): boolean {
    return this.#withheld.length > 0;
  }

  get headTimeUs(): number | undefined {
    const index = this.#index;
    const [head] = this.#withheld;
    if (index >= head!.to) return undefined;
    if (this.#headTime?.index !== index) this.#headTime = { index, timeUs: head!.timeOf(index) };
    return this.#headTime.timeUs;
  }

  get isAtEnd(): boolean {
    return this.#withheld.length === 0 && this.#tail >= this.#end;
  }

  /** Lets the next record go, or a range without records as a whole. */
  take(): void {
    const head = this.#withheld[0]!;
    if (this.#index < head.to) this.#index++;
    if (this.#index < head.to) return;
    this.flush();
    this.#withheld.shift();
    this.bytes -= head.bytes;
    if (this.bytes < WITHHELD_BYTES_MAX) head.wanted();
    if (this.#withheld[0]) this.#begin(this.#withheld[0]);
  }

  /** Queues in the lane what was let go since the last flush. */
  flush(): void {
    const [head] = this.#withheld;
    if (head === undefined) return;
    const isWhole = this.#index >= head.to;
    const nextOffset = isWhole ? head.nextOffset : head.offsetOf(this.#index);
    const { offset: firstOffset, index: from } = this.#flushed;
    if (nextOffset <= firstOffset || (from === this.#index && !isWhole)) return;
    head.release({ firstOffset, nextOffset, from, to: this.#index });
    this.#flushed = { offset: nextOffset, index: this.#index };
  }

  #begin(head: Withheld): void {
    this.#index = head.from;
    this.#flushed = { offset: head.firstOffset, index: head.from };
    this.#headTime = undefined;
  }
}
