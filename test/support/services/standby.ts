import { execFileSync } from "node:child_process";
import { appendFileSync, chownSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";
import { admitToHome } from "../../../src/stack/home.ts";
import { isRunning, launch, type RunAs, stopProgram } from "../../../src/stack/launch.ts";
import { cacheFolder, postgresUser } from "../../../src/stack/machine.ts";
import { choosePorts } from "../../../src/stack/ports.ts";
import {
  POSTGRES_USER,
  postgresPassword,
  postgresServer,
  preparePostgres,
} from "../../../src/stack/postgres-server.ts";
import { postgresFolder } from "../../../src/stack/programs.ts";
import { temporaryHome } from "./stack.ts";

/** One PostgreSQL server of a test's own. */
export interface PgServer {
  readonly port: number;
  readonly url: string;
  query<R extends object = Record<string, unknown>>(sql: string): Promise<R[]>;
  /** As when its machine is gone: nothing more is written or sent. */
  kill(): Promise<void>;
  stop(): Promise<void>;
}

/** A primary, and a standby that follows it by streaming. */
export interface Pair {
  readonly primary: PgServer;
  readonly standby: PgServer;
  /** COMMIT is answered when the standby has it, too: nothing that was answered is lost. */
  waitForStandby(): Promise<void>;
  /** The standby gets nothing more. */
  cutOff(): Promise<void>;
  /** Resolves when the standby has all that the primary has. */
  level(): Promise<void>;
  promote(): Promise<void>;
  stop(): Promise<void>;
}

const TRY_MS = 100;

/** Waits until `look` finds what it looks for; what it throws meanwhile is that the server isn't there yet. */
async function until(look: () => Promise<boolean>): Promise<void> {
  while (!(await look().catch(() => false))) await sleep(TRY_MS);
}

/** @param password of POSTGRES_USER */
async function startServer(home: string, port: number, password: string, runAs: RunAs | undefined): Promise<PgServer> {
  const program = postgresServer(home, await postgresFolder(cacheFolder()), port, runAs);
  const running = await launch({ ...program, args: [...program.args, "-c", "wal_keep_size=512MB"] }, false);
  const url = `postgres://${POSTGRES_USER}:${password}@127.0.0.1:${port}/${POSTGRES_USER}?sslmode=disable`;
  const query: PgServer["query"] = async (sql) => {
    const client = new pg.Client({ connectionString: url });
    client.on("error", () => {});
    await client.connect();
    return client
      .query(sql)
      .then(({ rows }) => rows)
      .finally(() => client.end());
  };
  await until(async () => (await query("SELECT 1")).length === 1);
  return {
    port,
    url,
    query,
    async kill() {
      // An immediate shutdown: no checkpoint, no farewell to clients, no last WAL to the standby.
      process.kill(running.pid, "SIGQUIT");
      while (isRunning(running)) await sleep(TRY_MS);
    },
    stop: () => stopProgram(running, () => {}),
  };
}

/** Starts a primary with an empty database, and its standby, which is made of a copy of the primary's first data. */
export async function startPair(): Promise<Pair> {
  const [home, other] = [temporaryHome(), temporaryHome()];
  const runAs = postgresUser();
  for (const folder of [home, other]) admitToHome(folder, runAs);
  await preparePostgres(home, await postgresFolder(cacheFolder()), runAs);
  const password = postgresPassword(home);
  const { postgres: port, registry: standbyPort } = await choosePorts("random");
  const data = join(other, "postgres");
  execFileSync("cp", ["-a", join(home, "postgres"), data]);
  const from = `host=127.0.0.1 port=${port} user=${POSTGRES_USER} password=${password}`;
  appendFileSync(join(data, "postgresql.auto.conf"), `primary_conninfo = '${from}'\n`);
  writeFileSync(join(data, "standby.signal"), "");
  if (runAs) chownSync(join(data, "standby.signal"), runAs.uid, runAs.gid);
  for (const folder of [home, other]) mkdirSync(join(folder, "logs"), { recursive: true });
  const primary = await startServer(home, port, password, runAs);
  const standby = await startServer(other, standbyPort, password, runAs);
  const isReceiving = async () => (await standby.query("SELECT FROM pg_stat_wal_receiver")).length > 0;
  await until(isReceiving);
  return {
    primary,
    standby,
    async waitForStandby() {
      await primary.query("ALTER SYSTEM SET synchronous_standby_names = '*'");
      await primary.query("SELECT pg_reload_conf()");
      await until(
        async () => (await primary.query("SELECT FROM pg_stat_replication WHERE sync_state = 'sync'")).length > 0,
      );
    },
    async cutOff() {
      await standby.query("ALTER SYSTEM SET primary_conninfo = ''");
      await standby.query("SELECT pg_reload_conf()");
      await until(async () => !(await isReceiving()));
    },
    async level() {
      const [end] = await primary.query<{ lsn: string }>("SELECT pg_current_wal_lsn() AS lsn");
      const reached = `SELECT pg_last_wal_replay_lsn() >= '${end!.lsn}' AS reached`;
      await until(async () => (await standby.query<{ reached: boolean }>(reached))[0]!.reached);
    },
    async promote() {
      await standby.query("SELECT pg_promote()");
    },
    async stop() {
      for (const server of [primary, standby]) await server.stop();
      for (const folder of [home, other]) rmSync(folder, { recursive: true, force: true });
    },
  };
}
