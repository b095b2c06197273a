import kafkajs, { type ISocketFactoryArgs } from "tradetape-kafkajs";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { type Config, readConfig } from "../../../src/config.ts";
import { EventReader } from "../../../src/event/codec.ts";
import type { TickEvent } from "../../../src/event/events.ts";
import { Refusal } from "../../../src/event/letter.ts";
import { openRegistry } from "../../../src/event/registry.ts";
import { openLog } from "../../../src/log.ts";
import { createTopics } from "../../../src/topic/create-topics.ts";
import { KafkaClient, openKafka } from "../../../src/topic/kafkajs/open-kafka.ts";
import { withAdmin } from "../../../src/topic/log-client.ts";
import { Partitioning } from "../../../src/topic/partition.ts";
import { connectTape } from "../../../src/tradetape/connect-tape.ts";
import { connect, type Tape } from "../../../src/tradetape.ts";
import { NOON } from "../../support/samples.ts";
import "../../support/services/flow-setup.ts";
import { startTcpProxy, type TcpProxy } from "../../support/services/tcp-proxy.ts";
import { readLog } from "../../support/services/topic-log.ts";

const run = `publish-${Date.now().toString(36)}`;

/** Settings of a namespace of its own, whose topics are there. */
async function freshNamespace(name: string, flags: Partial<Record<keyof Config, string>> = {}): Promise<Config> {
  const { kafkaBrokers, schemaRegistryUrl } = inject("stack");
  const config = readConfig({ kafkaBrokers, schemaRegistryUrl, namespace: `${run}-${name}`, ...flags }, {});
  await makeTopics(config);
  return config;
}

const makeTopics = (config: Config) =>
  withAdmin(openKafka(config, openLog({ logLevel: "warn" })), (admin) => createTopics(admin, config));

const connectTo = ({ kafkaBrokers, schemaRegistryUrl, namespace }: Config, more: Record<string, number> = {}) =>
  connect({
    kafkaBrokers: kafkaBrokers!,
    schemaRegistryUrl: schemaRegistryUrl!,
    namespace,
    logLevel: "error",
    ...more,
  });

const SYMBOLS = Array.from({ length: 6 }, (_, i) => `0198c5a4-8f6e-5c3a-9d2b-5e4f3a2b1c0${i}`);
const tick = (n: number, symbol = SYMBOLS[n % SYMBOLS.length]!): TickEvent => ({
  market_data_id: `0198c5a4-8f6e-5c3a-9d2b-${n.toString(16).padStart(12, "0")}`,
  symbol_id: symbol,
  timestamp: 1_700_000_000_000_000 + n,
  close: 100 + (n % 7),
  volume: n,
  source: "test",
});
const ticks = (count: number, from = 0) => Array.from({ length: count }, (_, i) => tick(from + i));

/** The ticks in a topic's log: each symbol's numbers in the order of the log, and the partitions they lie in. */
async function loggedTicks(config: Config): Promise<{ bySymbol: Map<string, number[]>; partitions: Set<string> }> {
  const registry = openRegistry({ schemaRegistryUrl: config.schemaRegistryUrl! });
  const reader = new EventReader("ticks", registry);
  const log = await readLog(config, `${config.namespace}.ticks`);
  for (const id of reader.missing(log.map(({ value }) => value))) await registry.fetch(id);
  const bySymbol = new Map<string, number[]>();
  const partitions = new Set<string>();
  for (const { value, key, partition } of log) {
    const event = reader.read(value);
    if (event instanceof Refusal) throw new Error(event.detail);
    if (key !== event.symbol_id) throw new Error(`key ${key} for ${event.symbol_id}`);
    bySymbol.set(key, [...(bySymbol.get(key) ?? []), event.volume]);
    partitions.add(`${key} ${partition}`);
  }
  return { bySymbol, partitions };
}

const expected = (count: number) =>
  new Map(SYMBOLS.map((id, i) => [id, Array.from({ length: count }, (_, n) => n).filter((n) => n % 6 === i)]));

