import { oneAtATime } from "../../clock.ts";
import type { FetchedBatch } from "../../topic/fetch/fetched-batch.ts";
import { BufferSpace } from "../buffer-space.ts";
import { ReleaseWatch } from "../kin/release-watch.ts";
import { Patience, type Wait, Waits } from "../patience.ts";
import { added, emptyTally, type Tally } from "../tally.ts";
import { claim } from "./claim.ts";
import { Ending } from "./ending.ts";
import type { GroupParts } from "./group-parts.ts";
import { watchHistory } from "./history.ts";
import { Intake } from "./intake.ts";
import type { Job, LaneStep } from "./job.ts";
import { JobRunner } from "./job-runner.ts";
import { Lane } from "./lane.ts";
import { LockWatch } from "./lock-watch.ts";
import { HINT_MS, OffsetHints } from "./offset-hints.ts";
import { OutboxPump } from "./outbox-pump.ts";

/**
 * One consumer group, running. The member only delivers what Kafka assigns; each partition's lane lands it in order; the
 * pump publishes what landings owe. All state is here and in the lanes.
 * A partition's life: assigned -> claimed (`next_offset` read from the database, Kafka sent there) -> batches queue at the
 * lane's tail and land at its head -> assigned elsewhere (the queue is dropped; the head may still commit: the database's
 * lock decides).
 */
export class Group {
  readonly #parts: GroupParts;
  readonly #lanes = new Map<number, Lane>();
  readonly #intake: Intake;
  readonly #runner: JobRunner;
  readonly #lockWatch: LockWatch;
  /** Publishes what this group's landings owe. */
  readonly pump: OutboxPump;
  readonly #space: BufferSpace;
  readonly #ending = new Ending();
  /** Rejects when the group ends by itself; never resolves. */
  readonly failure = this.#ending.failure;
  readonly #timers: (() => void)[] = [];
  readonly #hints: OffsetHints;
  #generation = 0;
  #tally: Tally;
  readonly #joined = Promise.withResolvers<void>();
  readonly #proof = Promise.withResolvers<void>();
  /** Resolves when the group has joined and each partition of its own has landed something, or had nothing to land. */
  readonly proven = this.#proof.promise;
  readonly #waits = new Waits();
  readonly #patience = () => new Patience(this.#parts.log, this.#ending.signal, this.#parts.clock, this.#waits);

