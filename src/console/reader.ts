import { OneAfterAnother } from "../clock.ts";
import type { Config } from "../config.ts";
import { requireReading } from "../config.ts";
import { TradetapeError } from "../errors.ts";
import type { Connection } from "../table/connection.ts";
import { unreachable } from "../table/database-url.ts";
import { openMigrated } from "../table/migrate.ts";
import { faultKindOf, isDatabaseFault } from "../table/sqlstate.ts";

/** How long one statement may take: a page that asks for too much keeps nothing of the database's for long. */
const STATEMENT_MS = 10_000;
/** SQLSTATE of a statement that was stopped, by its timeout or by somebody. */
const QUERY_CANCELED = "57014";

/**
 * One session that may only read, for questions one after the other: kept, because a page asks often, and opened anew when it
 * broke.
 */
export class Reader {
  readonly #databaseUrl: string;
  #session: Connection | undefined;
  readonly #questions = new OneAfterAnother();

  constructor(config: Config) {
    this.#databaseUrl = requireReading(config).databaseUrl;
  }

  /**
   * @throws TradetapeError database_unreachable, not_migrated, permission_denied; input_invalid where a statement took too long
   */
  ask<R>(question: (connection: Connection) => Promise<R>): Promise<R> {
    return this.#questions.next(async () => {
      const connection = await this.#open();
      return question(connection).catch((error) => {
        throw this.#explained(error, connection);
      });
    });
  }

  #explained(error: unknown, connection: Connection): unknown {
    if (isDatabaseFault(error) && error.code === QUERY_CANCELED)
      return new TradetapeError("input_invalid", "PostgreSQL took too long for this, and was stopped", {
        cause: error,
        next: "Ask for less: a shorter time, or one session.",
      });
    const isOutage = isDatabaseFault(error) ? faultKindOf(error) === "environment" : !connection.isOpen;
    if (!isOutage || error instanceof TradetapeError) return error;
    // The server may have ended the session and not have closed it yet.
    connection.drop();
    return unreachable(this.#databaseUrl, error);
  }

  async #open(): Promise<Connection> {
    if (this.#session?.isOpen) return this.#session;
    await this.#session?.close();
    this.#session = undefined;
    const session = await openMigrated(this.#databaseUrl, { name: "console", role: "tradetape_reader" });
    await session.run(`SET statement_timeout = ${STATEMENT_MS}`);
    this.#session = session;
    return session;
  }

  /** Ends the session behind what was asked before. */
  close(): Promise<void> {
    return this.#questions.next(async () => this.#session?.close());
  }
}
