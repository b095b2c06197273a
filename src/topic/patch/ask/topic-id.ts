import { type Cluster, callOf, errorOf } from "../brokers.ts";
import type { Internals } from "../kafkajs-internals.ts";

/** Its number, and the first version whose answer, since Kafka 2.8, has the ids of topics. */
const METADATA = [3, 11] as const;
const ID_BYTES = 16;
const NO_ID = Buffer.alloc(ID_BYTES);

/**
 * A topic's own id, as Kafka's tools show it: what kafkajs has no request for, as it asks for metadata in a version that
 * Kafka 2.4 had.
 * @returns undefined of a broker that doesn't know of ids
 */
export async function fetchTopicId(
  cluster: Cluster,
  internals: Internals,
  topicName: string,
): Promise<string | undefined> {
  const { brokers } = await cluster.metadata({ topics: [topicName] });
  const broker = await cluster.findBroker({ nodeId: String(brokers[0]!.nodeId) });
  const [apiKey, apiVersion] = METADATA;
  if ((broker.versions?.[apiKey]?.maxVersion ?? 0) < apiVersion) return undefined;
  const id = (await broker.connectionPool.send(metadata(internals, topicName))) as Buffer;
  return id.equals(NO_ID) ? undefined : id.toString("base64url");
}

/** Kafka's documentation, "Metadata API"; numbers of a count are one more than it, and tags are none. */
const metadata = ({ Encoder }: Internals, topicName: string): object =>
  callOf(
    "Metadata",
    METADATA,
    () => {
      const name = Buffer.from(topicName);
      const noTags = Buffer.of(0);
      const count = (of: number) => unsigned(of + 1);
      const never = Buffer.of(0, 0); // neither makes topics nor tells who may do what with them
      const topic = [NO_ID, count(name.length), name, noTags];
      return new Encoder().writeBuffer(Buffer.concat([noTags, count(1), ...topic, never, noTags]));
    },
    (payload) => {
      const { errorCode, id } = new Answer(payload).firstTopic();
      if (errorCode !== 0) throw errorOf(errorCode);
      return id;
    },
  );

/** A number in seven bits a byte, the lowest first. */
function unsigned(value: number): Buffer {
  const bytes: number[] = [];
  let left = value;
  for (; left > 0x7f; left >>>= 7) bytes.push((left & 0x7f) | 0x80);
  return Buffer.of(...bytes, left);
}

/** Reads an answer up to the first topic's id. */
class Answer {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  firstTopic(): { readonly errorCode: number; readonly id: Buffer } {
    this.#skipTags();
    this.#at += 4; // how long the broker throttles us
    for (let brokers = this.#count(); brokers > 0; brokers--) {
      this.#at += 4; // its number
      this.#skipText(); // its host
      this.#at += 4; // its port
      this.#skipText(); // its rack
      this.#skipTags();
    }
    this.#skipText(); // the cluster's id
    this.#at += 4; // which broker controls it
    this.#count();
    const errorCode = this.#bytes.readInt16BE(this.#at);
    this.#at += 2;
    this.#skipText();
    return { errorCode, id: this.#bytes.subarray(this.#at, this.#at + ID_BYTES) };
  }

  #unsigned(): number {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = this.#bytes.readUInt8(this.#at++);
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
  }

  /** Of a list or a text; of one that is null, 0. */
  #count(): number {
    return Math.max(0, this.#unsigned() - 1);
  }

  #skipText(): void {
    const bytes = this.#count();
    this.#at += bytes;
  }

  #skipTags(): void {
    for (let tags = this.#unsigned(); tags > 0; tags--) {
      this.#unsigned();
      const bytes = this.#unsigned();
      this.#at += bytes;
    }
  }
}
