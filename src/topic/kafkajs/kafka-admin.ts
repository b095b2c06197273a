import kafkajs, { type Admin, type Kafka } from "tradetape-kafkajs";
import { TradetapeError } from "../../errors.ts";
import type { FetchLimits, FoundTopic, LogAdmin, NewTopic } from "../log-client.ts";
import { type EpochEnd, type LogPlace, type Mark, offsetNumber, type PartitionOffsets } from "../offsets.ts";
import { fetchClusterFacts, fetchHiddenTopics } from "../patch/ask/cluster-facts.ts";
import { fetchEpochEnds } from "../patch/ask/epoch-ends.ts";
import { fetchLogBytes } from "../patch/ask/log-dirs.ts";
import { fetchRights, fetchSpoken } from "../patch/ask/rights.ts";
import { fetchTopicId } from "../patch/ask/topic-id.ts";
import { type Cluster, connectedCluster } from "../patch/brokers.ts";
import { fetchRecords } from "../patch/fetch-records.ts";
import { type Internals, kafkajsInternals } from "../patch/kafkajs-internals.ts";
import { answered, brokerFault } from "./broker-fault.ts";
import { type Asked, DESCRIBE, describing, hiddenTopics, toRead } from "./broker-refusal.ts";
import { fetchVisible } from "./visible-records.ts";
import { explainClosed, type Speech } from "./wrong-listener.ts";

/** The broker's time for making topics: a loaded one may need more than kafkajs's own 5 s. */
const CREATE_WITHIN_MS = 20_000;
/** Where a setting comes from, in Kafka's numbers: from the topic's own settings. */
const TOPIC_CONFIG = 1;

/** kafkajs's admin: its texts as numbers, its lists as maps, its errors as ours. */
export class KafkaAdmin implements LogAdmin {
  readonly #kafka: Kafka;
  readonly #admin: Admin;
  readonly #speech: Speech;
  /** Connected while it answers: what kafkajs's admin can't ask goes this way. */
  #cluster: Promise<Cluster> | undefined;

  private constructor(kafka: Kafka, admin: Admin, speech: Speech) {
    this.#kafka = kafka;
    this.#speech = speech;
    this.#admin = admin;
  }

  static async open(kafka: Kafka, speech: Speech): Promise<KafkaAdmin> {
    const admin = kafka.admin();
    try {
      await admin.connect();
    } catch (cause) {
      await admin.disconnect();
      throw await explainClosed(brokerFault(cause), speech);
    }
    return new KafkaAdmin(kafka, admin, speech);
  }

  fetchCluster(): Promise<{ clusterId: string; brokers: number }> {
    return this.#ask(fetchClusterFacts, DESCRIBE);
  }

  fetchSpoken() {
    return this.#ask(fetchSpoken, DESCRIBE);
  }

  fetchRights(of: { topicNames: readonly string[]; groupIds: readonly string[] }) {
    return this.#ask((cluster, own) => fetchRights(cluster, own, of), DESCRIBE);
  }

  async fetchTopics(): Promise<ReadonlyMap<string, FoundTopic>> {
    const { topics } = await this.#answered(() => this.#admin.fetchTopicMetadata(), DESCRIBE);
    return new Map(
      topics.map(({ name, partitions }) => {
        const isReady = partitions.length > 0 && partitions.every(({ leader }) => leader >= 0);
        const replicas = Math.min(...partitions.map((partition) => partition.replicas.length));
        return [name, { partitions: partitions.length, isReady, replicas }];
      }),
    );
  }

  async requireVisible(topicNames: readonly string[]): Promise<void> {
    const found = await this.#ask((cluster, own) => fetchHiddenTopics(cluster, own, topicNames), DESCRIBE);
    if (found.length > 0) throw hiddenTopics(found);
  }

