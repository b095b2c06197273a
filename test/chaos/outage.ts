import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";
import { table } from "../../src/cli/output.ts";
import { Member, type OwnEnd } from "./member.ts";
import { catchUp, type Judged, judge, memberEnv, startProducers } from "./run.ts";
import { type ServiceName, type Services, startServices } from "./services.ts";
import { newSchema, publishStrangers } from "./topic-faults.ts";
import type { Stream } from "./window.ts";

export interface OutageOptions {
  /** How long each service is away. */
  readonly seconds: number;
  readonly seed: number;
  readonly folder: string;
  readonly say: (line: string) => void;
}

/** What one outage did to the consumer. */
interface Effect {
  readonly service: ServiceName;
  /** The consumer's resident memory, MiB: the most before the first outage, and the most from this one's begin on. */
  readonly beforeMib: number;
  readonly duringMib: number;
  readonly letters: number;
}

export interface OutageResult extends Judged {
  readonly seconds: number;
  readonly effects: readonly Effect[];
  readonly ownEnds: readonly OwnEnd[];
  readonly catchUpSeconds: number;
}

/**
 * The consumer starts as far behind as an outage will leave it: what landing a backlog at full speed takes, in buffers,
 * compiled code and the collector's room for young objects, it has taken by then.
 */
const WARM_UP_MS = 60_000;
const STEADY_MS = 20_000;
const SAMPLE_MS = 250;
const GROWTH_MAX = 1.2;
const SWEPT_WITHIN_MS = 30_000;
const STRANGERS = 200;

/** Takes PostgreSQL, the broker and the registry away for a while, in turn, from a consumer under load. */
export async function outage({ seconds, seed, folder, say }: OutageOptions): Promise<OutageResult> {
  const services = await startServices(folder, say);
  const logs = join(folder, "members");
  mkdirSync(logs);
  const ownEnds: OwnEnd[] = [];
  const member = (name: string, args: readonly string[]) =>
    new Member({ name, args, env: memberEnv(services), folder: logs, onOwnEnd: (end) => ownEnds.push(end) });
  const startUs = (Date.now() - 3_600_000) * 1000;
  const journalOf = (name: string) => join(folder, `${name}.journal`);
  const own = { seed, startUs, journal: journalOf("strangers") };
  const producer = (stream: Stream) =>
    member(stream, ["test/chaos/producer.ts", stream, String(seed), String(startUs), journalOf(stream), "clean"]);
  const producers = [producer("ticks"), producer("agents")];
  const consumer = member("consumer", ["src/cli/main.ts", "consume"]);
  await startProducers(producers, journalOf("agents"));
  await sleep(seconds * 1000);
  consumer.start();
  const beforeMib = await mostMemory(consumer, WARM_UP_MS);
  const effects: Effect[] = [];
  for (const service of ["postgres", "kafka", "registry"] as const) {
    say(`${service} is away for ${seconds} s`);
    const strangers = service === "registry" ? await newSchema(services, "mood") : undefined;
    await services.end(service, service === "postgres" ? "SIGQUIT" : "SIGKILL");
    if (strangers !== undefined) await publishStrangers(services, strangers, own, STRANGERS);
    const away = await mostMemory(consumer, seconds * 1000);
    await services.restore();
    say(`${service} is back`);
    const duringMib = Math.max(away, await mostMemory(consumer, STEADY_MS));
    effects.push({ service, beforeMib, duringMib, letters: await countLetters(services) });
  }
  await Promise.all(producers.map((one) => one.stop()));
  const client = new pg.Client({ connectionString: services.urls.databaseUrl });
  await client.connect();
  const catchUpSeconds = await catchUp(services, client);
  await emptyParked(client);
  await consumer.stop();
  const result = await judge(services, client, ["ticks", "agents", "strangers"].map(journalOf));
  await client.end();
  await services.stop(true);
  return { ...result, seconds, effects, ownEnds, catchUpSeconds };
}

/** Every parent was published, so the sweeps that follow the last landing let all children go. */
async function emptyParked(client: pg.Client): Promise<void> {
  for (const untilMs = Date.now() + SWEPT_WITHIN_MS; Date.now() < untilMs; await sleep(SAMPLE_MS)) {
    const { rows } = await client.query<{ n: string }>("SELECT count(*) AS n FROM tradetape.parked_event");
    if (rows[0]!.n === "0") return;
  }
}

/** The most that a process had resident within a time, in MiB. */
async function mostMemory({ pid }: Member, withinMs: number): Promise<number> {
  let most = 0;
  for (const untilMs = Date.now() + withinMs; Date.now() < untilMs; await sleep(SAMPLE_MS)) {
    const kib = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
    most = Math.max(most, Number(kib ?? 0) / 1024);
  }
  return most;
}

async function countLetters({ urls }: Services): Promise<number> {
  const client = new pg.Client({ connectionString: urls.databaseUrl });
  await client.connect();
  const { rows } = await client.query<{ n: string }>("SELECT count(*) AS n FROM tradetape.dead_letter");
  await client.end();
  return Number(rows[0]!.n);
}

const growth = ({ beforeMib, duringMib }: Effect) => duringMib / beforeMib;

/** Whether no letter was written, nothing ended, memory stayed and everything is there. */
export function isOutageGood({ effects, ownEnds, verdict, ledger, audit, verify }: OutageResult): boolean {
  const isEmpty = [ownEnds, verdict.lost, verdict.doubled, verdict.wrong, ledger, audit, verify].every(
    (list) => list.length === 0,
  );
  return isEmpty && effects.every((effect) => effect.letters === 0 && growth(effect) < GROWTH_MAX);
}

export function outageText(result: OutageResult): string {
  const { verdict, ledger, audit, verify, ownEnds } = result;
  const rows = result.effects.map((effect) => [
    effect.service,
    result.seconds,
    Math.round(effect.beforeMib),
    Math.round(effect.duringMib),
    `${Math.round(100 * (growth(effect) - 1))} %`,
    effect.letters,
  ]);
  const wrong = [verdict.lost, verdict.doubled, verdict.wrong, ledger, audit, verify].flat();
  const lines = [
    table(["away", "seconds", "MiB before", "MiB at most", "growth", "letters"], rows),
    `${verdict.acknowledged} events acknowledged, ${verdict.rows} rows, caught up ${result.catchUpSeconds} s after the end`,
    ...ownEnds.map(({ member, code, lastLines }) => `${member} ended by itself, code ${code}:\n${lastLines}`),
    ...wrong.slice(0, 20),
    isOutageGood(result) ? "good: no letter, no exit, no growth, nothing lost" : "NOT good",
  ];
  return `${lines.join("\n\n")}\n`;
}