  constructor(parts: GroupParts) {
    const { plan, config, clock } = parts;
    this.#parts = parts;
    this.#tally = emptyTally(plan.consumer.topic);
    this.#hints = new OffsetHints(parts.member, plan, parts.log, parts.note);
    this.#space = new BufferSpace(config.landingBufferBytesMax);
    this.#intake = new Intake({ ...parts, space: this.#space, patience: this.#patience() });
    this.#lockWatch = new LockWatch(parts.watch, config.lockTimeoutMs, parts.log, clock);
    const own = { lockWatch: this.#lockWatch, patience: this.#patience, signal: this.#ending.signal };
    this.#runner = new JobRunner({ ...parts, ...own });
    this.pump = new OutboxPump(parts, {
      patience: this.#patience(),
      partitions: () => (plan.publishes ? [...this.#lanes.keys()] : []),
      failed: this.#ending.fail,
    });
  }

  /** What the group waits for; undefined while it lands, or has nothing to land. */
  get waiting(): Wait | undefined {
    return this.#waits.longest;
  }

  /** What this group has landed since it started. */
  get tally(): Tally {
    return this.#tally;
  }

  async start(): Promise<void> {
    const { member, plan, config, clock, landings } = this.#parts;
    this.#timers.push(landings.begin(plan.topicName, this.#lanes));
    const join = () => this.#waits.note(this.#joined, `${plan.topicName}: joining its consumer group`);
    join();
    await member.start({
      onAssigned: (assigned) => this.#assign(assigned.map(({ partition }) => partition)),
      // Lanes land on what they hold: the database's lock decides, and the next assignment drops what is left.
      onLeft: join,
      onBatch: (batch, heartbeat, isStale) => this.#take(batch, heartbeat, isStale),
      onCrash: this.#ending.fail,
    });
    const { signal, fail } = this.#ending;
    const watch = () => watchHistory(this.#parts, this.#lanes, (lane) => this.#findWay(lane)).catch(fail);
    const hint = () => this.#hints.write(this.#lanes.values());
    this.#timers.push(clock.every(config.historyCheckMs, oneAtATime(watch)), clock.every(HINT_MS, oneAtATime(hint)));
    if (plan.consumer.landing.parents.length === 0) return;
    const releases = new ReleaseWatch({ ...this.#parts, signal, patience: this.#patience }, this.#lanes, fail);
    this.#timers.push(
      clock.every(config.sweepIntervalMs, () => this.sweep()),
      releases.end,
    );
  }

  /** Queues a sweep on every partition that has parked events. */
  sweep(): void {
    for (const lane of this.#lanes.values()) lane.sweep();
  }

  /** Resolves when the group has joined, knows its logs, has done all jobs and published what they owe; or has failed. */
  async settled(): Promise<void> {
    const each = (wait: (lane: Lane) => Promise<void>) => Promise.all([...this.#lanes.values()].map(wait));
    const known = this.#joined.promise.then(() => each((lane) => lane.known()));
    const idle = known.then(() => each((lane) => lane.idle()));
    await Promise.race([this.failure.catch(() => undefined), idle.then(() => this.pump.drained())]);
  }

  /**
   * Lands what is queued, publishes what that owes, writes the offset hints and leaves the group.
   * @param force drops what has not committed instead of landing it: it isn't lost, but fetched again by the next owner
   */
  async stop(force = false): Promise<void> {
    this.#ending.leave();
    for (const stopTimer of this.#timers) stopTimer();
    if (!this.#ending.isOver) this.#parts.member.pause();
    if (force) this.#ending.end();
    if (this.#ending.isOver) for (const lane of this.#lanes.values()) lane.drop();
    await Promise.all([...this.#lanes.values()].map((lane) => lane.idle()));
    // A group that ended by a failure still publishes what it has committed, unless that fails, too.
    if (force) this.pump.end();
    else await this.pump.drained();
    if (!this.#ending.isOver) await this.#hints.write(this.#lanes.values());
    // Aborts claims that wait for the broker or the database, so that none is left behind.
    this.#ending.end();
    await Promise.all([...this.#lanes.values()].map((lane) => lane.claimed));
    await Promise.all([this.#parts.member.stop(), this.#runner.idle()]);
  }

  /** Called before the first fetch of the new assignment: a seek after an await would miss it, so nothing is awaited here. */
  #assign(partitions: readonly number[]): void {
    this.#generation++;
    for (const [partition, lane] of this.#lanes) {
      lane.drop();
      if (!partitions.includes(partition)) this.#lanes.delete(partition);
    }
    for (const partition of partitions) this.#findWay(this.#lanes.get(partition) ?? this.#newLane(partition));
    this.#parts.log.info({ topic: this.#parts.plan.topicName, partitions }, "partitions assigned");
    this.#waits.end(this.#joined);
    this.#joined.resolve();
    this.#prove();
    this.pump.kick();
  }

  #prove(): void {
    if ([...this.#lanes.values()].every((lane) => lane.isProven)) this.#proof.resolve();
  }

  #newLane(partition: number): Lane {
    const lane = new Lane(
      partition,
      (own, job) => this.#run(own, job),
      (bytes) => {
        this.#space.free(bytes);
        this.#prove();
        this.#parts.landings.tell(this.#parts.plan.topicName);
      },
    );
    this.#lanes.set(partition, lane);
    return lane;
  }

  async #run(lane: Lane, job: Job): Promise<LaneStep> {
    try {
      const step = await this.#runner.run(lane, job);
      this.#tally = step.ledger.reduce(added, this.#tally);
      if (step.ledger.length > 0) this.pump.kick();
      // A database whose next offset is below the one that it told us before has lost commits in a failover.
      const ahead = step.ahead || step.nextOffset < lane.nextOffset;
      if (ahead) this.#findWay(lane);
      return { ...step, ahead };
    } catch (error) {
      this.#ending.fail(error);
      return { nextOffset: lane.nextOffset, ledger: [], ahead: true };
    }
  }

  async #take(batch: FetchedBatch, heartbeat: () => Promise<void>, isStale: () => boolean): Promise<void> {
    const lane = this.#lanes.get(batch.partition);
    if (lane === undefined) return;
    const generation = this.#generation;
    const isOurs = () => generation === this.#generation && !isStale() && !this.#ending.signal.aborted;
    const result = await this.#intake.take({ lane, batch, heartbeat, isOurs });
    if (result === "lost the way") this.#findWay(lane);
    this.#prove();
  }

  /** Claims a lane's partition: it was assigned anew, or Kafka delivers from another offset than the database expects. */
  #findWay(lane: Lane): void {
    lane.tail = undefined;
    const generation = this.#generation;
    const parts = { ...this.#parts, lockWatch: this.#lockWatch, patience: this.#patience() };
    const claimed = claim(parts, lane, () => generation === this.#generation);
    lane.claimed = claimed.then(() => this.#prove()).catch(this.#ending.fail);
  }
}
