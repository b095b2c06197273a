import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pino from "pino";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { demoSymbols, seededTicks } from "../../../src/cli/demo/demo-ticks.ts";
import { readConfig } from "../../../src/config.ts";
import { migrate } from "../../../src/table/migrate.ts";
import { createTopics } from "../../../src/topic/create-topics.ts";
import { openKafka } from "../../../src/topic/kafkajs/open-kafka.ts";
import { withAdmin } from "../../../src/topic/log-client.ts";
import { topicName } from "../../../src/topic/topics.ts";
import { connectTape } from "../../../src/tradetape/connect-tape.ts";
import { landBy } from "../../support/landing.ts";
import { type Isolation, isolate } from "../../support/services/isolation.ts";
import { plainKafka, plainProducer } from "../../support/services/plain-kafka.ts";
import type { TestTape } from "../../support/tape.ts";
import { startTradetape, tradetape } from "../../support/tradetape.ts";
import { type GuardedKafka, operationOf, rulesOf, startGuardedKafka } from "./guarded-kafka.ts";

/** ops/acl/'s files of what reads, lands and publishes beside `consume`: each does its work with its file's rules alone. */
const FILES = ["runner", "replayer", "rewinder", "redriver"] as const;
type User = (typeof FILES)[number];

let kafka: GuardedKafka;
let place: Isolation;
let intoUrl: string;

beforeAll(async () => {
  kafka = await startGuardedKafka(FILES);
  place = await isolate();
  intoUrl = (await isolate("into")).databaseUrl;
  for (const url of [place.databaseUrl, intoUrl]) await migrate(url);
  for (const user of FILES) await kafka.give(rulesOf(`${user}.acl`, user, place.namespace));
  const open = { ...place, kafkaBrokers: `127.0.0.1:${kafka.plain}` };
  const config = readConfig(open, {}) as TestTape["config"];
  const log = pino({ level: "silent" });
  await withAdmin(openKafka(config, log), (admin) => createTopics(admin, config));
  const tape = await connectTape(config, log);
  await tape.publishAll("symbols", demoSymbols());
  await tape.publishAll("ticks", seededTicks(200));
  await tape.close();
  const producer = plainProducer(plainKafka(config));
  await producer.connect();
  const topic = topicName(place.namespace, "ticks");
  await producer.send({ topic, messages: [{ partition: 0, value: "no event" }] });
  await producer.disconnect();
  await landBy(config, ["symbols", "ticks"]);
});
afterAll(() => kafka.stop());

const environmentOf = (user: User) => ({
  DATABASE_URL: place.databaseUrl,
  SCHEMA_REGISTRY_URL: place.schemaRegistryUrl,
  TRADETAPE_NAMESPACE: place.namespace,
  ...kafka.loginOf(user),
});
const as = (user: User, args: readonly string[]) => tradetape(args, environmentOf(user));

const SESSION = "0198c5a4-8f6e-5c3a-9d2b-5e4f3a2b1c0d";
const RUN = ["run", "--session", SESSION, "--interval", "1min", "--intervals", "1min", "--until-caught-up"];
const BARS = ["run", "bars", "--intervals", "1min", "--until-caught-up"];
const REPLAY = () => ["replay", "--into", intoUrl];
const REWIND = () => ["rewind", "--dry-run"];
const REDRIVE = () => ["dead-letters", "redrive", "--topic", "ticks", "--again", "--wait", "0", "--yes"];

const denied = (says: string) =>
  expect.stringContaining(`acl_missing: Kafka doesn't give the user ${says.replace("N.", `${place.namespace}.`)}`);

