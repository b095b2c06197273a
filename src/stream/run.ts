import type { AnyDraft } from "../agent/draft.ts";
import { oneAtATime } from "../clock.ts";
import type { Config } from "../config.ts";
import type { Registry } from "../event/registry.ts";
import type { EventTopic } from "../event/schemas.ts";
import type { Log } from "../log.ts";
import type { FetchedBatch } from "../topic/fetch/fetched-batch.ts";
import { type LogClient, withAdmin } from "../topic/log-client.ts";
import { SoleMember } from "../topic/sole-member.ts";
import { topicName } from "../topic/topics.ts";
import { beginOf, type InputPlace, loadPlaces } from "./begin.ts";
import { InputReader } from "./input-reader.ts";
import { Inputs } from "./inputs.ts";
import { Marks } from "./marks.ts";
import type { Program } from "./program.ts";
import { SnapshotShelf } from "./snapshot-shelf.ts";
import { Snapshots } from "./snapshots.ts";
import { Tenure, type TenureServices } from "./tenure.ts";
import { keepingBeat, Turns } from "./turns.ts";

export interface RunServices {
  readonly client: LogClient;
  readonly registry: Registry;
  readonly config: Config;
  readonly log: Log;
  /** Resolves when every replica has the event. */
  readonly publish: (draft: AnyDraft) => Promise<void>;
}

export interface RunOptions {
  /** What the run's marks are kept under (`programKey`): another session or setting is another name. */
  readonly name: string;
  /** What the run belongs to; without it, or null: live trading. */
  readonly session?: string | null;
  /** The run ends when it has taken what the topics held as this resolved; without it, when it is stopped. */
  readonly caughtUpWith?: Promise<unknown> | undefined;
  readonly stop: AbortSignal;
  readonly onProgress?: (tally: RunTally) => void;
}

export interface RunTally {
  /** Records that a run before this one hadn't taken. */
  readonly read: number;
  readonly published: number;
  readonly counts: Readonly<Record<string, number>>;
}

const IDLE_MS = 1000;

/**
 * Runs a program until it is stopped, or has caught up. One process at a time reads under a name; others stand by.
 * A restart needs no database. `Marks` writes an offset to Kafka only after everything that follows from the records before it
 * was acknowledged, and `Snapshots` the program's state. A restart begins with the newest snapshot, or from the oldest record
 * that the program's open state rests on, shows the program the records from there on again, without publishing up to the mark,
 * and comes to the same state. What was published behind the last mark is published again: the same events, the same ids. So a
 * mark or a snapshot that is lost costs repeats, never an event.
 * @throws TradetapeError state_lost, or what reading or publishing failed with; another run goes on from there
 */
export function runProgram(services: RunServices, program: Program, options: RunOptions): Promise<RunTally> {
  return new Run(services, program, options).run();
}

class Run {
  readonly #services: RunServices;
  readonly #program: Program;
  readonly #options: RunOptions;
  readonly #groupId: string;
  readonly #member: SoleMember;
  readonly #snapshots: Snapshots | undefined;
  readonly #own: TenureServices;
  readonly #over = Promise.withResolvers<void>();
  readonly #turns = new Turns(this.#over.reject);
  /** Set while this process is the one that reads: first, where there are snapshots to be read, then the other. */
  #opening: Opening | undefined;
  #tenure: Tenure | undefined;
  /** Of the tenures before this one. */
  #before = { read: 0, published: 0 };

