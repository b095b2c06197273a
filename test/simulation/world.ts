import { CONSUMERS } from "../../consumers/all.ts";
import type { Consumer } from "../../src/batch/consumer.ts";
import { recordDigest } from "../../src/batch/land/landmark.ts";
import { acceptLoss } from "../../src/batch/run/accept-loss.ts";
import { TradetapeError } from "../../src/errors.ts";
import { planRewinds } from "../../src/rewind/plan-rewinds.ts";
import { rewind } from "../../src/rewind/rewind.ts";
import { EventMaker, NOON_MS } from "./events.ts";
import { FakeGroups, keyOf } from "./fakes/fake-coordinator.ts";
import { FakeCluster, type FakeLog } from "./fakes/fake-log.ts";
import { FakePostgres } from "./fakes/fake-postgres.ts";
import { heal } from "./faults.ts";
import { missingFaults, oracle } from "./oracle.ts";
import { type Action, type Plan, planOf } from "./plan.ts";
import { type ProcessWorld, SimProcess, simulatedServices } from "./sim-process.ts";
import { Process, Random, VirtualTime } from "./virtual-time.ts";

export interface Outcome {
  readonly seed: number;
  /** What doesn't hold, as sentences; empty when all promises were kept. */
  readonly faults: readonly string[];
  readonly counts: ReadonlyMap<string, number>;
  readonly virtualMs: number;
  readonly trace: readonly string[] | undefined;
}

/** After the last fault everything must have landed within this: a lock wait, a half-open session and some patience. */
const DRAIN_MS_MAX = 180_000;
const LOOK_MS = 250;
const STOP_MS_MAX = 60_000;

/** Runs a seed's schedule of the real landing core in a world of virtual time, and judges it. */
export const simulate = (seed: number, isTraced = false): Promise<Outcome> => simulatePlan(planOf(seed), isTraced);

export async function simulatePlan(plan: Plan, isTraced = false): Promise<Outcome> {
  const world = new World(plan, isTraced);
  const faults = await world.run();
  const { counts, now, trace } = world.time;
  return { seed: plan.seed, faults, counts, virtualMs: now, trace };
}

class World {
  readonly plan: Plan;
  readonly time: VirtualTime;
  readonly cluster = new FakeCluster();
  readonly postgres: FakePostgres;
  readonly groups: FakeGroups;
  readonly logs: readonly FakeLog[];
  readonly #consumer: Consumer;
  readonly #maker: EventMaker;
  readonly #processes = new Set<SimProcess>();
  readonly #broken: string[] = [];
  /** The group stopped because its partition's history is lost, and nobody can mend that. */
  #isLost = false;
  #isRemade = false;
  #isCut = false;
  #mustStop = false;
  /** Nothing goes wrong any more, and what the group has to find out is known. */
  #isHealed = false;
  #names = 0;

  constructor(plan: Plan, isTraced: boolean) {
    this.plan = plan;
    this.time = new VirtualTime(new Random(plan.seed + 1), isTraced);
    this.postgres = new FakePostgres(this.time, plan.faults, plan.script?.isUnheard);
    this.groups = new FakeGroups(this.time, this.cluster, plan.config.sessionTimeoutMs);
    this.cluster.tellsIds = plan.tellsIds;
    this.logs = this.cluster.create(plan.topic, plan.partitions);
    for (const topic of ["symbols", "sessions", "audit", "dead-letters"]) this.cluster.create(topic, 1);
    this.#consumer = CONSUMERS.find(({ topic }) => topic === plan.topic)!;
    this.#maker = new EventMaker(this.time.random, plan.mixture);
  }

