import type { BufferedRecords } from "../../../src/topic/fetch/records.ts";
import type { RecordHeaders } from "../../../src/topic/wire/record-writer.ts";

export interface TestRecord {
  readonly offset: number;
  readonly timeMs: number;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers?: RecordHeaders;
}

/** What each record of a fetch takes beside its bytes. */
const PLACE_BYTES = 28;

/** Records as a fetch brings them, at any offsets. */
export const bufferedRecords = (list: readonly TestRecord[]): BufferedRecords => ({
  count: list.length,
  bufferBytes: list.reduce((sum, r) => sum + (r.key?.length ?? 0) + (r.value?.length ?? 0) + PLACE_BYTES, 0),
  offsetOf: (index) => list[index]!.offset,
  publishedAtMs: (index) => list[index]!.timeMs,
  locate: (index, place) => place.cover(list[index]!.value),
  headersOf: (index) => list[index]!.headers,
  faultAt: () => undefined,
  record: (index) => list[index]!,
});
