import { execFile } from "node:child_process";
import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";
import { percentile } from "../bench/figures.ts";
import { Member, type OwnEnd } from "../chaos/member.ts";
import { memberEnv } from "../chaos/run.ts";
import { startServices } from "../chaos/services.ts";
import { plainKafka, withPlainAdmin } from "../support/services/plain-kafka.ts";

export interface HostileOptions {
  /** How long somebody is hostile; as long is quiet. */
  readonly minutes: number;
  readonly seed: number;
  readonly folder: string;
  readonly say: (line: string) => void;
}

export interface Latency {
  readonly topic: string;
  readonly events: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
}

export interface HostileResult {
  readonly seed: number;
  readonly minutes: number;
  readonly quiet: readonly Latency[];
  readonly hostile: readonly Latency[];
  readonly written: Readonly<Record<string, number>>;
  readonly letters: Readonly<Record<string, number>>;
  readonly fills: { readonly good: number; readonly rows: number; readonly parked: number; readonly behind: number };
  readonly peakMib: number;
  readonly ownEnds: readonly OwnEnd[];
  /** What `tradetape verify` said, where it wasn't good. */
  readonly verify: readonly string[];
}

const [TICKS, DECISIONS] = [400, 100];
const [HOSTILE, GOOD] = [50, 60];
/** Quiet and hostile take turns, because the machine itself isn't as fast at all times. */
const TURN_MINUTES = 2;
/** As a writer tells of what isn't hostile. */
const GOOD_FILLS = "good fills";
/** What a turn's beginning still has of the one before. */
const SETTLING_MS = 5000;
const CATCH_UP_WITHIN_MS = 300_000;

/** @returns whether the others kept their pace and nothing ended, grew or went wrong */
export const isHeld = ({ quiet, hostile, peakMib, ownEnds, verify, fills }: HostileResult): boolean =>
  hostile.every(({ p99Ms }, n) => p99Ms <= 2 * quiet[n]!.p99Ms) &&
  peakMib <= 512 &&
  ownEnds.length === 0 &&
  verify.length === 0 &&
  fills.behind === 0;

/** One run, on a stack of its own: a consumer of all topics, a feed, and by turns somebody hostile. */
export async function runHostile({ minutes, seed, folder, say }: HostileOptions): Promise<HostileResult> {
  const services = await startServices(folder, say);
  const env = memberEnv(services);
  const logs = join(folder, "members");
  mkdirSync(logs);
  const ownEnds: OwnEnd[] = [];
  const member = (name: string, args: readonly string[]) =>
    new Member({ name, args, env, folder: logs, onOwnEnd: (end) => ownEnds.push(end) });
  const consumer = member("consumer", ["src/cli/main.ts", "consume"]);
  const seen = join(folder, "seen.jsonl");
  const feed = member("feed", ["test/hostile/feed.ts", String(TICKS), String(DECISIONS), seen]);
  consumer.start();
  feed.start();
  const client = new pg.Client({ connectionString: services.urls.databaseUrl });
  await client.connect();
  await untilFed(seen);
  const turns: { readonly isHostile: boolean; readonly fromMs: number; readonly toMs: number }[] = [];
  const written: Record<string, number> = {};
  let peakMib = 0;
  const turnMs = Math.min(TURN_MINUTES, minutes) * 60_000;
  for (let turn = 0; turn < 2 * Math.ceil((minutes * 60_000) / turnMs); turn++) {
    const isHostile = turn % 2 === 1;
    const args = [HOSTILE, GOOD, seed + turn, turn * 1_000_000, written[GOOD_FILLS] ?? 0].map(String);
    const writer = isHostile ? member(`writer-${turn}`, ["test/hostile/writer.ts", ...args]) : undefined;
    writer?.start();
    const fromMs = Date.now() + SETTLING_MS;
    await sleep(turnMs);
    turns.push({ isHostile, fromMs, toMs: Date.now() });
    await writer?.stop();
    if (writer) add(written, lastJson(join(logs, `${writer.name}.log`)));
    peakMib = Math.max(peakMib, peakOf(consumer.pid));
    say(`turn ${turn + 1}, ${isHostile ? "hostile" : "quiet"}: the consumer's peak is ${peakMib} MiB`);
  }
  await feed.stop();
  const behind = await caughtUp(services.urls, client);
  peakMib = Math.max(peakMib, peakOf(consumer.pid));
  await consumer.stop();
  const lines = readFileSync(seen, "utf8")
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as Seen);
  const result: HostileResult = {
    ...{ seed, minutes, written, peakMib, ownEnds },
    quiet: latencies(
      lines,
      turns.filter(({ isHostile }) => !isHostile),
    ),
    hostile: latencies(
      lines,
      turns.filter(({ isHostile }) => isHostile),
    ),
    letters: await counted(client, "SELECT reason AS name, count(*)::int AS n FROM tradetape.dead_letter GROUP BY 1"),
    fills: {
      good: written[GOOD_FILLS] ?? 0,
      rows: await one(client, "SELECT count(*)::int AS n FROM public.trade_execution"),
      parked: await one(client, "SELECT count(*)::int AS n FROM tradetape.parked_event"),
      behind,
    },
    verify: await verified(env),
  };
  await client.end();
  await services.stop(isHeld(result));
  return result;
}