  async run(): Promise<readonly string[]> {
    const { plan, time } = this;
    this.#produce();
    this.#landParents();
    for (let n = 0; n < plan.processes; n++) time.after(time.random.between(0, 1000), () => this.#start());
    for (const action of plan.actions) time.after(action.atMs, () => this.#act(action));
    time.after(plan.healsMs, () => this.#heal());
    const untilMs = plan.healsMs + DRAIN_MS_MAX;
    let isDone = false;
    while (!isDone && time.now < untilMs && this.#broken.length === 0 && !this.#isLost) {
      const lookMs = time.now + LOOK_MS;
      time.after(LOOK_MS, () => undefined);
      await time.run(() => time.now >= lookMs || this.#broken.length > 0, lookMs);
      isDone = this.#isHealed && this.#isDrained();
    }
    if (this.#broken.length > 0) return this.#broken;
    if (!isDone && !this.#isLost)
      return [`not drained ${DRAIN_MS_MAX / 1000} s after the last fault: ${this.#state()}`];
    // All may have landed a moment before a group has found out and ended.
    const isFound = !this.#mustStop || (await time.run(() => this.#isLost, time.now + STOP_MS_MAX));
    if (!isFound) return ["another log than the one that landed was taken for it"];
    await this.#stopAll();
    const isWhole = isDone && !this.#isRemade && !this.#isCut;
    return [...this.#broken, ...this.postgres.database.violations, ...oracle(this, isWhole)];
  }

  #isDrained(): boolean {
    const { database } = this.postgres;
    if (database.outbox.size > 0 || database.parked.size > 0) return false;
    // Of a log that was cut what had landed before it was is no sign: all that it holds now has to be there.
    if (this.#isCut && missingFaults(this).length > 0) return false;
    return this.logs.every((log, p) => (database.landed.get(`${this.plan.topic}/${p}`)?.next ?? -1) >= log.high);
  }

  #state(): string {
    const { database } = this.postgres;
    const next = this.logs.map((log, p) => `${database.landed.get(`${this.plan.topic}/${p}`)?.next} of ${log.high}`);
    const missing = this.#isCut ? `; ${missingFaults(this).join("; ")}` : "";
    return `${next.join(", ")}; outbox ${database.outbox.size}, parked ${database.parked.size}${missing}`;
  }

  #produce(): void {
    const { plan, time } = this;
    plan.script?.produce((atMs, entry) => {
      time.after(atMs, () => void this.logs[0]!.append(entry(this.#maker, time.now)));
    });
    for (const [p, log] of this.logs.entries()) {
      for (let n = 0; n < plan.records[p]!; n++) {
        const atMs = plan.producedMs === 0 ? 0 : time.random.between(0, plan.producedMs);
        time.after(atMs, () => void log.append(this.#maker.make(time.now)));
      }
    }
  }

  /** The groups of symbols and sessions: somebody else's business, done in the order of their topic. */
  #landParents(): void {
    const { database } = this.postgres;
    const { plan, time } = this;
    const topic = plan.topic === "predictions" ? "symbols" : "sessions";
    const table = plan.topic === "predictions" ? "symbol" : "backtest_session";
    const log = this.cluster.log(topic, 0);
    const there = new Map<string, string | null>();
    database.parents.set(table, there);
    const landed = { topic, partition: 0, origin: 0, clusterId: this.cluster.clusterId, next: 0 };
    const unknown = { lastOffset: null, lastDigest: null, topicId: null, leaderEpoch: null, rewinds: 0, claims: 0 };
    const row = { ...landed, ...unknown, lockedBy: undefined };
    database.landed.set(`${topic}/0`, row);
    const published = plan.mixture.parents.filter(({ publishedMs }) => publishedMs !== undefined);
    let landsMs = 0;
    for (const parent of published.sort((a, b) => a.publishedMs! - b.publishedMs!)) {
      const { id, publishedMs, lagMs = time.random.between(1, plan.parentLagMs) } = parent;
      const entry = { kind: "record", key: null, value: null, headers: {} } as const;
      time.after(publishedMs!, () => void log.append({ ...entry, timestampMs: NOON_MS + Math.floor(publishedMs!) }));
      landsMs = Math.max(landsMs, publishedMs! + lagMs);
      time.after(landsMs, () => {
        time.note("parent-landed", () => id);
        there.set(id, null);
        parent.landedMs = time.now;
        row.next++;
      });
    }
  }

  #world(): ProcessWorld {
    const { plan, time, cluster, postgres, groups } = this;
    return { plan, time, cluster, postgres, groups, faults: plan.faults, fetchRecordsMax: plan.fetchRecordsMax };
  }

  #start(): void {
    const one = new SimProcess(this.#world(), `p${++this.#names}`, (error) => this.#ended(one, error));
    this.#processes.add(one);
    void one.start(this.#consumer);
  }

  #ended(one: SimProcess, error: unknown): void {
    this.#processes.delete(one);
    if (error === undefined) {
      if (!this.#isOver) this.time.after(this.time.random.between(100, 2000), () => this.#restart());
      return;
    }
    const isHistory = error instanceof TradetapeError && error.code === "history_lost";
    const mayBe = this.plan.actions.some(({ kind }) => ["delete-records", "remake", "cut"].includes(kind));
    if (!isHistory || !mayBe) {
      this.#broken.push(`a group ended by ${(error as Error).stack}`);
    } else if (this.#isRemade) {
      this.time.note("history-lost", () => (error as Error).message);
      this.#isLost = true;
    } else {
      this.time.note("history-lost", () => (error as Error).message);
      void (this.#isCut ? this.#rewind() : this.#accept()).then(() => this.#restart());
    }
  }

  #isOver = false;

  #restart(): void {
    if (!this.#isOver && this.#processes.size < this.plan.processes) this.#start();
  }

  /** An operator says that what is gone is gone, as often as it takes. */
  async #accept(): Promise<void> {
    for (const [partition, log] of this.logs.entries()) {
      const next = this.postgres.database.landed.get(`${this.plan.topic}/${partition}`)?.next;
      if (next === undefined || next >= log.low) continue;
      try {
        const services = await simulatedServices(this.#world(), new Process("ops"));
        const loss = { topic: this.plan.topic, partition, from: next, to: log.low, reason: "retention", osUser: "ops" };
        await acceptLoss(services, loss);
        this.time.note("loss-accepted", () => `${partition}: ${next}..${log.low}`);
        await services.close();
      } catch (error) {
        this.time.note("loss-refused", () => (error as Error).message);
      }
    }
  }

  /** An operator goes back to where the logs are the ones that landed, as often as it takes. */
  async #rewind(): Promise<void> {
    const { plan, time } = this;
    try {
      const services = await simulatedServices(this.#world(), new Process("ops"));
      const { client, admin, config, databaseId, auditSchemaId } = services;
      await services.questions.use(async (connection) => {
        const asked = { partition: undefined, to: undefined };
        const plans = await planRewinds({ connection, client, admin, config }, plan.topic, asked);
        const who = { login: "ops", osUser: "ops", auditTopicName: "audit", auditSchemaId };
        const ops = { connection, databaseUrl: "", databaseId, ...who, close: async () => {} };
        await rewind(ops, plans, { reason: "an election", namespace: "" });
      });
      await services.close();
    } catch (error) {
      time.note("rewind-failed", () => (error as Error).message);
    }
  }

  #act({ kind, commits }: Action): void {
    const { time, postgres } = this;
    const one = this.#processes.size > 0 ? time.random.pick([...this.#processes]) : undefined;
    if (kind === "rebalance") for (const group of this.groups.all.values()) group.rebalance();
    else if (kind === "restart-postgres") postgres.restart(time.random.between(100, 5000));
    else if (kind === "fail-over") postgres.failOver(commits ?? time.random.between(1, 4));
    else if (kind === "tamper") this.#tamper();
    else if (kind === "drop-days") this.#dropDays();
    else if (kind === "delete-records") this.#deleteRecords();
    else if (kind === "remake") this.#remake();
    else if (kind === "cut") this.#cut();
    else if (kind === "start") this.#start();
    else if (one !== undefined) this.#actOn(one, kind);
  }

  #actOn(one: SimProcess, kind: Action["kind"]): void {
    const { time } = this;
    if (kind === "stop" || kind === "force-stop") one.stop(kind === "force-stop");
    else if (kind === "freeze") {
      time.note("freeze", () => one.process.name);
      one.process.isFrozen = true;
      time.after(time.random.between(100, 15_000), () => time.thaw(one.process));
    } else {
      one.kill();
      this.#processes.delete(one);
      time.after(time.random.between(100, 5000), () => this.#restart());
    }
  }

  /** Somebody writes the group's offsets in Kafka: they are hints and nobody may believe them. */
  #tamper(): void {
    for (const [partition, log] of this.logs.entries()) {
      const mark = {
        topicName: this.plan.topic,
        partition,
        offset: this.time.random.between(0, log.high + 3),
        note: "",
      };
      this.time.note("tamper", () => `${partition} to ${mark.offset}`);
      for (const group of this.groups.all.values()) group.marks.set(keyOf(mark), mark);
    }
  }

  /** Retention of the table; of empty days only, as a removal of rows has its own ledger row. */
  #dropDays(): void {
    if (this.postgres.database.table("market_data_tick").size > 0) return;
    this.time.note("drop-days");
    this.postgres.database.days.clear();
  }

  #deleteRecords(): void {
    const log = this.time.random.pick(this.logs);
    log.low = this.time.random.between(log.low, log.high);
    this.time.note("delete-records", () => `below ${log.low}`);
  }

  /** A broker is elected that lacks the last records, or has them all. */
  #cut(): void {
    const log = this.time.random.pick(this.logs);
    const { high } = log;
    log.elect(this.time.random.between(Math.max(log.low, high - 8), high));
    this.#isCut = true;
    this.time.note("log-cut", () => `from ${high} to ${log.high}`);
  }

  #remake(): void {
    const { random, now } = this.time;
    const log = random.pick(this.logs);
    const length = random.between(0, log.high + 5);
    const dice = () => Array.from({ length }, () => this.#maker.make(now));
    const entries = this.plan.script?.remade?.(this.#maker, now) ?? dice();
    this.time.note("remake", () => `${entries.length} records instead of ${log.high}`);
    this.#isRemade = true;
    log.entries = entries;
    log.leaders = [{ from: 0, epoch: 0 }];
    log.low = 0;
  }

  /** From here on all goes well: whoever is frozen wakes up, and somebody runs. */
  #heal(): void {
    const { time, plan } = this;
    time.note("heals");
    heal(plan.faults);
    for (const one of this.#processes) if (one.process.isFrozen) time.thaw(one.process);
    if (this.#isRemade) {
      for (const one of [...this.#processes]) one.kill();
      this.#processes.clear();
    }
    // What the killed ones had sent has arrived by now.
    time.after(1000, () => {
      this.#mustStop = this.#isRemade && this.#isOtherLog();
      this.#isHealed = true;
    });
    time.after(2000, () => this.#restart());
  }

  /** Whether a claim has to find that a log isn't the one that landed: shorter, or another last record. */
  #isOtherLog(): boolean {
    return this.logs.some((log, p) => {
      const landed = this.postgres.database.landed.get(`${this.plan.topic}/${p}`);
      if (landed === undefined) return false;
      if (landed.next > log.high) return true;
      const { lastOffset, lastDigest } = landed;
      const entry = lastOffset === null ? undefined : log.entries[lastOffset];
      return entry !== undefined && !(entry.kind === "record" && recordDigest(entry).equals(lastDigest!));
    });
  }

  async #stopAll(): Promise<void> {
    this.#isOver = true;
    for (const one of this.#processes) one.stop(false);
    const isStopped = await this.time.run(() => this.#processes.size === 0, this.time.now + STOP_MS_MAX);
    if (!isStopped) this.#broken.push("a group didn't stop within a minute");
  }
}

export type Judged = Pick<World, "plan" | "time" | "cluster" | "postgres" | "logs">;