  async fetchSettings(topicNames: readonly string[]): Promise<ReadonlyMap<string, ReadonlyMap<string, string>>> {
    if (topicNames.length === 0) return new Map();
    const resources = topicNames.map((name) => ({ type: kafkajs.ConfigResourceTypes.TOPIC, name }));
    const ask = () => this.#admin.describeConfigs({ resources, includeSynonyms: false });
    const response = await this.#answered(ask, { right: "DESCRIBE_CONFIGS", topicNames }).catch(
      async (fault: unknown) => {
        // kafkajs tells the first refusal without its topic: of one that is asked for alone the name is known.
        const isDenied = fault instanceof TradetapeError && fault.code === "acl_missing";
        if (isDenied && topicNames.length > 1) for (const name of topicNames) await this.fetchSettings([name]);
        throw fault;
      },
    );
    return new Map(
      response.resources.map(({ resourceName, configEntries }) => [
        resourceName,
        new Map(configEntries.map(({ configName, configValue }) => [configName, configValue])),
      ]),
    );
  }

  /** Kafka's request replaces all settings that a topic has of its own, so those that stay go along. */
  async changeSettings(topicName: string, settings: Readonly<Record<string, string>>): Promise<void> {
    const resource = { type: kafkajs.ConfigResourceTypes.TOPIC, name: topicName };
    const ask = () => this.#admin.describeConfigs({ resources: [resource], includeSynonyms: false });
    const found = await this.#answered(ask, { right: "DESCRIBE_CONFIGS", topicNames: [topicName] });
    const own = (found.resources[0]?.configEntries ?? []).filter(({ configSource }) => configSource === TOPIC_CONFIG);
    const all = { ...Object.fromEntries(own.map((entry) => [entry.configName, entry.configValue])), ...settings };
    const configEntries = Object.entries(all).map(([name, value]) => ({ name, value }));
    const resources = [{ ...resource, configEntries }];
    const change = () => this.#admin.alterConfigs({ validateOnly: false, resources });
    await this.#answered(change, { right: "ALTER_CONFIGS", topicNames: [topicName] });
  }

  fetchBytes(): Promise<ReadonlyMap<string, number>> {
    return this.#ask(fetchLogBytes, DESCRIBE);
  }

  async createTopics(topics: readonly NewTopic[]): Promise<void> {
    const wanted = topics.map(({ topicName, partitions, replicas, settings }) => ({
      topic: topicName,
      numPartitions: partitions,
      ...(replicas === undefined ? {} : { replicationFactor: replicas }),
      configEntries: Object.entries(settings).map(([name, value]) => ({ name, value })),
    }));
    // kafkajs's own wait for leaders is skipped when one of several topics exists already, and ends at the first answer.
    const options = { topics: wanted, waitForLeaders: false, timeout: CREATE_WITHIN_MS };
    await this.#answered(() => this.#admin.createTopics(options), { right: "CREATE" });
  }

  async fetchOffsets(topicName: string): Promise<readonly PartitionOffsets[]> {
    const partitions = await this.#answered(() => this.#admin.fetchTopicOffsets(topicName), describing(topicName));
    return partitions
      .map(({ partition, low, high }) => ({ partition, low: offsetNumber(low), high: offsetNumber(high) }))
      .sort((a, b) => a.partition - b.partition);
  }

  async fetchOffsetsAt(topicName: string, timeMs: number): Promise<ReadonlyMap<number, number>> {
    const ask = () => this.#admin.fetchTopicOffsetsByTimestamp(topicName, timeMs);
    const partitions = await this.#answered(ask, describing(topicName));
    return new Map(partitions.map(({ partition, offset }) => [partition, offsetNumber(offset)]));
  }

  async fetchMarks(groupId: string, topicName: string): Promise<readonly Mark[]> {
    const asked = { ...describing(topicName), groupId };
    const [found] = await this.#answered(() => this.#admin.fetchOffsets({ groupId, topics: [topicName] }), asked);
    const marked = (found?.partitions ?? []).filter(({ offset }) => Number(offset) >= 0);
    return marked.map(({ partition, offset, metadata }) => ({
      topicName,
      partition,
      offset: offsetNumber(offset),
      note: metadata ?? "",
    }));
  }

  fetchTopicId(topicName: string): Promise<string | undefined> {
    return this.#ask((cluster, internals) => fetchTopicId(cluster, internals, topicName), describing(topicName));
  }

  fetchEpochEnds(topicName: string, epochs: ReadonlyMap<number, number>): Promise<ReadonlyMap<number, EpochEnd>> {
    return this.#ask((cluster, own) => fetchEpochEnds(cluster, own, topicName, epochs), describing(topicName));
  }

  fetchRecords(from: readonly LogPlace[], limits: FetchLimits) {
    return this.#ask((cluster) => fetchRecords(cluster, from, limits), toRead(...from.map((at) => at.topicName)));
  }

  fetchVisible(topicName: string, from: ReadonlyMap<number, number>) {
    return this.#ask((cluster) => fetchVisible(cluster, topicName, from), toRead(topicName));
  }

  async close(): Promise<void> {
    await this.#forget(this.#cluster);
    await this.#admin.disconnect();
  }

  #ask<T>(question: (cluster: Cluster, internals: Internals) => Promise<T>, asked: Asked): Promise<T> {
    return this.#answered(async () => {
      this.#cluster ??= connectedCluster(this.#kafka);
      const known = this.#cluster;
      try {
        return await question(await known, kafkajsInternals());
      } catch (error) {
        // What a broker answers is no fault of the connections, which others may be asking by.
        if ((error as { type?: string }).type === undefined) await this.#forget(known);
        throw error;
      }
    }, asked);
  }

  /** A port that asks for a login lets a client in without one, and hangs up at its first question. */
  #answered<T>(ask: () => Promise<T>, asked: Asked): Promise<T> {
    return answered(ask, asked).catch(async (fault: unknown) => {
      throw await explainClosed(fault, this.#speech);
    });
  }

  async #forget(cluster: Promise<Cluster> | undefined): Promise<void> {
    if (this.#cluster === cluster) this.#cluster = undefined;
    await cluster?.then((known) => known.disconnect()).catch(() => undefined);
  }
}
