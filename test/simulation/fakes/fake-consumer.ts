import type { FaultRates } from "../faults.ts";
import type { Process, VirtualTime } from "../virtual-time.ts";
import type { Assignment, Coordinator } from "./fake-coordinator.ts";
import { kafkaError } from "./fake-coordinator.ts";
import type { FakeCluster, LogEntry } from "./fake-log.ts";

export interface ConsumerWorld {
  readonly time: VirtualTime;
  readonly process: Process;
  readonly cluster: FakeCluster;
  readonly coordinator: Coordinator;
  readonly faults: FaultRates;
  /** The most records that one fetch brings of a partition. */
  readonly fetchRecordsMax: number;
  readonly heartbeatMs: number;
}

interface Batch {
  readonly topic: string;
  readonly partition: number;
  /** Text at run time, in fetchedOffset as in offsets. */
  readonly fetchedOffset: string;
  readonly messages: readonly object[];
  readonly messagesWithinOffset: readonly object[];
  lastOffset(): string;
}

type EachBatch = (payload: object) => Promise<void>;

/** A fetch of an empty log waits this long: longer than ours in life, so that idle members cost few steps. */
const IDLE_MS = 500;

/**
 * kafkajs's consumer, as far as a group of ours meets it, with its manners as its source has them: GROUP_JOIN without a
 * revoke before it, a position of its own after every join and every OFFSET_OUT_OF_RANGE, seeks that count at the next
 * fetch only, fetched batches that are handled to the end though a heartbeat among them has failed, resolved offsets
 * that overwrite one another, and a restart after a crash during which seek, pause and commit throw.
 */
export class FakeConsumer {
  readonly events = { GROUP_JOIN: "join", CRASH: "crash", STOP: "stop", END_BATCH_PROCESS: "end-batch" };
  readonly #world: ConsumerWorld;
  readonly #listeners = new Map<string, ((event: { payload: object }) => void)[]>();
  #topic = "";
  #eachBatch: EachBatch | undefined;
  #assignment: Assignment | undefined;
  #memberId: string | undefined;
  readonly #seeks = new Map<number, number>();
  #positions = new Map<number, number>();
  #lastBeatMs = 0;
  #isPaused = false;
  /** False while a crashed consumer waits for its restart, too. */
  #isThere = false;
  #isRunning = false;
  #loop: Promise<void> | undefined;

  constructor(world: ConsumerWorld) {
    this.#world = world;
  }

  on(event: string, listener: (event: { payload: object }) => void): void {
    this.#listeners.set(event, [...(this.#listeners.get(event) ?? []), listener]);
  }

  connect(): Promise<void> {
    return this.#wait(1, 5);
  }

  async subscribe({ topic }: { topic: string }): Promise<void> {
    this.#topic = topic;
  }

  async run({ eachBatch }: { eachBatch: EachBatch }): Promise<void> {
    this.#eachBatch = eachBatch;
    await this.#start();
  }

  seek({ partition, offset }: { partition: number; offset: string }): void {
    if (!this.#isThere) throw new Error("Consumer group was not initialized, consumer#run must be called first");
    this.#world.time.note("seek", () => `${this.#name} ${partition} to ${offset}`);
    this.#seeks.set(partition, Number(offset));
  }

  pause(): void {
    if (!this.#isThere) throw new Error("Consumer group was not initialized, consumer#run must be called first");
    this.#isPaused = true;
  }

  async commitOffsets(offsets: readonly { partition: number; offset: string }[]): Promise<void> {
    if (!this.#isThere) throw new Error("Consumer group was not initialized, consumer#run must be called first");
    await this.#wait(1, 10);
    for (const { partition, offset } of offsets) this.#world.coordinator.committed.set(partition, Number(offset));
  }

  async disconnect(): Promise<void> {
    this.#isRunning = false;
    await this.#loop;
    if (this.#memberId !== undefined) this.#world.coordinator.leave(this.#memberId);
    this.#memberId = undefined;
    this.#isThere = false;
    this.#emit("stop", {});
  }

  get #name(): string {
    return `${this.#world.process.name}/${this.#memberId}`;
  }

  #wait(from: number, to: number): Promise<void> {
    return this.#world.time.delay(this.#world.time.random.between(from, to), this.#world.process);
  }

  #emit(event: string, payload: object): void {
    for (const listener of this.#listeners.get(event) ?? []) listener({ payload });
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
    const assignment = await this.#world.coordinator.join(this.#memberId);
    await this.#wait(1, 20);
    this.#assignment = assignment;
    this.#memberId = assignment.memberId;
    this.#lastBeatMs = this.#world.time.now;
    this.#positions = new Map();
    this.#emit("join", { memberAssignment: { [this.#topic]: [...assignment.partitions] } });
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
    this.#emit("stop", {});
    await this.#wait(0, 20);
    this.#emit("crash", { error, restart: true });
    const restart = () => {
      if (this.#isRunning) this.#start().catch((cause: Error) => this.#crash(cause));
    };
    time.after(time.random.between(300, 5000), restart, process);
  }

  async #beat(): Promise<void> {
    const { time, coordinator, heartbeatMs } = this.#world;
    if (time.now < this.#lastBeatMs + heartbeatMs) return;
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
    const asked = partitions.map((partition) => [partition, this.#position(partition)] as const);
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
    const position = known ?? cluster.log(this.#topic, partition).low;
    this.#positions.set(partition, position);
    return position;
  }

  #read(partition: number, offset: number): Batch[] {
    const { cluster, time, coordinator, fetchRecordsMax } = this.#world;
    const log = cluster.log(this.#topic, partition);
    if (offset < log.low || offset > log.high) {
      time.note("out-of-range", () => `${this.#name} ${partition} at ${offset}, jumps to ${log.low}`);
      coordinator.committed.delete(partition);
      this.#positions.set(partition, log.low);
      return [];
    }
    const raw = log.entries.slice(offset, offset + time.random.between(1, fetchRecordsMax));
    if (raw.length === 0) return [];
    const message = (entry: LogEntry, index: number) => ({
      key: entry.key,
      value: entry.value,
      headers: entry.headers,
      offset: String(offset + index),
      timestamp: String(entry.timestampMs),
      kind: entry.kind,
    });
    const within = raw.map(message);
    return [
      {
        topic: this.#topic,
        partition,
        fetchedOffset: String(offset),
        messages: within.filter(({ kind }) => kind === "record"),
        messagesWithinOffset: within,
        lastOffset: () => String(offset + raw.length - 1),
      },
    ];
  }

  async #handle(batch: Batch): Promise<void> {
    const { partition, messages, fetchedOffset } = batch;
    const resolveOffset = (offset: string) => this.#positions.set(partition, Number(offset) + 1);
    const isStale = () => this.#seeks.has(partition);
    this.#world.time.note(
      messages.length === 0 ? "fetched-markers" : "fetched",
      () => `${this.#name} ${partition}: ${fetchedOffset}..${batch.lastOffset()}`,
    );
    if (messages.length === 0) resolveOffset(batch.lastOffset());
    else await this.#eachBatch!({ batch, resolveOffset, heartbeat: () => this.#beat(), isStale });
    this.#emit("end-batch", {
      partition,
      batchSize: messages.length,
      firstOffset: fetchedOffset,
      lastOffset: batch.lastOffset(),
    });
    await this.#beat();
  }
}
