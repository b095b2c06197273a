import { rmSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import type { Admin } from "kafkajs";
import pg from "pg";
import { afterAll, beforeAll, expect, test } from "vitest";
import { readConfig } from "../../../src/config.ts";
import { openLog } from "../../../src/log.ts";
import { readState } from "../../../src/stack/home.ts";
import { startStack, stopStack } from "../../../src/stack/stack.ts";
import { migrate } from "../../../src/table/migrate.ts";
import { createTopics } from "../../../src/topic/create-topics.ts";
import { openKafka } from "../../../src/topic/kafkajs/open-kafka.ts";
import { withAdmin } from "../../../src/topic/log-client.ts";
import { topicName } from "../../../src/topic/topics.ts";
import { connectTape } from "../../../src/tradetape/connect-tape.ts";
import { landBy } from "../../support/landing.ts";
import { idOf, tick } from "../../support/samples.ts";
import { plainKafka, withPlainAdmin } from "../../support/services/plain-kafka.ts";
import { temporaryHome } from "../../support/services/stack.ts";
import type { TestTape } from "../../support/tape.ts";

const BROKERS = 3;
const WAIT = { timeout: 240_000, interval: 200 };
let home: string;

beforeAll(() => {
  home = temporaryHome();
});
afterAll(async () => {
  await stopStack(home, { purge: true });
  rmSync(home, { recursive: true, force: true });
});

/** The broker that leads a group: that of the partition in which Kafka keeps the group, by the hash that Java has of a text. */
async function leaderOf(admin: Admin, groupId: string): Promise<number> {
  const { topics } = await admin.fetchTopicMetadata({ topics: ["__consumer_offsets"] });
  const { partitions } = topics[0]!;
  let hash = 0;
  for (const letter of groupId) hash = (Math.imul(31, hash) + letter.charCodeAt(0)) | 0;
  const partition = (hash & 0x7fffffff) % partitions.length;
  return partitions.find(({ partitionId }) => partitionId === partition)!.leader;
}

test("the broker that leads a group is killed: the same member lands on, as soon as Kafka names another one", async () => {
  const options = { home, ports: "random", launcher: "processes", brokers: BROKERS, detached: false } as const;
  const { urls } = await startStack(options);
  const config = readConfig({ ...urls, logLevel: "silent" }, {}) as TestTape["config"];
  await migrate(config.databaseUrl);
  const log = openLog(config);
  await withAdmin(openKafka(config, log), (admin) => createTopics(admin, config));
  const pool = new pg.Pool({ connectionString: config.databaseUrl, max: 2 });
  const tape = await connectTape(config, log);
  let published = 0;
  const publish = async () => {
    const events = Array.from({ length: 100 }, () =>
      tick(published++, { symbol_id: idOf(`symbol ${published % 32}`) }),
    );
    await tape.publishAll("ticks", events);
  };
  const rows = async () => Number((await pool.query("SELECT count(*) AS n FROM public.market_data_tick")).rows[0].n);
  const stop = new AbortController();
  const landed = landBy(config, ["ticks"], { untilCaughtUp: false, stop: stop.signal });
  await publish();
  await expect.poll(rows, WAIT).toBe(published);

  const { rows: ids } = await pool.query("SELECT database_id AS id FROM tradetape.database_id");
  const groupId = `tradetape.${topicName(config.namespace, "ticks")}.${ids[0].id}`;
  const memberIds = () =>
    withPlainAdmin(plainKafka(config), async (admin) => {
      const { groups } = await admin.describeGroups([groupId]);
      return groups[0]!.members.map(({ memberId }) => memberId);
    });
  const members = await memberIds();
  const broker = await withPlainAdmin(plainKafka(config), (admin) => leaderOf(admin, groupId));
  const victim = readState(home)!.programs.find(({ name }) => name === `kafka-${broker}`)!;
  process.kill(victim.pid, "SIGKILL");
  for (let n = 0; n < 5; n++) {
    await publish();
    await sleep(500);
  }
  await expect.poll(rows, WAIT).toBe(published);
  // Another member would have had to wait until the session of the first one is over.
  expect(await memberIds()).toEqual(members);
  stop.abort();
  await landed;
  await tape.close();
  await pool.end();
});
