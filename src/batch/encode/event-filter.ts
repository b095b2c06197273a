import type { Config } from "../../config.ts";

export type SessionKind = Config["sessionKinds"][number];

/** Broker times in milliseconds since 1970: `fromMs` is within the window, `untilMs` no longer. */
interface Window {
  readonly fromMs: number;
  readonly untilMs: number;
}

/** Which events land by their session: all, those of one session, or those that belong to no session. */
export type Sessions = "all" | "none" | { readonly only: string };

/**
 * Which events a group serves. What it doesn't serve is counted as `filtered` and leaves nothing else behind: no row, no
 * letter, no parked event. Symbols, sessions and the audit trail belong to everybody and are served whole.
 */
export class EventFilter {
  readonly kinds: readonly SessionKind[];
  readonly #sessions: Sessions;
  readonly #window: Window | undefined;
  readonly #isLiveServed: boolean;

  constructor(kinds: readonly SessionKind[], sessions: Sessions = "all", window?: Window) {
    this.kinds = kinds;
    this.#sessions = sessions;
    this.#window = window;
    this.#isLiveServed = kinds.includes("live");
  }

  /** Whether a record was published within the window. Asked before it is read: a bad one outside makes no letter. */
  hasTime(publishedAtMs: number): boolean {
    const window = this.#window;
    return window === undefined || (publishedAtMs >= window.fromMs && publishedAtMs < window.untilMs);
  }

  /** Whether an event of this session may land, by the id alone; null is a live event. `serves` judges the session's kind. */
  hasSession(session: string | null): boolean {
    const sessions = this.#sessions;
    if (session === null) return this.#isLiveServed && (sessions === "all" || sessions === "none");
    return sessions === "all" || (sessions !== "none" && sessions.only === session);
  }

  serves(kind: SessionKind): boolean {
    return this.kinds.includes(kind);
  }
}
