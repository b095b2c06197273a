import { type Clock, SYSTEM_CLOCK } from "../clock.ts";
import { TradetapeError } from "../errors.ts";
import type { Log } from "../log.ts";
import { faultKindOf, isDatabaseFault } from "../table/sqlstate.ts";

/** Pauses of 0.2, 0.4, 0.8 ... 15 s: a restart is over within seconds, and a longer outage ends no sooner for being asked. */
const DELAY_MS_MIN = 200;
const DELAY_MS_MAX = 15_000;

/** What to do about an error of a landing: wait and try the same again, or stop the group with this error. */
type Judgement = "retry" | TradetapeError;

/**
 * Tells the faults of the environment, which `Patience` waits out, from what stops the group.
 * @throws a plain Error, which is a bug: what comes of a session that is gone is `database_unreachable` (`ConnectionSlot.use`)
 */
export function judge(error: unknown, topicName: string): Judgement {
  if (error instanceof TradetapeError) return error.canRetry ? "retry" : error;
  if (isDatabaseFault(error)) {
    const kind = faultKindOf(error);
    // `stage.misfits` found every parent a moment before, so a foreign key that fails has lost a race: the next try parks.
    if (kind === "environment" || kind === "foreign_key") return "retry";
    return new TradetapeError("landing_refused", `${topicName}: ${error.message} (SQLSTATE ${error.code})`, {
      cause: error,
      next: `Nothing of the batch was landed. Mend the cause.${error.hint ? ` PostgreSQL's hint: ${error.hint}` : ""}`,
    });
  }
  throw error;
}

/** Has a retry tried where one can help. @throws any other error */
export function retryIfItHelps(error: unknown): "retry" {
  if (error instanceof TradetapeError && error.canRetry) return "retry";
  throw error;
}

/** Something that has to come before work goes on. */
export interface Wait {
  /** What is waited for, and why, as a text for people. */
  readonly reason: string;
  readonly since: Date;
}

/** What is being waited for, all of it. */
export class Waits {
  readonly #open = new Map<unknown, Wait>();

  /** Notes a wait, or the newer reason of one. @param by tells one wait from another */
  note(by: unknown, reason: string): void {
    this.#open.set(by, { reason, since: this.#open.get(by)?.since ?? new Date() });
  }

  end(by: unknown): void {
    this.#open.delete(by);
  }

  /** The wait that began first. */
  get longest(): Wait | undefined {
    return this.#open.values().next().value;
  }
}

/** An outage of an hour fills no log: behind the first tries, one in so many is logged, which is one a minute. */
const LOGGED_TRIES = 8;
const LOGGED_EVERY = 5;

/** Tries one thing until it works. The pauses grow up to a cap and are jittered. */
export class Patience {
  readonly #log: Log;
  readonly #signal: AbortSignal;
  readonly #clock: Clock;
  readonly #waits: Waits;

  /** @param waits is told what `insist` waits for */
  constructor(log: Log, signal: AbortSignal, clock: Clock = SYSTEM_CLOCK, waits = new Waits()) {
    this.#log = log;
    this.#signal = signal;
    this.#clock = clock;
    this.#waits = waits;
  }

  /**
   * Runs `attempt` until it works.
   * @param judgeError says whether to go on; throws or returns the error that ends it
   * @throws that error, or the signal's AbortError where it would have to wait
   */
  async insist<R>(what: string, attempt: () => Promise<R>, judgeError: (error: unknown) => Judgement): Promise<R> {
    const wait = {};
    try {
      for (let tries = 0; ; tries++) {
        try {
          const result = await attempt();
          if (tries > 0) this.#log.warn({ what }, "works again");
          return result;
        } catch (error) {
          const judgement = judgeError(error);
          if (judgement !== "retry") throw judgement;
          this.#signal.throwIfAborted();
          const reason = (error as Error).message;
          this.#waits.note(wait, `${what}: ${reason}`);
          const delayMs = Math.min(DELAY_MS_MAX, DELAY_MS_MIN * 2 ** tries) * (0.5 + this.#clock.random() / 2);
          const isLogged = tries < LOGGED_TRIES || tries % LOGGED_EVERY === 0;
          if (isLogged) {
            const next = error instanceof TradetapeError ? error.next : undefined;
            this.#log.warn({ what, error: reason, next, delayMs: Math.round(delayMs) }, "paused, trying again");
          }
          await this.#clock.sleep(delayMs, this.#signal);
        }
      }
    } finally {
      this.#waits.end(wait);
    }
  }
}
