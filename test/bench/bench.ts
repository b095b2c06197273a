/**
 * How fast ticks are published and landed here, beside one COPY of the same rows by PostgreSQL itself.
 * `npm run bench -- [--events N] [--rounds N] [--json]`, on the environment's services, else on a stack of its own.
 * Rounds are interleaved (publish, land, COPY, publish, ...): what slows the machine for a minute slows all three.
 */
import { execFile } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { cpus, loadavg, tmpdir, totalmem } from "node:os";
import { join } from "node:path";
import { parseArgs, promisify } from "node:util";
import pg from "pg";
import { table } from "../../src/cli/output.ts";
import { type ServedConfig, urlsOf } from "../../src/cli/services.ts";
import { prepare } from "../../src/cli/up.ts";
import { readConfig } from "../../src/config.ts";
import { openLog } from "../../src/log.ts";
import { type StackUrls, startStack, stopStack } from "../../src/stack/stack.ts";
import { copyOnce, exportDay } from "./copy-baseline.ts";
import type { PhaseResult } from "./phase.ts";
import type { PoisonResult } from "./poison.ts";

const { values } = parseArgs({
  options: {
    events: { type: "string", default: "200000" },
    rounds: { type: "string", default: "3" },
    json: { type: "boolean", default: false },
  },
});
const events = Number(values.events);
const rounds = Number(values.rounds);
const loadBefore = loadavg()[0] ?? 0;
const say = (line: string) => process.stderr.write(`${line}\n`);

const POISON_ROUNDS = 9;

interface Round {
  readonly publish: PhaseResult;
  readonly land: PhaseResult;
  readonly copySeconds: number;
}

async function main(urls: StackUrls): Promise<void> {
  const admin = new pg.Client({ connectionString: urls.databaseUrl });
  await admin.connect();
  // A database of its own, so that a bench on somebody's services leaves nothing among his rows.
  const database = `tradetape_bench_${Date.now().toString(36)}`;
  await admin.query(`CREATE DATABASE ${admin.escapeIdentifier(database)}`);
  const own = new URL(urls.databaseUrl);
  own.pathname = `/${database}`;
  const env = {
    DATABASE_URL: own.href,
    KAFKA_BROKERS: urls.kafkaBrokers,
    SCHEMA_REGISTRY_URL: urls.schemaRegistryUrl,
    TRADETAPE_NAMESPACE: `bench-${Date.now().toString(36)}`,
  };
  try {
    const config = readConfig({}, { ...process.env, ...env }) as ServedConfig;
    await prepare({ progress: { line: say }, log: openLog({ logLevel: "error" }) }, config);
    const results = await runRounds(env);
    report(results, await poison(env), await versions(admin));
  } finally {
    await admin.query(`DROP DATABASE ${admin.escapeIdentifier(database)} WITH (FORCE)`);
    await admin.end();
  }
}

async function runRounds(env: NodeJS.ProcessEnv & { DATABASE_URL: string }): Promise<Round[]> {
  const client = new pg.Client({ connectionString: env.DATABASE_URL });
  await client.connect();
  const results: Round[] = [];
  // One round more than is counted: the first one fills caches and finds the broker cold.
  for (let round = 0; round <= rounds; round++) {
    const publish = await phase("publish", round, env);
    const land = await phase("land", round, env);
    const leaf = `market_data_tick_202101${String(4 + round).padStart(2, "0")}`;
    const copySeconds = await copyOnce(client, leaf, await exportDay(client, leaf));
    const rate = (seconds: number) => Math.round(events / seconds).toLocaleString("en-US");
    const warm = round === 0 ? "warm-up" : `round ${round}`;
    say(`${warm}: publish ${rate(publish.seconds)}/s, land ${rate(land.seconds)}/s, COPY ${rate(copySeconds)}/s`);
    if (round > 0) results.push({ publish, land, copySeconds });
  }
  await client.end();
  return results;
}

async function phase(name: "publish" | "land", round: number, env: NodeJS.ProcessEnv): Promise<PhaseResult> {
  const script = join(import.meta.dirname, "phase.ts");
  const args = [script, name, String(events), String(round)];
  const { stdout } = await promisify(execFile)(process.execPath, args, { env: { ...process.env, ...env } });
  return JSON.parse(stdout) as PhaseResult;
}

