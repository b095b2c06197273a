import { randomUUID } from "node:crypto";
import type { Config } from "../config.ts";
import type { GoneValue } from "../dead-letter/cut-values.ts";
import { discard } from "../dead-letter/discard.ts";
import { type Redriven, redrive } from "../dead-letter/redrive.ts";
import { awaitOutcome, type RedriveOutcome } from "../dead-letter/redrive-outcome.ts";
import { redrivePlan } from "../dead-letter/redrive-plan.ts";
import { TradetapeError } from "../errors.ts";
import type { LetterReason } from "../event/letter.ts";
import type { Log } from "../log.ts";
import { type Ops, openOps } from "../operator/ops.ts";
import { countOpenLetters } from "../table/letters/dead-letters.ts";
import { openKafka } from "../topic/kafkajs/open-kafka.ts";
import { RawPublisher } from "../topic/publish/raw-publish.ts";

/** How long the console waits for redriven events to land before it says that they are on their way. */
const OUTCOME_WAIT_MS = 30_000;
/** Acts that are over and still shown. */
const SHOWN_MAX = 20;

/** What is asked of the letters of one topic and reason. */
interface Asked {
  readonly kind: "redrive" | "discard";
  /** Its full name. */
  readonly topic: string;
  readonly reason: LetterReason;
  /** Why, of letters that are given up. */
  readonly note: string;
}

/** What an act would do. */
interface Plan {
  /** How many it would send again, or give up. */
  readonly letters: number;
  /** Left alone because they have been redriven too often. */
  readonly worn: number;
}

/** An act as the page shows it. It goes on where the page is closed, and is found again by the next one. */
interface Act extends Asked {
  readonly id: string;
  /** The login that the audit log names. */
  readonly by: string;
  readonly startedAt: string;
  readonly planned: number;
  /** How many were acknowledged or given up. */
  done: number;
  state: "running" | "done" | "stopped" | "failed";
  outcome: RedriveOutcome | null;
  /** Why it failed. */
  error: string | null;
}

interface Told {
  /** Something of `acts` has changed. */
  changed(): void;
  /** An act met what is neither data nor environment. */
  bug(error: unknown): void;
}

/** What the console does to letters, one act at a time. */
export class Acts {
  readonly #config: Config;
  readonly #log: Log;
  readonly #told: Told;
  #acts: readonly Act[] = [];
  #running: { readonly stop: AbortController; readonly end: Promise<void> } | undefined;

  constructor(config: Config, log: Log, told: Told) {
    this.#config = config;
    this.#log = log;
    this.#told = told;
  }

  /** The newest first. */
  get acts(): readonly Act[] {
    return this.#acts;
  }

  /** What an act would do; nothing is changed. @throws TradetapeError database_unreachable, permission_denied, ... */
  async plan(asked: Asked): Promise<Plan> {
    const ops = await this.#open();
    try {
      return await this.#planned(ops, asked);
    } finally {
      await ops.close();
    }
  }

  /** Begins an act; undefined where one is running. @throws as `plan` does */
  async begin(asked: Asked): Promise<Act | undefined> {
    if (this.#running) return undefined;
    const stop = new AbortController();
    const opened = Promise.withResolvers<Act>();
    const end = this.#run(asked, stop.signal, opened.resolve).catch(opened.reject);
    this.#running = { stop, end };
    void end.finally(() => {
      this.#running = undefined;
      this.#told.changed();
    });
    return opened.promise;
  }

  /** Stops the running act between two events or pages; what it has done is recorded. */
  stop(): void {
    this.#running?.stop.abort();
  }

  async close(): Promise<void> {
    this.stop();
    await this.#running?.end;
  }

  #open(): Promise<Ops> {
    return openOps(this.#config, { name: "console letters", role: "tradetape_ops" });
  }

  async #planned(ops: Ops, asked: Asked): Promise<Plan> {
    const found = await countOpenLetters(ops.connection, filterOf(asked), this.#config.redriveAttemptsMax);
    if (asked.kind === "discard") return { letters: found.reduce((sum, one) => sum + one.letters, 0), worn: 0 };
    const { wouldSend, worn } = redrivePlan(found, false, Number.POSITIVE_INFINITY);
    return { letters: wouldSend, worn };
  }

  async #run(asked: Asked, stop: AbortSignal, opened: (act: Act) => void): Promise<void> {
    const ops = await this.#open();
    try {
      const { letters: planned } = await this.#planned(ops, asked);
      const shared = { id: randomUUID(), by: ops.login, startedAt: new Date().toISOString(), planned, done: 0 };
      const act: Act = { ...asked, ...shared, state: "running", outcome: null, error: null };
      this.#acts = [act, ...this.#acts].slice(0, SHOWN_MAX);
      this.#told.changed();
      opened(act);
      try {
        if (asked.kind === "discard") act.done = await discard(ops, { ...allOf(asked), note: asked.note, stop });
        else act.outcome = await this.#redrive(ops, act, stop);
        act.state = stop.aborted ? "stopped" : "done";
      } catch (error) {
        act.state = "failed";
        act.error =
          error instanceof TradetapeError ? [error.message, error.next].filter(Boolean).join(" ") : String(error);
        if (!(error instanceof TradetapeError)) this.#told.bug(error);
      }
    } finally {
      await ops.close();
    }
  }

  async #redrive(ops: Ops, act: Act, stop: AbortSignal): Promise<RedriveOutcome> {
    const client = openKafka(this.#config, this.#log);
    const publisher = await RawPublisher.open(client);
    const onProgress = (sent: number) => {
      act.done = sent;
      this.#told.changed();
    };
    let redriven: readonly Redriven[];
    try {
      const attemptsMax = this.#config.redriveAttemptsMax;
      const how = { ...allOf(act), attemptsMax, perSecondMax: undefined, stop, onProgress };
      redriven = await redrive(ops, publisher, { client, config: this.#config }, how);
    } finally {
      await publisher.close();
    }
    const gone = redriven.flatMap((one) => one.gone);
    if (gone.length > 0) act.error = goneText(gone);
    return awaitOutcome(ops.connection, redriven, OUTCOME_WAIT_MS, stop);
  }
}

const goneText = ([first, ...rest]: readonly GoneValue[]): string => {
  const place = `${first!.topic}/${first!.partition}/${first!.offset}`;
  const which = rest.length === 0 ? place : `${place} and ${rest.length} more`;
  return `${which} can't be sent, only the beginning is kept: ${first!.why}`;
};

const filterOf = ({ topic, reason }: Asked) => ({ topics: [topic], reason });
const allOf = (asked: Asked) => ({ filter: filterOf(asked), lettersMax: Number.POSITIVE_INFINITY });
