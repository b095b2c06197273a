import { createHash } from "node:crypto";
import { ValuePlace } from "../topic/fetched-batch.ts";
import type { EncodedBatch } from "./encode.ts";

/** Values are gathered up to this much before they are hashed: a call of the hash has a price of its own. */
const GATHERED_BYTES = 64 * 1024;
const gathered = Buffer.allocUnsafeSlow(GATHERED_BYTES);

/** SHA-256 of the values of the batch's records, one after the other; what is null adds nothing. */
export function valuesDigest({ records, from, to }: Pick<EncodedBatch, "records" | "from" | "to">): Buffer {
  const hash = createHash("sha256");
  const place = new ValuePlace();
  let length = 0;
  for (let index = from; index < to; index++) {
    records.locate(index, place);
    const value = place.bytes.subarray(Math.max(0, place.start), Math.max(0, place.end));
    if (length + value.length > GATHERED_BYTES) {
      hash.update(gathered.subarray(0, length));
      length = 0;
    }
    if (value.length > GATHERED_BYTES) hash.update(value);
    else {
      gathered.set(value, length);
      length += value.length;
    }
  }
  return hash.update(gathered.subarray(0, length)).digest();
}
