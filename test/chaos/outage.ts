import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";
import { table } from "../../src/cli/output.ts";
import { readConfig } from "../../src/config.ts";
import { encodeEvent } from "../../src/event/codec.ts";
import { EVENT_SCHEMAS } from "../../src/event/schemas.ts";
import { openLog } from "../../src/log.ts";
import { openKafka } from "../../src/topic/kafkajs/open-kafka.ts";
import { RawPublisher } from "../../src/topic/publish/raw-publish.ts";
import { contentOf, openJournal } from "./journal.ts";
import { Member, type OwnEnd } from "./member.ts";
import { catchUp, type Judged, judge, memberEnv, startProducers } from "./run.ts";
import { type ServiceName, type Services, startServices } from "./services.ts";
import { type Stream, windowEvents } from "./window.ts";

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
const UNSEEN_WINDOW = 1_000_000;

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
    const strangers = service === "registry" ? await newSchema(services) : undefined;
    await services.end(service, service === "postgres" ? "SIGQUIT" : "SIGKILL");
    if (strangers !== undefined) await publishStrangers(services, strangers, { seed, startUs }, journalOf("strangers"));
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

/** Registers a schema of ticks with one more field, which no consumer has seen. @returns its id */
async function newSchema({ urls }: Services): Promise<number> {
  const schema = JSON.parse(EVENT_SCHEMAS.tick.json) as { fields: object[] };
  schema.fields.push({ name: "mood", type: ["null", "string"], default: null });
  const answer = await fetch(`${urls.schemaRegistryUrl}/subjects/ticks-value/versions`, {
    method: "POST",
    headers: { "content-type": "application/vnd.schemaregistry.v1+json" },
    body: JSON.stringify({ schema: JSON.stringify(schema) }),
  });
  if (!answer.ok) throw new Error(`the registry refused the schema: ${await answer.text()}`);
  return ((await answer.json()) as { id: number }).id;
}

/** Ticks in the new schema: the old one's bytes, and null for the field behind them. */
async function publishStrangers(
  services: Services,
  schemaId: number,
  of: { readonly seed: number; readonly startUs: number },
  journalPath: string,
): Promise<void> {
  const plan = { ...of, stream: "ticks", window: UNSEEN_WINDOW, isClean: true } as const;
  // Times of the first window, so that no tick lies in the future.
  const strangers = windowEvents(plan)
    .slice(0, STRANGERS)
    .map(({ id, event }, n) => ({ id, event: { ...event, timestamp: of.startUs + n } }));
  const journal = openJournal(journalPath);
  const client = openKafka(readConfig({ ...services.urls }, {}), openLog({ logLevel: "silent" }));
  const publisher = await RawPublisher.open(client);
  const same = { kind: "intent", topic: "ticks", revision: 0, orphan: false } as const;
  journal.write(strangers.map(({ id, event }) => ({ ...same, id, content: contentOf("ticks", event) })));
  const messages = strangers.map(({ event }, n) => ({
    topicName: "ticks",
    key: null,
    value: Buffer.concat([encodeEvent("ticks", schemaId, event), Buffer.from([0])]),
    partition: n % 4,
  }));
  await publisher.publish(messages);
  journal.write(strangers.map(({ id }) => ({ kind: "ack", topic: "ticks", id, revision: 0 })));
  await publisher.close();
  journal.close();
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
