import { type Clock, SYSTEM_CLOCK } from "../../clock.ts";
import type { Log } from "../../log.ts";
import type { Connection } from "../../table/connection.ts";
import { type Blocker, blockersOf, evict } from "../../table/landing/evict.ts";
import type { ConnectionSlot } from "../../table/slot.ts";
import { isDatabaseFault } from "../../table/sqlstate.ts";

/** When a lock wait ends in its timeout (55P03), the blockers have been looked up at this share of it. */
const LOOK_AT_SHARE = 0.7;
const LOCK_NOT_AVAILABLE = "55P03";

/**
 * Frees a partition's lock from an owner that is gone without its session's end: frozen, cut off, or swapped out in the
 * middle of a COPY, where no timeout of PostgreSQL's ends it. Whoever waits looks up, on a second session, who holds
 * the lock while it waits; if the wait ends in lock_timeout, those sessions are ended, provided that they are this
 * pipeline's, another process's, and still in the same transaction. A slow but living owner loses a batch by that, which
 * rolls back and lands again; a lock held for ever would cost everything behind it.
 */
export class LockWatch {
  readonly #watcher: ConnectionSlot;
  readonly #lockTimeoutMs: number;
  readonly #log: Log;
  readonly #clock: Clock;
  evictions = 0;

  /** @param watcher a session of the login user itself: tradetape_lander may not end its sessions */
  constructor(watcher: ConnectionSlot, lockTimeoutMs: number, log: Log, clock: Clock = SYSTEM_CLOCK) {
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
    this.evictions += gone.length;
    for (const { pid, name } of gone) this.#log.warn({ pid, name }, "ended a session that held a partition's lock");
  }
}
