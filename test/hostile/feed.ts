/**
 * What the others do while somebody is hostile, in a process of its own: `node feed.ts TICKS_PER_SECOND DECISIONS_PER_SECOND
 * FILE`. Publishes at an even pace, and notes how long after it was due each event was visible to a reader of the database. A
 * line of the file is a second's: {"dueMs", "topic", "ms"}. SIGTERM ends it.
 */
import { appendFileSync, writeFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";
import { readConfig, requireServices } from "../../src/config.ts";
import { openLog } from "../../src/log.ts";
import { Partitioning } from "../../src/topic/partition.ts";
import { TOPICS, topicName } from "../../src/topic/topics.ts";
import { connectTape } from "../../src/tradetape/connect-tape.ts";
import { decisionOf, groundworkOf, SYMBOLS, tickOf } from "./events.ts";

const [ticksPerSecond, decisionsPerSecond, file] = process.argv.slice(2) as [string, string, string];
const LOOK_MS = 5;
const FLUSH_MS = 1000;

const config = requireServices(readConfig(), "databaseUrl");
const tape = await connectTape(config, openLog(config));
const client = new pg.Client({ connectionString: config.databaseUrl });
await client.connect();
writeFileSync(file, "");
let isStopping = false;
process.once("SIGTERM", () => {
  isStopping = true;
});

type Kind = "ticks" | "decisions";

/** The events of one topic that were published and aren't visible yet, by partition in the partition's order. */
class Watched {
  readonly topic: Kind;
  readonly #partitioning: Partitioning;
  readonly #due: number[][];
  /** How many of each partition have been seen, which is the offset of the next one: nobody else publishes there. */
  readonly #seen: number[];
  readonly #bySecond = new Map<number, number[]>();

  constructor(topic: Kind, alreadyThere: readonly number[]) {
    this.topic = topic;
    this.#partitioning = new Partitioning(TOPICS[topic].partitions);
    this.#due = Array.from({ length: TOPICS[topic].partitions }, () => []);
    this.#seen = this.#due.map((_, partition) => alreadyThere[partition] ?? 0);
  }

  publish(event: { readonly symbol_id: string }, dueMs: number): void {
    this.#due[this.#partitioning.place(event.symbol_id).partition]!.push(dueMs);
  }

  landed(partition: number, next: number): void {
    const visible = this.#due[partition]!.splice(0, next - this.#seen[partition]!);
    this.#seen[partition]! = next;
    const now = Date.now();
    for (const dueMs of visible) {
      const second = Math.floor(dueMs / 1000) * 1000;
      this.#bySecond.set(second, [...(this.#bySecond.get(second) ?? []), now - dueMs]);
    }
  }

  /** Writes down what was seen since the last time. */
  flush(): void {
    for (const [dueMs, ms] of this.#bySecond)
      appendFileSync(file, `${JSON.stringify({ dueMs, topic: this.topic, ms })}\n`);
    this.#bySecond.clear();
  }

  get waiting(): number {
    return this.#due.reduce((sum, { length }) => sum + length, 0);
  }
}

const startUs = Date.now() * 1000;
for (const { symbol, prediction, decision } of groundworkOf(startUs)) {
  await tape.publish("symbols", symbol);
  await tape.publish("predictions", prediction);
  await tape.publish("decisions", decision);
}

const nextOf = async (topic: Kind): Promise<number[]> => {
  const { rows } = await client.query<{ partition: number; next: number }>({
    name: "next",
    text: "SELECT partition, next_offset::int AS next FROM tradetape.landed_offset WHERE topic = $1",
    values: [topicName(config.namespace, topic)],
  });
  const next: number[] = [];
  for (const row of rows) next[row.partition] = row.next;
  return next;
};

while ((await nextOf("decisions")).reduce((sum, next) => sum + (next ?? 0), 0) < SYMBOLS.length) await sleep(FLUSH_MS);
const ticks = new Watched("ticks", []);
const decisions = new Watched("decisions", await nextOf("decisions"));
const all = [ticks, decisions];

const TO_PUBLISH = {
  ticks: (n: number, nowUs: number) => tickOf(n, nowUs),
  decisions: (n: number, nowUs: number) => decisionOf(SYMBOLS.length + n, nowUs),
};

/** Publishes at an even pace, without waiting for anybody: who comes late publishes all that was due meanwhile. */
async function pace(watched: Watched, perSecond: number): Promise<void> {
  const start = Date.now();
  for (let n = 0; !isStopping; await sleep(1)) {
    for (let dueMs = start + (n * 1000) / perSecond; dueMs <= Date.now(); dueMs = start + (++n * 1000) / perSecond) {
      const event = TO_PUBLISH[watched.topic](n, Math.floor(dueMs * 1000));
      watched.publish(event, dueMs);
      void tape.publish(watched.topic, event as never);
    }
  }
}

async function watch(): Promise<void> {
  while (!isStopping || all.some(({ waiting }) => waiting > 0)) {
    for (const watched of all)
      for (const [partition, next] of (await nextOf(watched.topic)).entries())
        if (next !== undefined) watched.landed(partition, next);
    await sleep(LOOK_MS);
  }
}

const flushing = setInterval(() => {
  for (const watched of all) watched.flush();
}, FLUSH_MS);
await Promise.all([pace(ticks, Number(ticksPerSecond)), pace(decisions, Number(decisionsPerSecond)), watch()]);
clearInterval(flushing);
for (const watched of all) watched.flush();
await tape.close();
await client.end();
