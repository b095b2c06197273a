import { hash } from "node:crypto";

/** A body of as many bytes, as UTF-8, is in its call's event whole; a larger one lies in pieces. */
const WHOLE_BYTES_MAX = 16 * 1024;
const PIECE_BYTES_MIN = 16 * 1024;
const PIECE_BYTES_MAX = 256 * 1024;
/** A cut comes once in 2^15 places: pieces of 48 KiB on average. */
const CUT_MASK = 0xfffe0000;

/** A number a byte, by which places are told from one another; made of digests, so that every program has the same ones. */
const GEAR = Uint32Array.from({ length: 256 }, (_, byte) => Number.parseInt(hash("sha256", `${byte}`).slice(0, 8), 16));

/** A text as a call's event holds it: whole, or as the digests of its pieces; neither where it isn't kept. */
export interface Body {
  readonly whole: string | null;
  readonly pieces: readonly string[] | null;
  /** Of the whole text, in hex. */
  readonly sha256: string;
  /** As UTF-8. */
  readonly bytes: number;
}

/** What a large body lies in: each piece by its SHA-256, in hex. */
export type Contents = Map<string, string>;

/** @param contents gets the pieces of a text that is too large for its event */
export function bodyOf(text: string, contents: Contents): Body {
  const bytes = Buffer.from(text);
  const told = { sha256: hash("sha256", bytes), bytes: bytes.length };
  if (bytes.length <= WHOLE_BYTES_MAX) return { whole: text, pieces: null, ...told };
  const pieces = cutIntoPieces(bytes).map((piece) => {
    const sha256 = hash("sha256", piece);
    if (!contents.has(sha256)) contents.set(sha256, piece.toString());
    return sha256;
  });
  return { whole: null, pieces, ...told };
}

/** Of bytes that are no text: what they are isn't kept, because no rule of redaction can look into them. */
export const bodyOfBytes = (bytes: Buffer): Body => ({
  whole: null,
  pieces: null,
  sha256: hash("sha256", bytes),
  bytes: bytes.length,
});

/**
 * Cuts where the text itself says so: a place is a cut by the 32 bytes before it. A text that has grown, or differs in one place,
 * has its other pieces in common with what it was, so that a conversation that is sent anew with each question is kept once.
 * A character is never cut in two.
 */
export function cutIntoPieces(bytes: Buffer): Buffer[] {
  const pieces: Buffer[] = [];
  for (let from = 0; from < bytes.length; ) {
    const to = nextCut(bytes, from);
    pieces.push(bytes.subarray(from, to));
    from = to;
  }
  return pieces;
}

function nextCut(bytes: Buffer, from: number): number {
  const last = Math.min(from + PIECE_BYTES_MAX, bytes.length);
  let to = from + PIECE_BYTES_MIN;
  if (to >= last) return bytes.length;
  for (let sum = 0; to < last; to++) {
    sum = ((sum << 1) + GEAR[bytes[to]!]!) | 0;
    if ((sum & CUT_MASK) === 0) break;
  }
  // Bytes 10xxxxxx go on with the character before them.
  while (to < bytes.length && (bytes[to]! & 0xc0) === 0x80) to++;
  return to;
}
