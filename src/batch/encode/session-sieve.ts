import { isUuid } from "../../event/field/checks.ts";
import { gatesSessions, hasSessions } from "../../table/rows/landing-table.ts";
import type { Consumer } from "../consumer.ts";
import type { EventFilter } from "./event-filter.ts";

/** Why a session's events don't land: `filtered` if it was deleted or isn't served, `unknown` if nobody published it. */
export type SessionFate = "filtered" | "unknown";

export const UNKNOWN_SESSION = {
  reason: "unknown_session",
  detail: "its session was never published",
  column: "backtest_session_id",
} as const;

/** An event's session as the database spells it: other programs may write a UUID in capitals. */
export const sessionOf = (event: object): string | null =>
  (event as { readonly backtest_session_id?: string | null }).backtest_session_id?.toLowerCase() ?? null;

/**
 * Sifts one batch's events by their sessions: leaves out those that the group doesn't serve, and collects the sessions of
 * the others, for which `SessionGate` asks the database. It collects for the big topics only, because the small ones look
 * a session up as they do every other parent.
 */
export class SessionSieve {
  readonly #filter: EventFilter;
  readonly #hasSessions: boolean;
  readonly #asks: boolean;
  readonly #fates: ReadonlyMap<string, SessionFate> | undefined;
  readonly #sessions = new Set<string>();
  /** The session that was sifted last, as its event spells it; `#id` is the same as the database spells it. */
  #last: string | null = null;
  #id: string | null = null;
  filtered = 0;

  constructor(consumer: Consumer, filter: EventFilter, fates: ReadonlyMap<string, SessionFate> | undefined) {
    this.#filter = filter;
    this.#asks = gatesSessions(consumer.landing);
    this.#hasSessions = hasSessions(consumer.landing);
    this.#fates = fates;
  }

  get all(): readonly string[] {
    return [...this.#sessions];
  }

  /**
   * The fate of an event of this session; undefined when it may land. A text that is no UUID isn't collected: the row's
   * writer refuses it a moment later, and to ask the database for it would fail for the whole batch.
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
