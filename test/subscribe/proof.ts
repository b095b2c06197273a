/**
 * How fast `tape.subscribe` brings a topic's events, checked, beside kafkajs's own eachMessage with the registry's decode, which
 * checks nothing: `npm run subscribe-proof -- --events 1000000`. It uses the services that the environment names, or a stack of
 * its own, prints figures, and ends with code 1 where memory grows, or an event didn't come once and in its order.
 */
import { randomUUID } from "node:crypto";
import { parseArgs } from "node:util";
import { SchemaRegistry } from "@kafkajs/confluent-schema-registry";
import { readConfig } from "../../src/config.ts";
import { openLog } from "../../src/log.ts";
import { createTopics } from "../../src/topic/create-topics.ts";
import { openKafka } from "../../src/topic/kafkajs/open-kafka.ts";
import { withAdmin } from "../../src/topic/log-client.ts";
import { topicName } from "../../src/topic/topics.ts";
import { connectTape } from "../../src/tradetape/connect-tape.ts";
import { idOf, tick } from "../support/samples.ts";
import { plainKafka } from "../support/services/plain-kafka.ts";
import { startTestStack } from "../support/services/stack.ts";

const { values } = parseArgs({ options: { events: { type: "string", default: "1000000" } } });
const events = Number(values.events);
/** What the second half of the events may add to the first half's peak: a heap is never collected at the same places. */
const GROWTH_MIB_MAX = 64;
const MIB = 1024 * 1024;

const say = (line: string) => void process.stdout.write(`${line}\n`);

interface Figures {
  /** Of one event, in microseconds: on a machine that others use, too, the time on the wall says little. */
  readonly cpuUs: number;
  /** The most memory of the process while the first and the second half of the events came. */
  readonly peakMib: readonly [number, number];
}

const wrong: string[] = [];

/** @param bring tells the place of each event that comes, until it is told that all have */
async function measure(
  what: string,
  bring: (came: (partition: number, offset: number) => boolean) => Promise<void>,
): Promise<Figures> {
  const next = new Map<number, number>();
  const peaks: [number, number] = [0, 0];
  let count = 0;
  const began = performance.now();
  const before = process.cpuUsage();
  await bring((partition, offset) => {
    if (offset !== (next.get(partition) ?? 0)) wrong.push(`${what}: ${partition}/${offset} came out of its order`);
    next.set(partition, offset + 1);
    count++;
    if (count % 1000 === 0) {
      const half = count <= events / 2 ? 0 : 1;
      peaks[half] = Math.max(peaks[half], process.memoryUsage().rss / MIB);
    }
    return count >= events;
  });
  const perSecond = Math.round(events / ((performance.now() - began) / 1000));
  const { user, system } = process.cpuUsage(before);
  const cpuUs = (user + system) / events;
  const peakMib = [Math.round(peaks[0]), Math.round(peaks[1])] as const;
  const speed = `${perSecond.toLocaleString("en")} events/s, ${cpuUs.toFixed(1)} us of CPU each`;
  say(`${what}: ${speed}; at most ${peakMib[0]} MiB, in the second half ${peakMib[1]} MiB`);
  return { cpuUs, peakMib };
}

const stack = await startTestStack();
const namespace = `subscribe-proof-${Date.now().toString(36)}`;
const config = readConfig({ ...stack.urls, namespace, logLevel: "error" }, {});
const log = openLog(config);
await withAdmin(openKafka(config, log), (admin) => createTopics(admin, config));
const tape = await connectTape(config, log);
const SYMBOLS = Array.from({ length: 16 }, (_, n) => idOf(`proof ${n}`));
function* ticks() {
  for (let n = 0; n < events; n++) yield tick(n, { symbol_id: SYMBOLS[n % SYMBOLS.length]! });
}
await tape.publishAll("ticks", ticks());
say(`${events.toLocaleString("en")} ticks in ${topicName(namespace, "ticks")}`);

const theirs = await measure("kafkajs eachMessage, registry.decode", async (came) => {
  const registry = new SchemaRegistry({ host: config.schemaRegistryUrl! });
  const consumer = plainKafka(config).consumer({ groupId: randomUUID() });
  await consumer.connect();
  await consumer.subscribe({ topic: topicName(namespace, "ticks"), fromBeginning: true });
  await new Promise<void>((resolve) => {
    void consumer.run({
      eachMessage: async ({ partition, message }) => {
        await registry.decode(message.value!);
        if (came(partition, Number(message.offset))) resolve();
      },
    });
  });
  await consumer.disconnect();
});

const ours = await measure("tape.subscribe", async (came) => {
  for await (const message of await tape.subscribe("ticks", { from: "beginning" }))
    if (came(message.partition, message.offset)) break;
});

await measure("tape.subscribe of a group, ackAll of each 1,000", async (came) => {
  await using subscription = await tape.subscribe("ticks", { group: "proof" });
  let count = 0;
  for await (const message of subscription) {
    count++;
    if (count % 1000 === 0) void subscription.ackAll();
    if (came(message.partition, message.offset)) break;
  }
});

await tape.close();
await stack.end();
const times = theirs.cpuUs / ours.cpuUs;
say(`a subscription takes ${times.toFixed(2)} times as little CPU`);
if (ours.peakMib[1] - ours.peakMib[0] > GROWTH_MIB_MAX) wrong.push("its memory grows");
for (const one of wrong.slice(0, 20)) say(`WRONG  ${one}`);
process.exitCode = wrong.length === 0 ? 0 : 1;
