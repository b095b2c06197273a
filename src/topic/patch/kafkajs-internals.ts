import type { Socket } from "node:net";
import type { RecordBatch } from "../wire/record-batch.ts";
import { MEMBERS } from "./kafkajs-members.ts";
import { ownCopy } from "./own-copy.ts";

/** The version of kafkajs whose insides are known. */
const VERSION = "2.2.4";

/** What writes a request's fields. */
export interface RequestEncoder {
  readonly buffer: Buffer;
  writeString(text: string | null): RequestEncoder;
  writeInt16(value: number): RequestEncoder;
  writeInt32(value: number): RequestEncoder;
  writeBuffer(bytes: Buffer): RequestEncoder;
}

/** What reads an answer's fields. */
export interface AnswerDecoder {
  readInt16(): number;
  readInt32(): number;
  /** A number of 64 bits, of which the decimal digits are asked. */
  readInt64(): { toString(): string };
  readString(): string;
  readBoolean(): boolean;
  readBytes(): Buffer | null;
  readArray<T>(read: (decoder: AnswerDecoder) => T): T[];
}

/** A request that was sent and has no answer yet; times are in ms. */
interface SentRequest {
  readonly sentAt: number;
  readonly requestTimeout: number;
  timeoutRequest(): void;
}

/** A connection's queue of requests. */
export interface RequestQueue {
  readonly pending: readonly unknown[];
  readonly inflight: ReadonlyMap<number, SentRequest>;
  readonly requestTimeout: number;
  requestTimeoutIntervalId?: NodeJS.Timeout;
  isConnected(): boolean;
  scheduleRequestTimeoutCheck(): void;
  destroy(): void;
  /** The end of a broker's throttling, in ms since 1970; -1 is none. */
  readonly throttledUntil: number;
  throttleCheckTimeoutId: NodeJS.Timeout | null;
  checkPendingRequests(): void;
  scheduleCheckPendingRequests(): void;
}

/** A connection to a broker, which may be opened and closed again and again. */
export interface BrokerConnection {
  readonly host: string;
  readonly port: number;
  readonly socket?: Socket;
  connect(this: BrokerConnection): Promise<unknown>;
  rejectRequests(this: BrokerConnection, error: Error): void;
}

/** A consumer's side of its group. A fetch brings a batch of each partition, also an empty one. */
export interface GroupSide {
  maxWaitTime: number;
  heartbeat(this: unknown, options: { readonly interval: number }): Promise<void>;
  fetch(this: GroupSide, nodeId: number): Promise<readonly BatchInside[]>;
}

/** A cluster's side of a group: who coordinates it. */
export interface ClusterSide {
  readonly brokerPool: { findConnectedBroker(): Promise<CoordinatorSource> };
  findGroupCoordinatorMetadata(this: ClusterSide, of: object): Promise<unknown>;
}

interface CoordinatorSource {
  findGroupCoordinator(of: object): Promise<unknown>;
}

export interface ProduceData {
  readonly acks: number;
  readonly timeout: number;
  readonly topicData: readonly {
    readonly topic: string;
    readonly partitions: readonly { readonly partition: number; readonly messages: readonly object[] }[];
  }[];
}

/** What a fetch asks for; offsets are decimal digits. */
export interface FetchData {
  readonly topics: readonly {
    readonly topic: string;
    readonly partitions: readonly { readonly partition: number; readonly fetchOffset: string }[];
  }[];
}

/** A produce request's answer, by partition; error code 0 is none. */
export interface ProduceAnswer {
  readonly topics: readonly {
    readonly topicName: string;
    readonly partitions: readonly { readonly partition: number; readonly errorCode: number }[];
  }[];
}

/** A request and what reads its answer. */
interface Call<Answer> {
  readonly request: { encode(): Promise<RequestEncoder> };
  readonly response: { decode(payload: Buffer): Promise<unknown>; parse(answer: Answer): Promise<Answer> };
}

type Protocol<Data, Answer> = { protocol(of: { version: number }): (data: Data) => Call<Answer> };
type Requests = {
  readonly Produce: Protocol<ProduceData, ProduceAnswer>;
  readonly Fetch: Protocol<FetchData, unknown>;
};

