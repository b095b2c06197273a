import { isUuid } from "../../event/validate.ts";
import type { Consumer } from "../consumer.ts";
import type { EventFilter } from "./event-filter.ts";

/** Why the events of a session don't land: it was deleted or isn't served, or nobody has ever published it. */
export type SessionFate = "filtered" | "unknown";

export const UNKNOWN_SESSION = {
  reason: "unknown_session",
  detail: "its session was never published",
  column: "backtest_session_id",
} as const;

/** Whether an event of this kind may belong to a session, and so to one that isn't served. */
export const hasSessions = ({ landing }: Consumer): boolean =>
  landing.path === "direct" || landing.parents.some(({ topic }) => topic === "sessions");

/**
 * Sifts out the events of sessions that the group doesn't serve, and notes the other sessions of one batch, to ask the
 * database of them. The latter for the big topics only: the small ones ask for a session as for any other parent.
 */
export class SessionSieve {
  readonly #filter: EventFilter;
  readonly #hasSessions: boolean;
  readonly #asks: boolean;
  readonly #fates: ReadonlyMap<string, SessionFate> | undefined;
  readonly #sessions = new Set<string>();
  /** The session that was sifted last: as its event spells it, and as the database does. */
  #last: string | null = null;
  #id: string | null = null;
  filtered = 0;

  constructor(consumer: Consumer, filter: EventFilter, fates: ReadonlyMap<string, SessionFate> | undefined) {
    this.#filter = filter;
    this.#asks = consumer.landing.path === "direct";
    this.#hasSessions = hasSessions(consumer);
    this.#fates = fates;
  }

  get all(): readonly string[] {
    return [...this.#sessions];
  }

  /**
   * The verdict on an event of this session, undefined when it may land. What is no UUID is asked of nobody: the row's
   * writer refuses it a moment later, and the question would fail for the whole batch.
   */
  sift(session: string | null): SessionFate | undefined {
    if (!this.#hasSessions) return undefined;
    if (session !== this.#last) {
      this.#last = session;
      this.#id = session?.toLowerCase() ?? null;
      if (this.#asks && isUuid(this.#id) && this.#filter.hasSession(this.#id)) this.#sessions.add(this.#id);
    }
    const id = this.#id;
    if (!this.#filter.hasSession(id)) {
      this.filtered++;
      return "filtered";
    }
    if (id === null || !this.#asks) return undefined;
    const fate = this.#fates?.get(id);
    if (fate === "filtered") this.filtered++;
    return fate;
  }
}
