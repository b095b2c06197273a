import { type Clock, SYSTEM_CLOCK } from "../../clock.ts";
import type { Connection } from "../../table/connection.ts";
import { type SessionFacts, sessionFacts } from "../../table/landing/sessions.ts";
import type { SessionSource } from "../../table/pool/session-pool.ts";
import type { EventFilter } from "../encode/event-filter.ts";
import type { SessionFate } from "../encode/session-sieve.ts";
import { Horizon, type TopicEnds } from "./horizon.ts";

const POLL_MS = 100;

/**
 * Makes batches of the big topics wait for sessions that have not landed yet, because these topics have no foreign keys and
 * never park. A session is `unknown` when the topic of the sessions has landed as far as it reached when the wait began, and
 * stays so until it lands after all.
 */
export class SessionGate {
  readonly #questions: SessionSource;
  readonly #ends: TopicEnds;
  readonly #filter: EventFilter;
  readonly #clock: Clock;
  readonly #unknown = new Set<string>();

  constructor(questions: SessionSource, ends: TopicEnds, filter: EventFilter, clock: Clock = SYSTEM_CLOCK) {
    this.#questions = questions;
    this.#ends = ends;
    this.#filter = filter;
    this.#clock = clock;
  }

  /** Resolves when each of these sessions has landed or is `unknown`. */
  async pass(sessionIds: readonly string[], signal: AbortSignal): Promise<void> {
    let undecided = await this.#undecided(sessionIds);
    if (undecided.length === 0) return;
    const horizon = await Horizon.read((ask) => this.#questions.use(ask), this.#ends, ["sessions"]);
    while (undecided.length > 0) {
      if (await this.#questions.use((connection) => horizon.isPassed(connection))) {
        // `#undecided` is asked again, because a session may have landed after it was asked and before the horizon passed.
        for (const id of await this.#undecided(undecided)) this.#unknown.add(id);
        return;
      }
      await this.#clock.sleep(POLL_MS, signal);
      undecided = await this.#undecided(undecided);
    }
  }

  /** The fates of these sessions, read within the landing's transaction, so that a deletion which has committed counts. */
  async fates(connection: Connection, sessionIds: readonly string[]): Promise<ReadonlyMap<string, SessionFate>> {
    const landed = await sessionFacts(connection, sessionIds);
    const fates = new Map<string, SessionFate>();
    for (const id of sessionIds) {
      const session = landed.get(id);
      if (session !== undefined) {
        this.#unknown.delete(id);
        if (!this.#isServed(session)) fates.set(id, "filtered");
      } else if (this.#unknown.has(id)) fates.set(id, "unknown");
      else throw new Error(`session ${id} was let in without having landed`);
    }
    return fates;
  }

  /** Which of these sessions have landed and aren't served: they were deleted, or are of a kind outside the filter. */
  async unserved(connection: Connection, sessionIds: readonly string[]): Promise<ReadonlySet<string>> {
    const landed = await sessionFacts(connection, sessionIds);
    return new Set([...landed].filter(([, session]) => !this.#isServed(session)).map(([id]) => id));
  }

  #isServed({ status, kind }: SessionFacts): boolean {
    return status !== "deleted" && this.#filter.serves(kind);
  }

  /** Which of these sessions have neither landed nor are known to be `unknown`. */
  async #undecided(sessionIds: readonly string[]): Promise<readonly string[]> {
    const asked = sessionIds.filter((id) => !this.#unknown.has(id));
    if (asked.length === 0) return [];
    const landed = await this.#questions.use((connection) => sessionFacts(connection, asked));
    return asked.filter((id) => !landed.has(id));
  }
}
