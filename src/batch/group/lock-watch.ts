import { type Clock, SYSTEM_CLOCK } from "../../clock.ts";
import type { Log } from "../../log.ts";
import type { Connection } from "../../table/connection.ts";
import { type Blocker, blockersOf, evict } from "../../table/landing/evict.ts";
import type { SessionSource } from "../../table/pool/session-pool.ts";
import { isDatabaseFault } from "../../table/sqlstate.ts";

/** The blockers are looked up after this share of the lock timeout: when the wait fails (55P03), they are known. */
const LOOK_AT_SHARE = 0.7;
const LOCK_NOT_AVAILABLE = "55P03";

/**
 * Frees a partition's lock from an owner whose process is frozen, cut off or swapped out in the middle of a COPY, where no
 * timeout of PostgreSQL's ends its session. While a landing waits for the lock, LockWatch looks up on a second session who
 * holds it. If the wait ends in lock_timeout, it ends those sessions, provided that they are this pipeline's, another
 * process's, and still in the same transaction. A slow but living owner loses a batch by that, which rolls back and lands
 * again; a lock held for ever would hold up everything behind it.
 */
export class LockWatch {
  readonly #watcher: SessionSource;
  readonly #lockTimeoutMs: number;
  readonly #log: Log;
  readonly #clock: Clock;

  /** @param watcher a session of the login user itself: tradetape_lander may not end its sessions */
  constructor(watcher: SessionSource, lockTimeoutMs: number, log: Log, clock: Clock = SYSTEM_CLOCK) {
    this.#watcher = watcher;
    this.#lockTimeoutMs = lockTimeoutMs;
    this.#log = log;
    this.#clock = clock;
  }

  async run<R>(connection: Connection, work: () => Promise<R>): Promise<R> {
    let looked: Promise<Blocker[]> = Promise.resolve([]);
    const stopLooking = this.#clock.after(this.#lockTimeoutMs * LOOK_AT_SHARE, () => {
      looked = this.#watcher.use((watcher) => blockersOf(watcher, connection.pid));
      looked.catch(() => undefined);
    });
    try {
      return await work();
    } catch (error) {
      if (isDatabaseFault(error) && error.code === LOCK_NOT_AVAILABLE) await this.#evict(await looked);
      throw error;
    } finally {
      stopLooking();
    }
  }

  async #evict(blockers: readonly Blocker[]): Promise<void> {
    if (blockers.length === 0) return;
    const gone = await this.#watcher.use((watcher) => evict(watcher, blockers));
    for (const { pid, name } of gone) this.#log.warn({ pid, name }, "ended a session that held a partition's lock");
  }
}
