import type pg from "pg";
import { TradetapeError } from "../errors.ts";
import { namedBy, type Role, rolePrefixOf } from "../settings/role-names.ts";
import { chooseHost } from "./choose-host.ts";
import { copyOut, copyRows, type RowReader } from "./copy.ts";
import { currentUrl, serverOf, unreachable } from "./database-url.ts";
import { type HostByWay, login, newClient } from "./login/login.ts";
import type { ServerStanding } from "./login/prepare-session.ts";
import { byWays } from "./login/ways.ts";
import { explained, switchRole } from "./permission.ts";

export interface ConnectionOptions {
  /** Shown in pg_stat_activity behind the process's tag, as in `tradetape/5f21c0de landing 0`. */
  readonly name: string;
  /** The role that the session switches to, so that it holds no more rights than it needs. */
  readonly role?: Role;
  readonly lockTimeoutMs?: number;
  /**
   * Statements with parameters are prepared and planned once, for a session that runs the same few with every batch:
   * planning them costs several times what running them does. Sequential scans are off where there is another way: a
   * plan that was made while a table was empty has to stay right when it holds millions.
   */
  readonly keepsPlans?: boolean;
  /** COMMIT doesn't wait for the disk, and a server's crash loses whole transactions: for who reads back where it stands. */
  readonly commitsLate?: boolean;
}

/**
 * How a session is opened. The landing asks nothing of a session but `pid`, `isOpen`, `query`, `run`, `copy`,
 * `commit`, `inOneTrip`, `drop` and `close`: this is where a simulation puts another database.
 */
export type OpenSession = (databaseUrl: string, options: ConnectionOptions) => Promise<Connection>;

/** Names for statements, the same in all sessions of this process; texts are few, none is put together at run time. */
const names = new Map<string, string>();

function nameOf(text: string): string {
  const name = names.get(text) ?? `tradetape_${names.size}`;
  names.set(text, name);
  return name;
}

/** One PostgreSQL session. Ask `isOpen` before reuse: a session that failed outside a statement is gone for good. */
export class Connection {
  readonly client: pg.Client;
  #standing: ServerStanding = { pid: 0, isStandby: false, isReadOnly: false };
  #broken: Error | undefined;
  readonly #keepsPlans: boolean;
  readonly #place: string;
  /** The role that the session switched to, by its name without a prefix; undefined where it has the login user's own rights. */
  readonly role: Role | undefined;
  readonly rolePrefix: string;

  private constructor({ url, way, place }: HostByWay, options: ConnectionOptions) {
    this.client = newClient(way, place, options.name);
    this.#keepsPlans = options.keepsPlans ?? false;
    this.#place = place;
    this.role = options.role;
    this.rolePrefix = rolePrefixOf(url);
    this.client.on("error", (error) => {
      this.#broken = error;
    });
    this.client.on("end", () => {
      this.#broken ??= new Error("the connection ended");
    });
  }

  /**
   * @throws TradetapeError database_unreachable, canRetry, when nobody answers, the server is starting, or none is what the URL
   * asks for; permission_denied, pooler_transaction_mode; config_invalid where the way is one that TLS or its files forbid
   */
  static async open(databaseUrl: string, options: ConnectionOptions): Promise<Connection> {
    const connection = await chooseHost(currentUrl(databaseUrl), (url) => {
      const place = serverOf(url);
      return byWays(url, place, (way) => Connection.#login({ url, place, way }, options));
    });
    try {
      if (options.role) await switchRole(connection.client, options.role, connection.rolePrefix, connection.#place);
      // Up to PostgreSQL 17 a scan that is off has such a price that JIT would compile a plan that needs it, as the stage does.
      if (options.keepsPlans) await connection.client.query("SET enable_seqscan = off; SET jit = off");
      if (options.commitsLate) await connection.client.query("SET synchronous_commit = off");
    } catch (cause) {
      await connection.client.end().catch(() => undefined);
      throw cause instanceof TradetapeError ? cause : unreachable(databaseUrl, cause);
    }
    return connection;
  }

  static async #login(host: HostByWay, options: ConnectionOptions): Promise<Connection> {
    const connection = new Connection(host, options);
    try {
      connection.#standing = await login(connection.client, host, options);
    } catch (cause) {
      await connection.client.end().catch(() => undefined);
      throw cause;
    }
    return connection;
  }

  /** A text, as of a statement, with the roles called as this database has them. */
  named(text: string): string {
    return namedBy(this.rolePrefix, text);
  }

  /** Who logged in. */
  get user(): string {
    return this.client.user ?? "the login user";
  }

  /** What the server said of itself at the login. */
  get standing(): ServerStanding {
    return this.#standing;
  }

  /** The server process behind this session. */
  get pid(): number {
    return this.#standing.pid;
  }

  get isOpen(): boolean {
    return this.#broken === undefined;
  }

  async query<R extends pg.QueryResultRow>(text: string, values?: readonly unknown[]): Promise<R[]> {
    return (await this.#ask<R>(text, values)).rows;
  }

  /** A statement's row count. */
  async run(text: string, values?: readonly unknown[]): Promise<number> {
    return (await this.#ask(text, values)).rowCount ?? 0;
  }

  /** @throws Error when the transaction had failed: PostgreSQL rolls it back then, and calls that a success. */
  async commit(): Promise<void> {
    const { command } = await this.#ask("COMMIT");
    if (command !== "COMMIT") throw new Error("COMMIT of a transaction that had failed");
  }

  #ask<R extends pg.QueryResultRow>(text: string, values?: readonly unknown[]): Promise<pg.QueryResult<R>> {
    const given = values as unknown[];
    const isPrepared = values !== undefined && this.#keepsPlans;
    const query = isPrepared ? { name: nameOf(text), text, values: given } : { text, values: given };
    return this.#explain(this.client.query<R>(query));
  }

  #explain<R>(answer: Promise<R>): Promise<R> {
    return answer.catch((error) => {
      throw explained(error, this.#place, this);
    });
  }

  /**
   * Sends several statements in one message. If one fails within a transaction, so do those behind it.
   * @param ask gives all of them before it returns: what stands behind an `await` in it goes out as a message of its own
   * @throws the failure of the statement that failed first, when all have been answered: those behind it in a transaction only
   * say that something has failed (25P02), and may be heard before it, because all answers come at once
   */
  async inOneTrip<const P extends readonly Promise<unknown>[]>(
    ask: () => P,
  ): Promise<{ -readonly [K in keyof P]: Awaited<P[K]> }> {
    const { stream } = this.client.connection;
    stream.cork();
    let asked: P;
    try {
      asked = ask();
    } finally {
      stream.uncork();
    }
    const outcomes = await Promise.allSettled(asked);
    const failed = outcomes.find((outcome) => outcome.status === "rejected");
    if (failed) throw failed.reason;
    return Promise.all(asked);
  }

  /**
   * Sends whole rows in COPY's binary format.
   * @returns how many of them PostgreSQL says that the table took
   * @throws pg's DatabaseError, after which ROLLBACK TO makes the session usable
   */
  copy(statement: string, rows: Buffer): Promise<number> {
    return this.#explain(copyRows(this.client, statement, rows));
  }

  /** Reads rows in COPY's binary format, each as it comes. */
  read(statement: string, reader: RowReader): Promise<void> {
    return this.#explain(copyOut(this.client, statement, reader));
  }

  async close(): Promise<void> {
    if (this.isOpen) await this.client.end();
  }

  /** Cuts the session off, without an orderly end, as after an error whose outcome is unknown. */
  drop(): void {
    this.#broken ??= new Error("the connection was dropped");
    this.client.connection.stream.destroy();
  }
}
