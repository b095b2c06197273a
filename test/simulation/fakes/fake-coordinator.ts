import type { VirtualTime } from "../virtual-time.ts";

export interface Assignment {
  readonly memberId: string;
  readonly generation: number;
  readonly partitions: readonly number[];
}

interface Member {
  readonly id: string;
  readonly isSole: boolean;
  lastBeatMs: number;
  answer: ((assignment: Assignment) => void) | undefined;
}

/** An error as kafkajs throws it. */
export function kafkaError(type: string, retriable = true): Error {
  return Object.assign(new Error(type), { name: "KafkaJSProtocolError", type, retriable });
}

const EXPIRY_LOOK_MS = 1000;

/** The broker's side of one consumer group: who is a member, who has which partitions, what was committed. */
export class Coordinator {
  readonly committed = new Map<number, number>();
  /** What members put beside the offsets they committed. */
  readonly notes = new Map<number, string>();
  readonly #time: VirtualTime;
  readonly #partitions: number;
  readonly #sessionTimeoutMs: number;
  readonly #members = new Map<string, Member>();
  #generation = 0;
  #isRebalancing = false;
  #round = 0;
  #ids = 0;

  constructor(time: VirtualTime, partitions: number, sessionTimeoutMs: number) {
    this.#time = time;
    this.#partitions = partitions;
    this.#sessionTimeoutMs = sessionTimeoutMs;
    this.#expire();
  }

  /** Resolves when the group is complete again. Whoever was a member already may say so by its id. */
  join(memberId: string | undefined, isSole: boolean): Promise<Assignment> {
    const known = memberId === undefined ? undefined : this.#members.get(memberId);
    const member = known ?? { id: `m${++this.#ids}`, isSole, lastBeatMs: this.#time.now, answer: undefined };
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
    this.#time.after(2 * this.#sessionTimeoutMs, () => {
      if (round !== this.#round || !this.#isRebalancing) return;
      for (const member of this.#members.values()) if (!member.answer) this.#members.delete(member.id);
      this.#finishIfComplete();
    });
  }

  #expire(): void {
    this.#time.after(EXPIRY_LOOK_MS, () => {
      for (const member of this.#members.values()) {
        if (member.answer || this.#time.now - member.lastBeatMs <= this.#sessionTimeoutMs) continue;
        this.#time.note("session-expired", () => member.id);
        this.leave(member.id);
      }
      this.#expire();
    });
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
      const { answer, isSole } = member;
      const isOurs = (p: number) => (isSole ? index === 0 : (p + turn) % members.length === index);
      const partitions = Array.from({ length: this.#partitions }, (_, p) => p).filter(isOurs);
      member.answer = undefined;
      member.lastBeatMs = this.#time.now;
      this.#time.note("assigned", () => `${member.id} generation ${this.#generation}: ${partitions.join(",") || "-"}`);
      answer!({ memberId: member.id, generation: this.#generation, partitions });
    }
  }
}
