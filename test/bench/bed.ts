import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pg from "pg";
import type { ServedConfig } from "../../src/cli/services.ts";
import { prepare } from "../../src/cli/stack/up.ts";
import { readConfig } from "../../src/config.ts";
import { openLog } from "../../src/log.ts";
import { readState } from "../../src/stack/home.ts";
import { type StackUrls, startStack, stopStack } from "../../src/stack/stack.ts";
import { migrate } from "../../src/table/migrate.ts";
import type { Pids } from "./usage.ts";

/** What a process of a bench is told of its surroundings; Node's own pid it knows. */
export type ServicePids = Omit<Pids, "node">;

/** A long-running process under measurement. */
export interface Service {
  readonly pid: number;
  /** As a person stops it. */
  stop(): Promise<void>;
}

const TEMPLATE = "tradetape_bench_template";
const SAID_CHARACTERS = 2000;
const MAIN = join(import.meta.dirname, "../../src/cli/main.ts");

/**
 * A stack of a bench's own, in processes (their pids tell what they use), with a migrated database to clone and
 * namespaces of topics. Everything is started by this process and ends with it.
 */
export class Bed {
  readonly urls: StackUrls;
  readonly pids: ServicePids;
  readonly say: (line: string) => void;
  readonly #signal: AbortSignal;
  readonly #admin: pg.Client;
  readonly #home: string;

  private constructor(urls: StackUrls, home: string, signal: AbortSignal, say: (line: string) => void) {
    this.urls = urls;
    this.say = say;
    this.#home = home;
    this.#signal = signal;
    this.#admin = new pg.Client({ connectionString: urls.databaseUrl });
    const programs = readState(home)?.programs ?? [];
    const pidOf = (name: string) => programs.find((program) => program.name === name)!.pid;
    this.pids = { postgres: pidOf("postgres"), broker: pidOf("kafka") };
  }

  static async open(signal: AbortSignal, say: (line: string) => void): Promise<Bed> {
    const home = mkdtempSync(join(tmpdir(), "tradetape-bench-"));
    try {
      const stack = await startStack({
        home,
        ports: "random",
        launcher: "processes",
        detached: false,
        onProgress: say,
      });
      const bed = new Bed(stack.urls, home, signal, say);
      await bed.#admin.connect();
      await bed.query(`CREATE DATABASE ${TEMPLATE}`);
      return bed;
    } catch (error) {
      await discard(home);
      throw error;
    }
  }

