/**
 * Somebody who may write to `fills` and register schemas, in a process of its own: `node writer.ts HOSTILE_PER_SECOND
 * GOOD_PER_SECOND SEED FIRST FIRST_GOOD`. Good fills of the feed's decisions go in between, so that less than half of the
 * topic is bad. SIGTERM ends it. After each round a line of standard output says how much it has written of each kind, as JSON.
 */
import { setPriority } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import { readConfig } from "../../src/config.ts";
import { encodeEvent } from "../../src/event/codec.ts";
import { openRegistry } from "../../src/event/registry.ts";
import { TOPICS, topicName } from "../../src/topic/topics.ts";
import { openDice } from "../chaos/dice.ts";
import { plainKafka, plainProducer } from "../support/services/plain-kafka.ts";
import { fillOf, SYMBOLS } from "./events.ts";
import { type Hostile, KINDS, ownSchemas, pickKind } from "./kinds.ts";

const [hostilePerSecond, goodPerSecond, seed, first, firstGood] = process.argv.slice(2).map(Number) as [
  number,
  number,
  number,
  number,
  number,
];
const ROUND_MS = 200;
/** What is sent at once, so that a writer that is behind stops within a moment, and tells all that it wrote. */
const ROUND_MESSAGES = 100;
// Its own work is no part of what is measured: making a bomb takes a processor for half a second.
setPriority(10);
const config = readConfig();
const topic = topicName(config.namespace, "fills");
const schemaId = await openRegistry({ schemaRegistryUrl: config.schemaRegistryUrl! }).register(topic, "fills");
const encode = (event: object) => encodeEvent("fills", schemaId, event);
const producer = plainProducer(plainKafka(config));
await producer.connect();
const dice = openDice(seed);
let isStopping = false;
process.once("SIGTERM", () => {
  isStopping = true;
});

async function register(schema: object, n: number): Promise<number> {
  const answer = await fetch(`${config.schemaRegistryUrl}/subjects/${topic}-of-somebody-${n}/versions`, {
    method: "POST",
    headers: { "content-type": "application/vnd.schemaregistry.v1+json" },
    body: JSON.stringify({ schema: JSON.stringify(schema) }),
  });
  if (!answer.ok) throw new Error(`the registry refuses schema ${n}: ${await answer.text()}`);
  return ((await answer.json()) as { id: number }).id;
}
const own: number[] = [];
for (const [n, schema] of ownSchemas().entries()) own.push(await register(schema, n));

const written = new Map<string, number>();
let n = first;

function hostile(): Hostile {
  const kind = pickKind(dice);
  written.set(kind, (written.get(kind) ?? 0) + 1);
  return KINDS[kind]!.make({ dice, n: n++, nowUs: Date.now() * 1000, encode, ownSchema: () => dice.pick(own) });
}

/** Each of a decision of its own, so that no hostile one takes of what may be filled. */
const good = (k: number): Hostile => ({ value: encode(fillOf(n++, SYMBOLS.length + k, Date.now() * 1000)) });

const send = ({ compression = 0, key = null, ...message }: Hostile) =>
  producer.send({
    topic,
    compression,
    messages: [{ key, ...message, partition: dice.between(0, TOPICS.fills.partitions - 1) } as never],
  });

const started = Date.now();
let [bad, fine] = [0, 0];
while (!isStopping) {
  const seconds = (Date.now() - started) / 1000;
  const messages: Hostile[] = [];
  // In the order in which they are due: with all hostile ones first, most of what a late writer wrote by any moment was bad.
  while (messages.length < ROUND_MESSAGES && Math.min(bad / hostilePerSecond, fine / goodPerSecond) < seconds) {
    const isGoodDue = fine / goodPerSecond <= bad / hostilePerSecond;
    messages.push(isGoodDue ? good(firstGood + fine++) : hostile());
    if (!isGoodDue) bad++;
  }
  await Promise.all(messages.map(send));
  written.set("good fills", fine);
  process.stdout.write(`${JSON.stringify(Object.fromEntries(written))}\n`);
  await sleep(ROUND_MS);
}
await producer.disconnect();
