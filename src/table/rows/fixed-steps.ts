import { type CopyBuffer, HEX, POSTGRES_EPOCH_US, putInt64 } from "./copy-buffer.ts";

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

const HYPHEN = 45;

const NO_BYTE = 256;
/** The byte that two hexadecimal digits say, by the codes of both: one look-up in the place of two. */
const BYTE_OF_DIGITS = new Uint16Array(2 ** 16).fill(NO_BYTE);
for (const [first, high] of HEX.entries()) {
  for (const [second, low] of HEX.entries()) {
    if ((high | low) <= 15) BYTE_OF_DIGITS[(first << 8) | second] = (high << 4) | low;
  }
}
/** The bits of all bytes that `fourBytes` has read. */
let seen = 0;

/** Four bytes from eight digits, of which the last four stand elsewhere. */
function fourBytes(bytes: Uint8Array, at: number, then: number): number {
  const a = BYTE_OF_DIGITS[(bytes[at]! << 8) | bytes[at + 1]!]!;
  const b = BYTE_OF_DIGITS[(bytes[at + 2]! << 8) | bytes[at + 3]!]!;
  const c = BYTE_OF_DIGITS[(bytes[then]! << 8) | bytes[then + 1]!]!;
  const d = BYTE_OF_DIGITS[(bytes[then + 2]! << 8) | bytes[then + 3]!]!;
  seen |= a | b | c | d;
  return (a << 24) | (b << 16) | (c << 8) | d;
}

export const uuidStep: Step = (out, bytes, at) => {
  // The length 36 as a zigzag number.
  if (bytes[at] !== 72) return DECLINED;
  const text = at + 1;
  if (bytes[text + 8] !== HYPHEN || bytes[text + 13] !== HYPHEN) return DECLINED;
  if (bytes[text + 18] !== HYPHEN || bytes[text + 23] !== HYPHEN) return DECLINED;
  const first = fourBytes(bytes, text, text + 4);
  const second = fourBytes(bytes, text + 9, text + 14);
  const third = fourBytes(bytes, text + 19, text + 24);
  const fourth = fourBytes(bytes, text + 28, text + 32);
  if (seen >= NO_BYTE) {
    seen = 0;
    return DECLINED;
  }
  const { view, length } = out;
  view.setInt32(length, 16);
  view.setInt32(length + 4, first);
  view.setInt32(length + 8, second);
  view.setInt32(length + 12, third);
  view.setInt32(length + 16, fourth);
  out.length = length + 20;
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
  out.int32(4);
  out.int32(small);
  return next;
};

export const smallintStep: Step = (out, bytes, at) => {
  const next = readSmall(bytes, at);
  if (next === DECLINED || small < -32_768 || small > 32_767) return DECLINED;
  out.int32(2);
  out.bytes[out.length++] = small >> 8;
  out.bytes[out.length++] = small;
  return next;
};

const littleInt32 = (bytes: Uint8Array, at: number): number =>
  (bytes[at + 3]! << 24) | (bytes[at + 2]! << 16) | (bytes[at + 1]! << 8) | bytes[at]!;

export const doubleStep: Step = (out, bytes, at) => {
  // An exponent of all ones: NaN and the infinities.
  if ((bytes[at + 7]! & 0x7f) === 0x7f && bytes[at + 6]! >= 0xf0) return DECLINED;
  const { view, length } = out;
  view.setInt32(length, 8);
  view.setInt32(length + 4, littleInt32(bytes, at + 4));
  view.setInt32(length + 8, littleInt32(bytes, at));
  out.length = length + 12;
  return at + 8;
};

export const booleanStep: Step = (out, bytes, at) => {
  const value = bytes[at]!;
  if (value > 1) return DECLINED;
  out.int32(1);
  out.bytes[out.length++] = value;
  return at + 1;
};