  constructor(services: RunServices, program: Program, options: RunOptions) {
    const { client, config, registry, log, publish } = services;
    this.#services = services;
    this.#program = program;
    this.#options = options;
    this.#groupId = `tradetape.run.${topicName(config.namespace, program.name as EventTopic)}.${options.name}`;
    const topicNames = program.reads.map((topic) => topicName(config.namespace, topic));
    if (program.snapshot !== null) {
      const at = { topicName: topicName(config.namespace, "snapshots"), partition: 0 };
      topicNames.push(at.topicName);
      this.#snapshots = new Snapshots(client, at, `${program.name}/${options.name}`, program.snapshot);
    }
    this.#member = new SoleMember(client, { groupId: this.#groupId, topicNames, ...config });
    const reader = new InputReader(registry, program.reads, config);
    const marks = new Marks(this.#member, log);
    const hasEnd = options.caughtUpWith !== undefined;
    this.#own = { reader, member: this.#member, marks, snapshots: this.#snapshots, publish, hasEnd };
    this.#over.promise.catch(() => undefined);
  }

  async run(): Promise<RunTally> {
    const { stop } = this.#options;
    const end = () => this.#over.resolve();
    stop.addEventListener("abort", end, { once: true });
    // What a turn fails with ends the run by itself.
    const idle = oneAtATime(() => this.#turns.take(() => this.#idle()).catch(() => undefined));
    const timer = setInterval(idle, IDLE_MS);
    try {
      await this.#member.start({
        onOwned: (lost) => this.#begin(lost),
        onLost: () => this.#forget(),
        onBatch: (batch, beat) => keepingBeat(beat, (kept) => this.#turns.take(() => this.#take(batch, kept))),
        onCrash: this.#over.reject,
      });
      if (stop.aborted) end();
      await this.#over.promise;
      await this.#turns.take(async () => this.#tenure?.note(true));
    } finally {
      clearInterval(timer);
      stop.removeEventListener("abort", end);
      await this.#member.stop();
      await this.#snapshots?.close();
    }
    return this.#tally();
  }

  #forget(): void {
    this.#before = this.#tally();
    [this.#tenure, this.#opening] = [undefined, undefined];
  }

  /** @param lost aborted when another process may read: what was asked before then is no longer where to begin */
  async #begin(lost: AbortSignal): Promise<void> {
    const { client, config } = this.#services;
    const topics = this.#program.reads.map((topic) => ({ topic, topicName: topicName(config.namespace, topic) }));
    const [places, range] = await withAdmin(client, async (admin) => [
      await loadPlaces(admin, this.#groupId, topics),
      this.#snapshots && (await admin.fetchOffsets(this.#snapshots.at.topicName))[0],
    ]);
    if (lost.aborted) return;
    if (this.#snapshots === undefined || range === undefined)
      return this.#turns.take(() => this.#open({ places, shelf: undefined, lost }));
    for (const place of places) this.#member.hold(place);
    const shelf = new SnapshotShelf(this.#snapshots, range, this.#member);
    this.#opening = { places, shelf, lost };
    if (shelf.isRead) await this.#turns.take(() => this.#open(this.#opening));
  }

  async #open(opening: Opening | undefined): Promise<void> {
    if (opening === undefined) return;
    const { places, shelf, lost } = opening;
    this.#opening = undefined;
    const { inputs: all, ...begin } = await beginOf(this.#program, places, shelf?.found() ?? [], this.#services.log);
    if (lost.aborted) return;
    const inputs = new Inputs(all, this.#member);
    const machine = this.#program.open(inputs.isWhole.bind(inputs), begin.snapshot?.state, this.#options.session);
    this.#snapshots?.begin(begin.snapshot?.slot);
    this.#tenure = new Tenure(this.#own, machine, inputs, begin.idleUs);
    void this.#options.caughtUpWith?.then(() => this.#turns.take(() => this.#end())).catch(this.#over.reject);
    await this.#idle();
  }

  /** Sets the run's end, at which it stops. */
  async #end(): Promise<void> {
    const inputs = this.#tenure?.inputs;
    if (inputs === undefined) return;
    await withAdmin(this.#services.client, (admin) => inputs.readEnds(admin));
    await this.#idle();
  }

  async #take(batch: FetchedBatch, beat: () => Promise<void>): Promise<void> {
    if (this.#opening !== undefined) {
      this.#opening.shelf?.take(batch);
      if (this.#opening.shelf?.isRead) await this.#open(this.#opening);
      return;
    }
    await this.#tenure?.take(batch, beat);
    await this.#idle();
  }

  async #idle(): Promise<void> {
    const tenure = this.#tenure;
    await tenure?.idle();
    // Another process may read by now.
    if (tenure === undefined || tenure !== this.#tenure) return;
    this.#options.onProgress?.(this.#tally());
    if (tenure.inputs.isAtLastEnd) this.#over.resolve();
  }

  #tally(): RunTally {
    const { read = 0, published = 0 } = this.#tenure ?? {};
    const counts = this.#tenure?.counts() ?? {};
    return { read: this.#before.read + read, published: this.#before.published + published, counts };
  }
}

interface Opening {
  readonly places: readonly InputPlace[];
  /** Undefined for a program without snapshots. */
  readonly shelf: SnapshotShelf | undefined;
  readonly lost: AbortSignal;
}
