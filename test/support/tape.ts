import { randomUUID } from "node:crypto";
import type { Admin, Kafka, Producer } from "kafkajs";
import pg from "pg";
import { expect } from "vitest";
import { CONSUMERS } from "../../consumers/all.ts";
import { consume } from "../../src/batch/run/consume.ts";
import { openLandingServices } from "../../src/batch/run/landing-services.ts";
import { emptyTally, type Tally } from "../../src/batch/tally.ts";
import { type Config, readConfig } from "../../src/config.ts";
import { encodeEvent } from "../../src/event/codec.ts";
import { openRegistry } from "../../src/event/registry.ts";
import type { EventTopic } from "../../src/event/schemas.ts";
import { openLog } from "../../src/log.ts";
import type { SettingName } from "../../src/settings.ts";
import { migrate } from "../../src/table/migrate.ts";
import { createTopics } from "../../src/topic/create-topics.ts";
import { openKafka } from "../../src/topic/kafkajs/open-kafka.ts";
import { type LogClient, withAdmin } from "../../src/topic/log-client.ts";
import { type TopicName, topicName } from "../../src/topic/topics.ts";
import { connectTape } from "../../src/tradetape/connect-tape.ts";
import type { Tape } from "../../src/tradetape/tape.ts";
import { symbol } from "./samples.ts";
import { isolate } from "./services/isolation.ts";
import { plainKafka, plainProducer, withPlainAdmin } from "./services/plain-kafka.ts";

export type Row = Record<string, unknown>;

/** One message as any program may write it, well formed or not. */
export interface RawEvent {
  readonly value: Buffer | null;
  readonly key?: Buffer | string | null;
  readonly headers?: Record<string, string | Buffer | (string | Buffer)[]>;
  readonly partition?: number;
}

/** A message as it lies in a topic. */
export interface StoredMessage {
  readonly offset: number;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: Readonly<Record<string, Buffer>>;
}

/** kafkajs's numbers for what a batch may be compressed with. */
export const COMPRESSION = { none: 0, gzip: 1, snappy: 2, lz4: 3, zstd: 4 } as const;

export interface LandOptions {
  /** Asks for a stop when it is aborted; the call ends then with what had landed. */
  readonly stop?: AbortSignal;
  readonly untilCaughtUp?: boolean;
  readonly onProgress?: (landed: number) => void;
}

/** The pipeline as one test file has it: a database and topics of its own, and everything a test does with them. */
export interface TestTape {
  readonly config: Config & { readonly databaseUrl: string };
  /** Publishes checked events, as an agent or a feed does. */
  readonly publish: Tape["publish"];
  readonly publishAll: Tape["publishAll"];
  readonly agent: Tape["agent"];
  /** Publishes messages as they are, as one produce request. @returns the offset of the first per partition */
  raw(topic: EventTopic, events: readonly RawEvent[], compression?: number): Promise<ReadonlyMap<number, number>>;
  /** Publishes one value to partition 0. @returns whether the broker put its own time on it */
  rawStamped(topic: EventTopic, value: Buffer): Promise<boolean>;
  /** An event in the wire format, unchecked: what a careless program would publish. */
  encode(topic: EventTopic, event: object): Promise<Buffer>;
  /** Lands what these topics hold now, as `consume --until-caught-up` does. Throws what ended a group. */
  land(...topics: EventTopic[]): Promise<Record<EventTopic, Tally>>;
  landWith(topics: readonly EventTopic[], options: LandOptions): Promise<Record<EventTopic, Tally>>;
  query<R extends Row = Row>(sql: string, values?: readonly unknown[]): Promise<R[]>;
  /** A statement as another role. */
  queryAs(role: string, sql: string): Promise<Row[]>;
  /** Everything that a topic holds, by partition 0. */
  read(topic: TopicName): Promise<StoredMessage[]>;
  /** What somebody does to the cluster by a client of their own. */
  admin<T>(use: (admin: Admin) => Promise<T>): Promise<T>;
  /** The product's own client. */
  readonly client: LogClient;
  /** Deletes a topic and makes it again, empty. */
  remake(topic: TopicName): Promise<void>;
  /** The full name of a topic. */
  name(topic: TopicName): string;
  /** The same topics, landed in another database. */
  beside(part: string): Promise<TestTape>;
  stop(): Promise<void>;
}

