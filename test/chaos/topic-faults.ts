import { execFile } from "node:child_process";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { readConfig } from "../../src/config.ts";
import { encodeEvent } from "../../src/event/codec.ts";
import { EVENT_SCHEMAS, type EventTopic } from "../../src/event/schemas.ts";
import { openLog } from "../../src/log.ts";
import { openKafka } from "../../src/topic/kafkajs/open-kafka.ts";
import { RawPublisher } from "../../src/topic/publish/raw-publish.ts";
import { plainKafka, withPlainAdmin } from "../support/services/plain-kafka.ts";
import { asSuperuser } from "./database-faults.ts";
import type { Dice } from "./dice.ts";
import { contentOf, digestOf, openJournal } from "./journal.ts";
import type { Services } from "./services.ts";
import { windowEvents } from "./window.ts";

const run = promisify(execFile);

/** A run's own events: where its clock began, and where they are noted down. */
export interface OwnEvents {
  readonly seed: number;
  readonly startUs: number;
  readonly journal: string;
}

/** The journal of what faults publish, in a run's folder. */
export const faultJournal = (folder: string): string => join(folder, "faults.journal");

const AGAIN_MS = 300;

async function untilItWorks<T>(attempt: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await attempt();
    } catch {
      await sleep(AGAIN_MS);
    }
  }
}

async function publishAll(services: Services, messages: Parameters<RawPublisher["publish"]>[0]): Promise<void> {
  const client = openKafka(readConfig({ ...services.urls }, {}), openLog({ logLevel: "silent" }));
  const publisher = await untilItWorks(() => RawPublisher.open(client));
  await untilItWorks(() => publisher.publish(messages));
  await publisher.close();
}

const GROWN: readonly EventTopic[] = ["ticks", "bars", "indicators", "predictions", "decisions", "fills"];
const PARTITIONS_MAX = 12;

/** Gives a topic more partitions, as nobody can take back: up to twelve. */
export async function growPartitions(services: Services, dice: Dice): Promise<void> {
  const topic = dice.pick(GROWN);
  const kafka = plainKafka(readConfig({ ...services.urls }, {}));
  await untilItWorks(() =>
    withPlainAdmin(kafka, async (admin) => {
      const { topics } = await admin.fetchTopicMetadata({ topics: [topic] });
      const count = topics[0]!.partitions.length + 2;
      if (count <= PARTITIONS_MAX) await admin.createPartitions({ topicPartitions: [{ topic, count }] });
    }),
  );
}

const UNSEEN_WINDOW = 1_000_000;

/** Registers a schema of ticks with one more field, which no consumer has seen. @returns its id */
export async function newSchema({ urls }: Services, field: string): Promise<number> {
  const schema = JSON.parse(EVENT_SCHEMAS.tick.json) as { fields: object[] };
  schema.fields.push({ name: field, type: ["null", "string"], default: null });
  const answer = await fetch(`${urls.schemaRegistryUrl}/subjects/ticks-value/versions`, {
    method: "POST",
    headers: { "content-type": "application/vnd.schemaregistry.v1+json" },
    body: JSON.stringify({ schema: JSON.stringify(schema) }),
  });
  if (!answer.ok) throw new Error(`the registry refused the schema: ${await answer.text()}`);
  return ((await answer.json()) as { id: number }).id;
}

/** Ticks in a schema of `newSchema`: the old one's bytes, and null for the field behind them. @param n tells calls apart */
export async function publishStrangers(
  services: Services,
  schemaId: number,
  own: OwnEvents,
  count: number,
  n = 0,
): Promise<void> {
  const { seed, startUs } = own;
  const plan = { seed, startUs, stream: "ticks", window: UNSEEN_WINDOW + n, isClean: true } as const;
  // Times of the first window, so that no tick lies in the future.
  const strangers = windowEvents(plan)
    .slice(0, count)
    .map(({ id, event }, at) => ({ id, event: { ...event, timestamp: startUs + at } }));
  const journal = openJournal(own.journal);
  const same = { kind: "intent", topic: "ticks", revision: 0, orphan: false } as const;
  journal.write(strangers.map(({ id, event }) => ({ ...same, id, content: contentOf("ticks", event) })));
  await publishAll(
    services,
    strangers.map(({ event }, at) => ({
      topicName: "ticks",
      key: null,
      value: Buffer.concat([encodeEvent("ticks", schemaId, event), Buffer.from([0])]),
      partition: at % 4,
    })),
  );
  journal.write(strangers.map(({ id }) => ({ kind: "ack", topic: "ticks", id, revision: 0 })));
  journal.close();
}

let drifts = 0;
const DRIFTED = 100;

/** A writer with a newer schema than any consumer knows: its ticks land all the same. */
export async function driftSchema(services: Services, _dice: Dice, own: OwnEvents): Promise<void> {
  const n = ++drifts;
  const schemaId = await untilItWorks(() => newSchema(services, `drift_${n}`));
  await publishStrangers(services, schemaId, own, DRIFTED, n);
}

const POISONED: EventTopic = "indicators";
const GARBAGE = 6000;
let poisonings = 0;

/**
 * A writer's garbage, more than half of what the topic's group has seen of late: it stops, until somebody has looked and says
 * that it may become letters.
 */
export async function poisonTopic(services: Services, dice: Dice, own: OwnEvents): Promise<void> {
  const n = ++poisonings;
  const values = Array.from({ length: GARBAGE }, (_, at) => Buffer.from(`garbage ${own.seed}/${n}/${at}`));
  const notes = values.map((value) => ({ topic: POISONED, digest: digestOf(value) }));
  const journal = openJournal(own.journal);
  journal.write(notes.map((note) => ({ kind: "poison", ...note })));
  await publishAll(
    services,
    values.map((value) => ({ topicName: POISONED, key: null, value, partition: dice.between(0, 3) })),
  );
  journal.write(notes.map((note) => ({ kind: "poisonAck", ...note })));
  journal.close();
  const stopped = "SELECT FROM tradetape.group_state WHERE topic = $1 AND code = 'too_many_letters'";
  while ((await asSuperuser(services, stopped, [POISONED])).length === 0) await sleep(AGAIN_MS);
  const { databaseUrl, kafkaBrokers, schemaRegistryUrl } = services.urls;
  const env = {
    ...process.env,
    DATABASE_URL: databaseUrl,
    KAFKA_BROKERS: kafkaBrokers,
    SCHEMA_REGISTRY_URL: schemaRegistryUrl,
  };
  const command = ["src/cli/main.ts", "dead-letters", "set-aside", POISONED, "--reason-text", "chaos", "--yes"];
  await untilItWorks(() => run(process.execPath, command, { env }));
}
