import { mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import kafkajs from "kafkajs";
import pg from "pg";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { layoutsBy } from "../../../src/topic/topic-layout.ts";
import { settingsOfNew } from "../../../src/topic/topic-settings.ts";
import type { TopicName } from "../../../src/topic/topics.ts";
import { environmentOf } from "../../support/landing.ts";
import { idOf, symbol, tick } from "../../support/samples.ts";
import { isolate } from "../../support/services/isolation.ts";
import { startPoolRelay } from "../../support/services/pool-relay.ts";
import { openTestTape, type TestTape } from "../../support/tape.ts";
import { tradetape } from "../../support/tradetape.ts";

interface Found {
  readonly about: string;
  readonly severity: string;
  readonly code?: string;
  readonly says: string;
  readonly next?: string;
}

const folder = mkdtempSync(join(tmpdir(), "tradetape-doctor-"));
/** Slots are the server's. */
const SLOT = `nobody_${process.pid}`;
let tape: TestTape;
let env: NodeJS.ProcessEnv;

beforeAll(async () => {
  tape = await openTestTape();
  env = environmentOf(tape.config);
  await tape.publish("symbols", symbol());
  await tape.publish("ticks", tick());
  await tape.land();
});
afterAll(async () => {
  await tape.query("SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE slot_name = $1", [SLOT]);
  await tape.stop();
  rmSync(folder, { recursive: true });
});

async function found(change: NodeJS.ProcessEnv = {}): Promise<{ code: number; findings: Found[] }> {
  const { code, stdout, stderr } = await tradetape(["doctor", "--json"], { ...env, ...change });
  expect(stdout, stderr).not.toBe("");
  return { code, findings: (JSON.parse(stdout) as { findings: Found[] }).findings };
}
const worst = ({ findings }: { findings: readonly Found[] }) => findings.filter(({ severity }) => severity === "wrong");

/** A topic's settings as they should be, but for these. */
const spoil = (topic: TopicName, change: Readonly<Record<string, string>>) =>
  tape.admin((admin) => {
    const all = Object.entries({ ...settingsOfNew(topic, tape.config, layoutsBy(tape.config)(topic)), ...change });
    const configEntries = all.map(([name, value]) => ({ name, value }));
    const resources = [{ type: kafkajs.ConfigResourceTypes.TOPIC, name: tape.name(topic), configEntries }];
    return admin.alterConfigs({ validateOnly: false, resources });
  });
const registered = (subject: string, level: string) =>
  fetch(`${tape.config.schemaRegistryUrl}/config/${subject}`, {
    method: "PUT",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ compatibility: level }),
  });

