import { randomBytes } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pg from "pg";
import pino from "pino";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Config, readConfig } from "../../../src/config.ts";
import { migrate } from "../../../src/table/migrate.ts";
import { createTopics } from "../../../src/topic/create-topics.ts";
import { openKafka } from "../../../src/topic/kafkajs/open-kafka.ts";
import { withAdmin } from "../../../src/topic/log-client.ts";
import { connectTape } from "../../../src/tradetape/connect-tape.ts";
import type { Tape } from "../../../src/tradetape/tape.ts";
import { type Consuming, startConsuming } from "../../support/landing.ts";
import { tick } from "../../support/samples.ts";
import { type Authority, newAuthority, type Pair } from "../../support/services/certificates.ts";
import { type Isolation, isolate } from "../../support/services/isolation.ts";
import { startTcpProxy, type TcpProxy } from "../../support/services/tcp-proxy.ts";
import { rulesOf } from "./guarded-kafka.ts";
import { setScramPassword } from "./scram.ts";
import { type SecuredKafka, startSecuredKafka } from "./secured-services.ts";

/**
 * One consumer, whose logins are changed under it one after the other, each on the server's side first: it is refused, waits,
 * and goes on by what its files hold then, with nothing lost and nothing landed twice.
 */
const log = pino({ level: "silent" });
const folder = mkdtempSync(join(tmpdir(), "tradetape-rotation-"));
const at = (name: string) => join(folder, name);
const put = (name: string, text: string) => writeFileSync(at(name), text, { mode: 0o600 });
const user = `rotated_${randomBytes(4).toString("hex")}`;
let [ours, theirs]: Authority[] = [];
let kafka: SecuredKafka;
let place: Isolation;
let tape: Tape;
let front: TcpProxy;
let consuming: Consuming;
let made = 0;

beforeAll(async () => {
  [ours, theirs] = [newAuthority(), newAuthority()];
  front = await startTcpProxy("127.0.0.1:1");
  kafka = await startSecuredKafka(ours, ["consumer"], front.port);
  await reconnect();
  place = await isolate();
  await migrate(place.databaseUrl);
  const { namespace, schemaRegistryUrl } = place;
  const plain = configOf({ ...place, kafkaBrokers: `127.0.0.1:${kafka.plain}` });
  await withAdmin(openKafka(plain, log), (admin) => createTopics(admin, plain));
  await kafka.give(rulesOf("consumer.acl", "consumer", namespace));
  tape = await connectTape(plain, log);
  await runSql(`CREATE ROLE ${user} LOGIN PASSWORD 'first' IN ROLE tradetape_lander`);
  putUrl("first");
  putPair(ours!.issue("first", "DNS:client"), "first");
  put("ca.pem", readFileSync(ours!.cert, "utf8"));
  const { KAFKA_SASL_PASSWORD, ...login } = kafka.loginOf("consumer");
  put("password", KAFKA_SASL_PASSWORD!);
  consuming = await startConsuming(configOf({ namespace, schemaRegistryUrl }, { ...login, ...filesOf() }), ["ticks"]);
});
afterAll(async () => {
  await consuming?.stop();
  await tape?.close();
  await front?.close();
  await kafka?.stop();
  if (place) await runSql(`DROP ROLE IF EXISTS ${user}`);
  for (const authority of [ours, theirs]) authority?.remove();
  rmSync(folder, { recursive: true });
});

type Settings = Parameters<typeof readConfig>[0];
type Consumes = Config & { readonly databaseUrl: string };

const configOf = (settings: Settings, env: Readonly<Record<string, string>> = {}) =>
  readConfig({ sweepIntervalMs: "50", logLevel: "silent", ...settings }, env) as Consumes;

/** All that a login takes is in files. */
const filesOf = () => ({
  DATABASE_URL_FILE: at("url"),
  KAFKA_SASL_PASSWORD_FILE: at("password"),
  KAFKA_SSL_CA_FILE: at("ca.pem"),
  KAFKA_SSL_CERT_FILE: at("client.crt"),
  KAFKA_SSL_KEY_FILE: at("client.key"),
  KAFKA_SSL_KEY_PASSPHRASE_FILE: at("passphrase"),
});

