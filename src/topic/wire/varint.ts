/** The number that `readNumber` read last: returned this way, it costs no object. */
export let number = 0;

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

/** Passes over a number of any length. @returns where it ends */
export function skipNumber(bytes: Uint8Array, start: number): number {
  let at = start;
  while (bytes[at++]! >= 0x80);
  return at;
}