type Settings = { readonly [K in SettingName]?: string };

/**
 * What a test waits for comes quickly. What changes a count behind its back doesn't come at all: a test of what becomes
 * of orphans has a deadline of its own, one of members that die a session timeout.
 */
const SETTINGS_OF_TESTS: Settings = {
  sweepIntervalMs: "50",
  lockTimeoutMs: "1000",
  parkDeadlineMs: String(7 * 86_400_000),
  logLevel: process.env.TEST_LOG_LEVEL ?? "silent",
};

/** Makes a database, migrates it, makes the topics and connects. @param settings beat the tests' own */
export async function openTestTape(settings: Settings = {}, part = ""): Promise<TestTape> {
  const isolation = await isolate(part);
  const flags = { ...SETTINGS_OF_TESTS, ...settings, ...isolation };
  const config = readConfig(flags, {}) as TestTape["config"];
  await migrate(config.databaseUrl);
  const log = openLog(config);
  const client = openKafka(config, log);
  await withAdmin(client, (admin) => createTopics(admin, config));
  const kafka = plainKafka(config);
  const producer = plainProducer(kafka);
  await producer.connect();
  const tape = await connectTape(config, log);
  return tapeOf({ config, client, kafka, producer, tape, settings, log });
}

/** The same, with the samples' symbol in its table, which most events belong to. */
export async function openTapeWithSymbol(): Promise<TestTape> {
  const tape = await openTestTape();
  await tape.publish("symbols", symbol());
  await tape.land("symbols");
  return tape;
}

interface Parts {
  readonly config: TestTape["config"];
  readonly client: LogClient;
  readonly kafka: Kafka;
  readonly producer: Producer;
  readonly tape: Tape;
  readonly settings: Settings;
  readonly log: ReturnType<typeof openLog>;
}

async function sendStamped(producer: Producer, topic: string, value: Buffer): Promise<boolean> {
  const [sent] = await producer.send({ topic, messages: [{ key: null, value, partition: 0 }], acks: -1 });
  return Number(sent!.logAppendTime) >= 0;
}

function tapeOf({ config, client, kafka, producer, tape, settings, log }: Parts): TestTape {
  const pool = new pg.Pool({ connectionString: config.databaseUrl, max: 4, types: { getTypeParser: typeParser } });
  const registry = openRegistry({ schemaRegistryUrl: config.schemaRegistryUrl ?? "" });
  const name = (topic: TopicName) => topicName(config.namespace, topic);
  const landWith: TestTape["landWith"] = async (topics, options) => {
    const services = await openLandingServices(config, log);
    try {
      const { tallies, failure } = await consume(services, pick(topics), {
        untilCaughtUp: options.untilCaughtUp ?? true,
        stop: options.stop ?? new AbortController().signal,
        force: new AbortController().signal,
        onProgress: (progress) => options.onProgress?.(progress.reduce((sum, { landed }) => sum + landed, 0)),
      });
      if (failure) throw failure;
      const byTopic = Object.fromEntries(CONSUMERS.map(({ topic }) => [topic, emptyTally(topic)]));
      return { ...byTopic, ...Object.fromEntries(tallies.map((tally) => [tally.topic, tally])) } as never;
    } finally {
      await services.close();
    }
  };
  return {
    config,
    client,
    name,
    landWith,
    publish: tape.publish.bind(tape),
    publishAll: tape.publishAll.bind(tape),
    agent: tape.agent.bind(tape),
    land: (...topics) => landWith(topics, {}),
    encode: async (topic, event) => encodeEvent(topic, await registry.register(name(topic), topic), event),
    async raw(topic, events, compression = COMPRESSION.none) {
      const messages = events.map(({ partition = 0, key = null, ...event }) => ({ ...event, key, partition }));
      const sent = await producer.send({ topic: name(topic), messages, compression, acks: -1 });
      return new Map(sent.map(({ partition, baseOffset }) => [partition, Number(baseOffset)]));
    },
    rawStamped: (topic, value) => sendStamped(producer, name(topic), value),
    query: async (sql, values = []) => (await pool.query(sql, [...values])).rows,
    async queryAs(role, sql) {
      const client = await pool.connect();
      try {
        await client.query(`SET ROLE ${client.escapeIdentifier(role)}`);
        return (await client.query(sql)).rows;
      } finally {
        client.release(true);
      }
    },
    read: (topic) => readTopic(client, kafka, name(topic)),
    admin: (use) => withPlainAdmin(kafka, use),
    remake: (topic) => remakeTopic(config, client, name(topic)),
    async beside(part) {
      const { databaseUrl } = await isolate(part);
      await migrate(databaseUrl);
      const other = { ...config, databaseUrl };
      const otherProducer = plainProducer(kafka);
      await otherProducer.connect();
      const parts = { config: other, client, kafka, producer: otherProducer, settings, log };
      return tapeOf({ ...parts, tape: await connectTape(other, log) });
    },
    async stop() {
      await tape.close();
      await producer.disconnect();
      await pool.end();
    },
  };
}

