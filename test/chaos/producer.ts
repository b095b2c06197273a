/**
 * A producer of the chaos runs, in a process of its own: `node producer.ts ticks|agents SEED START_US JOURNAL [clean]`.
 * Publishes window after window, each until every event of it is acknowledged; SIGTERM ends it behind a window.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { readConfig } from "../../src/config.ts";
import { encodeEvent } from "../../src/event/codec.ts";
import { openRegistry } from "../../src/event/registry.ts";
import type { EventTopic } from "../../src/event/schemas.ts";
import { openLog } from "../../src/log.ts";
import { openKafka } from "../../src/topic/kafkajs/open-kafka.ts";
import { RawPublisher } from "../../src/topic/publish/raw-publish.ts";
import { TOPICS, topicName } from "../../src/topic/topics.ts";
import { connectTape } from "../../src/tradetape/connect-tape.ts";
import type { Tape } from "../../src/tradetape/tape.ts";
import { contentOf, digestOf, openJournal, readJournal } from "./journal.ts";
import { groundwork, type Planned, type PoisonKind, type Stream, WINDOW_MS, windowEvents } from "./window.ts";

const [stream, seedText, startText, journalPath, clean] = process.argv.slice(2) as [
  Stream,
  string,
  string,
  string,
  string?,
];
const plan = { stream, seed: Number(seedText), startUs: Number(startText), isClean: clean === "clean" };
/** A refused publish is tried again after this: the broker is away, or has just come back. */
const AGAIN_MS = 300;
const UNKNOWN_SCHEMA_ID = 999_999;

const config = readConfig();
const log = openLog(config);
const journal = openJournal(journalPath);
let stopping = false;
process.once("SIGTERM", () => {
  stopping = true;
});

async function untilItWorks<T>(attempt: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      process.stderr.write(`again: ${(error as Error).message}\n`);
      await sleep(AGAIN_MS);
    }
  }
}

const tape = await untilItWorks(() => connectTape(config, log));
const rawPublisher = await untilItWorks(() => RawPublisher.open(openKafka(config, log)));
const registry = openRegistry({ schemaRegistryUrl: config.schemaRegistryUrl ?? "" });

async function publishOne(planned: Planned): Promise<void> {
  const { topic, id, event, revision } = planned;
  const publish = () => tape.publish(topic, event as unknown as Parameters<Tape["publish"]>[1]);
  const copies = Array.from({ length: planned.times }, () => untilItWorks(publish));
  await Promise.race(copies);
  journal.write([{ kind: "ack", topic, id, revision }]);
  await Promise.all(copies);
}

/** A broken twin: the same event with another id would be good, so its bytes are made bad one way or another. */
async function poison(planned: Planned, kind: PoisonKind, window: number): Promise<void> {
  const { topic } = planned;
  const name = topicName(config.namespace, topic);
  const schemaId = await untilItWorks(() => registry.register(name, topic));
  const value = spoil(planned, kind, schemaId);
  const digest = digestOf(value);
  journal.write([{ kind: "poison", topic, digest }]);
  const message = { topicName: name, key: null, value, partition: window % TOPICS[topic].partitions };
  await untilItWorks(() => rawPublisher.publish([message]));
  journal.write([{ kind: "poisonAck", topic, digest }]);
}

function spoil({ topic, event }: Planned, kind: PoisonKind, schemaId: number): Buffer {
  const encode = (change: object) => encodeEvent(topic as EventTopic, schemaId, { ...event, ...change });
  if (kind === "time") return encode({ timestamp: 1 });
  const [text] = topic === "fills" ? ["broker"] : ["source"];
  if (kind === "nul") return encode({ [text as string]: "a\0b" });
  const value = encode({});
  if (kind === "truncated") return value.subarray(0, 40);
  if (kind === "magic") value[0] = 7;
  else value.writeInt32BE(UNKNOWN_SCHEMA_ID, 1);
  return value;
}

async function publishWindow(events: readonly Planned[], window: number): Promise<void> {
  journal.write(
    events.map(({ topic, id, event, revision, orphan }) => ({
      kind: "intent",
      topic,
      id,
      revision,
      orphan,
      content: contentOf(topic, event),
    })),
  );
  const waves = Math.max(...events.map(({ wave }) => wave));
  for (let wave = 0; wave <= waves; wave++) {
    const now = events.filter((planned) => planned.wave === wave);
    const broken = now.flatMap((planned) => (planned.poison ? [poison(planned, planned.poison, window)] : []));
    await Promise.all([...now.map(publishOne), ...broken]);
  }
  journal.write([{ kind: "window", window }]);
}

let window = 0;
for await (const note of readJournal(journalPath)) {
  if (note.kind === "window") window = Math.max(window, note.window);
}
if (window === 0 && stream === "agents") await publishWindow(groundwork(plan.startUs), 0);
let due = Date.now();
while (!stopping) {
  window++;
  await publishWindow(windowEvents({ ...plan, window }), window);
  // Behind an outage it goes on at its pace: a flood would only measure the machine.
  due = Math.max(due + WINDOW_MS[stream], Date.now());
  await sleep(due - Date.now());
}
await rawPublisher.close();
await tape.close();
journal.close();
