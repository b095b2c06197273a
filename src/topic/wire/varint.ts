/** The numbers that `readNumber` and `readTime` read last: returned this way, they cost no object. */
export let number = 0;
export let time = 0;

/** Reads a zigzag number of 32 bits, as Kafka's records have them, into `number`. @returns where it ends */
export function readNumber(bytes: Uint8Array, start: number): number {
  let at = start;
  let byte = bytes[at++]!;
  let zigzag = byte & 0x7f;
  for (let shift = 7; byte >= 0x80; shift += 7) {
    byte = bytes[at++]!;
    zigzag |= (byte & 0x7f) << shift;
  }
  number = (zigzag >>> 1) ^ -(zigzag & 1);
  return at;
}

/** Reads a zigzag number of 64 bits into `time`: exact within 2^53, as milliseconds are. @returns where it ends */
export function readTime(bytes: Uint8Array, start: number): number {
  let at = start;
  let byte = bytes[at++]!;
  // The usual case: where the broker sets the time, every record's difference to its batch's is 0.
  if (byte < 0x80) {
    time = (byte >>> 1) ^ -(byte & 1);
    return at;
  }
  const isNegative = (byte & 1) === 1;
  let half = (byte & 0x7f) >>> 1;
  for (let scale = 64; byte >= 0x80; scale *= 128) {
    byte = bytes[at++]!;
    half += (byte & 0x7f) * scale;
  }
  time = isNegative ? -half - 1 : half;
  return at;
}
