/**
 * The same landing without its promises: the product's fetching, decoding, overlap and COPY, on as many connections and
 * in as many bytes, and nothing else. No lock, no ledger, no next offset, no digests, no receipts: a batch is one COPY
 * statement by itself, and Kafka's group offset, written once a second, is all that remembers. What the product takes
 * longer than this is what exactly-once costs.
 */
import { CONSUMERS } from "../../../consumers/all.ts";
import { BufferSpace } from "../../../src/batch/buffer-space.ts";
import { encodeBatch } from "../../../src/batch/encode/encode.ts";
import { openLandingServices } from "../../../src/batch/run/landing-services.ts";
import { makeLandingPlan } from "../../../src/batch/run/make-landing-plan.ts";
import { readConfig } from "../../../src/config.ts";
import { openLog } from "../../../src/log.ts";
import { Connection } from "../../../src/table/connection.ts";
import { ConnectionSlot } from "../../../src/table/pool/slot.ts";
import type { FetchedBatch } from "../../../src/topic/fetch/fetched-batch.ts";
import type { LandArgs } from "./land.ts";
import { argsOf, Measure, print, WARM_SHARE } from "./measure.ts";

const COMMIT_MS = 1000;

const { events, pids } = argsOf<LandArgs>();
const services = await openLandingServices(readConfig(), openLog({ logLevel: "error" }));
const { config, registry } = services;
const plan = await makeLandingPlan(services, CONSUMERS.find(({ topic }) => topic === "ticks")!);
await registry.fetch(await registry.register(plan.topicName, "ticks"));

const open = (name: string) => Connection.open(config.databaseUrl, { name, role: "tradetape_lander" });
const connections = await Promise.all(Array.from({ length: config.landingConnections }, (_, n) => open(`bench ${n}`)));
const daySlot = new ConnectionSlot(config.databaseUrl, { name: "bench days", role: "tradetape_lander" });
/** The end of each connection's queue. */
const queues: Promise<void>[] = connections.map(() => Promise.resolve());
const space = new BufferSpace(config.landingBufferBytesMax);
const offsets = new Map<number, number>();
const warm = Promise.withResolvers<number>();
const all = Promise.withResolvers<void>();
let landed = 0;

async function take(batch: FetchedBatch): Promise<void> {
  while (!space.has(batch.records.bufferBytes)) await space.freed();
  const range = { firstOffset: batch.fetchedOffset, nextOffset: batch.nextOffset, from: 0 };
  const encoded = encodeBatch(plan.encoder, batch.partition, batch.records, range);
  if (encoded.to < batch.records.count || encoded.letters.length > 0)
    throw new Error("a bench's ticks are good, of few days");
  const bytes = encoded.rows.bytes.length + batch.records.bufferBytes;
  space.take(bytes);
  await plan.encoder.days.make(daySlot, encoded);
  const at = batch.partition % connections.length;
  queues[at] = queues[at]!.then(async () => {
    await connections[at]!.copy(plan.direct!.statement, encoded.rows.bytes);
    space.free(bytes);
    offsets.set(batch.partition, batch.nextOffset);
    landed += batch.records.count;
    if (landed >= events * WARM_SHARE) warm.resolve(landed);
    if (landed >= events) all.resolve();
  });
  queues[at].catch(all.reject);
}

const member = services.client.member({
  groupId: `unledgered.${plan.topicName}.${services.databaseId}`,
  topicNames: [plan.topicName],
  assignment: "shared",
  fetchPartitionBytesMax: config.fetchPartitionBytesMax,
  sessionTimeoutMs: config.sessionTimeoutMs,
});
await member.start({ onAssigned: () => {}, onLeft: () => {}, onBatch: take, onCrash: all.reject });
const mark = () =>
  member.mark([...offsets].map(([partition, offset]) => ({ topicName: plan.topicName, partition, offset, note: "" })));
const timer = setInterval(() => void mark(), COMMIT_MS);
const before = await Promise.race([warm.promise, all.promise.then(() => 0)]);
const measure = new Measure(pids);
await all.promise;
const measured = measure.end(events - before, events);
clearInterval(timer);
await member.stop();
for (const connection of [...connections, daySlot]) await connection.close();
await services.close();
print({ ...measured, written: landed, duplicate: 0 });
process.exit(0);
