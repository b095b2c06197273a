import kafkajs, { type PartitionMetadata } from "kafkajs";

/** The Java client's rule (murmur2 of the key); librdkafka's clients follow it with `partitioner=murmur2_random`. */
const javaPartitioner = kafkajs.Partitioners.DefaultPartitioner();

/** Keys are symbols and sessions; a producer of endless new keys must not make a leak of the cache. */
const CACHED_KEYS_MAX = 100_000;

/** A key's bytes and the partition they belong to. */
export interface Placement {
  readonly key: Buffer;
  readonly partition: number;
}

/**
 * Finds the partition of a key, once: kafkajs's murmur2 counts in 64-bit objects, 2 us a key. The partition is passed
 * on with the message, as kafkajs would compute it anew on each retry, perhaps with another number of partitions.
 */
export class Partitioning {
  readonly partitions: number;
  readonly #metadata: PartitionMetadata[];
  readonly #placements = new Map<string, Placement>();

  /** @param partitions how many the topic has */
  constructor(partitions: number) {
    this.partitions = partitions;
    this.#metadata = Array.from({ length: partitions }, (_, partitionId) => ({ partitionId }) as PartitionMetadata);
  }

  place(key: string): Placement {
    const known = this.#placements.get(key);
    if (known !== undefined) return known;
    const bytes = Buffer.from(key);
    const message = { key: bytes, value: null };
    const partition = javaPartitioner({ topic: "", partitionMetadata: this.#metadata, message });
    const placement = { key: bytes, partition };
    if (this.#placements.size >= CACHED_KEYS_MAX) this.#placements.clear();
    this.#placements.set(key, placement);
    return placement;
  }
}