interface Seen {
  readonly dueMs: number;
  readonly topic: string;
  readonly ms: readonly number[];
}

/** The groups have joined, and what nobody has seen before is there. */
async function untilFed(seen: string): Promise<void> {
  for (;;) {
    await sleep(1000);
    try {
      if (readFileSync(seen, "utf8").includes('"decisions"')) return;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    }
  }
}

function latencies(lines: readonly Seen[], turns: readonly { fromMs: number; toMs: number }[]): Latency[] {
  return ["ticks", "decisions"].map((topic) => {
    const own = lines.filter(
      (line) => line.topic === topic && turns.some(({ fromMs, toMs }) => line.dueMs >= fromMs && line.dueMs < toMs),
    );
    const sorted = own.flatMap(({ ms }) => ms).sort((a, b) => a - b);
    const at = (share: number) => Math.round(percentile(sorted, share));
    return { topic, events: sorted.length, p50Ms: at(0.5), p99Ms: at(0.99), maxMs: at(1) };
  });
}

/** @returns how many offsets of `fills` aren't landed in the end */
async function caughtUp(urls: { readonly kafkaBrokers: string }, client: pg.Client): Promise<number> {
  const kafka = plainKafka({ kafkaBrokers: urls.kafkaBrokers.split(",") });
  const until = Date.now() + CATCH_UP_WITHIN_MS;
  for (;;) {
    const ends = await withPlainAdmin(kafka, (admin) => admin.fetchTopicOffsets("fills"));
    const end = ends.reduce((sum, { high }) => sum + Number(high), 0);
    const sql = "SELECT coalesce(sum(next_offset), 0)::int AS n FROM tradetape.landed_offset WHERE topic = 'fills'";
    const left = end - (await one(client, sql));
    if (left === 0 || Date.now() > until) return left;
    await sleep(1000);
  }
}

/** The peak of a process's own memory, as Linux counts it; of one that ended by itself there is none. */
function peakOf(pid: number | undefined): number {
  if (pid === undefined) return 0;
  const [, kib] = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))!;
  return Math.round(Number(kib) / 1024);
}

function add(sums: Record<string, number>, more: Readonly<Record<string, number>>): void {
  for (const [name, count] of Object.entries(more)) sums[name] = (sums[name] ?? 0) + count;
}

/** The last whole line of a log that has JSON alone. */
const lastJson = (file: string): Record<string, number> => {
  const line = readFileSync(file, "utf8").split("\n").at(-2) ?? "{}";
  return JSON.parse(line) as Record<string, number>;
};

async function one(client: pg.Client, sql: string): Promise<number> {
  return (await client.query<{ n: number }>(sql)).rows[0]!.n;
}

async function counted(client: pg.Client, sql: string): Promise<Record<string, number>> {
  const { rows } = await client.query<{ name: string; n: number }>(sql);
  return Object.fromEntries(rows.map(({ name, n }) => [name, n]));
}

const verified = (env: NodeJS.ProcessEnv) =>
  new Promise<readonly string[]>((resolve) => {
    execFile(process.execPath, ["src/cli/main.ts", "verify", "--quiet"], { env }, (error, stdout, stderr) =>
      resolve(error ? `${stdout}${stderr}`.trim().split("\n") : []),
    );
  });