describe("a rule that is taken away is named", () => {
  test.each<[User, string, () => readonly string[], string]>([
    ["runner", "READ topic literal ticks", () => BARS, "DESCRIBE on topic N.ticks"],
    ["runner", "DESCRIBE_CONFIGS topic literal ticks", () => BARS, "DESCRIBE_CONFIGS on topic N.ticks"],
    ["runner", "DESCRIBE_CONFIGS topic literal snapshots", () => BARS, "DESCRIBE_CONFIGS on topic N.snapshots"],
    ["runner", "WRITE topic literal bars", () => BARS, "WRITE on topic N.bars"],
    ["runner", "READ group prefixed tradetape.run.", () => BARS, "READ on group tradetape.run.N.bars."],
    ["replayer", "READ topic literal fills", REPLAY, "DESCRIBE on topic N.fills"],
    ["replayer", "DESCRIBE topic literal snapshots", REPLAY, "DESCRIBE on topic N.snapshots"],
    ["replayer", "DESCRIBE_CONFIGS topic literal audit", REPLAY, "DESCRIBE_CONFIGS on topic N.audit"],
    ["replayer", "READ group prefixed tradetape.replay.", REPLAY, "READ on group tradetape.replay.N."],
    ["replayer", "WRITE topic literal audit", REPLAY, "WRITE on topic N.audit"],
    ["rewinder", "READ topic literal ticks", REWIND, "DESCRIBE on topic N.ticks"],
    ["rewinder", "READ group prefixed tradetape.ranges.", REWIND, "READ on group tradetape.ranges."],
    ["redriver", "WRITE topic literal ticks", REDRIVE, "WRITE on topic N.ticks"],
  ])("%s without %s", async (user, line, args, says) => {
    const rule = rulesOf(`${user}.acl`, user, place.namespace, line);
    expect(rule).toHaveLength(1);
    await kafka.take(rule);
    const { code, stderr } = await as(user, args());
    await kafka.give(rule);
    const fault = stderr.slice(stderr.lastIndexOf("tradetape: "));
    expect([code, fault], stderr).toEqual([2, denied(says)]);
  });
});

test("of a program's topics the one is named that may not be read, also where it may be seen", async () => {
  const [rule] = rulesOf("runner.acl", "runner", place.namespace, "READ topic literal ticks");
  const seen = { ...rule!, operation: operationOf("DESCRIBE") };
  await kafka.give([seen]);
  await kafka.take([rule!]);
  const { code, stderr } = await as("runner", RUN);
  await kafka.give([rule!]);
  await kafka.take([seen]);
  const fault = stderr.slice(stderr.lastIndexOf("tradetape: "));
  expect([code, fault], stderr).toEqual([2, denied("READ on topic N.ticks")]);
  expect(fault).not.toContain("ticks,");
});

describe("with the rules of its file alone", () => {
  test.each<[User, string, () => readonly string[], string]>([
    ["runner", "a program", () => BARS, "bars"],
    ["runner", "all programs", () => RUN, "outcomes"],
    ["replayer", "a replay", REPLAY, "ticks"],
    ["rewinder", "the plan of a rewind", REWIND, "every log is the one that landed"],
    ["redriver", "a redrive", REDRIVE, "1 events sent again"],
  ])("%s does its work: %s", async (user, _, args, says) => {
    const { code, stderr, stdout } = await as(user, args());
    expect(stderr).not.toContain("acl_missing");
    expect([code, stdout], stderr).toEqual([0, expect.stringContaining(says)]);
  });
});

describe("a program of one's own", () => {
  /** Runs one that reads and publishes these topics, as the user `runner`. */
  async function runOwn(reads: readonly string[], publishes: readonly string[]) {
    const folder = mkdtempSync(join(tmpdir(), "tradetape-own-acl-"));
    const file = join(folder, "own.mjs");
    writeFileSync(
      file,
      `import { defineProgram, strategyId } from "tradetape";
      const by = { actor: "bot", modelVersion: "own", strategyId: strategyId("own") };
      const definition = ${JSON.stringify({ name: "own", reads, publishes })};
      export default defineProgram({ ...definition, by, handle() {} });`,
    );
    const { code, stderr } = await startTradetape(["run", file, "--until-caught-up"], environmentOf("runner")).ended;
    rmSync(folder, { recursive: true });
    return [code, stderr.slice(stderr.lastIndexOf("tradetape: "))];
  }

  test("runs by the rules of the file where it keeps to its topics, and else is told the one that is missing", async () => {
    expect(await runOwn(["bars", "ticks"], ["predictions"])).toEqual([0, expect.not.stringContaining("tradetape: ")]);
    expect(await runOwn(["quotes"], ["predictions"])).toEqual([2, denied("DESCRIBE on topic N.quotes")]);
    expect(await runOwn(["bars"], ["symbols"])).toEqual([2, denied("DESCRIBE on topic N.symbols")]);
  });
});
