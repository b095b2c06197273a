/** Keys are symbols and sessions; a producer of endless new keys must not make a leak of the cache. */
const CACHED_KEYS_MAX = 100_000;

/** A key's bytes and the partition they belong to. */
interface Placement {
  readonly key: Buffer;
  readonly partition: number;
}

/**
 * Finds the partition of a key by the Java client's rule; librdkafka's clients follow it with
 * `partitioner=murmur2_random`. The partition goes with the message: found anew at each retry, it could be another one,
 * because the topic may have more partitions by then.
 */
export class Partitioning {
  readonly partitions: number;
  readonly #placements = new Map<string, Placement>();

  /** @param partitions how many the topic has */
  constructor(partitions: number) {
    this.partitions = partitions;
  }

  place(key: string): Placement {
    const known = this.#placements.get(key);
    if (known !== undefined) return known;
    const bytes = Buffer.from(key);
    const placement = { key: bytes, partition: (murmur2(bytes) & 0x7fffffff) % this.partitions };
    if (this.#placements.size >= CACHED_KEYS_MAX) this.#placements.clear();
    this.#placements.set(key, placement);
    return placement;
  }
}

const SEED = 0x9747b28c;
const FACTOR = 0x5bd1e995;

/** murmur2 of 32 bits with the seed of Kafka's Java client, as a signed number. */
function murmur2(bytes: Uint8Array): number {
  const words = bytes.length & ~3;
  let hash = SEED ^ bytes.length;
  for (let at = 0; at < words; at += 4) {
    const word = bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);
    const mixed = Math.imul(word, FACTOR);
    hash = Math.imul(hash, FACTOR) ^ Math.imul(mixed ^ (mixed >>> 24), FACTOR);
  }
  if (words < bytes.length) {
    let rest = 0;
    for (let at = bytes.length - 1; at >= words; at--) rest = (rest << 8) | bytes[at]!;
    hash = Math.imul(hash ^ rest, FACTOR);
  }
  hash = Math.imul(hash ^ (hash >>> 13), FACTOR);
  return hash ^ (hash >>> 15);
}
