import { execFile } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";
import { readConfig } from "../../src/config.ts";
import { openLog } from "../../src/log.ts";
import { openKafka } from "../../src/topic/kafkajs/open-kafka.ts";
import { type LogClient, withAdmin } from "../../src/topic/log-client.ts";
import { TOPIC_NAMES } from "../../src/topic/topics.ts";
import { ledgerFaults } from "../support/ledger.ts";
import { plainKafka, withPlainAdmin } from "../support/services/plain-kafka.ts";
import { auditFaults } from "./audit-oracle.ts";
import { openDice } from "./dice.ts";
import { type DoneFault, doFaults, SESSION_TIMEOUT_MS } from "./faults.ts";
import { readJournal } from "./journal.ts";
import { Member, type OwnEnd } from "./member.ts";
import { judgeContent, readExpectations, type Verdict } from "./oracle.ts";
import { type Services, startServices } from "./services.ts";
import { faultJournal } from "./topic-faults.ts";
import type { Stream } from "./window.ts";

export interface RunOptions {
  readonly minutes: number;
  readonly seed: number;
  readonly folder: string;
  readonly say: (line: string) => void;
}

export interface RunResult {
  readonly seed: number;
  readonly minutes: number;
  readonly faults: readonly DoneFault[];
  readonly ownEnds: readonly OwnEnd[];
  /** Starts of a process while a service was away; it was started again. */
  readonly refusedStarts: number;
  readonly verdict: Verdict;
  readonly absorbed: number;
  readonly catchUpSeconds: number;
  readonly ledger: readonly string[];
  readonly audit: readonly string[];
  /** What `tradetape verify --quiet` said, when it wasn't good. */
  readonly verify: readonly string[];
  readonly badStops: readonly string[];
}

const STREAMS: readonly Stream[] = ["ticks", "agents"];
/** Who lands what: every topic has two consumers at least, whichever is away. */
const CONSUMED: Readonly<Record<string, readonly string[]>> = {
  "consumer-1": [],
  "consumer-2": ["ticks", "fills", "decisions", "predictions", "audit"],
  "consumer-3": ["ticks", "bars", "indicators", "symbols", "sessions", "audit"],
};
/** Longer than any outage here: only events whose parents are never published become letters for it. */
const PARK_DEADLINE_MS = 120_000;
const CATCH_UP_WITHIN_MS = 240_000;
const CATCH_UP_POLL_MS = 1000;

/** One run: services, producers and consumers of its own, faults until the time is over, then the judgement. */
export async function run(options: RunOptions): Promise<RunResult> {
  const { folder, seed, say } = options;
  const services = await startServices(folder, say);
  const env = memberEnv(services);
  // For whoever looks into a run that failed.
  writeFileSync(join(folder, "urls.json"), JSON.stringify(services.urls), { mode: 0o600 });
  const ownEnds: OwnEnd[] = [];
  let refusedStarts = 0;
  const onOwnEnd = (end: OwnEnd) => {
    if (end.isRefusedStart) {
      refusedStarts++;
      return;
    }
    ownEnds.push(end);
    say(`${end.member} ended by itself (code ${end.code}, signal ${end.signal}):\n${end.lastLines}`);
  };
  const logs = join(folder, "members");
  mkdirSync(logs);
  const member = (name: string, args: readonly string[]) => new Member({ name, args, env, folder: logs, onOwnEnd });
  const consumers = Object.entries(CONSUMED).map(([name, topics]) =>
    member(name, ["src/cli/main.ts", "consume", ...topics]),
  );
  const visitor = member("visitor", ["src/cli/main.ts", "consume", "ticks", "bars", "fills", "audit"]);
  const startUs = (Date.now() - 3_600_000) * 1000;
  const journalOf = (stream: Stream) => join(folder, `${stream}.journal`);
  const producers = STREAMS.map((stream) =>
    member(`producer-${stream}`, ["test/chaos/producer.ts", stream, String(seed), String(startUs), journalOf(stream)]),
  );
  for (const consumer of consumers) consumer.start();
  await startProducers(producers, journalOf("agents"));

  const faults: DoneFault[] = [];
  const endMs = Date.now() + options.minutes * 60_000;
  const own = { seed, startUs, journal: faultJournal(folder) };
  await doFaults({ services, consumers, producers, visitor, own }, openDice(seed), endMs, (fault) => {
    faults.push(fault);
    say(`${new Date(fault.atMs).toISOString().slice(11, 19)} ${fault.kind}`);
  });
  const badStops: string[] = [];
  const stop = async (one: Member) => {
    const code = await one.stop();
    if (code !== 0) badStops.push(`${one.name} was asked to stop and ended with ${code ?? "a kill, it took too long"}`);
  };
  say("no more faults; the producers end");
  await Promise.all(producers.map(stop));
  say("catching up");
  const client = new pg.Client({ connectionString: services.urls.databaseUrl });
  await client.connect();
  try {
    const catchUpSeconds = await catchUp(services, client);
    await Promise.all(consumers.map(stop));
    const judged = await judge(services, client, [...STREAMS.map(journalOf), own.journal]);
    const result = {
      seed,
      minutes: options.minutes,
      faults,
      ownEnds,
      refusedStarts,
      catchUpSeconds,
      badStops,
      ...judged,
    };
    await client.end();
    await services.stop(isGood(result));
    return result;
  } finally {
    await client.end().catch(() => undefined);
  }
}

