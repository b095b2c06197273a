/** "PGCOPY\n\377\r\n\0", then flags and the length of a header extension, 32 bits each. */
const HEADER_BYTES = 19;
/** A field count of -1 ends the data. */
const TRAILER_FIELDS = -1;

export const COPY_HEADER = (file: Buffer): Buffer => file.subarray(0, HEADER_BYTES);
export const COPY_TRAILER: Buffer = Buffer.from([0xff, 0xff]);

/**
 * The rows of a file in COPY's binary format in groups of `rowsMax`, without header and trailer (PostgreSQL's
 * documentation, "COPY", Binary Format: a 16-bit field count, then a 32-bit length and the bytes of each field).
 */
export function rowGroups(file: Buffer, rowsMax: number): Buffer[] {
  const groups: Buffer[] = [];
  let start = HEADER_BYTES;
  let rows = 0;
  let at = start;
  for (let fields = file.readInt16BE(at); fields !== TRAILER_FIELDS; fields = file.readInt16BE(at)) {
    at += 2;
    for (let field = 0; field < fields; field++) at += 4 + Math.max(0, file.readInt32BE(at));
    if (++rows < rowsMax) continue;
    groups.push(file.subarray(start, at));
    start = at;
    rows = 0;
  }
  if (at > start) groups.push(file.subarray(start, at));
  return groups;
}
