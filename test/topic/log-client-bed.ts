import type { FetchedBatch } from "../../src/topic/fetch/fetched-batch.ts";
import type { LogClient, LogMember, MemberHandlers, MemberOptions } from "../../src/topic/log-client.ts";
import type { TopicPartition } from "../../src/topic/offsets.ts";
import { type RecordHeaders, RecordWriter } from "../../src/topic/wire/record-writer.ts";

/** A cluster with a topic and a group that nobody else uses. */
export interface LogBed {
  readonly client: LogClient;
  readonly topicName: string;
  readonly groupId: string;
  /** Appends records of a transaction to partition 0 and aborts it: they and the marker behind them are nobody's records. */
  abort(values: readonly string[]): Promise<void>;
  /** Waits until a group of `join`'s session timeout has forgotten a member that sends no heartbeat. */
  outstay(): Promise<void>;
  close(): Promise<void>;
}

export interface Written {
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers?: RecordHeaders;
}

export const text = (value: string): Written => ({ key: null, value: Buffer.from(value) });

/** @returns the first offset of each partition's records */
export async function produce(
  bed: LogBed,
  records: Readonly<Record<number, readonly Written[]>>,
  topicName = bed.topicName,
) {
  const producer = await bed.client.openProducer();
  const batches = Object.entries(records).map(([partition, list]) => {
    const writer = new RecordWriter(16);
    for (const { key, value, headers } of list) writer.add(key, value, headers);
    return { partition: Number(partition), records: writer };
  });
  const acked = new Map<number, number>();
  // Of a topic that was just made kafkajs may leave partitions out, as `produce` says: what is missing is sent again.
  for (let rest = batches; rest.length > 0; rest = rest.filter(({ partition }) => !acked.has(partition)))
    for (const [partition, offset] of await producer.produce(topicName, rest)) acked.set(partition, offset);
  await producer.close();
  return acked;
}

/** A member that notes what it is told; `texts` are the values of all records, as "partition@offset value". */
export async function join(
  bed: LogBed,
  change: (member: LogMember) => Partial<MemberHandlers> = () => ({}),
  asked: Partial<MemberOptions> = {},
) {
  const options: MemberOptions = {
    groupId: bed.groupId,
    topicNames: [bed.topicName],
    assignment: "shared",
    fetchPartitionBytesMax: 65_536,
    sessionTimeoutMs: 30_000,
    ...asked,
  };
  const member = bed.client.member(options);
  const { onAssigned, onBatch } = change(member);
  const batches: FetchedBatch[] = [];
  const texts: string[] = [];
  const crashes: unknown[] = [];
  const heard: ("assigned" | "left")[] = [];
  let assigned: readonly TopicPartition[] | undefined;
  await member.start({
    onAssigned: (partitions) => {
      heard.push("assigned");
      assigned = partitions;
      onAssigned?.(partitions);
    },
    onLeft: () => heard.push("left"),
    onBatch: async (batch, heartbeat, isStale) => {
      await onBatch?.(batch, heartbeat, isStale);
      batches.push(batch);
      for (let index = 0; index < batch.records.count; index++)
        texts.push(`${batch.partition}@${batch.records.offsetOf(index)} ${batch.records.record(index).value}`);
    },
    onCrash: (error) => crashes.push(error),
  });
  return {
    member,
    batches,
    texts,
    crashes,
    heard,
    partitions: () => assigned?.map(({ partition }) => partition).sort(),
  };
}
