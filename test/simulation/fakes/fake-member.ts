import { FetchedBatch, type FetchedRange } from "../../../src/topic/fetch/fetched-batch.ts";
import { deliver } from "../../../src/topic/kafkajs/deliver.ts";
import type { LogMember, MemberHandlers, MemberOptions } from "../../../src/topic/log-client.ts";
import type { Mark, TopicPartition } from "../../../src/topic/offsets.ts";
import { heldRecords } from "../../topic/fetch/held-records.ts";
import type { FaultRates } from "../faults.ts";
import type { Process, VirtualTime } from "../virtual-time.ts";
import type { Assignment, Coordinator } from "./fake-coordinator.ts";
import { kafkaError } from "./fake-coordinator.ts";
import type { FakeCluster } from "./fake-log.ts";

export interface MemberWorld {
  readonly time: VirtualTime;
  readonly process: Process;
  readonly cluster: FakeCluster;
  readonly coordinator: Coordinator;
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
  readonly #topicName: string;
  readonly #heartbeatMs: number;
  #handlers: MemberHandlers | undefined;
  #assignment: Assignment | undefined;
  #memberId: string | undefined;
  readonly #seeks = new Map<number, number>();
  readonly #held = new Set<number>();
  #positions = new Map<number, number>();
  #lastBeatMs = 0;
  #isPaused = false;
  /** False while a crashed member waits for its restart, too. */
  #isThere = false;
  #isRunning = false;
  #loop: Promise<void> | undefined;

  constructor(world: MemberWorld, options: MemberOptions) {
    const [topicName, ...others] = options.topicNames;
    if (topicName === undefined || others.length > 0) throw new Error("the simulation's groups read one topic");
    this.#world = world;
    this.#options = options;
    this.#topicName = topicName;
    this.#heartbeatMs = Math.min(3000, options.sessionTimeoutMs / 5);
  }

  async start(handlers: MemberHandlers): Promise<void> {
    this.#handlers = handlers;
    await this.#wait(1, 5);
    await this.#start();
  }

  seek({ partition }: TopicPartition, offset: number): void {
    if (!this.#isThere) return;
    this.#world.time.note("seek", () => `${this.#name} ${partition} to ${offset}`);
    this.#held.delete(partition);
    this.#seeks.set(partition, offset);
  }

  hold({ partition }: TopicPartition): void {
    if (this.#isThere) this.#held.add(partition);
  }

  letGo({ partition }: TopicPartition): void {
    this.#held.delete(partition);
  }

  pause(): void {
    if (this.#isThere) this.#isPaused = true;
  }

  async mark(marks: readonly Mark[]): Promise<void> {
    if (!this.#isThere) throw new Error("Consumer group was not initialized, consumer#run must be called first");
    await this.#wait(1, 10);
    for (const { partition, offset, note } of marks) {
      this.#world.coordinator.committed.set(partition, offset);
      this.#world.coordinator.notes.set(partition, note);
    }
  }

  async stop(): Promise<void> {
    this.#isRunning = false;
    await this.#loop;
    if (this.#memberId !== undefined) this.#world.coordinator.leave(this.#memberId);
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
    const assignment = await this.#world.coordinator.join(this.#memberId, this.#options.assignment === "sole");
    await this.#wait(1, 20);
    this.#assignment = assignment;
    this.#memberId = assignment.memberId;
    this.#lastBeatMs = this.#world.time.now;
    this.#positions = new Map();
    const topicName = this.#topicName;
    this.#handlers!.onAssigned(assignment.partitions.map((partition) => ({ topicName, partition })));
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
    const { time, coordinator, process } = this.#world;
    time.note("crash", () => `${this.#name}: ${error.message}`);
    if (this.#memberId !== undefined) coordinator.leave(this.#memberId);
    this.#memberId = undefined;
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
    const { time, coordinator } = this.#world;
    if (time.now < this.#lastBeatMs + this.#heartbeatMs) return;
    await this.#wait(0, 3);
    coordinator.beat(this.#memberId!, this.#assignment!.generation);
    this.#lastBeatMs = time.now;
  }

  async #fetchAndHandle(): Promise<void> {
    const partitions = this.#assignment!.partitions;
    for (const partition of partitions) {
      const offset = this.#seeks.get(partition);
      if (offset !== undefined) this.#positions.set(partition, offset);
      this.#seeks.delete(partition);
    }
    if (partitions.length === 0 || this.#isPaused) await this.#wait(IDLE_MS, IDLE_MS);
    else await this.#wait(1, 15);
    if (!this.#isRunning) return;
    const free = partitions.filter((partition) => !this.#held.has(partition));
    const asked = free.map((partition) => [partition, this.#position(partition)] as const);
    const batches = this.#isPaused ? [] : asked.flatMap(([partition, offset]) => this.#read(partition, offset));
    if (batches.length === 0) {
      if (partitions.length > 0) await this.#wait(IDLE_MS / 2, IDLE_MS);
      return this.#beat();
    }
    await this.#wait(1, 15);
    let failure: unknown;
    for (const batch of batches) {
      if (this.#seeks.has(batch.partition) || !this.#isRunning) continue;
      await this.#handle(batch).catch((error) => {
        failure ??= error;
      });
    }
    if (failure !== undefined) throw failure;
  }

  #position(partition: number): number {
    const { cluster, coordinator } = this.#world;
    const known = this.#positions.get(partition) ?? coordinator.committed.get(partition);
    const position = known ?? cluster.log(this.#topicName, partition).low;
    this.#positions.set(partition, position);
    return position;
  }

  #read(partition: number, offset: number): FetchedBatch[] {
    const { cluster, time, coordinator, fetchRecordsMax } = this.#world;
    const log = cluster.log(this.#topicName, partition);
    if (offset < log.low || offset > log.high) {
      time.note("out-of-range", () => `${this.#name} ${partition} at ${offset}, jumps to ${log.low}`);
      coordinator.committed.delete(partition);
      this.#positions.set(partition, log.low);
      return [];
    }
    const raw = log.entries.slice(offset, offset + time.random.between(1, fetchRecordsMax));
    if (raw.length === 0) return [];
    const range: FetchedRange = {
      topicName: this.#topicName,
      partition,
      fetchedOffset: offset,
      nextOffset: offset + raw.length,
      logEnd: log.high,
    };
    const entries = raw.map((entry, index) => ({ ...entry, offset: offset + index, timeMs: entry.timestampMs }));
    return [new FetchedBatch(range, heldRecords(entries.filter(({ kind }) => kind === "record")), raw.length)];
  }

  async #handle(batch: FetchedBatch): Promise<void> {
    const { partition, records, fetchedOffset, nextOffset } = batch;
    const isStale = () => this.#seeks.has(partition);
    this.#world.time.note(
      records.count === 0 ? "fetched-markers" : "fetched",
      () => `${this.#name} ${partition}: ${fetchedOffset}..${nextOffset - 1}`,
    );
    const beat = () => this.#beat();
    const isHandled = await deliver(() => batch, beat, isStale, this.#handlers!);
    if (isHandled) this.#positions.set(partition, nextOffset);
    await this.#beat();
  }
}
