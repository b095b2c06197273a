import { execFileSync } from "node:child_process";
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import pg from "pg";
import { admitToHome } from "../../../src/stack/home.ts";
import { awaitReady, launch, type RunningProgram, stopProgram } from "../../../src/stack/launch.ts";
import { cacheFolder, postgresUser } from "../../../src/stack/machine.ts";
import { choosePorts } from "../../../src/stack/ports.ts";
import {
  INITDB_ARGS,
  POSTGRES_USER,
  postgresPassword,
  postgresServer,
  preparePostgres,
} from "../../../src/stack/postgres-server.ts";
import { postgresFolder } from "../../../src/stack/programs.ts";
import { temporaryHome } from "./stack.ts";

/** A PostgreSQL of a test's own, whose data folder can be copied as a disk's snapshot copies it. */
export interface OwnPostgres {
  readonly url: string;
  /** Another server on a copy of the files as they are now: with the same system identifier, and all databases. */
  snapshot(): Promise<OwnPostgres>;
  end(): Promise<void>;
}

export async function startOwnPostgres(): Promise<OwnPostgres> {
  const home = newHome();
  // The files needn't be on the disk when initdb ends: they are gone with the test.
  await preparePostgres(home, await postgresFolder(cacheFolder()), postgresUser(), [...INITDB_ARGS, "--no-sync"]);
  return run(home, postgresPassword(home));
}

function newHome(): string {
  const home = temporaryHome();
  admitToHome(home, postgresUser());
  return home;
}

async function run(home: string, password: string): Promise<OwnPostgres> {
  const { postgres: port } = await choosePorts("random");
  const program = postgresServer(home, await postgresFolder(cacheFolder()), port, postgresUser());
  const running = await launch(program, false);
  await awaitReady(program, running, new AbortController().signal);
  const url = `postgres://${POSTGRES_USER}:${encodeURIComponent(password)}@127.0.0.1:${port}/${POSTGRES_USER}`;
  return {
    url,
    async snapshot() {
      const copy = newHome();
      await copyFiles(url, join(home, "postgres"), join(copy, "postgres"));
      return run(copy, password);
    },
    end: () => end(home, running),
  };
}

async function end(home: string, running: RunningProgram): Promise<void> {
  await stopProgram(running, () => undefined);
  rmSync(home, { recursive: true, force: true });
}

/** Copies a data folder under a running server, as PostgreSQL's documentation has it for backups by files. */
async function copyFiles(url: string, from: string, to: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await client.query("SELECT pg_backup_start('snapshot', true)");
    // Files that vanish while they are copied make `cp` fail, and are no loss.
    execFileSync("/bin/sh", ["-c", 'cp -a -- "$1" "$2" || true', "sh", from, to], { stdio: "ignore" });
    const { rows } = await client.query<{ label: string }>("SELECT labelfile AS label FROM pg_backup_stop(false)");
    execFileSync("/bin/sh", ["-c", 'cp -a -- "$1"/pg_wal/. "$2"/pg_wal/ || true', "sh", from, to], { stdio: "ignore" });
    rmSync(join(to, "postmaster.pid"), { force: true });
    writeFileSync(join(to, "backup_label"), rows[0]!.label);
    execFileSync("chown", ["--reference", join(to, "PG_VERSION"), join(to, "backup_label")]);
  } finally {
    await client.end();
  }
}
