import { type CopyBuffer, HEX, POSTGRES_EPOCH_US, UUID_DIGITS } from "./copy-buffer.ts";

/**
 * Reads one field at `at` and appends it to `out` as COPY has it. `out` has room for it.
 * @returns where the next field begins, or DECLINED: then avsc reads the event and says what is wrong with it, if
 * anything is. A step may decline what it need not understand; what it accepts, avsc and the column's writer accept, too,
 * and to the same bytes. Reads beyond `end` are found by the caller: the last field must end there.
 */
export type Step = (out: CopyBuffer, bytes: Uint8Array, at: number, end: number) => number;

export const DECLINED = -1;

/** What the readers below read last: a small number, or a long's zigzag form in two halves, none of them ever boxed. */
export let small = 0;
let low28 = 0;
let high = 0;

/** Reads a zigzag number of at most four bytes into `small`: lengths, counts, indexes and nearly all ints. */
export function readSmall(bytes: Uint8Array, start: number): number {
  let at = start;
  let byte = bytes[at++]!;
  let zigzag = byte & 0x7f;
  for (let shift = 7; byte >= 0x80; shift += 7) {
    if (shift === 28) return DECLINED;
    byte = bytes[at++]!;
    zigzag |= (byte & 0x7f) << shift;
  }
  small = (zigzag >>> 1) ^ -(zigzag & 1);
  return at;
}

const TWO_28 = 2 ** 28;
/** From here on a long's zigzag form isn't exact in a double. */
const HIGH_MAX = 2 ** 25;

/** Reads a long between -2^52 and 2^52, of at most eight bytes, into `low28` and `high`. */
export function readLong(bytes: Uint8Array, start: number): number {
  let at = start;
  let byte = bytes[at++]!;
  low28 = byte & 0x7f;
  high = 0;
  for (let shift = 7; byte >= 0x80; shift += 7) {
    if (shift === 56) return DECLINED;
    byte = bytes[at++]!;
    if (shift < 28) low28 |= (byte & 0x7f) << shift;
    else high |= (byte & 0x7f) << (shift - 28);
  }
  return high < HIGH_MAX ? at : DECLINED;
}

/** The long that `readLong` has read. */
export function longRead(): number {
  const half = (high * TWO_28 + (low28 & ~1)) / 2;
  return (low28 & 1) === 0 ? half : -half - 1;
}

export function putInt32(out: CopyBuffer, value: number): void {
  const { bytes } = out;
  let to = out.length;
  bytes[to++] = value >> 24;
  bytes[to++] = value >> 16;
  bytes[to++] = value >> 8;
  bytes[to++] = value;
  out.length = to;
}

const TWO_32 = 2 ** 32;

function putInt64(out: CopyBuffer, value: number): void {
  putInt32(out, 8);
  const high = Math.floor(value / TWO_32);
  putInt32(out, high);
  putInt32(out, value - high * TWO_32);
}

const HYPHEN = 45;

export const uuidStep: Step = (out, bytes, at) => {
  // The length 36 as a zigzag number.
  if (bytes[at] !== 72) return DECLINED;
  const text = at + 1;
  if (bytes[text + 8] !== HYPHEN || bytes[text + 13] !== HYPHEN) return DECLINED;
  if (bytes[text + 18] !== HYPHEN || bytes[text + 23] !== HYPHEN) return DECLINED;
  const start = out.length;
  putInt32(out, 16);
  const target = out.bytes;
  let to = start + 4;
  let seen = 0;
  for (let i = 0; i < 16; i++) {
    const digit = text + UUID_DIGITS[i]!;
    const high = HEX[bytes[digit]!]!;
    const low = HEX[bytes[digit + 1]!]!;
    seen |= high | low;
    target[to++] = (high << 4) | low;
  }
  if (seen > 15) {
    out.length = start;
    return DECLINED;
  }
  out.length = to;
  return text + 36;
};

/** @param us microseconds since 1970 */
export const putTimestamp = (out: CopyBuffer, us: number): void => putInt64(out, us - POSTGRES_EPOCH_US);

export const timestampStep: Step = (out, bytes, at) => {
  const next = readLong(bytes, at);
  if (next !== DECLINED) putTimestamp(out, longRead());
  return next;
};

export const bigintStep: Step = (out, bytes, at) => {
  const next = readLong(bytes, at);
  if (next !== DECLINED) putInt64(out, longRead());
  return next;
};

export const intStep: Step = (out, bytes, at) => {
  const next = readSmall(bytes, at);
  if (next === DECLINED) return next;
  putInt32(out, 4);
  putInt32(out, small);
  return next;
};

export const smallintStep: Step = (out, bytes, at) => {
  const next = readSmall(bytes, at);
  if (next === DECLINED || small < -32_768 || small > 32_767) return DECLINED;
  putInt32(out, 2);
  out.bytes[out.length++] = small >> 8;
  out.bytes[out.length++] = small;
  return next;
};

export const doubleStep: Step = (out, bytes, at) => {
  // An exponent of all ones: NaN and the infinities.
  if ((bytes[at + 7]! & 0x7f) === 0x7f && bytes[at + 6]! >= 0xf0) return DECLINED;
  putInt32(out, 8);
  const target = out.bytes;
  const to = out.length;
  for (let i = 0; i < 8; i++) target[to + i] = bytes[at + 7 - i]!;
  out.length = to + 8;
  return at + 8;
};

export const booleanStep: Step = (out, bytes, at) => {
  const value = bytes[at]!;
  if (value > 1) return DECLINED;
  putInt32(out, 1);
  out.bytes[out.length++] = value;
  return at + 1;
};
