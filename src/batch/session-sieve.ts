import type { Consumer } from "./consumer.ts";
import type { EventFilter } from "./event-filter.ts";

/** Why the events of a session don't land: it was deleted or isn't served, or nobody has ever published it. */
export type SessionVerdict = "filtered" | "unknown";

export const UNKNOWN_SESSION = {
  reason: "unknown_session",
  detail: "its session was never published",
  column: "backtest_session_id",
} as const;

/**
 * Sifts out the events of sessions that the group doesn't serve, and notes the other sessions of one batch, to ask the
 * database of them. The latter for the big topics only: the small ones ask for a session as for any other parent.
 */
export class SessionSieve {
  readonly #filter: EventFilter;
  readonly #hasSessions: boolean;
  readonly #asks: boolean;
  readonly #verdicts: ReadonlyMap<string, SessionVerdict> | undefined;
  readonly #sessions = new Set<string>();
  #last: string | null = null;
  filtered = 0;

  constructor(consumer: Consumer, filter: EventFilter, verdicts: ReadonlyMap<string, SessionVerdict> | undefined) {
    const { path, parents } = consumer.landing;
    this.#filter = filter;
    this.#asks = path === "direct";
    this.#hasSessions = this.#asks || parents.some(({ topic }) => topic === "sessions");
    this.#verdicts = verdicts;
  }

  get all(): readonly string[] {
    return [...this.#sessions];
  }

  /** The verdict on the event's session, undefined when it may land. */
  sift(event: Readonly<Record<string, unknown>>): SessionVerdict | undefined {
    if (!this.#hasSessions) return undefined;
    const session = event.backtest_session_id as string | null;
    if (!this.#filter.hasSession(session)) {
      this.filtered++;
      return "filtered";
    }
    if (session === null || !this.#asks) return undefined;
    if (session !== this.#last) {
      this.#sessions.add(session);
      this.#last = session;
    }
    const verdict = this.#verdicts?.get(session);
    if (verdict === "filtered") this.filtered++;
    return verdict;
  }
}
