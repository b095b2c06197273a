import { aborted, pause } from "../../clock.ts";
import { isRefusal, TradetapeError } from "../../errors.ts";
import type { EventTopic } from "../../event/schemas.ts";
import type { LetterKind } from "../../table/checks/group-states.ts";
import { unreachable } from "../../table/database-url.ts";
import type { Consumer } from "../consumer.ts";
import type { Group } from "../group/group.ts";
import { type Breakers, openBreakers } from "../land/landing-plan.ts";
import { judge } from "../patience.ts";
import { added, emptyTally, type Tally } from "../tally.ts";
import { AFTERWARDS, type GroupState, RUNNING } from "./group-state.ts";
import type { LandingServices } from "./landing-services.ts";
import { openGroup } from "./open-group.ts";

/** A group that ended is opened anew after 1, 2, 4 ... s: up to 15 where that alone may help, up to 60 where it won't. */
const RETRY_MS_MIN = 1000;
const RETRY_MS_MAX = { waiting: 15_000, stopped: 60_000 } as const;

/** Which ends of a group are followed by another try: of those that may pass by themselves, or also of those that won't. */
export type Retries = "none" | "waiting" | "all";

/** How a group ended by itself. */
interface End {
  readonly error: TradetapeError;
  readonly since: Date;
  /** When it is opened anew, and in how many milliseconds; undefined when it isn't. */
  readonly retry: { readonly at: Date; readonly inMs: number } | undefined;
}

interface Keeping {
  readonly services: LandingServices;
  readonly consumer: Consumer;
  readonly retries: Retries;
  /** Aborting drops what has not committed. */
  readonly force: AbortSignal;
  /** Called when the group has ended by itself and is closed. */
  readonly onEnd: () => void;
}

/** Keeps one consumer's group: opens it, and opens it anew after it has ended by itself. */
export class GroupKeeper {
  readonly topic: EventTopic;
  readonly #keeping: Keeping;
  /** The same for every group that is opened: with new ones each try would let a thousand letters pass. */
  readonly #breakers: Breakers;
  readonly #begun = Promise.withResolvers<void>();
  #hasStarted = false;
  /** What the groups before this one have landed. */
  #past: Tally;
  #group: Group | undefined;
  #end: End | undefined;
  /** How many ends there were one soon after the other. */
  #ends = 0;
  #isProven = false;

  constructor(keeping: Keeping) {
    this.topic = keeping.consumer.topic;
    this.#keeping = keeping;
    this.#breakers = openBreakers(keeping.services.config.letterShareMax);
    this.#past = emptyTally(this.topic);
  }

  get group(): Group | undefined {
    return this.#group;
  }

  /** What this keeper's groups have landed. */
  get tally(): Tally {
    return this.#group ? added(this.#past, this.#group.tally) : this.#past;
  }

  get state(): GroupState {
    if (this.#end === undefined) {
      const wait = this.#group?.waiting;
      return wait === undefined ? RUNNING : { state: "waiting", ...wait };
    }
    const { error, since, retry } = this.#end;
    const { code, message: reason, next, facts } = error;
    if (error.canRetry) return { state: "waiting", reason, since };
    const letters = facts?.letters as readonly LetterKind[] | undefined;
    return { state: "stopped", code, reason, next, since, retryAt: retry?.at, letters };
  }

  /** Whether a group of this keeper has been started ever. */
  get hasStarted(): boolean {
    return this.#hasStarted;
  }

  /** What ended the group, until it runs again. */
  get endedBy(): TradetapeError | undefined {
    return this.#end?.error;
  }

  /** Whether the group has ended and isn't tried again. */
  get isOver(): boolean {
    return this.#end !== undefined && this.#end.retry === undefined;
  }

  /** Resolves when the group has been started for the first time, or has ended before. */
  get begun(): Promise<void> {
    return this.#begun.promise;
  }

