import type { EncodedBatch } from "../encode/encoded-batch.ts";
import { type Rows, RowsWriter } from "../encode/rows.ts";
import { rowBytes } from "./copy-isolated.ts";

/** A field of COPY's binary format: its length in four bytes, then an offset in eight. */
const OFFSET_FIELD_BYTES = 12;

/** Rows [from, to) of a batch with one field more, as its stage has them: the offset of the record that each came from. */
export function withOffsets(batch: EncodedBatch, columnCount: number, from: number, to: number): Rows {
  const { rows, records } = batch;
  const source = rowBytes(rows, from, to);
  const base = from === 0 ? 0 : rows.ends[from - 1]!;
  const written = new RowsWriter(to - from, source.length + (to - from) * OFFSET_FIELD_BYTES);
  const { out } = written;
  for (let i = from; i < to; i++) {
    const start = (i === 0 ? 0 : rows.ends[i - 1]!) - base;
    const end = rows.ends[i]! - base;
    out.int16(columnCount);
    out.reserve(end - start - 2 + OFFSET_FIELD_BYTES);
    out.length += source.copy(out.bytes, out.length, start + 2, end);
    out.length = out.bytes.writeInt32BE(8, out.length);
    out.length = out.bytes.writeBigInt64BE(BigInt(records.offsetOf(rows.indexes[i]!)), out.length);
    written.close(rows.indexes[i]!);
  }
  return written.end();
}
