import { TradetapeError } from "../../../src/errors.ts";
import { BatchRecords } from "../../../src/topic/fetch/batch-records.ts";
import type {
  LogAdmin,
  LogClient,
  LogMember,
  LogProducer,
  MemberOptions,
  NewTopic,
  PartitionBatch,
} from "../../../src/topic/log-client.ts";
import type { EpochEnd, LogPlace, VisibleLog } from "../../../src/topic/offsets.ts";
import { recordBatch } from "../../../src/topic/patch/produce-request.ts";
import { RecordBatch } from "../../../src/topic/wire/record-batch.ts";
import type { FaultRates } from "../faults.ts";
import type { Process, VirtualTime } from "../virtual-time.ts";
import type { FakeGroups } from "./fake-coordinator.ts";
import type { FakeCluster, FakeLog } from "./fake-log.ts";
import { batchFrom, FakeMember } from "./fake-member.ts";

export interface KafkaWorld {
  readonly time: VirtualTime;
  readonly cluster: FakeCluster;
  readonly groups: FakeGroups;
  readonly faults: FaultRates;
  /** The most records that one fetch brings of a partition. */
  readonly fetchRecordsMax: number;
}

/** The cluster as one process reaches it. */
export class FakeKafka implements LogClient {
  readonly #world: KafkaWorld;
  readonly #process: Process;

  constructor(world: KafkaWorld, process: Process) {
    this.#world = world;
    this.#process = process;
  }

