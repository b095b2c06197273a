import { Connection, type ConnectionOptions, type OpenSession } from "./connection.ts";

/** A place for one PostgreSQL session: opened when first needed, opened again after it broke, used by one at a time. */
export class ConnectionSlot {
  readonly #databaseUrl: string;
  readonly #options: ConnectionOptions;
  readonly #open: OpenSession;
  #connection: Connection | undefined;
  #turn: Promise<unknown> = Promise.resolve();

  constructor(databaseUrl: string, options: ConnectionOptions, open: OpenSession = Connection.open) {
    this.#databaseUrl = databaseUrl;
    this.#options = options;
    this.#open = open;
  }

  /** Whether a session was there and is gone: what failed on it was the connection's fault. */
  get isBroken(): boolean {
    return this.#connection !== undefined && !this.#connection.isOpen;
  }

  /** Runs `work` on the session when those before it are done. */
  use<R>(work: (connection: Connection) => Promise<R>): Promise<R> {
    const turn = this.#turn.then(async () => {
      if (!this.#connection?.isOpen) this.#connection = await this.#open(this.#databaseUrl, this.#options);
      return work(this.#connection!);
    });
    // Whoever asked gets the failure; the next in line only waits for the end of it.
    this.#turn = turn.catch(() => undefined);
    return turn;
  }

  async close(): Promise<void> {
    await this.#turn;
    await this.#connection?.close();
  }
}
