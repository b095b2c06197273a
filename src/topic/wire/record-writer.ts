type Headers = Readonly<Record<string, string | Buffer>>;

/** What a record takes beside its key, value and headers: five numbers of at most five bytes each, and its attributes. */
const FRAME_BYTES_MAX = 26;
const NULL_LENGTH = -1;

/**
 * Records of one batch as the log will hold them, one behind the other in one growing buffer (Kafka's documentation,
 * "Record"): a message object, a value and a record for each event, each with a buffer, were half of publishing's cost.
 */
export class RecordWriter {
  count = 0;
  #bytes: Buffer;
  #length = 0;

  /** @param capacityBytes what will do, by the last batch's size; it grows as needed */
  constructor(capacityBytes: number) {
    this.#bytes = Buffer.allocUnsafeSlow(capacityBytes);
  }

  /** Adds a record; what is given is copied. */
  add(key: Buffer | null, value: Buffer, headers?: Headers): void {
    const list = Object.entries(headers ?? NO_HEADERS).map(([name, content]) => [
      Buffer.from(name),
      Buffer.from(content),
    ]);
    const headerBytes = list.reduce((sum, [name, content]) => sum + fieldBytes(name!) + fieldBytes(content!), 0);
    // Attributes and time before the offset, each a byte: the broker sets the time.
    const head = 2 + sizeOf(this.count) + (key === null ? 1 : fieldBytes(key));
    const body = head + fieldBytes(value) + sizeOf(list.length) + headerBytes;
    this.#reserve(FRAME_BYTES_MAX + body);
    this.#number(body);
    this.#bytes[this.#length++] = 0;
    this.#bytes[this.#length++] = 0;
    this.#number(this.count++);
    if (key === null) this.#number(NULL_LENGTH);
    else this.#field(key);
    this.#field(value);
    this.#number(list.length);
    for (const field of list.flat()) this.#field(field);
  }

  /** What was added, as it is: valid until the next `add`. */
  get bytes(): Buffer {
    return this.#bytes.subarray(0, this.#length);
  }

  #field(bytes: Buffer): void {
    this.#number(bytes.length);
    this.#bytes.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  /** A zigzag number, as the format has all of its numbers. */
  #number(value: number): void {
    let rest = (value << 1) ^ (value >> 31);
    for (; rest >= 0x80; rest >>>= 7) this.#bytes[this.#length++] = (rest & 0x7f) | 0x80;
    this.#bytes[this.#length++] = rest;
  }

  #reserve(more: number): void {
    if (this.#length + more <= this.#bytes.length) return;
    const grown = Buffer.allocUnsafeSlow(Math.max(this.#length + more, this.#bytes.length * 2));
    this.#bytes.copy(grown, 0, 0, this.#length);
    this.#bytes = grown;
  }
}

const NO_HEADERS: Headers = {};
const fieldBytes = (bytes: Buffer): number => sizeOf(bytes.length) + bytes.length;

/** How many bytes a number from 0 to 2^30 takes: seven bits each, one of them the sign. */
function sizeOf(value: number): number {
  let bytes = 1;
  for (let rest = value * 2; rest >= 0x80; rest >>>= 7) bytes++;
  return bytes;
}
