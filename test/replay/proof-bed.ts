import { readdirSync } from "node:fs";
import { join } from "node:path";
import type { Kafka } from "kafkajs";
import pg from "pg";
import type { ServedConfig } from "../../src/cli/services.ts";
import { prepare } from "../../src/cli/stack/up.ts";
import { readConfig } from "../../src/config.ts";
import { openLog } from "../../src/log.ts";
import type { StackUrls } from "../../src/stack/stack.ts";
import { connectTape } from "../../src/tradetape/connect-tape.ts";
import type { Tape } from "../../src/tradetape/tape.ts";
import type { Ended } from "../support/commands/run-here.ts";
import { plainKafka } from "../support/services/plain-kafka.ts";
import { startTradetape } from "../support/tradetape.ts";

/** A database and a namespace of a proof's own, and programs run against them. */
export interface Bed {
  readonly env: NodeJS.ProcessEnv;
  readonly config: ServedConfig;
  /** Another, empty database beside it. */
  fresh(name: string): Promise<string>;
  query<R extends Record<string, unknown>>(databaseUrl: string, sql: string): Promise<R[]>;
  tape<R>(use: (tape: Tape) => Promise<R>): Promise<R>;
  kafka(): Kafka;
  /** Runs a command that must end with this code. */
  must(code: number, ...args: string[]): Promise<Ended & { readonly seconds: number }>;
  end(): Promise<void>;
}

export async function makeBed(urls: StackUrls, say: (line: string) => void): Promise<Bed> {
  const mark = `replay_${Date.now().toString(36)}`;
  const admin = new pg.Client({ connectionString: urls.databaseUrl });
  await admin.connect();
  const made: string[] = [];
  const fresh = async (name: string) => {
    const database = `${mark}_${name}`;
    await admin.query(`CREATE DATABASE ${admin.escapeIdentifier(database)}`);
    made.push(database);
    const url = new URL(urls.databaseUrl);
    url.pathname = `/${database}`;
    return url.href;
  };
  const env = {
    DATABASE_URL: await fresh("live"),
    KAFKA_BROKERS: urls.kafkaBrokers,
    SCHEMA_REGISTRY_URL: urls.schemaRegistryUrl,
    TRADETAPE_NAMESPACE: mark,
  };
  const config = readConfig({}, env) as ServedConfig;
  const log = openLog({ logLevel: "error" });
  await prepare({ progress: { line: say }, log }, config);
  return {
    env,
    config,
    fresh,
    kafka: () => plainKafka(config),
    async query<R extends Record<string, unknown>>(databaseUrl: string, sql: string) {
      const client = new pg.Client({ connectionString: databaseUrl });
      await client.connect();
      try {
        return (await client.query<R>(sql)).rows;
      } finally {
        await client.end();
      }
    },
    async tape(use) {
      const tape = await connectTape(config, log);
      try {
        return await use(tape);
      } finally {
        await tape.close();
      }
    },
    async must(code, ...args) {
      const started = performance.now();
      // A process of its own, as what it costs is measured.
      const ended = await startTradetape(args, env).ended;
      const seconds = (performance.now() - started) / 1000;
      if (ended.code === code) return { ...ended, seconds };
      throw new Error(`tradetape ${args[0]} ended with ${ended.code}, not ${code}:\n${ended.stdout}\n${ended.stderr}`);
    },
    async end() {
      for (const name of made) await admin.query(`DROP DATABASE ${admin.escapeIdentifier(name)} WITH (FORCE)`);
      await admin.end();
    },
  };
}

/** The tick files of a data folder, in order. */
export const tickFiles = (folder: string): string[] =>
  readdirSync(folder)
    .filter((name) => /^[a-z]+_\d{8}\.zip$/.test(name))
    .sort()
    .map((name) => join(folder, name));

/** How long a replay took to the end of index building; its whole end is told by its exit. */
export async function timedReplay(bed: Bed, into: string, ...flags: string[]): Promise<number> {
  const started = performance.now();
  const running = startTradetape(["replay", "--into", into, "--json", ...flags], bed.env);
  await running.says('"state":"verifying"');
  const seconds = (performance.now() - started) / 1000;
  const { code, stderr, stdout } = await running.ended;
  if (code !== 0) throw new Error(`the replay ended with ${code}:\n${stdout}\n${stderr}`);
  return seconds;
}