/** What a fetched batch has beside its published members. Its messages are what `fetchWholeBatches` makes of them. */
export interface BatchInside {
  readonly fetchedOffset: string;
  readonly messagesWithinOffset: readonly RecordBatch[];
}

/** The insides of kafkajs that are changed or used: all files of this folder get them from here. */
export interface Internals {
  readonly RequestQueue: { readonly prototype: RequestQueue };
  readonly Connection: { readonly prototype: BrokerConnection };
  readonly ConsumerGroup: { readonly prototype: GroupSide };
  readonly Cluster: { readonly prototype: ClusterSide };
  readonly requests: Requests;
  readonly Encoder: new () => RequestEncoder;
  readonly Decoder: new (payload: Buffer) => AnswerDecoder;
}

type Modules = Internals & {
  readonly RequestQueue: new (options: object) => RequestQueue;
  readonly Connection: new (options: object) => BrokerConnection;
  readonly ConsumerGroup: new (options: object) => GroupSide;
  readonly Batch: new (topic: string, fetchedOffset: string, data: object) => BatchInside;
};

/** The version of each request that kafkajs and Kafka 4 agree on. */
const AGREED = { fetch: 11, produce: 7 } as const;

/**
 * The insides of our own copy of kafkajs, which the package's alias `tradetape-kafkajs` is.
 * @param load loads one of its modules
 * @throws Error that names what is missing: the package was installed with another kafkajs than it asks for
 */
export function kafkajsInternals(load: (module: string) => unknown = ownCopy): Internals {
  const { version } = load("package.json") as { version: string };
  if (version !== VERSION) throw unknown(`is ${version}`);
  const { requests } = load("src/protocol/requests/index.js") as { requests: Requests };
  const modules = {
    RequestQueue: load("src/network/requestQueue/index.js"),
    Connection: load("src/network/connection.js"),
    ConsumerGroup: load("src/consumer/consumerGroup.js"),
    Cluster: load("src/cluster/index.js"),
    requests,
    Encoder: load("src/protocol/encoder.js"),
    Decoder: load("src/protocol/decoder.js"),
    Batch: load("src/consumer/batch.js"),
  } as Modules;
  const samples: Readonly<Record<keyof typeof MEMBERS, object>> = samplesOf(modules);
  for (const [name, members] of Object.entries(MEMBERS)) {
    const sample = samples[name as keyof typeof MEMBERS] as Readonly<Record<string, unknown>>;
    for (const [member, type] of Object.entries<string>(members)) {
      if (typeof sample[member] !== type) throw unknown(`has no ${member} in its ${name}`);
    }
  }
  return modules;
}

/** One of each kind, because most members are an object's own and not its class's. */
function samplesOf({ RequestQueue, Connection, ConsumerGroup, Cluster, requests, Encoder, Decoder, Batch }: Modules) {
  const nothing = { partition: 0, highWatermark: "0", messages: [], abortedTransactions: [] };
  try {
    const produce = requests.Produce.protocol({ version: AGREED.produce })({ acks: -1, timeout: 1, topicData: [] });
    const fetch = requests.Fetch.protocol({ version: AGREED.fetch })({ topics: [] });
    return {
      "request queue": new RequestQueue({ requestTimeout: 1 }),
      connection: new Connection({ host: "", port: 0, logger: { namespace: () => undefined } }),
      "consumer group": new ConsumerGroup({ logger: { namespace: () => undefined }, maxWaitTimeInMs: 1 }),
      cluster: Cluster.prototype,
      encoder: new Encoder(),
      decoder: new Decoder(Buffer.alloc(0)),
      "produce request": produce.request,
      "produce response": produce.response,
      "fetch response": fetch.response,
      batch: new Batch("", "0", nothing),
    };
  } catch (cause) {
    throw unknown(`has other insides: ${(cause as Error).message}`, cause);
  }
}

const unknown = (what: string, cause?: unknown): Error =>
  new Error(
    `tradetape's own copy of kafkajs ${what}, and tradetape knows the insides of ${VERSION} only: install it with the ` +
      "versions that its package.json asks for",
    { cause },
  );
