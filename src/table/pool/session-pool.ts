import type { Connection } from "../connection.ts";
import type { ConnectionSlot } from "./slot.ts";

/** Where work gets a session from. */
export interface SessionSource {
  /** Runs `work` on a session of its own, when one is free. */
  use<R>(work: (connection: Connection) => Promise<R>): Promise<R>;
}

/**
 * A few sessions for many users. Whoever has to wait gets a session before those that came later, and nobody has more at once
 * than its share, so that a user whose statements wait for locks leaves sessions to the others. Work on a session must not
 * ask the pool for another one: all sessions could be waiting for each other then.
 */
export class SessionPool {
  readonly #size: number;
  readonly #makeSlot: (index: number) => ConnectionSlot;
  readonly #slots: ConnectionSlot[] = [];
  /** Those that nobody uses, the one that has been free the longest first. */
  readonly #free: ConnectionSlot[] = [];
  readonly #waiting: ((slot: ConnectionSlot) => void)[] = [];
  #isClosed = false;

  /** @param makeSlot is called when a further session is needed for the first time, `size` times at most */
  constructor(size: number, makeSlot: (index: number) => ConnectionSlot) {
    this.#size = size;
    this.#makeSlot = makeSlot;
  }

  /** The pool as one user has it. @param most how many sessions it has at once at most */
  share(most: number): SessionSource {
    return new Share(this, most);
  }

  /** @param own slots that the caller had before: their sessions know its statements, and have its stage */
  take(own: ReadonlySet<ConnectionSlot>): ConnectionSlot | Promise<ConnectionSlot> {
    const at = this.#free.findLastIndex((slot) => own.has(slot));
    if (at >= 0) return this.#free.splice(at, 1)[0]!;
    if (this.#slots.length < this.#size) {
      const slot = this.#makeSlot(this.#slots.length);
      this.#slots.push(slot);
      // Nobody would close it later: whoever waited for its share until now fails like those who wait for a session.
      if (this.#isClosed) void slot.close();
      return slot;
    }
    return this.#free.shift() ?? new Promise((resolve) => void this.#waiting.push(resolve));
  }

  give(slot: ConnectionSlot): void {
    const next = this.#waiting.shift();
    if (next) next(slot);
    else this.#free.push(slot);
  }

  /** Closes each session when the work on it is done; work that waits for one fails, as after `ConnectionSlot.close`. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.all(this.#slots.map((slot) => slot.close()));
  }
}

class Share implements SessionSource {
  readonly #pool: SessionPool;
  readonly #most: number;
  #used = 0;
  readonly #waiting: (() => void)[] = [];
  readonly #own = new Set<ConnectionSlot>();

  constructor(pool: SessionPool, most: number) {
    this.#pool = pool;
    this.#most = most;
  }

  async use<R>(work: (connection: Connection) => Promise<R>): Promise<R> {
    // Whoever is done hands its place over to the first that waits.
    if (this.#used === this.#most) await new Promise<void>((resolve) => void this.#waiting.push(resolve));
    else this.#used++;
    const slot = await this.#pool.take(this.#own);
    this.#own.add(slot);
    try {
      return await slot.use(work);
    } finally {
      this.#pool.give(slot);
      const next = this.#waiting.shift();
      if (next) next();
      else this.#used--;
    }
  }
}