test("where nothing is wrong it says so, with what it saw, and ends with 0", async () => {
  const { code, stdout, stderr } = await tradetape(["doctor"], env);
  expect([code, stderr]).toEqual([0, ""]);
  expect(stdout).toMatch(/^tradetape \d+\.\d+\.\d+, Node \d+/);
  expect(stdout).toMatch(/DATABASE_URL +\(set\) +variable/);
  expect(stdout).toMatch(/told +database: 127\.0\.0\.1:\d+\/tradetape_test_\w+: PostgreSQL 1\d/);
  expect(stdout).toMatch(/good +rights: \w+ may work as tradetape_owner, tradetape_lander/);
  expect(stdout).toMatch(
    /told +subjects: events are read by schemas of their topic's subject or their record's name\n/,
  );
  expect(stdout).toContain("market_data_tick has partitions for");
  expect(stdout).toMatch(/told +kafka: the brokers are Kafka 2\.1 or later: they take Produce \d+ to \d+/);
  expect(stdout).toMatch(/told +registry: the registry doesn't tell its version, and has what is asked/);
  expect(stdout).toMatch(/good +rights: Kafka lets this user WRITE to the topics of events\n/);
  expect(stdout).toMatch(/good +rights: Kafka lets this user land: join each group/);
  expect(stdout).toMatch(/told +disk: the tablespace pg_default has [\d,]+ bytes; .*\n +next: Run `df -h`/);
  expect(stdout).toContain("Nothing is wrong.");
});

/** What is planted, all of it at once, and what doctor has to name. */
const PLANTED: readonly { readonly fault: string; plant(): Promise<unknown>; readonly names: () => Partial<Found> }[] =
  [
    {
      fault: "a topic is compacted",
      plant: () => spoil("bars", { "cleanup.policy": "compact" }),
      names: () => ({
        code: "topic_misconfigured",
        says: `${tape.name("bars")}: cleanup.policy is compact`,
        next: "kafka-configs.sh",
      }),
    },
    {
      fault: "a topic keeps its events for an hour, and one waits",
      plant: async () => {
        await tape.publish("ticks", tick(1));
        await spoil("ticks", { "retention.ms": "3600000" });
      },
      names: () => ({ says: `${tape.name("ticks")}: retention.ms is 3600000`, next: "`tradetape topics --create`" }),
    },
    {
      fault: "what waits in it is about to go",
      plant: async () => undefined,
      names: () => ({
        severity: "doubtful",
        says: "1 offsets have not landed, and the first of them may be deleted from",
      }),
    },
    {
      fault: "a topic has its producers' times",
      plant: () => spoil("quotes", { "message.timestamp.type": "CreateTime" }),
      names: () => ({ says: `${tape.name("quotes")}: message.timestamp.type is CreateTime` }),
    },
    {
      fault: "a topic takes small messages only",
      plant: () => spoil("fills", { "max.message.bytes": "1000" }),
      names: () => ({ says: `${tape.name("fills")}: max.message.bytes is 1000` }),
    },
    {
      fault: "a topic is missing",
      plant: () => tape.admin((admin) => admin.deleteTopics({ topics: [tape.name("outcomes")] })),
      names: () => ({ code: "topic_missing", says: tape.name("outcomes"), next: "`tradetape topics --create`" }),
    },
    {
      fault: "the log has lost what has not landed",
      plant: async () => {
        for (const ticker of ["A", "B"]) await tape.publish("symbols", symbol({ symbol_id: idOf(ticker), ticker }));
        const topic = tape.name("symbols");
        await tape.admin(async (admin) => {
          // kafkajs deletes of topics only that it has asked about.
          await admin.fetchTopicOffsets(topic);
          await admin.deleteTopicRecords({ topic, partitions: [{ partition: 0, offset: "2" }] });
        });
      },
      names: () => ({
        code: "history_lost",
        says: `${tape.name("symbols")}/0: offsets 1 to 1 are gone`,
        next: "symbols/0:1..2",
      }),
    },
    {
      fault: "the registry takes any schema",
      plant: () => registered(`${tape.name("ticks")}-value`, "NONE"),
      names: () => ({ about: "registry", says: `${tape.name("ticks")}-value is NONE`, next: "--set-compatibility" }),
    },
    {
      fault: "the lander lacks a right",
      plant: () => tape.query("REVOKE INSERT ON public.trade_execution FROM tradetape_lander"),
      names: () => ({ about: "rights", says: "tradetape_lander", next: "migrate --repair" }),
    },
    {
      fault: "a table is gone",
      plant: () => tape.query("DROP VIEW IF EXISTS public.tick CASCADE"),
      names: () => ({ about: "tables", says: "public.tick" }),
    },
    {
      fault: "a topic keeps so many bytes only",
      plant: () => spoil("indicators", { "retention.bytes": "1000000" }),
      names: () => ({
        says: `${tape.name("indicators")}: retention.bytes is 1000000`,
        next: "`tradetape topics --create`",
      }),
    },
    {
      fault: "a replication slot that nobody reads fills the disk",
      plant: () => tape.query(`SELECT pg_create_physical_replication_slot('${SLOT}', true)`),
      names: () => ({
        about: "disk",
        severity: "doubtful",
        says: `nobody reads the replication slot ${SLOT}`,
        next: `SELECT pg_drop_replication_slot('${SLOT}')`,
      }),
    },
    {
      fault: "a day is half dropped",
      plant: () => tape.query("ALTER TABLE public.market_data_tick DETACH PARTITION public.market_data_tick_20240305"),
      names: () => ({ about: "days", says: "the day 2024-03-05 is detached", next: "tradetape partitions" }),
    },
  ];

test("of faults that are planted at once it names each, with its next step, and ends with 1", async () => {
  for (const { plant } of PLANTED) await plant();
  await expect
    .poll(async () => (await tape.admin((admin) => admin.listTopics())).includes(tape.name("outcomes")))
    .toBe(false);
  const all = await found();
  expect(all.code).toBe(1);
  for (const { fault, names } of PLANTED) {
    const wanted = Object.entries({ severity: "wrong", next: "", ...names() });
    const isNamed = (one: Found) => wanted.every(([name, text]) => one[name as keyof Found]?.includes(text as string));
    expect(all.findings.filter(isNamed), `${fault}\n${JSON.stringify(worst(all), null, 1)}`).not.toEqual([]);
  }
  process.stdout.write(
    `${PLANTED.length} planted, ${PLANTED.length} named: ${PLANTED.map(({ fault }) => fault).join("; ")}\n`,
  );
  const text = await tradetape(["doctor"], env);
  expect(text.stdout).toMatch(/next: .*tradetape topics --create/);
  expect(text.stdout).toMatch(/\n\d+ wrong, \d+ doubtful\.\n$/);
});

describe("a service that can't be used is named by its code, and the others are looked at all the same", () => {
  test.each<[string, NodeJS.ProcessEnv, string]>([
    ["no database", { DATABASE_URL: "postgres://tape:tape@127.0.0.1:1/tape" }, "database_unreachable"],
    ["no broker", { KAFKA_BROKERS: "127.0.0.1:1" }, "broker_unreachable"],
    ["no registry", { SCHEMA_REGISTRY_URL: "http://127.0.0.1:1" }, "registry_unreachable"],
  ])("%s", async (_, change, code) => {
    const all = await found(change);
    expect(all.code).toBe(1);
    expect(worst(all)).toContainEqual(expect.objectContaining({ code, next: expect.any(String) }));
    const abouts = ["database", "kafka", "registry"].filter((about) => all.findings.some((one) => one.about === about));
    expect(abouts.length).toBeGreaterThanOrEqual(2);
  });

  test("a database that isn't migrated", async () => {
    const { databaseUrl } = await isolate("empty");
    const all = await found({ DATABASE_URL: databaseUrl });
    expect(worst(all)).toContainEqual(
      expect.objectContaining({ code: "not_migrated", next: expect.stringContaining("`tradetape migrate`") }),
    );
  });

  test("an encoding that can't hold events", async () => {
    const { databaseUrl } = await isolate("latin");
    const name = new URL(databaseUrl).pathname.slice(1);
    const client = new pg.Client({ connectionString: tape.config.databaseUrl });
    await client.connect();
    await client.query(`DROP DATABASE ${name}`);
    await client.query(
      `CREATE DATABASE ${name} ENCODING 'LATIN1' TEMPLATE template0 LOCALE_PROVIDER libc LC_COLLATE 'C' LC_CTYPE 'C'`,
    );
    await client.end();
    expect(worst(await found({ DATABASE_URL: databaseUrl }))).toContainEqual(
      expect.objectContaining({ code: "encoding_unfit", says: expect.stringContaining("LATIN1") }),
    );
  });

  test("a pooler in transaction mode", async () => {
    const relay = await startPoolRelay(tape.config.databaseUrl, { mode: "transaction", size: 2 });
    const all = await found({ DATABASE_URL: relay.url });
    await relay.close();
    expect(worst(all)).toContainEqual(
      expect.objectContaining({
        code: "pooler_transaction_mode",
        next: expect.stringContaining("pool_mode = session"),
      }),
    );
  });
});

test("a bundle has what was found and no secret, and only its maker can read it", async () => {
  const path = join(folder, "report.json");
  const secrets = [
    "canary-db-word",
    "canary-reg-user",
    "canary-reg-word",
    "canary-path",
    "canary-sasl",
    "canary/db query",
  ];
  const { host } = new URL(tape.config.databaseUrl);
  const { code, stdout, stderr } = await tradetape(["doctor", "--bundle", path], {
    DATABASE_URL: `postgres://nobody:canary-db-word@${host}/nowhere?options=${encodeURIComponent("canary/db query")}`,
    SCHEMA_REGISTRY_URL: "http://canary-reg-user:canary-reg-word@127.0.0.1:1/canary-path",
    KAFKA_BROKERS: tape.config.kafkaBrokers!.join(","),
    KAFKA_SASL_MECHANISM: "plain",
    KAFKA_SASL_USERNAME: "tape",
    KAFKA_SASL_PASSWORD: "canary-sasl",
  });
  expect(code, stderr).toBe(1);
  const bundle = readFileSync(path, "utf8");
  const report = JSON.parse(bundle) as {
    findings: Found[];
    settings: { setting: string; value: unknown; from: string }[];
  };
  expect(report.settings).toContainEqual({ setting: "DATABASE_URL", value: "(set)", from: "variable" });
  expect(report.findings.filter(({ severity }) => severity === "wrong").length).toBeGreaterThanOrEqual(2);
  for (const secret of [...secrets, encodeURIComponent(secrets.at(-1)!)])
    expect(
      [bundle, stdout, stderr].filter((text) => text.includes(secret)),
      secret,
    ).toEqual([]);
  expect(statSync(path).mode & 0o777).toBe(0o600);
});
