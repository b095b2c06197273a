import type { AnyDraft } from "../agent/draft.ts";
import type { FetchedBatch } from "../topic/fetch/fetched-batch.ts";
import type { SoleMember } from "../topic/sole-member.ts";
import type { InputReader } from "./input-reader.ts";
import type { Inputs } from "./inputs.ts";
import type { Marks } from "./marks.ts";
import type { Machine } from "./program.ts";
import type { Snapshots } from "./snapshots.ts";

/** So many drafts are acknowledged before more are published: one batch's drafts must not fill the publisher's buffer. */
const DRAFTS_IN_FLIGHT = 2000;

/** What a process reads, publishes and notes with. */
export interface TenureServices {
  readonly reader: InputReader;
  readonly member: SoleMember;
  readonly marks: Marks;
  /** Undefined for a program that has no snapshots. */
  readonly snapshots: Snapshots | undefined;
  /** Resolves when every replica has the event. */
  readonly publish: (draft: AnyDraft) => Promise<void>;
  /** Whether the run ends when it has caught up. */
  readonly hasEnd: boolean;
}

/** The time for which one process is the one that reads for its program. Its calls have to come one after the other. */
export class Tenure {
  readonly #services: TenureServices;
  readonly #machine: Machine;
  readonly inputs: Inputs;
  /** Records that a run before this one hadn't taken. */
  read = 0;
  published = 0;
  /** The time by which the program was last idle; undefined when it has taken records since. */
  #idleUs: number | undefined;
  /** The same of the run before this one, until the program is where that was. */
  #idleBeforeUs: number | undefined;

  constructor(services: TenureServices, machine: Machine, inputs: Inputs, idleBeforeUs: number | undefined) {
    this.#services = services;
    this.#machine = machine;
    this.inputs = inputs;
    this.#idleBeforeUs = idleBeforeUs;
  }

  counts(): Readonly<Record<string, number>> {
    return this.#machine.counts?.() ?? {};
  }

  /** @param beat keeps the membership alive while much is published; never throws */
  async take(batch: FetchedBatch, beat: () => Promise<void>): Promise<void> {
    const { inputs } = this;
    const input = inputs.find(batch.topicName, batch.partition);
    if (!input || input.isPaused || batch.nextOffset <= input.next) return;
    if (batch.fetchedOffset > input.next) {
      this.#services.member.seek(input, input.next);
      return;
    }
    const { isReplaying } = inputs;
    if (!isReplaying) this.#idleAsBefore();
    const until = isReplaying ? Math.min(batch.nextOffset, input.done) : batch.nextOffset;
    const records = await this.#services.reader.read(input, batch, until);
    const drafts = records.flatMap((record) => this.#machine.take(record));
    if (records.length > 0) this.#idleUs = undefined;
    this.read += records.filter(({ offset }) => offset >= input.done).length;
    input.end = batch.logEnd;
    inputs.advance(input, until);
    if (!isReplaying) await this.#publish(drafts, beat);
  }

  async idle(): Promise<void> {
    const { inputs } = this;
    // A run with an end calls `idle` at the end only, for what it publishes on the way it would only have to revise.
    const isDue = this.#services.hasEnd ? inputs.isAtLastEnd : inputs.isCaughtUp;
    if (!inputs.isReplaying) this.#idleAsBefore();
    if (isDue && this.#machine.idle !== undefined) {
      const nowUs = Date.now() * 1000;
      const drafts = this.#machine.idle(nowUs);
      await this.#publish(drafts);
      // Where it gave nothing the time before stands for this one, too, and need not be marked anew.
      if (drafts.length > 0) this.#idleUs = nowUs;
      else this.#idleUs ??= nowUs;
    }
    await this.note(false);
  }

  /** In silence, once the program is where the run before was: that has published what its last idle gave. */
  #idleAsBefore(): void {
    if (this.#idleBeforeUs === undefined) return;
    this.#machine.idle?.(this.#idleBeforeUs);
    this.#idleUs = this.#idleBeforeUs;
    this.#idleBeforeUs = undefined;
  }

  /** Notes where the program is and what it remembers: everything that it gave was acknowledged. */
  async note(isLast: boolean): Promise<void> {
    if (this.inputs.isReplaying) return;
    const { marks, snapshots } = this.#services;
    await marks.write(this.inputs.all, this.#machine, this.#idleUs, isLast);
    await snapshots?.write(this.inputs.all, () => this.#machine.save?.(), this.published, isLast);
  }

  async #publish(drafts: readonly AnyDraft[], beat?: () => Promise<void>): Promise<void> {
    for (let from = 0; from < drafts.length; from += DRAFTS_IN_FLIGHT) {
      const some = drafts.slice(from, from + DRAFTS_IN_FLIGHT);
      await Promise.all(some.map(this.#services.publish));
      this.published += some.length;
      await beat?.();
    }
  }
}
