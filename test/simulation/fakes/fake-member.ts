import { FetchedBatch, type FetchedRange } from "../../../src/topic/fetch/fetched-batch.ts";
import { deliver } from "../../../src/topic/kafkajs/deliver.ts";
import type { LogMember, MemberHandlers, MemberOptions } from "../../../src/topic/log-client.ts";
import type { Mark, TopicPartition } from "../../../src/topic/offsets.ts";
import { bufferedRecords } from "../../topic/fetch/buffered-records.ts";
import type { FaultRates } from "../faults.ts";
import type { Process, VirtualTime } from "../virtual-time.ts";
import { type Assignment, type FakeGroups, kafkaError, keyOf } from "./fake-coordinator.ts";
import type { FakeCluster, FakeLog } from "./fake-log.ts";

export interface MemberWorld {
  readonly time: VirtualTime;
  readonly process: Process;
  readonly cluster: FakeCluster;
  readonly groups: FakeGroups;
  readonly faults: FaultRates;
  readonly fetchRecordsMax: number;
}

/** A fetch of an empty log waits this long: longer than ours in life, so that idle members cost few steps. */
const IDLE_MS = 500;

/**
 * A member with the manners of kafkajs's consumer, as its source has them: a join without a word of what was ours before,
 * a position of its own after every join and every OFFSET_OUT_OF_RANGE, seeks that count at the next fetch only, fetched
 * batches that are handled to the end though a heartbeat among them has failed, resolved offsets that overwrite one
 * another, and a restart after a crash during which there is no group.
 */
export class FakeMember implements LogMember {
  readonly #world: MemberWorld;
  readonly #options: MemberOptions;
  readonly #group: ReturnType<FakeGroups["find"]>;
  readonly #heartbeatMs: number;
  #handlers: MemberHandlers | undefined;
  #assignment: Assignment | undefined;
  #memberId: string | undefined;
  /** All three by `keyOf`. */
  readonly #seeks = new Map<string, number>();
  readonly #held = new Set<string>();
  #positions = new Map<string, number>();
  #lastBeatMs = 0;
  #isPaused = false;
  /** False while a crashed member waits for its restart, too. */
  #isThere = false;
  #isRunning = false;
  #loop: Promise<void> | undefined;

  constructor(world: MemberWorld, options: MemberOptions) {
    this.#world = world;
    this.#options = options;
    this.#group = world.groups.find(options.groupId);
    this.#heartbeatMs = Math.min(3000, options.sessionTimeoutMs / 5);
  }

  async start(handlers: MemberHandlers): Promise<void> {
    this.#handlers = handlers;
    await this.#wait(1, 5);
    await this.#start();
  }

  seek(at: TopicPartition, offset: number): void {
    if (!this.#isThere) return;
    this.#world.time.note("seek", () => `${this.#name} ${keyOf(at)} to ${offset}`);
    this.#held.delete(keyOf(at));
    this.#seeks.set(keyOf(at), offset);
  }

  hold(at: TopicPartition): void {
    if (this.#isThere) this.#held.add(keyOf(at));
  }

  letGo(at: TopicPartition): void {
    this.#held.delete(keyOf(at));
  }

  pause(): void {
    this.#isPaused = true;
  }

  async mark(marks: readonly Mark[]): Promise<void> {
    if (!this.#isThere) throw new Error("Consumer group was not initialized, consumer#run must be called first");
    await this.#wait(1, 10);
    for (const mark of marks) this.#group.marks.set(keyOf(mark), mark);
  }

  async stop(): Promise<void> {
    this.#isRunning = false;
    await this.#loop;
    if (this.#memberId !== undefined) this.#group.leave(this.#memberId);
    this.#memberId = undefined;
    this.#isThere = false;
  }

  get #name(): string {
    return `${this.#world.process.name}/${this.#memberId}`;
  }

  #wait(from: number, to: number): Promise<void> {
    return this.#world.time.delay(this.#world.time.random.between(from, to), this.#world.process);
  }

  async #start(): Promise<void> {
    this.#isThere = true;
    this.#isRunning = true;
    this.#seeks.clear();
    await this.#join();
    this.#loop = this.#run();
  }

  async #join(): Promise<void> {
    await this.#wait(1, 20);
    const before = this.#assignment?.memberId;
    const assignment = await this.#group.join(this.#memberId, this.#options);
    await this.#wait(1, 20);
    this.#assignment = assignment;
    this.#memberId = assignment.memberId;
    this.#lastBeatMs = this.#world.time.now;
    this.#positions = new Map();
    if (before !== undefined && before !== assignment.memberId) this.#handlers!.onLeft();
    this.#handlers!.onAssigned(assignment.partitions);
  }

