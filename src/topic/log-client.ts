import type { FetchedBatch } from "./fetch/fetched-batch.ts";
import type { EpochEnd, LogPlace, Mark, PartitionOffsets, TopicPartition, VisibleLog } from "./offsets.ts";
import type { RecordWriter } from "./wire/record-writer.ts";

/**
 * A Kafka cluster, as the rooms outside of `src/topic` know it. `src/topic/kafkajs` implements it for a real one, the
 * simulation for its own; `test/topic/log-client-cases.ts` holds both to the same cases. Errors are TradetapeErrors.
 */
export interface LogClient {
  /** @throws TradetapeError broker_unreachable, tls_refused, login_refused */
  openAdmin(): Promise<LogAdmin>;
  /** @throws TradetapeError broker_unreachable, tls_refused, login_refused */
  openProducer(): Promise<LogProducer>;
  /** Makes a member of a consumer group; it joins when it is started. */
  member(options: MemberOptions): LogMember;
}

/**
 * Asks about topics and makes them. Every method throws broker_unreachable, tls_refused, login_refused and acl_missing, and
 * topic_missing where it names a topic.
 */
export interface LogAdmin {
  /** `clusterId` is the cluster's own, which another cluster at the same address doesn't have. */
  fetchCluster(): Promise<{ readonly clusterId: string; readonly brokers: number }>;
  fetchSpoken(): Promise<SpokenVersions>;
  /** What the brokers say that this user may do, without topics that aren't there; undefined before Kafka 2.3. */
  fetchRights(of: {
    readonly topicNames: readonly string[];
    readonly groupIds: readonly string[];
  }): Promise<Rights | undefined>;
  /** All topics of the cluster by full name: asking for one by name may make it. */
  fetchTopics(): Promise<ReadonlyMap<string, FoundTopic>>;
  /**
   * Tells topics that aren't there from those that are hidden, as Kafka hides what this user may not DESCRIBE.
   * @throws TradetapeError acl_missing that names those that are
   */
  requireVisible(topicNames: readonly string[]): Promise<void>;
  /** The settings of topics that exist, by topic, then by Kafka's name of the setting. */
  fetchSettings(topicNames: readonly string[]): Promise<ReadonlyMap<string, ReadonlyMap<string, string>>>;
  /** Changes these settings of a topic, by Kafka's names; its others stay. */
  changeSettings(topicName: string, settings: Readonly<Record<string, string>>): Promise<void>;
  /** What each topic of the cluster takes on the brokers' disks, replicas included. */
  fetchBytes(): Promise<ReadonlyMap<string, number>>;
  /** Makes topics. One that exists already is left as it is. */
  createTopics(topics: readonly NewTopic[]): Promise<void>;
  /** Every partition's low and high offset, in the order of the partitions. */
  fetchOffsets(topicName: string): Promise<readonly PartitionOffsets[]>;
  /**
   * Per partition, the first offset whose broker time is at or after `timeMs`; the high offset where there is none.
   * @param timeMs milliseconds since 1970, UTC
   */
  fetchOffsetsAt(topicName: string, timeMs: number): Promise<ReadonlyMap<number, number>>;
  /** The topic's own id, which one made again under its name doesn't have; undefined of brokers before Kafka 2.8. */
  fetchTopicId(topicName: string): Promise<string | undefined>;
  /**
   * Where the parts of a topic's logs end that the leaders of these epochs took; of a log that lacks the epoch asked for, the
   * last one before it. Left out are partitions whose log knows neither.
   * @param epochs by partition
   */
  fetchEpochEnds(topicName: string, epochs: ReadonlyMap<number, number>): Promise<ReadonlyMap<number, EpochEnd>>;
  /**
   * What logs hold from these places on, a part of it, read by no group: a batch of each partition, in which there may be no
   * record. Left out are partitions whose log doesn't hold the offset, and isn't about to.
   * @param from one place a partition, of any topics
   */
  fetchRecords(from: readonly LogPlace[], limits: FetchLimits): Promise<readonly FetchedBatch[]>;
  /**
   * What readers get of a topic's logs from these offsets on, by partition. Left out are partitions whose log no longer holds
   * the offset, or not yet.
   */
  fetchVisible(topicName: string, from: ReadonlyMap<number, number>): Promise<ReadonlyMap<number, VisibleLog>>;
  /** What a group has marked of a topic; partitions without a mark are left out. */
  fetchMarks(groupId: string, topicName: string): Promise<readonly Mark[]>;
  close(): Promise<void>;
}

/** Which versions of a request all brokers take, by Kafka's number of the request. */
export type SpokenVersions = ReadonlyMap<number, { readonly least: number; readonly most: number }>;

