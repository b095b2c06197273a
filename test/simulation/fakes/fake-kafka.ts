import type { openKafka } from "../../../src/topic/client.ts";
import type { FaultRates } from "../faults.ts";
import type { Process, VirtualTime } from "../virtual-time.ts";
import { FakeConsumer } from "./fake-consumer.ts";
import type { Coordinator } from "./fake-coordinator.ts";
import { kafkaError } from "./fake-coordinator.ts";
import type { FakeCluster } from "./fake-log.ts";

export interface KafkaWorld {
  readonly time: VirtualTime;
  readonly cluster: FakeCluster;
  readonly coordinator: Coordinator;
  readonly faults: FaultRates;
  readonly fetchRecordsMax: number;
}

interface TopicMessages {
  readonly topic: string;
  readonly messages: readonly { key: Buffer | null; value: Buffer | null; partition: number; headers?: object }[];
}

/** kafkajs's client as one process has it. */
export function fakeKafka(world: KafkaWorld, process: Process): ReturnType<typeof openKafka> {
  const kafka = {
    consumer: ({ heartbeatInterval }: { heartbeatInterval: number }) =>
      new FakeConsumer({ ...world, process, heartbeatMs: heartbeatInterval }),
    producer: () => fakeProducer(world, process),
    admin: () => fakeAdmin(world, process),
  };
  return kafka as unknown as ReturnType<typeof openKafka>;
}

/** A request may fail with nothing, a part or all of it in the log; and what a killed process sent still arrives. */
function fakeProducer({ time, cluster, faults }: KafkaWorld, process: Process) {
  const { random } = time;
  const append = ({ topic, messages }: TopicMessages, count: number) => {
    const firsts = new Map<number, number>();
    for (const { key, value, partition = 0, headers } of messages.slice(0, count)) {
      const entry = { kind: "record" as const, key, value, headers: { ...headers }, timestampMs: time.now };
      if (!firsts.has(partition)) firsts.set(partition, cluster.log(topic, partition).high);
      cluster.log(topic, partition).append(entry);
    }
    return [...firsts].map(([partition, first]) => ({ topicName: topic, partition, baseOffset: String(first) }));
  };
  return {
    connect: () => time.delay(1, process),
    disconnect: async () => undefined,
    sendBatch: async ({ topicMessages }: { topicMessages: readonly TopicMessages[] }) => {
      await time.delay(random.between(1, random.chance(0.1) ? 2000 : 20));
      const fault = random.chance(faults.produce)
        ? random.pick(["lost", "part", "unheard", "skipped"] as const)
        : "none";
      if (fault !== "none") time.note(`produce-${fault}`);
      const share = (of: TopicMessages) => (fault === "part" ? random.between(0, of.messages.length) : 1e9);
      // A topic whose leader has moved to a broker that had answered: kafkajs resolves without it.
      const isSkipped = fault === "skipped" && topicMessages.length > 1;
      const asked = isSkipped ? topicMessages.slice(1) : topicMessages;
      const sent = fault === "lost" ? [] : asked.flatMap((one) => append(one, share(one)));
      await time.delay(random.between(1, 20), process);
      if (fault !== "none" && !isSkipped) throw kafkaError("REQUEST_TIMED_OUT");
      return sent;
    },
  };
}

function fakeAdmin({ time, cluster, faults }: KafkaWorld, process: Process) {
  const ask = async <T>(answer: () => T): Promise<T> => {
    await time.delay(time.random.between(1, 10));
    const isLost = time.random.chance(faults.admin);
    const answered = isLost ? undefined : answer();
    await time.delay(time.random.between(1, 10), process);
    if (!isLost) return answered as T;
    time.note("admin-fault");
    throw Object.assign(new Error("Connection timeout"), { name: "KafkaJSConnectionError", retriable: true });
  };
  return {
    connect: async () => undefined,
    disconnect: async () => undefined,
    describeCluster: () => ask(() => ({ clusterId: cluster.clusterId })),
    fetchTopicOffsets: (topic: string) =>
      ask(() =>
        cluster.topics.get(topic)!.map((log, partition) => ({
          partition,
          low: String(log.low),
          high: String(log.high),
          offset: String(log.high),
        })),
      ),
  };
}
