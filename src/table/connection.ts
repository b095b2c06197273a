import { randomBytes } from "node:crypto";
import pg from "pg";
import { TradetapeError } from "../errors.ts";
import { copyOut, copyRows, type RowReader } from "./copy.ts";
import { faultKindOf, isDatabaseFault } from "./sqlstate.ts";

/** bigint comes as a number: offsets, counts and microseconds stay below 2^53 for 200 years. A larger one is a bug. */
const parseBigint = (text: string): number => {
  const value = Number(text);
  if (!Number.isSafeInteger(value)) throw new Error(`a bigint beyond 2^53 came back from PostgreSQL: ${text}`);
  return value;
};

const TYPES = {
  getTypeParser: ((oid: number, format?: "text" | "binary") =>
    oid === pg.types.builtins.INT8
      ? parseBigint
      : pg.types.getTypeParser(oid, format as "text")) as typeof pg.types.getTypeParser,
};

/** Tells this process's sessions from those of another tradetape; 63 bytes of name are kept, so it comes first. */
export const processTag: string = randomBytes(4).toString("hex");

export interface ConnectionOptions {
  /** Shown in pg_stat_activity behind the process's tag, as in `tradetape/5f21c0de ticks landing 0`. */
  readonly name: string;
  /** The role that the session switches to, so that it holds no more rights than it needs. */
  readonly role?: "tradetape_lander" | "tradetape_ops" | "tradetape_owner" | "tradetape_reader";
  readonly lockTimeoutMs?: number;
  /**
   * Statements with parameters are prepared and planned once, for a session that runs the same few with every batch:
   * planning them costs several times what running them does. Sequential scans are off where there is another way: a
   * plan that was made while a table was empty has to stay right when it holds millions.
   */
  readonly keepsPlans?: boolean;
  /**
   * COMMIT doesn't wait for the disk: a server that crashes loses the last moments, whole transactions of them. For
   * whoever reads back where it stands, as a replay does.
   */
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
  /** The server process behind this session. */
  pid = 0;
  #broken: Error | undefined;
  readonly #keepsPlans: boolean;

  private constructor(client: pg.Client, keepsPlans: boolean) {
    this.client = client;
    this.#keepsPlans = keepsPlans;
    client.on("error", (error) => {
      this.#broken = error;
    });
    client.on("end", () => {
      this.#broken ??= new Error("the connection ended");
    });
  }

  /** @throws TradetapeError database_unreachable, canRetry, when nobody answers or the server is starting. */
  static async open(databaseUrl: string, options: ConnectionOptions): Promise<Connection> {
    const client = new pg.Client({
      connectionString: databaseUrl,
      application_name: `tradetape/${processTag} ${options.name}`,
      types: TYPES,
      keepAlive: true,
      keepAliveInitialDelayMillis: 10_000,
      connectionTimeoutMillis: 10_000,
      // A statement that is given while others are under way is sent at once; answers come in the statements' order.
      pipeline: true,
    });
    const connection = new Connection(client, options.keepsPlans ?? false);
    try {
      await client.connect();
      if (options.role) await client.query(`SET ROLE ${pg.escapeIdentifier(options.role)}`);
      connection.pid = await prepareSession(client, options.lockTimeoutMs ?? 0);
      // Up to PostgreSQL 17 a scan that is off has such a price that JIT would compile a plan that needs it, as the stage does.
      if (options.keepsPlans) await client.query("SET enable_seqscan = off; SET jit = off");
      if (options.commitsLate) await client.query("SET synchronous_commit = off");
    } catch (cause) {
      await client.end().catch(() => undefined);
      throw unreachable(databaseUrl, cause);
    }
    return connection;
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
    const { command } = await this.client.query("COMMIT");
    if (command !== "COMMIT") throw new Error("COMMIT of a transaction that had failed");
  }

  #ask<R extends pg.QueryResultRow>(text: string, values?: readonly unknown[]): Promise<pg.QueryResult<R>> {
    if (values === undefined || !this.#keepsPlans) return this.client.query<R>(text, values as unknown[]);
    return this.client.query<R>({ name: nameOf(text), text, values: values as unknown[] });
  }

  /**
   * Sends several statements in one message. If one fails within a transaction, so do those behind it.
   * @param ask gives all of them before it returns: what stands behind an `await` in it goes out as a message of its own
   * @throws the first failure, when the rest has been sent
   */
  inOneTrip<const P extends readonly Promise<unknown>[]>(
    ask: () => P,
  ): Promise<{ -readonly [K in keyof P]: Awaited<P[K]> }> {
    const { stream } = this.client.connection;
    stream.cork();
    try {
      return Promise.all(ask());
    } finally {
      stream.uncork();
    }
  }

  /** Sends whole rows in COPY's binary format. @throws pg's DatabaseError, after which ROLLBACK TO makes it usable */
  copy(statement: string, rows: Buffer): Promise<void> {
    return copyRows(this.client, statement, rows);
  }

  /** Reads rows in COPY's binary format, each as it comes. */
  read(statement: string, reader: RowReader): Promise<void> {
    return copyOut(this.client, statement, reader);
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

/**
 * Keepalives let the server find a client whose machine is gone within a minute; its locks go with it. What our statements
 * find and our commands print doesn't depend on how ALTER DATABASE or ALTER ROLE say that values are written.
 */
async function prepareSession(client: pg.Client, lockTimeoutMs: number): Promise<number> {
  const { rows } = await client.query<{ pid: number }>(
    `SELECT pg_backend_pid() AS pid, set_config('lock_timeout', $1, false),
       set_config('tcp_keepalives_idle', '30', false), set_config('tcp_keepalives_interval', '10', false),
       set_config('tcp_keepalives_count', '3', false),
       set_config('TimeZone', 'UTC', false), set_config('DateStyle', 'ISO, MDY', false),
       set_config('IntervalStyle', 'postgres', false), set_config('extra_float_digits', '1', false),
       set_config('bytea_output', 'hex', false), set_config('search_path', 'public', false)`,
    [`${lockTimeoutMs}ms`],
  );
  return rows[0]!.pid;
}

/** The host and database of a URL, without user and password. */
export function addressOf(databaseUrl: string): string {
  const url = new URL(databaseUrl);
  return `${url.host}${url.pathname}`;
}

/** A server that doesn't answer, or a session that is gone, as an error that says whether to try again. */
export function unreachable(databaseUrl: string, cause: unknown): TradetapeError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  const canRetry = !isDatabaseFault(cause) || faultKindOf(cause) === "environment";
  return new TradetapeError("database_unreachable", `PostgreSQL at ${addressOf(databaseUrl)}: ${reason}`, {
    canRetry,
    cause,
    next:
      "Check that it runs, that DATABASE_URL is right, and that the user may log in and switch to tradetape's roles " +
      "(`tradetape migrate` makes them).",
  });
}
