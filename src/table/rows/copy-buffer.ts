/**
 * PostgreSQL's binary COPY format (documentation, "COPY", section Binary Format), written straight into one growing
 * buffer: a 16-bit field count per row, then a 32-bit length and the bytes of each field; -1 is NULL.
 */
export class CopyBuffer {
  bytes: Buffer;
  /** Of the same bytes: it reads a double without a copy, and writes a number with one store, not with one a byte. */
  view: DataView;
  length = 0;

  constructor(capacityBytes: number) {
    // Not from Node's pool: rows that wait would hold its whole block.
    this.bytes = Buffer.allocUnsafeSlow(capacityBytes);
    this.view = new DataView(this.bytes.buffer);
  }

  /** Makes room for `more` bytes. Doubling keeps the copying below one write per byte on average. */
  reserve(more: number): void {
    const needed = this.length + more;
    if (needed <= this.bytes.length) return;
    const grown = Buffer.allocUnsafeSlow(Math.max(needed, this.bytes.length * 2));
    this.bytes.copy(grown, 0, 0, this.length);
    this.bytes = grown;
    this.view = new DataView(grown.buffer);
  }

  int16(value: number): void {
    this.reserve(2);
    this.view.setInt16(this.length, value);
    this.length += 2;
  }

  /** Of which there is room. */
  int32(value: number): void {
    this.view.setInt32(this.length, value);
    this.length += 4;
  }
}

/** Writes one field, or writes nothing and returns false when the column's type can't hold the value. */
export type FieldWriter = (out: CopyBuffer, value: unknown) => boolean;

export function writeNull(out: CopyBuffer): void {
  out.reserve(4);
  out.int32(-1);
}

const NOT_HEX = 255;
/** The value of a hexadecimal digit by its character code, for every byte there is. */
export const HEX = new Uint8Array(256).fill(NOT_HEX);
for (let digit = 0; digit < 16; digit++) {
  HEX["0123456789abcdef".charCodeAt(digit)] = digit;
  HEX["0123456789ABCDEF".charCodeAt(digit)] = digit;
}
const HYPHEN = 45;
/** Where the 16 bytes stand in xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx. */
const UUID_DIGITS = [0, 2, 4, 6, 9, 11, 14, 16, 19, 21, 24, 26, 28, 30, 32, 34] as const;

export const writeUuid: FieldWriter = (out, value) => {
  const text = value as string;
  if (text.length !== 36) return false;
  for (let at = 8; at <= 23; at += 5) if (text.charCodeAt(at) !== HYPHEN) return false;
  out.reserve(20);
  const bytes = out.bytes;
  let to = bytes.writeInt32BE(16, out.length);
  for (let i = 0; i < 16; i++) {
    const at = UUID_DIGITS[i]!;
    const high = HEX[text.charCodeAt(at)] ?? NOT_HEX;
    const low = HEX[text.charCodeAt(at + 1)] ?? NOT_HEX;
    if (high === NOT_HEX || low === NOT_HEX) return false;
    bytes[to++] = (high << 4) | low;
  }
  out.length = to;
  return true;
};

const TWO_32 = 2 ** 32;
/** Microseconds from 1970-01-01 to 2000-01-01, PostgreSQL's own beginning of time. */
export const POSTGRES_EPOCH_US = 946_684_800_000_000;

/** A field of 64 bits, of which there is room. */
export function putInt64(out: CopyBuffer, value: number): void {
  const { view, length } = out;
  const high = Math.floor(value / TWO_32);
  view.setInt32(length, 8);
  view.setInt32(length + 4, high);
  view.setInt32(length + 8, value - high * TWO_32);
  out.length = length + 12;
}

function writeInt64(out: CopyBuffer, value: number): boolean {
  out.reserve(12);
  putInt64(out, value);
  return true;
}