describe("publishing", () => {
  it("puts every acknowledged event into the log once, in the order of its key, where Java would put it", async () => {
    const config = await freshNamespace("all");
    const tape = await connectTo(config, { publishBatchBytesMax: 16 * 1024 });
    expect(await tape.publishAll("ticks", ticks(6000))).toEqual({ sent: 6000 });
    await tape.close();
    const { bySymbol, partitions } = await loggedTicks(config);
    expect(bySymbol).toEqual(expected(6000));
    const partitioning = new Partitioning(4);
    expect(partitions).toEqual(new Set(SYMBOLS.map((id) => `${id} ${partitioning.place(id).partition}`)));
  });

  it("keeps the order of calls that nobody awaits one by one, also before the topic's schema is known", async () => {
    const config = await freshNamespace("calls");
    const tape = await connectTo(config);
    const early = ticks(600).map((event) => tape.publish("ticks", event));
    await early[0];
    const late = ticks(600, 600).map((event) => tape.publish("ticks", event));
    await Promise.all([...early, ...late]);
    await tape.close();
    expect((await loggedTicks(config)).bySymbol).toEqual(expected(1200));
  });

  it("takes sources of events and of arrays of events, synchronous or not", async () => {
    const config = await freshNamespace("sources");
    await using tape = await connectTo(config);
    async function* later() {
      yield tick(0);
      yield ticks(5, 1);
    }
    function* now() {
      yield tick(6);
      yield ticks(5, 7);
    }
    expect(await tape.publishAll("ticks", later())).toEqual({ sent: 6 });
    expect(await tape.publishAll("ticks", now())).toEqual({ sent: 6 });
    expect(await tape.publishAll("ticks", [])).toEqual({ sent: 0 });
    expect((await loggedTicks(config)).bySymbol).toEqual(expected(12));
  });

  it("sends headers and fills in the ids that are made of the event itself", async () => {
    const config = await freshNamespace("ids");
    await using tape = await connectTo(config);
    const bar = { timestamp: NOON, open: 1, high: 1, low: 1, close: 1, volume: 1, interval: "1d", source: "test" };
    const headers = { "correlation-id": "run 7", raw: Buffer.from([0xff]) };
    await tape.publish("bars", { ...bar, symbol_id: SYMBOLS[0]! }, { headers });
    await tape.publish("audit", {
      log_id: SYMBOLS[1]!,
      timestamp: NOON,
      event_type: "NOTE",
      actor: "test",
      payload: "{}",
    });
    const [logged] = await readLog(config, `${config.namespace}.bars`);
    expect(logged).toMatchObject({
      key: SYMBOLS[0],
      headers: { "correlation-id": Buffer.from("run 7"), raw: headers.raw },
    });
    expect(String(logged?.value)).toMatch(/[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-/);
    expect(await readLog(config, `${config.namespace}.audit`)).toMatchObject([{ partition: 0, key: null }]);
  });

  it("refuses what is wrong, too large or too late, and sends none of it", async () => {
    const config = await freshNamespace("refused");
    const tape = await connectTo(config, { eventBytesMax: 2000 });
    const wrong = tape.publish("ticks", { ...tick(0), volume: -1 });
    await expect(wrong).rejects.toMatchObject({ code: "input_invalid", message: expect.stringContaining("volume") });
    const large = tape.publish("ticks", { ...tick(0), source: "x".repeat(2000) });
    await expect(large).rejects.toMatchObject({ code: "input_invalid", message: expect.stringContaining("2000 are") });
    await tape.close();
    await expect(tape.publish("ticks", tick(0))).rejects.toMatchObject({ message: "this tape is closed" });
    await expect(tape.publishAll("ticks", [tick(0)])).rejects.toMatchObject({ message: "this tape is closed" });
    expect((await loggedTicks(config)).bySymbol).toEqual(new Map());
  });

  it("stops a bulk publish at the first bad event and says how many were acknowledged before it", async () => {
    const config = await freshNamespace("stopped");
    await using tape = await connectTo(config);
    const source = [...ticks(90), { ...tick(90), close: Number.NaN }, ...ticks(9, 91)];
    await expect(tape.publishAll("ticks", source)).rejects.toMatchObject({
      code: "input_invalid",
      message: expect.stringMatching(/close.*\(90 of the 90 events before were acknowledged\)$/),
    });
    expect((await loggedTicks(config)).bySymbol).toEqual(expected(90));
  });

  it("flushes on close what was published and not awaited", async () => {
    const config = await freshNamespace("close");
    const tape = await connectTo(config, { publishLingerMs: 1000 });
    const published = ticks(60).map((event) => tape.publish("ticks", event));
    await tape.close();
    await Promise.all(published);
    expect((await loggedTicks(config)).bySymbol).toEqual(expected(60));
  });

  it("says that a topic is missing, and publishes when it is there", async () => {
    const config = await freshNamespace("later");
    const absent = { ...config, namespace: `${config.namespace}-absent` };
    await using tape = await connectTo(absent);
    await expect(tape.publish("ticks", tick(0))).rejects.toMatchObject({
      code: "topic_missing",
      message: `missing: ${absent.namespace}.ticks`,
    });
    await makeTopics(absent);
    await tape.publish("ticks", tick(0));
    expect((await loggedTicks(absent)).bySymbol).toEqual(new Map([[SYMBOLS[0], [0]]]));
  });
});

describe("the registry's part", () => {
  it("registers a topic's schema with FULL_TRANSITIVE compatibility", async () => {
    const config = await freshNamespace("schema");
    await using tape = await connectTo(config);
    await tape.publish("ticks", tick(0));
    const response = await fetch(`${config.schemaRegistryUrl}/config/${config.namespace}.ticks-value`);
    expect(await response.json()).toEqual({ compatibilityLevel: "FULL_TRANSITIVE" });
  });

  it("refuses to publish where the subject holds an incompatible schema, and names both sides", async () => {
    const config = await freshNamespace("clash");
    await openRegistry({ schemaRegistryUrl: config.schemaRegistryUrl! }).register(`${config.namespace}.ticks`, "bars");
    await using tape = await connectTo(config);
    await expect(tape.publish("ticks", tick(0))).rejects.toMatchObject({
      code: "registry_refused",
      canRetry: false,
      message: expect.stringMatching(`refused this program's schema for ${config.namespace}.ticks-value`),
    });
    expect(await readLog(config, `${config.namespace}.ticks`)).toEqual([]);
  });
});

/** A tape whose connections all pass the proxy, also those to the address that the broker gives out. */
async function tapeThrough(proxy: TcpProxy, config: Config, limits: Partial<Config> = {}): Promise<Tape> {
  const settings = { ...config, ...limits };
  const { connect: open } = await import("node:net");
  const options = {
    brokers: [`127.0.0.1:${proxy.port}`],
    connectionTimeout: 60_000,
    logLevel: kafkajs.logLevel.NOTHING,
    socketFactory: ({ onConnect }: ISocketFactoryArgs) => open(proxy.port, "127.0.0.1", onConnect).setNoDelay(true),
  };
  const log = openLog(settings);
  return connectTape(settings, log, new KafkaClient(options, log));
}

describe("publishing to a broker in trouble", () => {
  let proxy: TcpProxy;
  beforeAll(async () => {
    proxy = await startTcpProxy(inject("stack").kafkaBrokers.split(",")[0]!);
  });
  afterAll(async () => {
    await proxy.close();
  });

  it("loses no acknowledged event when answers are lost, and keeps each key's order of first arrivals", async () => {
    const config = await freshNamespace("lost");
    const tape = await tapeThrough(proxy, config, { publishBatchBytesMax: 16 * 1024 });
    await tape.publish("ticks", tick(0));
    proxy.loseAnswers(5);
    const acked = new Set([0]);
    const publishing = ticks(2999, 1).map(async (event) => {
      await tape.publish("ticks", event);
      acked.add(event.volume);
    });
    await Promise.all(publishing);
    await tape.close();
    expect(proxy.cuts).toBe(5);
    expect(acked.size).toBe(3000);
    const { bySymbol } = await loggedTicks(config);
    const arrivals = new Map([...bySymbol].map(([id, numbers]) => [id, [...new Set(numbers)]]));
    expect(arrivals).toEqual(expected(3000));
  });

  it("reads no further than its buffer while the broker is silent, and ends well when it answers again", async () => {
    const config = await freshNamespace("silent");
    const bufferBytesMax = 1024 * 1024;
    const tape = await tapeThrough(proxy, config, { publishBufferBytesMax: bufferBytesMax });
    await tape.publish("ticks", tick(0));
    proxy.pause();
    let read = 1;
    function* source() {
      for (; read < 30_000; read++) yield tick(read);
    }
    const publishing = tape.publishAll("ticks", source());
    let before = 0;
    await expect
      .poll(
        () => {
          const isStill = read > 1000 && read === before;
          before = read;
          return isStill;
        },
        { interval: 300 },
      )
      .toBe(true);
    // A tick's message has about 130 bytes; each is counted with what it costs in memory beside them.
    expect(read).toBeLessThan(bufferBytesMax / 256);
    proxy.resume();
    expect(await publishing).toEqual({ sent: 29_999 });
    await tape.close();
    expect((await loggedTicks(config)).bySymbol).toEqual(expected(30_000));
  });

  it("refuses those who never await once three buffers are waiting, and delivers what it took", async () => {
    const config = await freshNamespace("full");
    const tape = await tapeThrough(proxy, config, { publishBufferBytesMax: 1024 * 1024 });
    await tape.publish("ticks", tick(0));
    proxy.pause();
    const outcomes = ticks(20_000, 1).map((event) =>
      tape.publish("ticks", event).then(
        () => "acked",
        (error: { code: string }) => error.code,
      ),
    );
    proxy.resume();
    const settled = await Promise.all(outcomes);
    await tape.close();
    const taken = settled.lastIndexOf("acked") + 1;
    expect(taken).toBeGreaterThan(3000);
    expect(taken).toBeLessThan((3 * 1024 * 1024) / 256);
    expect(new Set(settled.slice(0, taken))).toEqual(new Set(["acked"]));
    expect(new Set(settled.slice(taken))).toEqual(new Set(["publisher_full"]));
    expect((await loggedTicks(config)).bySymbol).toEqual(expected(taken + 1));
  });

  it("rejects exactly the events of a request that the broker refuses", async () => {
    const config = await freshNamespace("toolarge");
    const small = { ...config, namespace: `${config.namespace}-small` };
    const topicName = `${small.namespace}.ticks`;
    await withAdmin(openKafka(config, openLog({ logLevel: "warn" })), async (admin) => {
      await admin.createTopics([{ topicName, partitions: 1, settings: { "max.message.bytes": "1000" } }]);
      await expect.poll(async () => (await admin.fetchTopics()).get(topicName)?.isReady).toBe(true);
    });
    await using tape = await connectTo(small);
    await tape.publish("ticks", tick(0));
    const large = tape.publish("ticks", { ...tick(6), source: "x".repeat(1500) });
    await expect(large).rejects.toMatchObject({ code: "publish_refused", canRetry: false });
    await tape.publish("ticks", tick(12));
    expect((await loggedTicks(small)).bySymbol).toEqual(new Map([[SYMBOLS[0], [0, 12]]]));
  });
});