export type Right = "READ" | "WRITE";

/** What a user may do with topics and with groups, by their names. */
export interface Rights {
  readonly topics: ReadonlyMap<string, ReadonlySet<Right>>;
  readonly groups: ReadonlyMap<string, ReadonlySet<Right>>;
}

export interface FetchLimits {
  /** So long the brokers wait for a record where there is none. */
  readonly waitMs: number;
  /** One batch of the log comes whole, however large it is. */
  readonly partitionBytesMax: number;
}

export interface FoundTopic {
  readonly partitions: number;
  /** Whether every partition has a leader. */
  readonly isReady: boolean;
  /** How many brokers keep each partition; the fewest, where that differs. */
  readonly replicas: number;
}

export interface NewTopic {
  readonly topicName: string;
  readonly partitions: number;
  /** How many brokers keep each partition; undefined is the broker's default. */
  readonly replicas?: number | undefined;
  /** By Kafka's names. */
  readonly settings: Readonly<Record<string, string>>;
}

/** Records for one partition, that go into its log as one batch. */
export interface PartitionBatch {
  readonly partition: number;
  readonly records: RecordWriter;
}

export interface LogProducer {
  /**
   * Publishes batches of different partitions as one request, with acks from all replicas.
   * @returns the first record's offset by partition. A partition that is left out has not acknowledged its batch: send
   * that again. A batch may be in the log twice where an answer was lost on the way.
   * @throws TradetapeError broker_unreachable, topic_missing, acl_missing: any of the batches may be in the log all the same
   */
  produce(topicName: string, batches: readonly PartitionBatch[]): Promise<ReadonlyMap<number, number>>;
  /** How far the broker's clock was ahead of ours at its last acknowledgement, in milliseconds; 0 before the first. */
  readonly clockAheadMs: number;
  close(): Promise<void>;
}

export interface MemberOptions {
  readonly groupId: string;
  readonly topicNames: readonly string[];
  /** "shared": each member has some partitions. "sole": one member has all of every topic, the others stand by. */
  readonly assignment: "shared" | "sole";
  readonly fetchPartitionBytesMax: number;
  readonly sessionTimeoutMs: number;
}

/** What a member is told. Handlers own the position: a member starts anywhere after a join, until `seek` says where. */
export interface MemberHandlers {
  /**
   * The group was (re)joined: these partitions are ours now, all others are not. Called before the first fetch, so that
   * a `seek` from within holds for it.
   */
  onAssigned(partitions: readonly TopicPartition[]): void;
  /**
   * The group was left without a `stop`, as in an outage, or its broker had forgotten this member, as after a long sleep.
   * Others may have our partitions until we are assigned anew, and may have had them where we are told just before that.
   */
  onLeft(): void;
  /**
   * A batch was fetched. The partition's next batch waits for the promise, so awaiting is the back-pressure; `heartbeat`
   * keeps the membership alive meanwhile. `isStale` says that a seek has overtaken the batch. Errors of `heartbeat` have
   * to be thrown on: they tell of a rebalance. Any other error ends the member by `onCrash`.
   */
  onBatch(batch: FetchedBatch, heartbeat: () => Promise<void>, isStale: () => boolean): Promise<void>;
  /** The member ended by itself and won't come back. An outage of the broker is no reason: it joins again then. */
  onCrash(error: unknown): void;
}

/** A member of a consumer group. While it has no group, `seek`, `hold` and `letGo` do nothing. */
export interface LogMember {
  /** @throws TradetapeError broker_unreachable, topic_missing, acl_missing */
  start(handlers: MemberHandlers): Promise<void>;
  /** The next fetch of this partition begins here, and it is let go. A fetch under way may still bring another batch. */
  seek(at: TopicPartition, offset: number): void;
  /** Nothing more of this partition is fetched, but for what is on its way, until `letGo`, a `seek` or the group was left. */
  hold(at: TopicPartition): void;
  letGo(at: TopicPartition): void;
  /** Has Kafka keep marks for the group. @throws Error while it has no group, as in a rebalance: older marks stay */
  mark(marks: readonly Mark[]): Promise<void>;
  /** Nothing more is fetched from now on, whatever is sought or let go; what is being handled goes on. */
  pause(): void;
  /** Leaves the group; also for a member that never started, or is starting. */
  stop(): Promise<void>;
}

/** Runs `use` with an admin and closes it. @throws TradetapeError broker_unreachable */
export async function withAdmin<T>(client: LogClient, use: (admin: LogAdmin) => Promise<T>): Promise<T> {
  const admin = await client.openAdmin();
  try {
    return await use(admin);
  } finally {
    await admin.close();
  }
}
