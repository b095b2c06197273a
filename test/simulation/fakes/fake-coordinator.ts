import type { MemberOptions } from "../../../src/topic/log-client.ts";
import type { Mark, TopicPartition } from "../../../src/topic/offsets.ts";
import type { VirtualTime } from "../virtual-time.ts";
import type { FakeCluster } from "./fake-log.ts";

export interface Assignment {
  readonly memberId: string;
  readonly generation: number;
  readonly partitions: readonly TopicPartition[];
}

/** What a member asks of its group. */
type Wish = Pick<MemberOptions, "topicNames" | "assignment">;

interface Member extends Wish {
  readonly id: string;
  lastBeatMs: number;
  answer: ((assignment: Assignment) => void) | undefined;
}

/** An error as kafkajs throws it. */
export function kafkaError(type: string, retriable = true): Error {
  return Object.assign(new Error(type), { name: "KafkaJSProtocolError", type, retriable });
}

const EXPIRY_LOOK_MS = 1000;

/** The broker's side of all consumer groups, by their ids. */
export class FakeGroups {
  readonly all = new Map<string, Coordinator>();
  readonly #time: VirtualTime;
  readonly #cluster: FakeCluster;
  readonly #sessionTimeoutMs: number;

  constructor(time: VirtualTime, cluster: FakeCluster, sessionTimeoutMs: number) {
    this.#time = time;
    this.#cluster = cluster;
    this.#sessionTimeoutMs = sessionTimeoutMs;
    this.#expire();
  }

  /** A group is there as soon as it is asked about. */
  find(groupId: string): Coordinator {
    const group = this.all.get(groupId) ?? new Coordinator(this.#time, this.#cluster, this.#sessionTimeoutMs);
    this.all.set(groupId, group);
    return group;
  }

  #expire(): void {
    this.#time.after(EXPIRY_LOOK_MS, () => {
      for (const group of this.all.values()) group.expire();
      this.#expire();
    });
  }
}

export const keyOf = ({ topicName, partition }: TopicPartition): string => `${topicName}/${partition}`;

/** The broker's side of one consumer group: who is a member, who has which partitions, what was marked. */
class Coordinator {
  /** By `keyOf`. */
  readonly marks = new Map<string, Mark>();
  readonly #time: VirtualTime;
  readonly #cluster: FakeCluster;
  readonly #sessionTimeoutMs: number;
  readonly #members = new Map<string, Member>();
  #generation = 0;
  #isRebalancing = false;
  #round = 0;
  #ids = 0;

  constructor(time: VirtualTime, cluster: FakeCluster, sessionTimeoutMs: number) {
    this.#time = time;
    this.#cluster = cluster;
    this.#sessionTimeoutMs = sessionTimeoutMs;
  }

  /** Resolves when the group is complete again. Whoever was a member already may say so by its id. */
  join(memberId: string | undefined, { topicNames, assignment }: Wish): Promise<Assignment> {
    const known = memberId === undefined ? undefined : this.#members.get(memberId);
    const wish = { topicNames, assignment };
    const member = known ?? { id: `m${++this.#ids}`, ...wish, lastBeatMs: this.#time.now, answer: undefined };
    this.#members.set(member.id, member);
    return new Promise((resolve) => {
      member.answer = resolve;
      this.rebalance();
      this.#finishIfComplete();
    });
  }

  /** @throws as a broker answers a heartbeat of somebody it doesn't know, or in a rebalance */
  beat(memberId: string, generation: number): void {
    const member = this.#members.get(memberId);
    if (member === undefined) throw kafkaError("UNKNOWN_MEMBER_ID");
    member.lastBeatMs = this.#time.now;
    if (generation !== this.#generation) throw kafkaError("ILLEGAL_GENERATION");
    if (this.#isRebalancing) throw kafkaError("REBALANCE_IN_PROGRESS");
  }

  leave(memberId: string): void {
    if (!this.#members.delete(memberId)) return;
    this.rebalance();
    this.#finishIfComplete();
  }

  rebalance(): void {
    if (this.#isRebalancing || this.#members.size === 0) return;
    this.#time.note("rebalance", () => `generation ${this.#generation} ends`);
    this.#isRebalancing = true;
    const round = ++this.#round;
    this.#time.after(this.#sessionTimeoutMs, () => {
      if (round !== this.#round || !this.#isRebalancing) return;
      for (const member of this.#members.values()) if (!member.answer) this.#members.delete(member.id);
      this.#finishIfComplete();
    });
  }

  /** Puts out whoever hasn't been heard for its session's time. */
  expire(): void {
    for (const member of this.#members.values()) {
      if (member.answer || this.#time.now - member.lastBeatMs <= this.#sessionTimeoutMs) continue;
      this.#time.note("session-expired", () => member.id);
      this.leave(member.id);
    }
  }

  #finishIfComplete(): void {
    const members = [...this.#members.values()];
    if (!this.#isRebalancing || members.length === 0) {
      if (members.length === 0) this.#isRebalancing = false;
      return;
    }
    if (members.some((member) => !member.answer)) return;
    this.#isRebalancing = false;
    this.#generation++;
    const turn = this.#time.random.between(0, members.length - 1);
    for (const [index, member] of members.entries()) {
      const { answer, assignment, topicNames } = member;
      const isOurs = (p: number) => (assignment === "sole" ? index === 0 : (p + turn) % members.length === index);
      const partitions = topicNames.flatMap((topicName) =>
        this.#cluster.logs(topicName).flatMap((_, partition) => (isOurs(partition) ? [{ topicName, partition }] : [])),
      );
      member.answer = undefined;
      member.lastBeatMs = this.#time.now;
      const shown = () => partitions.map(keyOf).join(",") || "-";
      this.#time.note("assigned", () => `${member.id} generation ${this.#generation}: ${shown()}`);
      answer!({ memberId: member.id, generation: this.#generation, partitions });
    }
  }
}
