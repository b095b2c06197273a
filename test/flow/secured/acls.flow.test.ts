import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { demoSymbols, seededTicks } from "../../../src/cli/demo/demo-ticks.ts";
import { migrate } from "../../../src/table/migrate.ts";
import { type Isolation, isolate } from "../../support/services/isolation.ts";
import { ROOT } from "../../support/source-tree.ts";
import { tradetape } from "../../support/tradetape.ts";
import { type GuardedKafka, rulesOf, startGuardedKafka } from "./guarded-kafka.ts";

/** ops/acl/ on a broker with an authorizer: each program does its work with the rules of its file alone. */
const FILES = ["creator", "publisher", "consumer", "reader", "viewer"] as const;
type User = (typeof FILES)[number];

const folder = mkdtempSync(join(tmpdir(), "tradetape-acls-"));
const symbols = join(folder, "symbols.jsonl");
const ticks = join(folder, "ticks.jsonl");
let kafka: GuardedKafka;
let place: Isolation;

beforeAll(async () => {
  kafka = await startGuardedKafka(FILES);
  place = await isolate();
  await migrate(place.databaseUrl);
  for (const user of FILES) await kafka.give(rulesOf(`${user}.acl`, user, place.namespace));
  for (const [path, events] of [[symbols, demoSymbols()] as const, [ticks, seededTicks(20)] as const]) {
    writeFileSync(path, Array.from<object, string>(events, (event) => `${JSON.stringify(event)}\n`).join(""));
  }
});
afterAll(async () => {
  await kafka.stop();
  rmSync(folder, { recursive: true });
});

/** A command by a user of the broker, in the file's own namespace unless another one is given. */
const as = (user: User, args: readonly string[], namespace = place.namespace) =>
  tradetape(args, {
    DATABASE_URL: place.databaseUrl,
    SCHEMA_REGISTRY_URL: place.schemaRegistryUrl,
    TRADETAPE_NAMESPACE: namespace,
    ...kafka.loginOf(user),
  });

const PUBLISH = ["publish", "ticks", ticks];
const CONSUME = ["consume", "ticks", "--until-caught-up", "--fail-fast"];

describe("with the rules of its file alone", () => {
  test.each<[User, readonly string[], string]>([
    ["creator", ["topics", "--create"], "created"],
    ["publisher", ["publish", "symbols", symbols], ""],
    ["publisher", PUBLISH, ""],
    ["consumer", ["consume", "--until-caught-up", "--fail-fast"], "ticks          20       20"],
    ["reader", ["topics"], "good"],
    ["reader", ["status"], "ticks"],
    ["viewer", ["tail", "ticks"], "close="],
  ])("%s does its work: %j", async (user, args, says) => {
    const { code, stderr, stdout } = await as(user, args);
    expect([code, stdout], stderr).toEqual([0, expect.stringContaining(says)]);
  });
});

describe("a rule that is taken away is named by its topic", () => {
  test.each<[User, string, string, readonly string[]]>([
    ["publisher", "WRITE", "ticks", PUBLISH],
    ["publisher", "WRITE", "symbols", PUBLISH],
    ["consumer", "READ", "ticks", CONSUME],
    ["consumer", "READ", "predictions", ["consume", "decisions", "--until-caught-up", "--fail-fast"]],
    ["consumer", "DESCRIBE_CONFIGS", "ticks", CONSUME],
    ["consumer", "DESCRIBE_CONFIGS", "dead-letters", CONSUME],
    ["consumer", "WRITE", "dead-letters", CONSUME],
    ["reader", "DESCRIBE_CONFIGS", "ticks", ["topics"]],
    ["viewer", "READ", "ticks", ["tail", "ticks"]],
    ["reader", "DESCRIBE", "ticks", ["status"]],
  ])("%s without %s on %s: %j", async (user, operation, topic, args) => {
    const rule = rulesOf(`${user}.acl`, user, place.namespace, `${operation} topic literal ${topic}`);
    expect(rule).toHaveLength(1);
    await kafka.take(rule);
    const { code, stderr } = await as(user, args);
    await kafka.give(rule);
    // The fault itself, and not the log's lines before it.
    const fault = stderr.slice(stderr.lastIndexOf("tradetape: "));
    expect([code, fault]).toEqual([2, expect.stringContaining(`${place.namespace}.${topic}`)]);
    expect(fault).toContain("rights");
  });

  test("reader without DESCRIBE on ticks: the topic is as if it weren't there", async () => {
    const rule = rulesOf("reader.acl", "reader", place.namespace, "DESCRIBE topic literal ticks");
    await kafka.take(rule);
    const { code, stdout } = await as("reader", ["topics"]);
    await kafka.give(rule);
    expect([code, stdout]).toEqual([1, expect.stringMatching(/\.ticks +missing/)]);
  });

  test("creator without CREATE on ticks", async () => {
    const fresh = `${place.namespace}-fresh`;
    const rules = rulesOf("creator.acl", "creator", fresh);
    await kafka.give(rules);
    await kafka.take(rulesOf("creator.acl", "creator", fresh, "CREATE topic literal ticks"));
    const { code, stderr } = await as("creator", ["topics", "--create"], fresh);
    expect([code, stderr], stderr).toEqual([2, expect.stringContaining(`${fresh}.ticks: Not authorized`)]);
    expect(stderr).toContain("rights");
  });
});

test("apply.sh gives kafka-acls each rule of a file", () => {
  const env = { ...process.env, KAFKA_ACLS: "echo", NAMESPACE: "paper." };
  const args = ["ops/acl/consumer.acl", "User:lander", "--bootstrap-server", "broker:9093"];
  const said = execFileSync("ops/acl/apply.sh", args, { cwd: ROOT, env, encoding: "utf8" }).trimEnd().split("\n");
  expect(said).toHaveLength(rulesOf("consumer.acl", "lander", "paper").length);
  const each = "--bootstrap-server broker:9093 --add --force --allow-principal User:lander --operation";
  expect(said).toContain(`${each} DESCRIBECONFIGS --topic paper.dead-letters --resource-pattern-type literal`);
  expect(said).toContain(`${each} READ --group tradetape. --resource-pattern-type prefixed`);
});
