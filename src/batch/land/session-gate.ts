import { type Clock, SYSTEM_CLOCK } from "../../clock.ts";
import type { Connection } from "../../table/connection.ts";
import { type SessionFacts, sessionFacts } from "../../table/landing/sessions.ts";
import type { ConnectionSlot } from "../../table/slot.ts";
import type { EventFilter } from "../encode/event-filter.ts";
import type { SessionFate } from "../encode/session-sieve.ts";
import { Horizon, type TopicEnds } from "./horizon.ts";

const POLL_MS = 100;

/**
 * The big topics have no foreign keys and never park: their events wait here for a session that has not landed yet. The
 * verdict "unknown" falls when the topic of the sessions has landed as far as it reached when we began to wait, and
 * stands until the session lands after all.
 */
export class SessionGate {
  readonly #slot: ConnectionSlot;
  readonly #ends: TopicEnds;
  readonly #filter: EventFilter;
  readonly #clock: Clock;
  readonly #unknown = new Set<string>();

  constructor(slot: ConnectionSlot, ends: TopicEnds, filter: EventFilter, clock: Clock = SYSTEM_CLOCK) {
    this.#slot = slot;
    this.#ends = ends;
    this.#filter = filter;
    this.#clock = clock;
  }

  /** Resolves when each of these sessions has landed or has a verdict. */
  async pass(sessionIds: readonly string[], signal: AbortSignal): Promise<void> {
    let open = await this.#open(sessionIds);
    if (open.length === 0) return;
    const horizon = await Horizon.read(this.#ends, ["sessions"]);
    while (open.length > 0) {
      if (await this.#slot.use((connection) => horizon.isPassed(connection))) {
        // Asked once more behind the horizon: what landed between the last look and it is no stranger.
        for (const id of await this.#open(open)) this.#unknown.add(id);
        return;
      }
      await this.#clock.sleep(POLL_MS, signal);
      open = await this.#open(open);
    }
  }

  /** The fates on these sessions, read inside the landing's transaction: a deletion that committed before it counts. */
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

  /** Those of these sessions that have landed and that no event lands of: deleted, or of a kind that isn't served. */
  async unserved(connection: Connection, sessionIds: readonly string[]): Promise<ReadonlySet<string>> {
    const landed = await sessionFacts(connection, sessionIds);
    return new Set([...landed].filter(([, session]) => !this.#isServed(session)).map(([id]) => id));
  }

  #isServed({ status, kind }: SessionFacts): boolean {
    return status !== "deleted" && this.#filter.serves(kind);
  }

  async #open(sessionIds: readonly string[]): Promise<readonly string[]> {
    const strangers = sessionIds.filter((id) => !this.#unknown.has(id));
    if (strangers.length === 0) return [];
    const landed = await this.#slot.use((connection) => sessionFacts(connection, strangers));
    return strangers.filter((id) => !landed.has(id));
  }
}
