import type { Consumer } from "./consumer.ts";

/** Why the events of a session don't land: it was deleted, or nobody has ever published it. */
export type SessionVerdict = "deleted" | "unknown";

export const UNKNOWN_SESSION = {
  reason: "unknown_session",
  detail: "its session was never published",
  column: "backtest_session_id",
} as const;

/**
 * Notes the sessions of one batch's events and sifts out those with a verdict. Only for the big topics: the small ones
 * ask for a session as for any other parent.
 */
export class SessionSieve {
  readonly #isNeeded: boolean;
  readonly #verdicts: ReadonlyMap<string, SessionVerdict> | undefined;
  readonly #sessions = new Set<string>();
  #last: string | null = null;
  deleted = 0;

  constructor(consumer: Consumer, verdicts: ReadonlyMap<string, SessionVerdict> | undefined) {
    this.#isNeeded = consumer.landing.path === "direct";
    this.#verdicts = verdicts;
  }

  get all(): readonly string[] {
    return [...this.#sessions];
  }

  /** The verdict on the event's session, undefined when it may land. */
  sift(event: Readonly<Record<string, unknown>>): SessionVerdict | undefined {
    if (!this.#isNeeded) return undefined;
    const session = event.backtest_session_id as string | null;
    if (session === null) return undefined;
    if (session !== this.#last) {
      this.#sessions.add(session);
      this.#last = session;
    }
    const verdict = this.#verdicts?.get(session);
    if (verdict === "deleted") this.deleted++;
    return verdict;
  }
}
