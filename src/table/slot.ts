import { TradetapeError } from "../errors.ts";
import { Connection, type ConnectionOptions, type OpenSession, unreachable } from "./connection.ts";
import { isDatabaseFault } from "./sqlstate.ts";

/** The server ends this session: shut down, told to, or still starting. */
const SESSION_ENDED = "57P";

/** A place for one PostgreSQL session: opened when first needed, opened again after it broke, used by one at a time. */
export class ConnectionSlot {
  readonly #databaseUrl: string;
  readonly #options: ConnectionOptions;
  readonly #open: OpenSession;
  #connection: Connection | undefined;
  #turn: Promise<unknown> = Promise.resolve();
  #isClosed = false;

  constructor(databaseUrl: string, options: ConnectionOptions, open: OpenSession = Connection.open) {
    this.#databaseUrl = databaseUrl;
    this.#options = options;
    this.#open = open;
  }

  /** Whether a session was there and is gone: what failed on it was the connection's fault. */
  get isBroken(): boolean {
    return this.#connection !== undefined && !this.#connection.isOpen;
  }

  /**
   * Runs `work` on the session when those before it are done.
   * @throws TradetapeError database_unreachable, canRetry, when the session is gone or the place closed: whoever asked
   * must not take it for a bug, and knows no session to ask whether it is
   */
  use<R>(work: (connection: Connection) => Promise<R>): Promise<R> {
    // A session opened now would be nobody's to close.
    if (this.#isClosed) return Promise.reject(unreachable(this.#databaseUrl, new Error("this process has closed it")));
    const turn = this.#turn.then(async () => {
      if (!this.#connection?.isOpen) this.#connection = await this.#open(this.#databaseUrl, this.#options);
      const connection = this.#connection!;
      return work(connection).catch((error: unknown) => {
        throw isSessionGone(connection, error) ? unreachable(this.#databaseUrl, error) : error;
      });
    });
    // Whoever asked gets the failure; the next in line only waits for the end of it.
    this.#turn = turn.catch(() => undefined);
    return turn;
  }

  /** When those have been served that asked before. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#turn;
    await this.#connection?.close();
  }
}

function isSessionGone(connection: Connection, error: unknown): boolean {
  if (error instanceof TradetapeError) return false;
  return isDatabaseFault(error) ? error.code.startsWith(SESSION_ENDED) : !connection.isOpen;
}