  async close(): Promise<void> {
    await this.#admin.end();
    await discard(this.#home);
  }

  /** @throws the signal's reason when a person has asked for an end */
  async query<R extends pg.QueryResultRow>(sql: string): Promise<R[]> {
    this.#signal.throwIfAborted();
    return (await this.#admin.query<R>(sql)).rows;
  }

  async postgresVersion(): Promise<string> {
    const [row] = await this.query<{ server_version: string }>("SHOW server_version");
    return row!.server_version;
  }

  urlOf(database: string): string {
    const url = new URL(this.urls.databaseUrl);
    url.pathname = `/${database}`;
    return url.href;
  }

  /** Settings as a user has them: everything by default but where it all is. */
  env(namespace: string, database: string): Readonly<Record<string, string>> {
    return {
      DATABASE_URL: this.urlOf(database),
      KAFKA_BROKERS: this.urls.kafkaBrokers,
      SCHEMA_REGISTRY_URL: this.urls.schemaRegistryUrl,
      TRADETAPE_NAMESPACE: namespace,
    };
  }

  /** Makes a namespace's topics and registers its schemas. */
  async namespace(namespace: string): Promise<void> {
    this.#signal.throwIfAborted();
    const config = readConfig({}, { ...process.env, ...this.env(namespace, TEMPLATE) }) as ServedConfig;
    await prepare({ progress: { line: () => {} }, log: openLog({ logLevel: "error" }) }, config);
  }

  /**
   * A copy of a database, by default of the empty migrated one, with an id of its own: with the original's it would
   * share its consumer groups. A checkpoint first, so that nobody pays for what the one before him has written.
   */
  async clone(name: string, original = TEMPLATE): Promise<void> {
    await this.query(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`);
    // Gigabytes go faster from file to file than through the log; the few of the template don't.
    const strategy = original === TEMPLATE ? "wal_log" : "file_copy";
    await this.query(`CREATE DATABASE ${name} TEMPLATE ${original} STRATEGY ${strategy}`);
    await migrate(this.urlOf(name), "copy");
    await this.query("CHECKPOINT");
  }

  async drop(name: string): Promise<void> {
    await this.query(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`);
  }

  /** Statements one after the other on a session of their own. @returns the last one's rows */
  async inDatabase<R extends pg.QueryResultRow>(database: string, ...statements: string[]): Promise<R[]> {
    const client = new pg.Client({ connectionString: this.urlOf(database) });
    await client.connect();
    try {
      let rows: R[] = [];
      for (const statement of statements) {
        this.#signal.throwIfAborted();
        rows = (await client.query<R>(statement)).rows;
      }
      return rows;
    } finally {
      await client.end();
    }
  }

  /** Runs a script of `phases/` to its end in a process of its own. @returns what it printed, as JSON */
  async phase<R>(name: string, args: object, env: Readonly<Record<string, string>>): Promise<R> {
    this.#signal.throwIfAborted();
    const script = join(import.meta.dirname, "phases", `${name}.ts`);
    // kafkajs as it comes, which the usual way uses, makes timers of negative times, and Node says so each time.
    const quiet = "--disable-warning=TimeoutNegativeWarning";
    const child = this.#spawn([quiet, script, JSON.stringify({ ...args, pids: this.pids })], env, ["pipe", "inherit"]);
    const chunks: Buffer[] = [];
    child.stdout!.on("data", (chunk: Buffer) => chunks.push(chunk));
    const code = await new Promise((resolve) => child.once("close", resolve));
    this.#signal.throwIfAborted();
    if (code !== 0) throw new Error(`${name} ended with code ${code}`);
    return JSON.parse(Buffer.concat(chunks).toString()) as R;
  }

  /** Starts the command line as a user does. */
  service(args: readonly string[], env: Readonly<Record<string, string>>): Service {
    this.#signal.throwIfAborted();
    const child = this.#spawn([MAIN, ...args], env, ["ignore", "pipe"]);
    let isStopping = false;
    let said = "";
    // Its progress would be lost in ours; what it says last tells why, should it end by itself.
    child.stderr!.on("data", (chunk: Buffer) => {
      said = (said + chunk).slice(-SAID_CHARACTERS);
    });
    const ended = new Promise<void>((resolve, reject) => {
      child.once("close", (code) => {
        if (isStopping || this.#signal.aborted) resolve();
        else reject(new Error(`tradetape ${args.join(" ")} ended by itself with code ${code}: ${said}`));
      });
    });
    // Told to whoever stops it, at the latest; a process that is gone makes every measurement of it fail, too.
    ended.catch(() => undefined);
    return {
      pid: child.pid!,
      stop: () => {
        isStopping = true;
        child.kill("SIGTERM");
        return ended;
      },
    };
  }

  /** In a process group of its own: the terminal's Ctrl-C is for us, who end it. */
  #spawn(
    args: readonly string[],
    env: Readonly<Record<string, string>>,
    [stdout, stderr]: readonly ["pipe", "inherit"] | readonly ["ignore", "pipe"],
  ): ChildProcess {
    const child = spawn(process.execPath, args, {
      env: { ...process.env, ...env },
      stdio: ["ignore", stdout, stderr],
      detached: true,
    });
    const kill = () => child.kill("SIGKILL");
    process.once("exit", kill);
    this.#signal.addEventListener("abort", kill, { once: true });
    child.once("close", () => {
      process.removeListener("exit", kill);
      this.#signal.removeEventListener("abort", kill);
    });
    return child;
  }
}

async function discard(home: string): Promise<void> {
  await stopStack(home, { purge: true });
  rmSync(home, { recursive: true, force: true });
}
