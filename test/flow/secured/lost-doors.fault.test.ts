import { randomBytes } from "node:crypto";
import pg from "pg";
import pino from "pino";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { type Config, readConfig } from "../../../src/config.ts";
import type { EventTopic } from "../../../src/event/schemas.ts";
import { migrate } from "../../../src/table/migrate.ts";
import { createTopics } from "../../../src/topic/create-topics.ts";
import { openKafka } from "../../../src/topic/kafkajs/open-kafka.ts";
import { withAdmin } from "../../../src/topic/log-client.ts";
import { topicName } from "../../../src/topic/topics.ts";
import { connectTape } from "../../../src/tradetape/connect-tape.ts";
import type { Tape } from "../../../src/tradetape/tape.ts";
import { type Consuming, startConsuming } from "../../support/landing.ts";
import { idOf, symbol, tick } from "../../support/samples.ts";
import { type Authority, newAuthority } from "../../support/services/certificates.ts";
import { type Isolation, isolate } from "../../support/services/isolation.ts";
import { startTcpProxy } from "../../support/services/tcp-proxy.ts";
import { type GuardedKafka, rulesOf, startGuardedKafka } from "./guarded-kafka.ts";

/** A consumer that runs, and is then refused what it had: it waits, says why, and goes on by itself. */
const log = pino({ level: "silent" });
let kafka: GuardedKafka;
let ours: Authority;
let place: Isolation;
let tape: Tape;
/** A port that leads to one with a right certificate, or to one whose certificate is over. */
let front: Awaited<ReturnType<typeof startTcpProxy>>;
let consuming: Consuming | undefined;

beforeAll(async () => {
  ours = newAuthority();
  const named = "DNS:localhost,IP:127.0.0.1";
  front = await startTcpProxy("127.0.0.1:1");
  kafka = await startGuardedKafka(["consumer"], {
    tls: { protocol: "SSL", pair: ours.issue("right", named), advertised: front.port },
    late: { protocol: "SSL", pair: ours.issue("late", named, -1), advertised: front.port },
  });
  place = await isolate();
  await migrate(place.databaseUrl);
  const config = configOf({ kafkaBrokers: `127.0.0.1:${kafka.plain}` });
  await withAdmin(openKafka(config, log), (admin) => createTopics(admin, config));
  await kafka.give(rulesOf("consumer.acl", "consumer", place.namespace));
  tape = await connectTape(config, log);
});
afterEach(async () => {
  await consuming?.stop();
  consuming = undefined;
});
afterAll(async () => {
  await tape.close();
  await front.close();
  await kafka.stop();
  ours.remove();
});

type Consumes = Config & { readonly databaseUrl: string };

const configOf = (settings: Parameters<typeof readConfig>[0], env: Readonly<Record<string, string>> = {}) =>
  readConfig({ sweepIntervalMs: "50", logLevel: "silent", ...place, ...settings }, env) as Consumes;

function asConsumer(settings: Parameters<typeof readConfig>[0] = {}): Consumes {
  const { KAFKA_BROKERS, ...login } = kafka.loginOf("consumer");
  return configOf({ kafkaBrokers: KAFKA_BROKERS!, ...settings }, login);
}

async function runSql(url: string, sql: string): Promise<pg.QueryResultRow[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  return client
    .query(sql)
    .then(({ rows }) => rows)
    .finally(() => client.end());
}

const rows = async (table: string) =>
  Number((await runSql(place.databaseUrl, `SELECT count(*) AS n FROM ${table}`))[0]!.n);
let made = 0;
/** Publishes one more and says how many there are to be. */
const publishTick = async () => {
  const before = await rows("tick");
  await tape.publish("ticks", tick(made++));
  return before + 1;
};
async function landsTick(): Promise<void> {
  const wanted = await publishTick();
  await expect.poll(() => rows("tick")).toBe(wanted);
}
const stateOf = (topic: EventTopic) => consuming?.stateOf(topic);