/** Whole microseconds since 1970, within 2^53: the years 1684 to 2255, inside timestamptz's own range. */
export const writeTimestamp: FieldWriter = (out, value) =>
  Number.isSafeInteger(value) ? writeInt64(out, (value as number) - POSTGRES_EPOCH_US) : false;

export const writeBigint: FieldWriter = (out, value) =>
  Number.isSafeInteger(value) ? writeInt64(out, value as number) : false;

export const writeInt: FieldWriter = (out, value) => {
  out.reserve(8);
  const to = out.bytes.writeInt32BE(4, out.length);
  out.length = out.bytes.writeInt32BE(value as number, to);
  return true;
};

export const writeSmallint: FieldWriter = (out, value) => {
  const number = value as number;
  if (number < -32_768 || number > 32_767) return false;
  out.reserve(6);
  const to = out.bytes.writeInt32BE(2, out.length);
  out.length = out.bytes.writeInt16BE(number, to);
  return true;
};

/** NaN and the infinities are refused: PostgreSQL would take them, and every sum and comparison after it would lie. */
export const writeDouble: FieldWriter = (out, value) => {
  if (!Number.isFinite(value)) return false;
  out.reserve(12);
  const to = out.bytes.writeInt32BE(8, out.length);
  out.length = out.bytes.writeDoubleBE(value as number, to);
  return true;
};

export const writeBoolean: FieldWriter = (out, value) => {
  out.reserve(5);
  const to = out.bytes.writeInt32BE(1, out.length);
  out.bytes[to] = value === true ? 1 : 0;
  out.length = to + 1;
  return true;
};

/** Below this a loop over ASCII codes beats the call into Node's UTF-8 writer (12 characters: 60 to 80 ns). */
const SHORT_TEXT_CHARACTERS = 24;

/** Writes the UTF-8 of `text` at the end, or returns false at U+0000, which text can't hold. */
function writeUtf8(out: CopyBuffer, text: string): boolean {
  const characters = text.length;
  out.reserve(characters * 3);
  const bytes = out.bytes;
  if (characters <= SHORT_TEXT_CHARACTERS) {
    let to = out.length;
    let i = 0;
    for (; i < characters; i++) {
      const code = text.charCodeAt(i);
      if (code === 0) return false;
      if (code > 127) break;
      bytes[to++] = code;
    }
    if (i === characters) {
      out.length = to;
      return true;
    }
  }
  if (text.includes("\0")) return false;
  out.length += bytes.write(text, out.length, "utf8");
  return true;
}

function writePrefixed(out: CopyBuffer, text: string, version: number | undefined): boolean {
  out.reserve(5);
  const start = out.length;
  out.length = start + 4;
  if (version !== undefined) out.bytes[out.length++] = version;
  if (!writeUtf8(out, text)) {
    out.length = start;
    return false;
  }
  out.bytes.writeInt32BE(out.length - start - 4, start);
  return true;
}

export const writeText: FieldWriter = (out, value) => writePrefixed(out, value as string, undefined);

const JSONB_VERSION = 1;
/** jsonb travels as its text behind a version byte; whether the text is JSON is PostgreSQL's to say. */
export const writeJsonb: FieldWriter = (out, value) => writePrefixed(out, value as string, JSONB_VERSION);

const TEXT_OID = 25;
/** text[]: dimensions, has-nulls flag, element type, length and lower bound, then the elements. */
export const writeTexts: FieldWriter = (out, value) => {
  const texts = value as readonly string[];
  const start = out.length;
  out.reserve(24);
  out.length = start + 4;
  for (const head of texts.length === 0 ? [0, 0, TEXT_OID] : [1, 0, TEXT_OID, texts.length, 1]) {
    out.length = out.bytes.writeInt32BE(head, out.length);
  }
  for (const text of texts) {
    if (writeText(out, text)) continue;
    out.length = start;
    return false;
  }
  out.bytes.writeInt32BE(out.length - start - 4, start);
  return true;
};
