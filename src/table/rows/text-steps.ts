import { isUtf8 } from "node:buffer";
import type { CopyBuffer } from "./copy-buffer.ts";
import { DECLINED, readSmall, type Step, small } from "./fixed-steps.ts";

/** Above this a copy by the machine, and a check by Node's, beat a loop over the bytes. */
const LOOP_BYTES_MAX = 48;

/** Appends the text at [from, to): UTF-8 without a NUL. */
function putText(out: CopyBuffer, bytes: Uint8Array, from: number, to: number): boolean {
  const target = out.bytes;
  let at = from;
  if (to - from <= LOOP_BYTES_MAX) {
    for (let end = out.length; ; ) {
      if (at === to) {
        out.length = end;
        return true;
      }
      const byte = bytes[at]!;
      if (byte === 0 || byte > 0x7f) break;
      target[end++] = byte;
      at++;
    }
  }
  const text = bytes.subarray(from, to);
  if (text.includes(0) || !isUtf8(text)) return false;
  target.set(text, out.length);
  out.length += to - from;
  return true;
}

const textStepOf =
  (version?: number): Step =>
  (out, bytes, at, end) => {
    const from = readSmall(bytes, at);
    const length = small;
    if (from === DECLINED || length < 0 || from + length > end) return DECLINED;
    const start = out.length;
    out.int32(version === undefined ? length : length + 1);
    if (version !== undefined) out.bytes[out.length++] = version;
    if (putText(out, bytes, from, from + length)) return from + length;
    out.length = start;
    return DECLINED;
  };

export function isSame(bytes: Uint8Array, from: number, length: number, other: Uint8Array): boolean {
  if (length !== other.length) return false;
  for (let i = 0; i < length; i++) if (bytes[from + i] !== other[i]) return false;
  return true;
}

export const textStep = textStepOf();
export const jsonStep = textStepOf(1);
const TEXT_OID = 25;

/** One block of items, or none: who writes in blocks of several, or of a stated size, is read by avsc. */
export const textsStep: Step = (out, bytes, at, end) => {
  const start = out.length;
  let from = readSmall(bytes, at);
  const count = small;
  if (from === DECLINED || count < 0) return DECLINED;
  out.int32(0);
  out.int32(count === 0 ? 0 : 1);
  out.int32(0);
  out.int32(TEXT_OID);
  if (count > 0) {
    out.int32(count);
    out.int32(1);
    for (let i = 0; i < count && from < end; i++) {
      from = textStep(out, bytes, from, end);
      if (from === DECLINED) break;
    }
    if (from === DECLINED || from >= end || bytes[from++] !== 0) {
      out.length = start;
      return DECLINED;
    }
  }
  const length = out.length;
  out.length = start;
  out.int32(length - start - 4);
  out.length = length;
  return from;
};
