import { passing, TradetapeError } from "../../errors.ts";
import { Connection, type ConnectionOptions, type OpenSession } from "../connection.ts";
import { unreachable } from "../database-url.ts";
import { faultKindOf, isDatabaseFault } from "../sqlstate.ts";

/** The server ends this session: shut down, told to, or still starting. */
const SESSION_ENDED = "57P";

/** Waits for others: 40 a deadlock or a race, 55P03 a lock that took too long. Another session would fare no better. */
const OTHERS_TO_BLAME = new Set(["40001", "40P01", "55P03"]);

/** Of a server that takes no writes, as a primary that was demoted. */
const READ_ONLY = "25006";

/**
 * What sessions have in common that are to be on one server: when one of them finds that it takes no writes, all are opened
 * anew. One that only reads would never notice, and would go on reading what was true before the failover.
 */
export class SameServer {
  /** Whether one of them was opened: a refusal behind that is waited out, as a password that was changed. */
  hasLetIn = false;
  #renewals = 0;

  /** How often all sessions have been given up for new ones. */
  get renewals(): number {
    return this.#renewals;
  }

  /** Has each session opened anew before it is used again. */
  renew(): void {
    this.#renewals++;
  }

  /** @param since what `renewals` was when the session was opened that found it: the others find the same */
  leave(since: number): void {
    if (since === this.#renewals) this.renew();
  }
}

/**
 * A place for one PostgreSQL session: opened when first needed, opened again after it broke, used by one at a time. After a
 * fault of the environment it is opened anew as well, because the session itself may be why: what ALTER ROLE or ALTER DATABASE
 * gave it stays until it ends, and so does its way to a server that was the primary once.
 */
export class ConnectionSlot {
  readonly #databaseUrl: string;
  readonly #options: ConnectionOptions;
  readonly #open: OpenSession;
  readonly #server: SameServer;
  #connection: Connection | undefined;
  #openedAfter = 0;
  #turn: Promise<unknown> = Promise.resolve();
  #isClosed = false;

  /** @param server shared with the sessions that are to be on the same one */
  constructor(
    databaseUrl: string,
    options: ConnectionOptions,
    open: OpenSession = Connection.open,
    server = new SameServer(),
  ) {
    this.#databaseUrl = databaseUrl;
    this.#options = options;
    this.#open = open;
    this.#server = server;
  }

  /**
   * Runs `work` on the session when those before it are done.
   * @throws TradetapeError database_unreachable, canRetry, when the session is gone or the slot closed: a plain error would
   * be taken for a bug (`judge`)
   */
  use<R>(work: (connection: Connection) => Promise<R>): Promise<R> {
    // After `close` nobody would close a session that were opened now.
    if (this.#isClosed) return Promise.reject(unreachable(this.#databaseUrl, new Error("this process has closed it")));
    const turn = this.#turn.then(async () => {
      const connection = await this.#opened();
      return work(connection).catch((error: unknown) => {
        if (isSessionGone(connection, error)) throw unreachable(this.#databaseUrl, error);
        if (isDatabaseFault(error) && error.code === READ_ONLY) this.#server.leave(this.#openedAfter);
        if (mayBeSessionsFault(error)) connection.drop();
        throw error;
      });
    });
    // The caller gets the failure; the next call only waits until this one is over.
    this.#turn = turn.catch(() => undefined);
    return turn;
  }

  async #opened(): Promise<Connection> {
    const isCurrent = this.#openedAfter === this.#server.renewals;
    if (isCurrent && this.#connection?.isOpen) return this.#connection;
    // One that has failed is cut off, too, because the server may not have ended it yet, and would count it beside the new one.
    this.#connection?.drop();
    this.#openedAfter = this.#server.renewals;
    this.#connection = await this.#open(this.#databaseUrl, this.#options).catch((error: unknown) => {
      throw this.#server.hasLetIn ? passing(error) : error;
    });
    this.#server.hasLetIn = true;
    return this.#connection;
  }

  /** Closes the session when the calls of `use` before this one are done. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#turn;
    await this.#connection?.close();
  }
}

const mayBeSessionsFault = (error: unknown): boolean =>
  isDatabaseFault(error) && faultKindOf(error) === "environment" && !OTHERS_TO_BLAME.has(error.code);

function isSessionGone(connection: Connection, error: unknown): boolean {
  if (error instanceof TradetapeError) return false;
  return isDatabaseFault(error) ? error.code.startsWith(SESSION_ENDED) : !connection.isOpen;
}
