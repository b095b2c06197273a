import type { ParkedRecord } from "../../table/landing/parked.ts";
import type { RawRecord, Records, ValuePlace } from "../../topic/fetch/records.ts";
import type { RecordHeaders } from "../../topic/wire/record-writer.ts";
import { rawHeaders } from "../encode/headers.ts";

/** Parked events as the records that they were when they were fetched. */
export class ParkedRecords implements Records {
  readonly #parked: readonly ParkedRecord[];

  constructor(parked: readonly ParkedRecord[]) {
    this.#parked = parked;
  }

  get count(): number {
    return this.#parked.length;
  }

  offsetOf(index: number): number {
    return this.#parked[index]!.offset;
  }

  publishedAtMs(index: number): number {
    return this.#parked[index]!.publishedAtMs;
  }

  locate(index: number, place: ValuePlace): void {
    place.cover(this.#parked[index]!.value);
  }

  headersOf(index: number): RecordHeaders {
    return rawHeaders(this.#parked[index]!.headers);
  }

  record(index: number): RawRecord {
    const { key, value } = this.#parked[index]!;
    return { key, value, headers: this.headersOf(index) };
  }

  faultAt(): undefined {
    return undefined;
  }
}