  async openAdmin(): Promise<LogAdmin> {
    return new FakeAdmin(this.#world, this.#process);
  }

  async openProducer(): Promise<LogProducer> {
    await this.#world.time.delay(1, this.#process);
    return new FakeProducer(this.#world, this.#process);
  }

  member(options: MemberOptions): LogMember {
    return new FakeMember({ ...this.#world, process: this.#process }, options);
  }
}

/** A request may fail with nothing, a part or all of it in the log; and what a killed process sent still arrives. */
class FakeProducer implements LogProducer {
  readonly clockAheadMs = 0;
  readonly #world: KafkaWorld;
  readonly #process: Process;

  constructor(world: KafkaWorld, process: Process) {
    this.#world = world;
    this.#process = process;
  }

  async produce(topicName: string, batches: readonly PartitionBatch[]): Promise<ReadonlyMap<number, number>> {
    const { time, faults } = this.#world;
    const { random } = time;
    await time.delay(random.between(1, random.chance(0.1) ? 2000 : 20));
    const fault = random.chance(faults.produce) ? random.pick(["lost", "part", "unheard", "skipped"] as const) : "none";
    if (fault !== "none") time.note(`produce-${fault}`);
    // A partition whose leader has moved to a broker that had answered: kafkajs resolves without it.
    const asked = fault === "skipped" ? batches.slice(1) : batches;
    const acked = new Map<number, number>();
    for (const { partition, records } of fault === "lost" ? [] : asked) {
      const count = fault === "part" ? random.between(0, records.count) : records.count;
      const log = this.#world.cluster.log(topicName, partition);
      acked.set(partition, log.high);
      this.#append(log, new RecordBatch(recordBatch(records, 0), records.bytes), count);
    }
    await time.delay(random.between(1, 20), this.#process);
    if (fault !== "none" && fault !== "skipped") throw unreachable("the request timed out");
    return acked;
  }

  #append(log: FakeLog, batch: RecordBatch, count: number): void {
    const records = new BatchRecords([batch], 0);
    for (let index = 0; index < count; index++) {
      const { key, value, headers = {} } = records.record(index);
      const kept = headers as Record<string, Buffer>;
      log.append({ kind: "record", key, value, headers: kept, timestampMs: this.#world.time.now });
    }
  }

  async close(): Promise<void> {}
}

class FakeAdmin implements LogAdmin {
  readonly #world: KafkaWorld;
  readonly #process: Process;

  constructor(world: KafkaWorld, process: Process) {
    this.#world = world;
    this.#process = process;
  }

  fetchCluster() {
    return this.#ask(({ cluster }) => ({ clusterId: cluster.clusterId, brokers: 1 }));
  }

  fetchSpoken() {
    return this.#ask(() => new Map());
  }

  fetchRights() {
    return this.#ask(() => undefined);
  }

  fetchTopics() {
    return this.#ask(
      ({ cluster }) =>
        new Map(
          [...cluster.topics].map(([name, logs]) => [name, { partitions: logs.length, isReady: true, replicas: 1 }]),
        ),
    );
  }

  requireVisible() {
    return this.#ask(() => undefined);
  }

  fetchSettings(topicNames: readonly string[]) {
    return this.#ask(
      ({ cluster }) =>
        new Map(topicNames.map((name) => [name, new Map(Object.entries(cluster.settings.get(name) ?? {}))])),
    );
  }

  changeSettings(topicName: string, settings: Readonly<Record<string, string>>) {
    return this.#ask(({ cluster }) => {
      cluster.settings.set(topicName, { ...cluster.settings.get(topicName), ...settings });
    });
  }

  fetchBytes(): Promise<ReadonlyMap<string, number>> {
    const bytesOf = ({ entries }: FakeLog) => entries.reduce((sum, { value }) => sum + (value?.length ?? 0), 0);
    return this.#ask(
      ({ cluster }) =>
        new Map([...cluster.topics].map(([name, logs]) => [name, logs.reduce((sum, log) => sum + bytesOf(log), 0)])),
    );
  }

  createTopics(topics: readonly NewTopic[]) {
    return this.#ask(({ cluster }) => {
      for (const { topicName, partitions, settings } of topics) {
        if (cluster.topics.has(topicName)) continue;
        cluster.create(topicName, partitions);
        cluster.settings.set(topicName, settings);
      }
    });
  }

  fetchOffsets(topicName: string) {
    return this.#ask(({ cluster }) =>
      cluster.logs(topicName).map(({ low, high }, partition) => ({ partition, low, high })),
    );
  }

  fetchOffsetsAt(topicName: string, timeMs: number) {
    return this.#ask(({ cluster, time }) => {
      time.note("parents-sought", () => topicName);
      const offsetAt = ({ entries, low, high }: FakeLog) => {
        const found = entries.findIndex(({ timestampMs }, offset) => offset >= low && timestampMs >= timeMs);
        return found === -1 ? high : found;
      };
      return new Map(cluster.logs(topicName).map((log, partition) => [partition, offsetAt(log)]));
    });
  }

  fetchTopicId(topicName: string) {
    return this.#ask(({ cluster }) => {
      cluster.logs(topicName);
      return cluster.tellsIds ? cluster.ids.get(topicName) : undefined;
    });
  }

  fetchEpochEnds(topicName: string, epochs: ReadonlyMap<number, number>) {
    return this.#ask(({ cluster }) => {
      const ends = [...epochs].map(([partition, epoch]) => [
        partition,
        cluster.log(topicName, partition).epochEnd(epoch),
      ]);
      return new Map(ends.filter(([, end]) => end !== undefined) as [number, EpochEnd][]);
    });
  }

  fetchRecords(from: readonly LogPlace[]) {
    return this.#ask(({ cluster, fetchRecordsMax }) =>
      from.flatMap(({ topicName, partition, offset }) => {
        const log = cluster.log(topicName, partition);
        const isHeld = offset >= log.low && offset <= log.high;
        return isHeld ? [batchFrom(log, { topicName, partition }, offset, fetchRecordsMax)] : [];
      }),
    );
  }

  fetchVisible(topicName: string, from: ReadonlyMap<number, number>) {
    return this.#ask(({ cluster }) => {
      const seen = new Map<number, VisibleLog>();
      for (const [partition, offset] of from) {
        const { entries, low, high } = cluster.log(topicName, partition);
        if (offset < low || offset > high) continue;
        const found = entries.findIndex(({ kind }, at) => at >= offset && kind === "record");
        const first = found < 0 ? undefined : { offset: found, publishedAtMs: entries[found]!.timestampMs };
        seen.set(partition, { end: high, logEnd: high, first, open: undefined });
      }
      return seen;
    });
  }

  fetchMarks(groupId: string, topicName: string) {
    return this.#ask(({ groups }) =>
      [...groups.find(groupId).marks.values()].filter((mark) => mark.topicName === topicName),
    );
  }

  async close(): Promise<void> {}

  async #ask<T>(answer: (world: KafkaWorld) => T): Promise<T> {
    const { time, faults } = this.#world;
    await time.delay(time.random.between(1, 10));
    const isLost = time.random.chance(faults.admin);
    const answered = isLost ? undefined : answer(this.#world);
    await time.delay(time.random.between(1, 10), this.#process);
    if (!isLost) return answered as T;
    time.note("admin-fault");
    throw unreachable("Connection timeout");
  }
}

const unreachable = (message: string): TradetapeError =>
  new TradetapeError("broker_unreachable", `Kafka: ${message}`, { canRetry: true });