  async #run(): Promise<void> {
    const { time, faults } = this.#world;
    while (this.#isRunning) {
      try {
        if (time.random.chance(faults.crash)) throw kafkaError("crash");
        await this.#fetchAndHandle();
      } catch (error) {
        const { type } = error as { type?: string };
        if (!this.#isRunning) return;
        if (type === "UNKNOWN_MEMBER_ID") this.#memberId = undefined;
        if (type === "crash" || type === undefined) return this.#crash(error as Error);
        await this.#join();
      }
    }
  }

  /** As kafkajs does: leaves, says so, and starts anew after a while; in between there is no group to talk to. */
  async #crash(error: Error): Promise<void> {
    const { time, process } = this.#world;
    time.note("crash", () => `${this.#name}: ${error.message}`);
    if (this.#memberId !== undefined) this.#group.leave(this.#memberId);
    this.#memberId = undefined;
    this.#assignment = undefined;
    this.#isThere = false;
    this.#held.clear();
    this.#handlers!.onLeft();
    await this.#wait(0, 20);
    const restart = () => {
      if (this.#isRunning) this.#start().catch((cause: Error) => this.#crash(cause));
    };
    time.after(time.random.between(300, 5000), restart, process);
  }

  async #beat(): Promise<void> {
    const { time } = this.#world;
    if (time.now < this.#lastBeatMs + this.#heartbeatMs) return;
    await this.#wait(0, 3);
    this.#group.beat(this.#memberId!, this.#assignment!.generation);
    this.#lastBeatMs = time.now;
  }

  async #fetchAndHandle(): Promise<void> {
    const { partitions } = this.#assignment!;
    for (const key of partitions.map(keyOf)) {
      const offset = this.#seeks.get(key);
      if (offset !== undefined) this.#positions.set(key, offset);
      this.#seeks.delete(key);
    }
    if (partitions.length === 0 || this.#isPaused) await this.#wait(IDLE_MS, IDLE_MS);
    else await this.#wait(1, 15);
    if (!this.#isRunning) return;
    const free = partitions.filter((at) => !this.#held.has(keyOf(at)));
    const asked = free.map((at) => [at, this.#position(at)] as const);
    const batches = this.#isPaused ? [] : asked.flatMap(([at, offset]) => this.#read(at, offset));
    if (batches.length === 0) {
      if (partitions.length > 0) await this.#wait(IDLE_MS / 2, IDLE_MS);
      return this.#beat();
    }
    await this.#wait(1, 15);
    let failure: unknown;
    for (const batch of batches) {
      if (this.#seeks.has(keyOf(batch)) || !this.#isRunning) continue;
      await this.#handle(batch).catch((error) => {
        failure ??= error;
      });
    }
    if (failure !== undefined) throw failure;
  }

  #position(at: TopicPartition): number {
    const known = this.#positions.get(keyOf(at)) ?? this.#group.marks.get(keyOf(at))?.offset;
    const position = known ?? this.#world.cluster.log(at.topicName, at.partition).low;
    this.#positions.set(keyOf(at), position);
    return position;
  }

  #read(at: TopicPartition, offset: number): FetchedBatch[] {
    const { cluster, time, fetchRecordsMax } = this.#world;
    const log = cluster.log(at.topicName, at.partition);
    if (offset < log.low || offset > log.high) {
      time.note("out-of-range", () => `${this.#name} ${keyOf(at)} at ${offset}, jumps to ${log.low}`);
      this.#group.marks.delete(keyOf(at));
      this.#positions.set(keyOf(at), log.low);
      return [];
    }
    const batch = batchFrom(log, at, offset, time.random.between(1, fetchRecordsMax));
    return batch.nextOffset === offset ? [] : [batch];
  }

  async #handle(batch: FetchedBatch): Promise<void> {
    const { records, fetchedOffset, nextOffset } = batch;
    const isStale = () => this.#seeks.has(keyOf(batch));
    this.#world.time.note(
      records.count === 0 ? "fetched-markers" : "fetched",
      () => `${this.#name} ${keyOf(batch)}: ${fetchedOffset}..${nextOffset - 1}`,
    );
    const beat = () => this.#beat();
    const isHandled = await deliver(async () => batch, beat, isStale, this.#handlers!);
    if (isHandled) this.#positions.set(keyOf(batch), nextOffset);
    await this.#beat();
  }
}

/** What a log holds from an offset on, as a fetch brings it. */
export function batchFrom(log: FakeLog, at: TopicPartition, offset: number, recordsMax: number): FetchedBatch {
  const raw = log.entries.slice(offset, offset + recordsMax);
  const range: FetchedRange = { ...at, fetchedOffset: offset, nextOffset: offset + raw.length, logEnd: log.high };
  const entries = raw.map((entry, index) => ({ ...entry, offset: offset + index, timeMs: entry.timestampMs }));
  const records = bufferedRecords(entries.filter(({ kind }) => kind === "record"));
  return new FetchedBatch(range, records, raw.length, { leaderEpochs: log.leaders });
}