/** What bad rows cost, on rounds enough for a median: a transaction takes a tenth of a second. */
async function poison(env: NodeJS.ProcessEnv): Promise<PoisonResult> {
  const args = [join(import.meta.dirname, "poison.ts"), String(POISON_ROUNDS)];
  const { stdout } = await promisify(execFile)(process.execPath, args, { env: { ...process.env, ...env } });
  return JSON.parse(stdout) as PoisonResult;
}

interface Spread {
  readonly median: number;
  readonly low: number;
  readonly high: number;
}

function spread(numbers: readonly number[]): Spread {
  const sorted = numbers.map(Math.round).sort((a, b) => a - b);
  return { median: sorted[Math.floor(sorted.length / 2)]!, low: sorted[0]!, high: sorted.at(-1)! };
}

async function versions(admin: pg.Client): Promise<Record<string, string>> {
  const { rows } = await admin.query<{ server_version: string }>("SHOW server_version");
  const [cpu] = cpus();
  return {
    machine: `${cpus().length} x ${cpu?.model ?? "unknown"}, ${Math.round(totalmem() / 2 ** 30)} GiB`,
    // Taken before the rounds: figures of a machine that had other work are known by it.
    "load before": loadBefore.toFixed(1),
    node: process.versions.node,
    postgresql: rows[0]!.server_version,
    rows: `${rounds} rounds of ${events.toLocaleString("en-US")} ticks, and one to warm up`,
  };
}

function report(results: readonly Round[], poisoned: PoisonResult, facts: Record<string, string>): void {
  const measured = {
    publishEventsPerSecond: spread(results.map(({ publish }) => events / publish.seconds)),
    landRowsPerSecond: spread(results.map(({ land }) => events / land.seconds)),
    copyRowsPerSecond: spread(results.map(({ copySeconds }) => events / copySeconds)),
    publishResidentMib: spread(results.map(({ publish }) => publish.residentMib)),
    landResidentMib: spread(results.map(({ land }) => land.residentMib)),
    landShareOfCopyPercent: spread(results.map((r) => (100 * r.copySeconds) / r.land.seconds)),
    cleanBatchMs: spread(poisoned.clean),
    onePoisonedBatchMs: spread(poisoned.one),
    hundredPoisonedBatchMs: spread(poisoned.hundred),
    onePoisonedPercentOfClean: spread(poisoned.one.map((ms, i) => (100 * ms) / poisoned.clean[i]!)),
  };
  if (values.json) {
    process.stdout.write(`${JSON.stringify({ ...facts, events, rounds, ...measured })}\n`);
    return;
  }
  const row = (name: string, { median, low, high }: Spread) => [name, median, low, high];
  const figures = table(
    ["", "median", "low", "high"],
    [
      row("publish, events/s", measured.publishEventsPerSecond),
      row("land, rows/s", measured.landRowsPerSecond),
      row("one COPY by PostgreSQL, rows/s", measured.copyRowsPerSecond),
      row("land as a share of COPY, %", measured.landShareOfCopyPercent),
      row("publisher's peak memory, MiB", measured.publishResidentMib),
      row("consumer's peak memory, MiB", measured.landResidentMib),
      row("a batch of 10,000 ticks, ms", measured.cleanBatchMs),
      row("the same, 1 of them poisoned, ms", measured.onePoisonedBatchMs),
      row("the same, 100 of them poisoned, ms", measured.hundredPoisonedBatchMs),
      row("1 poisoned as a share of clean, %", measured.onePoisonedPercentOfClean),
    ],
  );
  const about = Object.entries(facts).map(([name, value]) => `${name.padEnd(11)} ${value}`);
  process.stdout.write(`${about.join("\n")}\n\n${figures}\n`);
}

const config = readConfig();
if (config.databaseUrl && config.kafkaBrokers && config.schemaRegistryUrl) {
  await main(urlsOf(config as ServedConfig));
} else {
  const home = mkdtempSync(join(tmpdir(), "tradetape-bench-"));
  const stack = await startStack({ home, ports: "random", detached: false, onProgress: say });
  try {
    await main(stack.urls);
  } finally {
    await stopStack(home, { purge: true });
    rmSync(home, { recursive: true, force: true });
  }
}