/** What a consumer or producer of a run is told. */
export const memberEnv = ({ urls }: Services): NodeJS.ProcessEnv => ({
  ...process.env,
  DATABASE_URL: urls.databaseUrl,
  KAFKA_BROKERS: urls.kafkaBrokers,
  SCHEMA_REGISTRY_URL: urls.schemaRegistryUrl,
  TRADETAPE_SESSION_TIMEOUT_MS: String(SESSION_TIMEOUT_MS),
  TRADETAPE_LOCK_TIMEOUT_MS: "2000",
  TRADETAPE_HISTORY_CHECK_MS: "5000",
  TRADETAPE_PARK_DEADLINE_MS: String(PARK_DEADLINE_MS),
  TRADETAPE_LOG_LEVEL: "info",
});

/** Ticks of a session that was never published would rightly become letters: its producer goes first. */
export async function startProducers(producers: readonly Member[], agentsJournal: string): Promise<void> {
  const [ticks, agents] = producers as [Member, Member];
  agents.start();
  const hasGroundwork = async () => {
    for await (const note of readJournal(agentsJournal)) if (note.kind === "window") return true;
    return false;
  };
  while (!(await hasGroundwork())) await sleep(200);
  ticks.start();
}

/** Waits until the database has landed all that the topics hold, and nothing waits to be told or released. @returns seconds */
export async function catchUp(services: Services, client: pg.Client): Promise<number> {
  const config = readConfig({ ...services.urls }, {});
  const kafka = openKafka(config, openLog({ logLevel: "silent" }));
  const beganMs = Date.now();
  for (;;) {
    const behind = await lag(kafka, client);
    if (behind.length === 0) return Math.round((Date.now() - beganMs) / 1000);
    if (Date.now() - beganMs > CATCH_UP_WITHIN_MS) throw new Error(`it doesn't catch up: ${behind.join(", ")}`);
    await sleep(CATCH_UP_POLL_MS);
  }
}

/** Parked events with nothing left to wait for: the next sweep takes them up. */
const RELEASABLE = `WITH there AS (
    SELECT prediction_id::text AS id FROM public.model_prediction
    UNION ALL SELECT decision_id::text FROM public.trade_decision
    UNION ALL SELECT backtest_session_id::text FROM public.backtest_session
    UNION ALL SELECT symbol_id::text FROM public.symbol)
  SELECT count(*) AS n FROM tradetape.parked_event AS parked WHERE NOT EXISTS (
    SELECT FROM jsonb_each_text(parked.missing) AS parent WHERE parent.value NOT IN (SELECT id FROM there))`;

async function lag(kafka: LogClient, client: pg.Client): Promise<string[]> {
  const { rows } = await client.query<{ topic: string; partition: number; next: string }>(
    "SELECT topic, partition, next_offset AS next FROM tradetape.landed_offset",
  );
  const landed = new Map(rows.map(({ topic, partition, next }) => [`${topic}/${partition}`, Number(next)]));
  const waiting = await client.query<{ n: string }>("SELECT count(*) AS n FROM tradetape.outbox");
  const behind = waiting.rows[0]!.n === "0" ? [] : [`${waiting.rows[0]!.n} messages to be told`];
  const releasable = await client.query<{ n: string }>(RELEASABLE);
  if (releasable.rows[0]!.n !== "0") behind.push(`${releasable.rows[0]!.n} parked events to be released`);
  await withAdmin(kafka, async (admin) => {
    for (const topic of TOPIC_NAMES.filter((name) => name !== "dead-letters")) {
      for (const { partition, low, high } of await admin.fetchOffsets(topic)) {
        const next = landed.get(`${topic}/${partition}`) ?? low;
        if (next < high) behind.push(`${topic}/${partition} at ${next} of ${high}`);
      }
    }
  });
  return behind;
}

export type Judged = Pick<RunResult, "verdict" | "absorbed" | "ledger" | "audit" | "verify">;

export async function judge(services: Services, client: pg.Client, journals: readonly string[]): Promise<Judged> {
  const { databaseUrl } = services.urls;
  const verify = await verifyProblems(databaseUrl);
  const verdict = await judgeContent(client, await readExpectations(journals));
  const kafka = plainKafka(readConfig({ ...services.urls }, {}));
  const types = { getTypeParser: (oid: number, format?: "text") => numbers(oid, format) };
  const pool = new pg.Pool({ connectionString: databaseUrl, max: 2, types: types as typeof pg.types });
  const ledger = await ledgerFaults({
    query: async (sql, values = []) => (await pool.query(sql, [...values])).rows,
    admin: (use) => withPlainAdmin(kafka, use),
    name: (topic) => topic,
  });
  await pool.end();
  const { rows } = await client.query<{ absorbed: string }>(
    "SELECT coalesce(sum(duplicate + replaced), 0) AS absorbed FROM tradetape.landed_batch WHERE topic <> 'audit'",
  );
  return { verdict, absorbed: Number(rows[0]!.absorbed), ledger, audit: await auditFaults(client), verify };
}

const numbers = (oid: number, format: "text" | undefined) =>
  oid === pg.types.builtins.INT8 ? Number : pg.types.getTypeParser(oid, format);

/** Asked of the program itself, as a person would. */
function verifyProblems(databaseUrl: string): Promise<string[]> {
  return new Promise((resolve, reject) => {
    const env = { ...process.env, DATABASE_URL: databaseUrl };
    execFile(process.execPath, ["src/cli/main.ts", "verify", "--quiet"], { env }, (error, stdout, stderr) => {
      if (error === null) resolve([]);
      else if (error.code === 1) resolve(stdout.trimEnd().split("\n"));
      else reject(new Error(`verify ended with ${error.code}: ${stderr}`));
    });
  });
}

/** Whether nothing at all is to be said against a run. */
export function isGood({ verdict, ledger, audit, verify, ownEnds, badStops }: Omit<RunResult, "absorbed">): boolean {
  const { lost, doubled, wrong } = verdict;
  return [lost, doubled, wrong, ledger, audit, verify, ownEnds, badStops].every((list) => list.length === 0);
}