describe("a right on Kafka", () => {
  test.each([
    ["READ topic literal ticks", "on topic N.ticks"],
    ["READ group prefixed tradetape.", "on group tradetape.N.ticks."],
    ["WRITE topic literal audit", "on topic N.audit"],
  ])("%s: its group stops and says so, and goes on once the right is given back", async (line, says) => {
    consuming = await startConsuming(asConsumer(), ["ticks"]);
    await landsTick();
    const rule = rulesOf("consumer.acl", "consumer", place.namespace, line);
    await kafka.take(rule);
    const wanted = await publishTick();
    const reason = expect.stringContaining(says.replace("N.", `${place.namespace}.`));
    await expect.poll(() => stateOf("ticks")).toMatchObject({ state: "stopped", code: "acl_missing", reason });
    await kafka.give(rule);
    // It is the only group, and the process has waited.
    await expect.poll(() => rows("tick")).toBe(wanted);
    await expect.poll(() => stateOf("ticks")).toEqual({ state: "running" });
    expect((await consuming.stop()).failure).toBeUndefined();
  });

  test("one group's keeps no other from landing", async () => {
    consuming = await startConsuming(asConsumer(), ["ticks", "symbols"]);
    await landsTick();
    const rule = rulesOf("consumer.acl", "consumer", place.namespace, "READ topic literal ticks");
    await kafka.take(rule);
    await expect.poll(() => stateOf("ticks")).toMatchObject({ code: "acl_missing" });
    await tape.publish("symbols", symbol({ symbol_id: idOf("beside") }));
    await expect.poll(() => rows("symbol")).toBe(1);
    await kafka.give(rule);
    await landsTick();
  });

  test("that was never there ends the process, which names it", async () => {
    const rule = rulesOf("consumer.acl", "consumer", place.namespace, "READ group prefixed tradetape.");
    await kafka.take(rule);
    consuming = await startConsuming(asConsumer(), ["ticks"]);
    const { failure } = await consuming.ended;
    await kafka.give(rule);
    expect(failure).toMatchObject({
      code: "acl_missing",
      message: `Kafka doesn't give the user READ on group tradetape.${topicName(place.namespace, "ticks")}.${await ownId()}`,
    });
  });
});

const ownId = async () =>
  (await runSql(place.databaseUrl, "SELECT database_id AS id FROM tradetape.database_id"))[0]!.id;

test("a broker's certificate that runs out: the group stops and says so, and goes on once it is renewed", async () => {
  const lead = async (to: string) => {
    await front.close();
    front = await startTcpProxy(`127.0.0.1:${kafka.ports[to]}`, front.port);
  };
  await lead("tls");
  const byTls = { kafkaBrokers: `127.0.0.1:${front.port}`, kafkaSsl: "true", kafkaSslCaFile: ours.cert };
  consuming = await startConsuming(configOf(byTls), ["ticks"]);
  await landsTick();
  await lead("late");
  const wanted = await publishTick();
  await expect.poll(() => stateOf("ticks")).toMatchObject({ state: "stopped", code: "tls_refused" });
  await lead("tls");
  await expect.poll(() => rows("tick")).toBe(wanted);
});

test("a login to PostgreSQL: the groups wait and say so, and each goes on once its password is the old one again", async () => {
  const user = `lost_${randomBytes(4).toString("hex")}`;
  const asAdmin = (sql: string) => runSql(place.databaseUrl, sql);
  await asAdmin(`CREATE ROLE ${user} LOGIN PASSWORD 'old' IN ROLE tradetape_lander`);
  const url = new URL(place.databaseUrl);
  Object.assign(url, { username: user, password: "old" });
  consuming = await startConsuming(asConsumer({ databaseUrl: url.href }), ["ticks"]);
  await landsTick();
  await asAdmin(`ALTER ROLE ${user} PASSWORD 'new'`);
  await asAdmin(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '${user}'`);
  const wanted = await publishTick();
  const reason = expect.stringContaining(`password authentication failed for user "${user}"`);
  await expect.poll(() => stateOf("ticks")).toMatchObject({ state: "waiting", reason });
  await asAdmin(`ALTER ROLE ${user} PASSWORD 'old'`);
  await expect.poll(() => rows("tick")).toBe(wanted);
  await consuming.stop();
  consuming = undefined;
  await asAdmin(`DROP ROLE ${user}`);
});