function putUrl(password: string): void {
  const url = new URL(place.databaseUrl);
  put("url", Object.assign(url, { username: user, password }).href);
}

/** A certificate, its key, which is encrypted, and the passphrase of that. */
function putPair({ cert, key }: Pair, passphrase: string): void {
  put("client.crt", readFileSync(cert, "utf8"));
  put("client.key", readFileSync(ours!.encrypt(key, passphrase), "utf8"));
  put("passphrase", passphrase);
}

/** Cuts all connections to the broker: the next ones begin anew. */
async function reconnect(): Promise<void> {
  await front.close();
  front = await startTcpProxy(`127.0.0.1:${kafka.secured}`, front.port);
}

async function runSql(sql: string): Promise<pg.QueryResultRow[]> {
  const client = new pg.Client({ connectionString: place.databaseUrl });
  await client.connect();
  return client
    .query(sql)
    .then(({ rows }) => rows)
    .finally(() => client.end());
}

const countOf = async (what: string) => Number((await runSql(`SELECT ${what} AS n`))[0]!.n);
const landed = () => countOf("(SELECT count(*) FROM tick)");
const publishTick = () => tape.publish("ticks", tick(made++));
const state = () => consuming.stateOf("ticks");

/** Refused by what its files hold, it lands what came meanwhile once they hold what the server takes. */
async function goesOnBy(change: () => void, refused: object): Promise<void> {
  await publishTick();
  await expect.poll(state).toMatchObject(refused);
  change();
  await expect.poll(landed).toBe(made);
  await publishTick();
  await expect.poll(landed).toBe(made);
  await consuming.runs("ticks");
}

test("it lands", async () => {
  await publishTick();
  await expect.poll(landed).toBe(made);
});

test("Kafka's password", async () => {
  await setScramPassword(kafka.plain, "consumer", "the next password");
  const { KAFKA_SASL_PASSWORD: _first, ...login } = kafka.loginOf("consumer");
  const byFirst = configOf({}, { ...login, ...filesOf() });
  const open = () =>
    withAdmin(openKafka(byFirst, log), (admin) => admin.fetchCluster()).catch(({ code }: { code: unknown }) => code);
  // The broker has it a moment after its controller.
  await expect.poll(open).toBe("login_refused");
  await reconnect();
  await goesOnBy(() => put("password", "the next password"), { code: "login_refused" });
});

test("the client's certificate, its encrypted key and the passphrase", async () => {
  putPair(theirs!.issue("stranger", "DNS:client"), "of a stranger");
  await reconnect();
  await goesOnBy(() => putPair(ours!.issue("next", "DNS:client"), "of the next"), { code: "tls_refused" });
});

test("the authority that the broker is known by", async () => {
  put("ca.pem", readFileSync(theirs!.cert, "utf8"));
  await reconnect();
  const both = `${readFileSync(theirs!.cert, "utf8")}${readFileSync(ours!.cert, "utf8")}`;
  await goesOnBy(() => put("ca.pem", both), { code: "tls_refused" });
});

test("PostgreSQL's password", async () => {
  await runSql(`ALTER ROLE ${user} PASSWORD 'next'`);
  await runSql(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '${user}'`);
  const reason = expect.stringContaining(`password authentication failed for user "${user}"`);
  await goesOnBy(() => putUrl("next"), { state: "waiting", reason });
});

test("and each event landed once", async () => {
  expect((await consuming.stop()).failure).toBeUndefined();
  expect(await landed()).toBe(made);
  const summed = (counts: string) =>
    countOf(`(SELECT sum(${counts}) FROM tradetape.landed_batch WHERE topic LIKE '%.ticks')`);
  expect([await summed("read"), await summed("written"), await summed("duplicate")]).toEqual([made, made, 0]);
});
