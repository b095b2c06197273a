import { type AbortedTransaction, GrowthBound, markAborted, readRecordBatches } from "../wire/record-batch.ts";
import type { Internals } from "./kafkajs-internals.ts";

/** From 4 on a fetch brings record batches; 11 is the newest that kafkajs speaks. */
const VERSION_MIN = 4;
const VERSION_MAX = 11;

/**
 * Has fetches bring whole record batches in the place of messages, because a message of kafkajs's is some fifteen
 * objects (readers of its parts, their buffers, 64-bit offsets, texts of them): a third of what landing a tick cost.
 */
export function fetchWholeBatches({ requests }: Internals): void {
  const { protocol } = requests.Fetch;
  requests.Fetch.protocol = ({ version }) => {
    if (version < VERSION_MIN || version > VERSION_MAX) throw new Error(`fetch requests of version ${version}`);
    const fetch = protocol({ version });
    return (data) => {
      const call = fetch(data);
      const decode = (payload: Buffer) => decodeFetch(payload, version);
      return { ...call, response: { decode, parse: call.response.parse } };
    };
  };
}

/** Reads the fields of one response, one behind the other. */
class Reader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  int16(): number {
    this.#at += 2;
    return this.#bytes.readInt16BE(this.#at - 2);
  }

  int32(): number {
    this.#at += 4;
    return this.#bytes.readInt32BE(this.#at - 4);
  }

  int64(): bigint {
    this.#at += 8;
    return this.#bytes.readBigInt64BE(this.#at - 8);
  }

  string(): string {
    return this.#take(this.int16()).toString();
  }

  /** A field of bytes, as much as is there of it: a broker that counts bytes cuts the last batch off. */
  bytes(): Buffer {
    return this.#take(Math.max(0, this.int32()));
  }

  #take(length: number): Buffer {
    this.#at += length;
    return this.#bytes.subarray(this.#at - length, this.#at);
  }

  /** A list; the length of one that is null is -1. */
  async list<T>(read: () => T | Promise<T>): Promise<T[]> {
    const items: T[] = [];
    for (let n = this.int32(); n > 0; n--) items.push(await read());
    return items;
  }
}

/** Kafka's documentation, "Fetch API", responses of version 4 to 11; the fields by kafkajs's names. */
async function decodeFetch(payload: Buffer, version: number): Promise<unknown> {
  const reader = new Reader(payload);
  const throttleTime = reader.int32();
  const session = version >= 7 ? { errorCode: reader.int16(), sessionId: reader.int32() } : {};
  const bound = new GrowthBound();
  const responses = await reader.list(async () => {
    const topicName = reader.string();
    return { topicName, partitions: await reader.list(() => decodePartition(reader, version, bound)) };
  });
  // Below version 8 the broker has waited itself; from 8 on it expects the client to.
  const throttling = version >= 8 ? { throttleTime: 0, clientSideThrottleTime: throttleTime } : { throttleTime };
  return { ...throttling, ...session, responses };
}

async function decodePartition(reader: Reader, version: number, bound: GrowthBound): Promise<object> {
  const partition = reader.int32();
  const errorCode = reader.int16();
  const highWatermark = String(reader.int64());
  const lastStableOffset = String(reader.int64());
  if (version >= 5) reader.int64();
  const aborted = await reader.list((): AbortedTransaction => {
    const producerId = reader.int64();
    return { producerId, firstOffset: Number(reader.int64()) };
  });
  const replica = version >= 11 ? { preferredReadReplica: reader.int32() } : {};
  const messages = await readRecordBatches(reader.bytes(), bound);
  markAborted(messages, aborted);
  return { partition, errorCode, highWatermark, lastStableOffset, abortedTransactions: [], messages, ...replica };
}
