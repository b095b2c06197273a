import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pg from "pg";
import { type StackUrls, startStack, stopStack } from "../../../src/stack/stack.ts";
import { engineAnswers, startContainerStack } from "./containers.ts";

const SPARES_DISK = { fsync: "off", full_page_writes: "off" } as const;

/** What the flow tests run against, and how to end it. */
export interface TestStack {
  readonly urls: StackUrls;
  /** Which of the three ways it is, for the line that the run prints. */
  readonly description: string;
  end(): Promise<void>;
}

/**
 * The services that the environment names, else containers where an engine answers, else processes: one stack for a
 * whole run of tests, on random ports, with data in a folder that `end` removes.
 */
export async function startTestStack(env: NodeJS.ProcessEnv = process.env): Promise<TestStack> {
  const { DATABASE_URL, KAFKA_BROKERS, SCHEMA_REGISTRY_URL } = env;
  if (DATABASE_URL && KAFKA_BROKERS && SCHEMA_REGISTRY_URL) {
    const urls = { databaseUrl: DATABASE_URL, kafkaBrokers: KAFKA_BROKERS, schemaRegistryUrl: SCHEMA_REGISTRY_URL };
    return { urls, description: `the environment's services, broker ${KAFKA_BROKERS}`, end: async () => {} };
  }
  return (await engineAnswers()) ? startByTestcontainers() : startByProcesses();
}

async function startByTestcontainers(): Promise<TestStack> {
  const started = Date.now();
  const { urls, stop } = await startContainerStack();
  await spareDisk(urls.databaseUrl);
  return { urls, description: `containers of its own, started in ${secondsSince(started)} s`, end: stop };
}

async function startByProcesses(): Promise<TestStack> {
  const home = temporaryHome();
  const started = Date.now();
  // Minutes on a machine's first run; whoever looks on should know what for.
  const onProgress = (line: string) => {
    if (line.includes("downloading")) process.stdout.write(`${line}\n`);
  };
  const { urls } = await startStack({ home, ports: "random", launcher: "processes", detached: false, onProgress });
  await spareDisk(urls.databaseUrl);
  const end = async () => {
    await stopStack(home, { purge: true });
    rmSync(home, { recursive: true, force: true });
  };
  return { urls, description: `processes of its own, started in ${secondsSince(started)} s, in ${home}`, end };
}

/**
 * Has a server of the tests' own leave it to the system when pages reach the disk: a process that is killed loses nothing by
 * that, and no test cuts a machine's power.
 */
async function spareDisk(databaseUrl: string): Promise<void> {
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    for (const [name, value] of Object.entries(SPARES_DISK)) await client.query(`ALTER SYSTEM SET ${name} = ${value}`);
    await client.query("SELECT pg_reload_conf()");
  } finally {
    await client.end();
  }
}

const secondsSince = (started: number) => ((Date.now() - started) / 1000).toFixed(1);

/** A folder for a stack of a test's own. The caller purges the stack, which removes the folder as well. */
export const temporaryHome = (): string => mkdtempSync(join(tmpdir(), "tradetape-test-"));
