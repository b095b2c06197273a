/** Castagnoli's polynomial, its bits in reverse (RFC 3720, appendix B.4). */
const POLYNOMIAL = 0x82f63b78;
const STRIDE = 8;

/** Table k holds what a byte makes of the checksum with k bytes of zeros behind it. */
const TABLES: readonly Int32Array[] = tables();
const [T0, T1, T2, T3, T4, T5, T6, T7] = TABLES as [
  Int32Array,
  Int32Array,
  Int32Array,
  Int32Array,
  Int32Array,
  Int32Array,
  Int32Array,
  Int32Array,
];

function tables(): Int32Array[] {
  const all = Array.from({ length: STRIDE }, () => new Int32Array(256));
  for (let byte = 0; byte < 256; byte++) {
    let crc = byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc & 1) === 0 ? crc >>> 1 : (crc >>> 1) ^ POLYNOMIAL;
    all[0]![byte] = crc;
  }
  for (let k = 1; k < STRIDE; k++) {
    for (let byte = 0; byte < 256; byte++) {
      const crc = all[k - 1]![byte]!;
      all[k]![byte] = (crc >>> 8) ^ all[0]![crc & 0xff]!;
    }
  }
  return all;
}

/** The CRC-32C that a record batch carries, eight bytes at a time ("slicing by 8"). @returns 32 bits, unsigned */
export function crc32c(bytes: Uint8Array): number {
  const whole = bytes.length - (bytes.length % STRIDE);
  let crc = -1;
  let at = 0;
  while (at < whole) {
    crc =
      T7[(crc ^ bytes[at]!) & 0xff]! ^
      T6[((crc >>> 8) ^ bytes[at + 1]!) & 0xff]! ^
      T5[((crc >>> 16) ^ bytes[at + 2]!) & 0xff]! ^
      T4[(crc >>> 24) ^ bytes[at + 3]!]! ^
      T3[bytes[at + 4]!]! ^
      T2[bytes[at + 5]!]! ^
      T1[bytes[at + 6]!]! ^
      T0[bytes[at + 7]!]!;
    at += STRIDE;
  }
  for (; at < bytes.length; at++) crc = (crc >>> 8) ^ T0[(crc ^ bytes[at]!) & 0xff]!;
  return (crc ^ -1) >>> 0;
}
