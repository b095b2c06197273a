import kafkajs from "tradetape-kafkajs";
import { type AbortedTransaction, markAborted } from "../wire/aborted.ts";
import { readRecordBatches } from "../wire/read-batches.ts";
import type { FetchData, Internals } from "./kafkajs-internals.ts";

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
      const asked = new Asked(data);
      const decode = async (payload: Buffer) => {
        try {
          return decodeFetch(payload, version, asked);
        } catch (error) {
          throw outageOf(error);
        }
      };
      const parse = async (answer: unknown) => {
        try {
          return await call.response.parse(answer);
        } catch (error) {
          throw Object.assign(error as Error, { topics: refusedOf(answer as Answer) });
        }
      };
      return { ...call, response: { decode, parse } };
    };
  };
}

/** Of an answer's fields those that say what is wrong. */
interface Answer {
  readonly responses: readonly {
    readonly topicName: string;
    readonly partitions: readonly { readonly errorCode: number }[];
  }[];
}

/** The topics that an answer has an error of, those of the first one's kind: kafkajs throws that one, without its topic. */
function refusedOf({ responses }: Answer): readonly string[] {
  const wrong = responses.flatMap(({ topicName, partitions }) =>
    partitions.flatMap(({ errorCode }) => (errorCode === 0 ? [] : [{ topicName, errorCode }])),
  );
  const ofKind = wrong.filter(({ errorCode }) => errorCode === wrong[0]!.errorCode);
  return [...new Set(ofKind.map(({ topicName }) => topicName))];
}

/** What of a response isn't one: what it says of itself contradicts its bytes, or what was asked. */
class Garbled extends Error {}

/**
 * A response that a network or a broker garbled is an outage to kafkajs, which asks again with pauses that grow. It takes a
 * RangeError for a mistake of its caller, and ends the group at once.
 */
function outageOf(error: unknown): unknown {
  if (!(error instanceof Garbled)) return error;
  return new kafkajs.KafkaJSConnectionError(`the answer to a fetch can't be read: ${error.message}`);
}

/** From which offset each partition was asked for. */
class Asked {
  readonly #offsets: ReadonlyMap<string, number>;

  constructor({ topics }: FetchData) {
    this.#offsets = new Map(
      topics.flatMap(({ topic, partitions }) =>
        partitions.map(({ partition, fetchOffset }) => [`${topic}/${partition}`, Number(fetchOffset)] as const),
      ),
    );
  }

  offsetOf(topicName: string, partition: number): number {
    const offset = this.#offsets.get(`${topicName}/${partition}`);
    if (offset === undefined) throw new Garbled(`${topicName}/${partition} was not asked for`);
    return offset;
  }
}

/** Reads the fields of one response, one behind the other, and nothing behind its end. */
class Reader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  int16(): number {
    return this.#take(2).readInt16BE();
  }

  int32(): number {
    return this.#take(4).readInt32BE();
  }

  int64(): bigint {
    return this.#take(8).readBigInt64BE();
  }

  string(): string {
    return this.#take(this.int16()).toString();
  }

  /** A field of bytes; the length of one that is null is -1. */
  bytes(): Buffer {
    return this.#take(Math.max(0, this.int32()));
  }

  #take(length: number): Buffer {
    const left = this.#bytes.length - this.#at;
    if (length < 0 || length > left) throw new Garbled(`a field of ${length} bytes where ${left} are left`);
    this.#at += length;
    return this.#bytes.subarray(this.#at - length, this.#at);
  }

  requireEnd(): void {
    const left = this.#bytes.length - this.#at;
    if (left > 0) throw new Garbled(`${left} bytes behind its end`);
  }

  /** A list; the length of one that is null is -1. */
  list<T>(read: () => T): T[] {
    const items: T[] = [];
    for (let n = this.int32(); n > 0; n--) items.push(read());
    return items;
  }
}

/** Kafka's documentation, "Fetch API", responses of version 4 to 11; the fields by kafkajs's names. */
function decodeFetch(payload: Buffer, version: number, asked: Asked): unknown {
  const reader = new Reader(payload);
  const throttleTime = reader.int32();
  const session = version >= 7 ? { errorCode: reader.int16(), sessionId: reader.int32() } : {};
  const responses = reader.list(() => {
    const topicName = reader.string();
    const offsetOf = (partition: number) => asked.offsetOf(topicName, partition);
    return { topicName, partitions: reader.list(() => decodePartition(reader, version, offsetOf)) };
  });
  reader.requireEnd();
  // Below version 8 the broker has waited itself; from 8 on it expects the client to.
  const throttling = version >= 8 ? { throttleTime: 0, clientSideThrottleTime: throttleTime } : { throttleTime };
  return { ...throttling, ...session, responses };
}

function decodePartition(reader: Reader, version: number, offsetOf: (partition: number) => number): object {
  const partition = reader.int32();
  const from = offsetOf(partition);
  const errorCode = reader.int16();
  const highWatermark = String(reader.int64());
  const lastStableOffset = String(reader.int64());
  if (version >= 5) reader.int64();
  const aborted = reader.list((): AbortedTransaction => {
    const producerId = reader.int64();
    return { producerId, firstOffset: Number(reader.int64()) };
  });
  const replica = version >= 11 ? { preferredReadReplica: reader.int32() } : {};
  const messages = readRecordBatches(reader.bytes(), from);
  markAborted(messages, aborted);
  return { partition, errorCode, highWatermark, lastStableOffset, abortedTransactions: [], messages, ...replica };
}
