import type { Config } from "../../config.ts";

export type SessionKind = Config["sessionKinds"][number];

/** Broker times in milliseconds since 1970: `fromMs` is in it, `untilMs` is not. */
export interface Window {
  readonly fromMs: number;
  readonly untilMs: number;
}

/** Whose events land: everybody's, those of one session, or only what belongs to no session. */
export type Sessions = "all" | "none" | { readonly only: string };

export const EVERY_SESSION_KIND: readonly SessionKind[] = ["live", "paper", "backtest", "replay"];

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

  /** Whether a record was published within the window; before it is read, so that what is outside makes no letters. */
  hasTime(publishedAtMs: number): boolean {
    const window = this.#window;
    return window === undefined || (publishedAtMs >= window.fromMs && publishedAtMs < window.untilMs);
  }

  /** What an event's session id says by itself; events of no session are live. The kind of the others is asked later. */
  hasSession(session: string | null): boolean {
    const sessions = this.#sessions;
    if (session === null) return this.#isLiveServed && (sessions === "all" || sessions === "none");
    return sessions === "all" || (sessions !== "none" && sessions.only === session);
  }

  serves(kind: SessionKind): boolean {
    return this.kinds.includes(kind);
  }
}
