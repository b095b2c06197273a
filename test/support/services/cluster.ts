import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pg from "pg";
import { admitToHome } from "../../../src/stack/home.ts";
import { awaitReady, launch, stopProgram } from "../../../src/stack/launch.ts";
import { cacheFolder, postgresUser } from "../../../src/stack/machine.ts";
import { choosePorts } from "../../../src/stack/ports.ts";
import {
  INITDB_ARGS,
  POSTGRES_USER,
  postgresPassword,
  postgresServer,
  preparePostgres,
} from "../../../src/stack/postgres-server.ts";
import { copiedPostgres, postgresFolder } from "../../../src/stack/programs.ts";

/** Order of text and language of messages as by INITDB_ARGS, of whose provider an older server knows nothing. */
const INITDB_ARGS_TO_16 = ["--encoding=UTF8", "--locale=C"];

/** A PostgreSQL cluster that nobody else uses, so that a test may do to its roles what it likes. */
export interface Cluster {
  /** The server as somebody, by default its superuser, in one of its databases. */
  urlOf(database: string, user?: string): string;
  /** Makes somebody who may log in. @param attributes of the role, as CREATEROLE */
  addUser(name: string, attributes?: string): Promise<void>;
  /** Runs a statement, as the superuser. */
  run<R extends pg.QueryResultRow>(database: string, sql: string): Promise<R[]>;
  stop(): Promise<void>;
}

/**
 * Starts one in a folder that `stop` removes.
 * @param packageFolder of the binaries; without it those that TEST_POSTGRES_PACKAGE names, else the stack's own
 */
export async function startCluster(packageFolder = process.env.TEST_POSTGRES_PACKAGE): Promise<Cluster> {
  const home = mkdtempSync(join(tmpdir(), "tradetape-postgres-"));
  const runAs = postgresUser();
  admitToHome(home, runAs);
  const cache = cacheFolder();
  const binaries = await (packageFolder ? copiedPostgres(cache, packageFolder) : postgresFolder(cache));
  const initdbArgs = majorOf(packageFolder) < 17 ? INITDB_ARGS_TO_16 : INITDB_ARGS;
  // The files needn't be on the disk when initdb ends: they are gone with the test.
  await preparePostgres(home, binaries, runAs, [...initdbArgs, "--no-sync"]);
  const { postgres: port } = await choosePorts("random");
  const program = postgresServer(home, binaries, port, runAs);
  const running = await launch(program, false);
  await awaitReady(program, running, new AbortController().signal);
  const password = postgresPassword(home);
  const urlOf = (database: string, user = POSTGRES_USER) =>
    `postgres://${encodeURIComponent(user)}:${password}@127.0.0.1:${port}/${database}`;
  const run: Cluster["run"] = async (database, sql) => {
    const client = new pg.Client({ connectionString: urlOf(database) });
    await client.connect();
    return client
      .query(sql)
      .then(({ rows }) => rows)
      .finally(() => client.end());
  };
  return {
    urlOf,
    run,
    addUser: async (name, attributes = "") => {
      const secret = pg.escapeLiteral(password);
      await run("postgres", `CREATE ROLE ${pg.escapeIdentifier(name)} LOGIN ${attributes} PASSWORD ${secret}`);
    },
    stop: async () => {
      await stopProgram(running, () => {});
      rmSync(home, { recursive: true, force: true });
    },
  };
}

/** The version of a package of binaries, the stack's own being new enough for anything. */
function majorOf(packageFolder: string | undefined): number {
  if (packageFolder === undefined) return Number.POSITIVE_INFINITY;
  const { version } = JSON.parse(readFileSync(join(packageFolder, "package.json"), "utf8")) as { version: string };
  return Number.parseInt(version, 10);
}