  /**
   * Whether somebody has to help before this group can run. One that has run and is refused what it had is waited for: what was
   * changed may be changed back, as a certificate is renewed.
   */
  get needsHelp(): boolean {
    const error = this.#end?.error;
    return error !== undefined && !error.canRetry && !(isRefusal(error) && (this.#isProven || this.tally.read > 0));
  }

  sweep(): void {
    this.#group?.sweep();
  }

  /** Resolves when the group is settled; at once while there is none. */
  async settled(): Promise<void> {
    await this.#group?.settled();
  }

  /** Keeps the group until `over` is aborted, or it has ended and isn't tried again. @throws a plain error, which is a bug */
  async run(over: AbortSignal): Promise<void> {
    const { services, onEnd } = this.#keeping;
    while (!over.aborted) {
      const end = await this.#runOnce(over);
      this.#begun.resolve();
      if (end === undefined) return;
      onEnd();
      if (end.retry === undefined) return;
      await pause(end.retry.inMs, over, services.clock);
      // What stopped the group may have been mended in its tables.
      services.sessions.renew();
    }
  }

  async #runOnce(over: AbortSignal): Promise<End | undefined> {
    const { services, consumer } = this.#keeping;
    const { clock } = services;
    const openedMs = clock.now();
    try {
      const group = await openGroup(services, consumer, { breakers: this.#breakers });
      this.#group = group;
      await Promise.race([group.start(), aborted(over), group.failure]);
      this.#hasStarted = true;
      this.#begun.resolve();
      // A group that was opened anew runs again when it lands, however long that takes: a slow machine's time proves nothing.
      await Promise.race([group.proven, aborted(over), group.failure]);
      if (!over.aborted) this.#proven();
      await Promise.race([aborted(over), group.failure]);
      return undefined;
    } catch (error) {
      if (clock.now() - openedMs > RETRY_MS_MAX.stopped) this.#ends = 0;
      return this.#ended(this.#asOurs(error));
    } finally {
      await this.#close();
    }
  }

  #proven(): void {
    if (this.#end !== undefined) this.#keeping.services.log.warn({ topic: this.topic }, "the group runs again");
    this.#end = undefined;
    this.#isProven = true;
  }

  /** @throws the error where it is a bug */
  #asOurs(error: unknown): TradetapeError {
    const { config } = this.#keeping.services;
    const judgement = judge(error, this.topic);
    if (judgement !== "retry") return judgement;
    return error instanceof TradetapeError ? error : unreachable(config.databaseUrl, error);
  }

  #ended(error: TradetapeError): End {
    const { services, retries } = this.#keeping;
    const { canRetry, code, message: reason, next } = error;
    const isSame = this.#end?.error.code === code;
    const max = RETRY_MS_MAX[canRetry ? "waiting" : "stopped"];
    const inMs = Math.min(max, RETRY_MS_MIN * 2 ** this.#ends++) * (0.5 + services.clock.random() / 2);
    const isRetried = retries === "all" || (retries === "waiting" && canRetry && !isRefusal(error));
    const retry = isRetried ? { at: new Date(Date.now() + inMs), inMs } : undefined;
    this.#end = { error, since: isSame ? this.#end!.since : new Date(), retry };
    const then = retry ? AFTERWARDS.retried : AFTERWARDS.over;
    const facts = { topic: this.topic, code, reason, next: next && `${next}\n${then}` };
    if (retry) services.log.error({ ...facts, retryInMs: Math.round(inMs) }, "the group stopped; it is tried again");
    else services.log.error(facts, "the group stopped; it isn't tried again in this run");
    return this.#end;
  }

  /** What is queued lands first, unless the group has failed or `force` is aborted. */
  async #close(): Promise<void> {
    const group = this.#group;
    if (group === undefined) return;
    const forced = aborted(this.#keeping.force).then(() => group.stop(true));
    await Promise.race([group.stop(), forced]);
    this.#past = added(this.#past, group.tally);
    this.#group = undefined;
  }
}
