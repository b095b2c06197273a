import type { AnyDraft } from "../agent/draft.ts";
import { oneAtATime } from "../clock.ts";
import type { Config } from "../config.ts";
import type { Registry } from "../event/registry.ts";
import type { EventTopic } from "../event/schemas.ts";
import type { Log } from "../log.ts";
import type { FetchedBatch } from "../topic/fetch/fetched-batch.ts";
import { type LogAdmin, type LogClient, withAdmin } from "../topic/log-client.ts";
import { SoleMember } from "../topic/sole-member.ts";
import { topicName } from "../topic/topics.ts";
import { InputReader } from "./input-reader.ts";
import { Inputs, loadInputs } from "./inputs.ts";
import { Marks } from "./marks.ts";
import type { Machine, Program } from "./program.ts";

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
/** So many drafts are acknowledged before more are published: one batch's drafts must not fill the publisher's buffer. */
const DRAFTS_IN_FLIGHT = 2000;

/**
 * Runs a program until it is stopped, or has caught up. One process at a time reads under a name; others stand by.
 *
 * A restart needs no database. `Marks` writes an offset to Kafka only after everything that follows from the records before
 * it was acknowledged, with the oldest record that the program's open state rests on beside it. A restart shows the program
 * the records from there on again, without publishing up to the mark, and comes to the same state. What was published behind
 * the last mark is published again: the same events, the same ids. So a mark that is lost costs repeats, never an event.
 * @throws TradetapeError what reading or publishing failed with, as publish_refused; another run goes on from there
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
  readonly #reader: InputReader;
  readonly #marks: Marks;
  readonly #over = Promise.withResolvers<void>();
  /** Set while this process is the one that reads. */
  #owned: { readonly machine: Machine; readonly inputs: Inputs } | undefined;
  #read = 0;
  #published = 0;
  /** The last of the batches and idle calls, which run one after the other. */
  #turn: Promise<void> = Promise.resolve();

  constructor(services: RunServices, program: Program, options: RunOptions) {
    const { client, config, registry } = services;
    this.#services = services;
    this.#program = program;
    this.#options = options;
    this.#groupId = `tradetape.run.${topicName(config.namespace, program.name as EventTopic)}.${options.name}`;
    this.#reader = new InputReader(registry, program.reads, config.early1970);
    const topicNames = program.reads.map((topic) => topicName(config.namespace, topic));
    this.#member = new SoleMember(client, { groupId: this.#groupId, topicNames, ...config });
    this.#marks = new Marks(this.#member, services.log);
    this.#over.promise.catch(() => undefined);
  }

  async run(): Promise<RunTally> {
    const { stop } = this.#options;
    const end = () => this.#over.resolve();
    stop.addEventListener("abort", end, { once: true });
    const idle = oneAtATime(() => this.#takeTurn(() => this.#idle()).catch(this.#over.reject));
    const timer = setInterval(idle, IDLE_MS);
    try {
      await this.#member.start({
        onOwned: (lost) => this.#begin(lost),
        onLost: () => this.#forget(),
        onBatch: (batch, beat) => this.#takeTurn(() => this.#take(batch, beat)),
        onCrash: this.#over.reject,
      });
      if (stop.aborted) end();
      await this.#over.promise;
      await this.#turn;
      if (this.#owned?.inputs.isReplaying === false)
        await this.#marks.write(this.#owned.inputs.all, this.#owned.machine, true);
    } finally {
      clearInterval(timer);
      stop.removeEventListener("abort", end);
      await this.#member.stop();
    }
    return this.#tally();
  }

  #takeTurn(work: () => Promise<void>): Promise<void> {
    const done = this.#turn.then(work);
    this.#turn = done.catch(this.#over.reject);
    return done;
  }

  #forget(): void {
    this.#owned = undefined;
  }

  /** @param lost aborted when another process may read: what was asked before then is no longer where to begin */
  async #begin(lost: AbortSignal): Promise<void> {
    const { config } = this.#services;
    const topics = this.#program.reads.map((topic) => ({ topic, topicName: topicName(config.namespace, topic) }));
    const all = await this.#asAdmin((admin) => loadInputs(admin, this.#groupId, topics));
    if (lost.aborted) return;
    const isCut = (topic: EventTopic, partition: number) =>
      all.some((input) => input.topic === topic && input.partition === partition && !input.isWhole);
    const machine = this.#program.open((topic, partition) => !isCut(topic, partition));
    this.#owned = { machine, inputs: new Inputs(all, this.#member) };
    void this.#options.caughtUpWith?.then(() => this.#takeTurn(() => this.#end())).catch(this.#over.reject);
    await this.#takeTurn(() => this.#idle());
  }

  /** Sets the run's end, at which it stops. */
  async #end(): Promise<void> {
    const inputs = this.#owned?.inputs;
    if (inputs === undefined) return;
    await this.#asAdmin((admin) => inputs.readEnds(admin));
    await this.#idle();
  }

  #asAdmin<T>(use: (admin: LogAdmin) => Promise<T>): Promise<T> {
    return withAdmin(this.#services.client, use);
  }

  async #take(batch: FetchedBatch, beat: () => Promise<void>): Promise<void> {
    const { inputs, machine } = this.#owned ?? {};
    const input = inputs?.find(batch.topicName, batch.partition);
    if (!inputs || !machine || !input || input.isPaused || batch.nextOffset <= input.next) return;
    if (batch.fetchedOffset > input.next) {
      this.#member.seek(input, input.next);
      return;
    }
    const { isReplaying } = inputs;
    const until = isReplaying ? Math.min(batch.nextOffset, input.done) : batch.nextOffset;
    const records = await this.#reader.read(input, batch, until);
    const drafts = records.flatMap((record) => machine.take(record));
    this.#read += records.filter(({ offset }) => offset >= input.done).length;
    input.end = batch.logEnd;
    inputs.advance(input, until);
    if (!isReplaying) await this.#publish(drafts, beat);
    await this.#idle();
  }

  async #idle(): Promise<void> {
    if (this.#owned === undefined) return;
    const { machine, inputs } = this.#owned;
    // A run with an end calls `idle` at the end only, for what it publishes on the way it would only have to revise.
    const isDue = this.#options.caughtUpWith === undefined ? inputs.isCaughtUp : inputs.isAtLastEnd;
    if (isDue) await this.#publish(machine.idle?.(Date.now() * 1000) ?? []);
    if (!inputs.isReplaying) await this.#marks.write(inputs.all, machine, false);
    this.#options.onProgress?.(this.#tally());
    if (inputs.isAtLastEnd) this.#over.resolve();
  }

  /** A rebalance that a heartbeat reports is thrown when all is published, because the drafts left would never be published. */
  async #publish(drafts: readonly AnyDraft[], beat?: () => Promise<void>): Promise<void> {
    let interrupted: { readonly error: unknown } | undefined;
    for (let from = 0; from < drafts.length; from += DRAFTS_IN_FLIGHT) {
      const some = drafts.slice(from, from + DRAFTS_IN_FLIGHT);
      await Promise.all(some.map(this.#services.publish));
      this.#published += some.length;
      await beat?.().catch((error: unknown) => {
        interrupted = { error };
      });
    }
    if (interrupted !== undefined) throw interrupted.error;
  }

  #tally(): RunTally {
    return { read: this.#read, published: this.#published, counts: this.#owned?.machine.counts?.() ?? {} };
  }
}