/**
 * Ends when the broker tells another id of the topic, because deleting goes on behind its answer: until then it may list
 * the old one, and take events for it.
 */
async function remakeTopic(config: Config, client: LogClient, topic: string): Promise<void> {
  const idNow = () => withAdmin(client, (admin) => admin.fetchTopicId(topic));
  const before = await idNow();
  await withPlainAdmin(plainKafka(config), (admin) => admin.deleteTopics({ topics: [topic] }));
  const make = async () => {
    await withAdmin(client, (admin) => createTopics(admin, config));
    const id = await idNow();
    return id !== undefined && id !== before;
  };
  await expect.poll(() => make().catch((error: Error) => error.message)).toBe(true);
}

const pick = (topics: readonly EventTopic[]) =>
  topics.length === 0 ? CONSUMERS : CONSUMERS.filter(({ topic }) => topics.includes(topic));

/** bigint as a number; timestamptz as whole microseconds since 1970, which a Date can't hold. */
const typeParser = ((oid: number, format?: "text") => {
  if (oid === pg.types.builtins.INT8) return Number;
  return pg.types.getTypeParser(oid, format);
}) as typeof pg.types.getTypeParser;

/** A column of times as whole microseconds, for comparing. */
export const micros = (column: string): string => `(extract(epoch FROM ${column}) * 1000000)::bigint AS ${column}`;

async function readTopic(client: LogClient, kafka: Kafka, topic: string): Promise<StoredMessage[]> {
  const offsets = await withAdmin(client, (admin) => admin.fetchOffsets(topic));
  const first = offsets.find(({ partition }) => partition === 0)!;
  const count = first.high - first.low;
  const found = new Map<number, StoredMessage>();
  if (count === 0) return [];
  const consumer = kafka.consumer({ groupId: `${topic}.test-reader.${randomUUID()}`, maxWaitTimeInMs: 100 });
  await consumer.connect();
  await consumer.subscribe({ topic, fromBeginning: true });
  const all = new Promise<void>((resolve) => {
    void consumer.run({
      autoCommit: false,
      eachMessage: async ({ message }) => {
        const { offset, key, value, headers } = message;
        // By offset: what crashes kafkajs has it begin again, by itself.
        found.set(Number(offset), {
          offset: Number(offset),
          key,
          value,
          headers: (headers ?? {}) as Record<string, Buffer>,
        });
        if (found.size === count) resolve();
      },
    });
  });
  await all;
  await consumer.disconnect();
  return [...found.values()].sort((a, b) => a.offset - b.offset);
}
