import { TradetapeError } from "../../../src/errors.ts";
import type { LeaderEpoch } from "../../../src/topic/fetch/fetched-batch.ts";
import type { EpochEnd } from "../../../src/topic/offsets.ts";

/** A symbol or a session that events belong to, and when which thing happened to it; undefined is never. */
export interface Parent {
  readonly id: string;
  readonly publishedMs: number | undefined;
  /** How long its landing lies behind its publishing; the dice say when it is absent. */
  readonly lagMs?: number;
  landedMs: number | undefined;
  /** The first event that belongs to it. */
  usedMs: number | undefined;
}

/** What must become of a record: a letter of this reason, or a row of this id, unless one of that id came before. */
export type Truth =
  | { readonly letter: string }
  | {
      readonly id: string;
      /** Tells contents of one id apart. */
      readonly amount: number;
      readonly parent: Parent | undefined;
      readonly appendedMs: number;
      /** By the event's own word, else the broker's clock: of bars, the greatest one stays. */
      readonly revisedMs: number;
    };

/** What lies at one offset. Markers and aborted records take an offset and reach nobody. */
export interface LogEntry {
  readonly kind: "record" | "aborted" | "marker";
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: Readonly<Record<string, Buffer>>;
  readonly timestampMs: number;
  readonly truth?: Truth;
}

/** One partition's log. Offsets are dense; `low` rises when old records are deleted. */
export class FakeLog {
  entries: LogEntry[] = [];
  low = 0;
  /** Where the part of each leader begins, by its epoch. */
  leaders: LeaderEpoch[] = [{ from: 0, epoch: 0 }];

  get high(): number {
    return this.entries.length;
  }

  append(entry: LogEntry): number {
    return this.entries.push(entry) - 1;
  }

  /** A leader is elected that has only what lies below an offset. */
  elect(from: number): void {
    this.entries.length = from;
    const epoch = this.leaders.at(-1)!.epoch + 1;
    this.leaders = [...this.leaders.filter((leader) => leader.from < from), { from, epoch }];
  }

  /** As a broker answers, which keeps where each epoch began. */
  epochEnd(asked: number): EpochEnd | undefined {
    const last = this.leaders.at(-1)!;
    if (asked === last.epoch) return { epoch: asked, end: this.high };
    const later = this.leaders.find(({ epoch }) => epoch > asked);
    const floor = this.leaders.findLast(({ epoch }) => epoch <= asked);
    return later && { epoch: floor?.epoch ?? asked, end: later.from };
  }
}

/** What every topic of the pipeline may have. */
const AS_DEMANDED = {
  "cleanup.policy": "delete",
  "message.timestamp.type": "LogAppendTime",
  "max.message.bytes": String(8 * 1024 * 1024),
  "retention.ms": "-1",
  "retention.bytes": "-1",
};

/** Of all clusters, as no two topics have one id. */
let topicsMade = 0;

/** The cluster's topics, by full name and partition. */
export class FakeCluster {
  readonly topics = new Map<string, FakeLog[]>();
  readonly settings = new Map<string, Readonly<Record<string, string>>>();
  readonly clusterId = "cluster";
  /** The ids of topics; brokers before Kafka 2.8 tell none. */
  readonly ids = new Map<string, string>();
  tellsIds = true;

  create(topic: string, partitions: number): FakeLog[] {
    const logs = Array.from({ length: partitions }, () => new FakeLog());
    this.topics.set(topic, logs);
    this.settings.set(topic, AS_DEMANDED);
    this.ids.set(topic, `the id of topic ${++topicsMade}`);
    return logs;
  }

  /** @throws TradetapeError topic_missing */
  logs(topic: string): readonly FakeLog[] {
    const logs = this.topics.get(topic);
    if (logs === undefined) throw new TradetapeError("topic_missing", `the simulation has no ${topic}`);
    return logs;
  }

  log(topic: string, partition: number): FakeLog {
    return this.logs(topic)[partition]!;
  }
}
