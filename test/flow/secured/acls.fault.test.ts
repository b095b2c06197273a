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
import { type GuardedKafka, operationOf, rulesOf, startGuardedKafka } from "./guarded-kafka.ts";

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
const environmentOf = (user: User, namespace = place.namespace) => ({
  DATABASE_URL: place.databaseUrl,
  SCHEMA_REGISTRY_URL: place.schemaRegistryUrl,
  TRADETAPE_NAMESPACE: namespace,
  ...kafka.loginOf(user),
});
const as = (user: User, args: readonly string[], namespace = place.namespace) =>
  tradetape(args, environmentOf(user, namespace));

let rounds = 0;
/** Ticks that aren't there yet. */
function moreTicks(): string {
  const path = join(folder, `more-${++rounds}.jsonl`);
  writeFileSync(path, Array.from(seededTicks(20 + rounds), (event) => `${JSON.stringify(event)}\n`).join(""));
  return path;
}

const PUBLISH = ["publish", "ticks", ticks];
const CONSUME = ["consume", "ticks", "--until-caught-up", "--fail-fast"];
const CONSUME_DECISIONS = ["consume", "decisions", "--until-caught-up", "--fail-fast"];
const CATCH_UP = ["consume", "ticks", "--until-caught-up"];

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

describe("a rule that is taken away is named: the right and what it is on", () => {
  // READ and WRITE bring DESCRIBE, without which Kafka hides a topic: it is the first that is missed.
  test.each<[User, string, readonly string[], string]>([
    ["publisher", "WRITE topic literal ticks", PUBLISH, "DESCRIBE on topic N.ticks"],
    ["publisher", "WRITE topic literal symbols", PUBLISH, "DESCRIBE on topic N.symbols"],
    ["consumer", "READ topic literal ticks", CONSUME, "DESCRIBE on topic N.ticks"],
    ["consumer", "READ topic literal predictions", CONSUME_DECISIONS, "DESCRIBE on topic N.predictions"],
    ["consumer", "DESCRIBE_CONFIGS topic literal ticks", CONSUME, "DESCRIBE_CONFIGS on topic N.ticks"],
    ["consumer", "DESCRIBE_CONFIGS topic literal dead-letters", CONSUME, "DESCRIBE_CONFIGS on topic N.dead-letters"],
    ["consumer", "WRITE topic literal dead-letters", CONSUME, "DESCRIBE on topic N.dead-letters"],
    ["consumer", "READ group prefixed tradetape.", CONSUME, "READ on group tradetape.N.ticks."],
    ["consumer", "READ group prefixed tradetape.", CATCH_UP, "READ on group tradetape.N.ticks."],
    ["reader", "DESCRIBE_CONFIGS topic literal ticks", ["topics"], "DESCRIBE_CONFIGS on topic N.ticks"],
    ["viewer", "READ topic literal ticks", ["tail", "ticks"], "DESCRIBE on topic N.ticks"],
    ["reader", "READ topic literal ticks", ["status"], "DESCRIBE on topic N.ticks"],
    ["reader", "READ topic literal ticks", ["topics"], "DESCRIBE on topic N.ticks"],
  ])("%s without %s: %j", async (user, line, args, says) => {
    const rule = rulesOf(`${user}.acl`, user, place.namespace, line);
    expect(rule).toHaveLength(1);
    await kafka.take(rule);
    const { code, stderr } = await as(user, args);
    await kafka.give(rule);
    // The fault itself, and not the log's lines before it.
    const fault = stderr.slice(stderr.lastIndexOf("tradetape: "));
    const named = says.replace("N.", `${place.namespace}.`);
    expect([code, fault], stderr).toEqual([
      2,
      expect.stringContaining(`acl_missing: Kafka doesn't give the user ${named}`),
    ]);
    expect(fault).not.toContain("may succeed later");
  });

  // A right that is there without the one that it comes with: what DESCRIBE shows, and READ or WRITE would do.
  test.each<[User, string, string, readonly string[], string]>([
    ["publisher", "WRITE topic literal ticks", "DESCRIBE", PUBLISH, "WRITE on topic N.ticks"],
    ["consumer", "READ topic literal ticks", "DESCRIBE", CATCH_UP, "READ on topic N.ticks"],
    ["consumer", "READ group prefixed tradetape.", "DESCRIBE", CATCH_UP, "READ on group tradetape.N.ticks."],
    ["consumer", "WRITE topic literal audit", "DESCRIBE", CATCH_UP, "WRITE on topic N.audit"],
  ])("%s with DESCRIBE for %s", async (user, line, instead, args, says) => {
    await tradetape(["publish", "ticks", moreTicks()], environmentOf("publisher"));
    const rule = rulesOf(`${user}.acl`, user, place.namespace, line);
    const lesser = rule.map((one) => ({ ...one, operation: operationOf(instead) }));
    await kafka.take(rule);
    await kafka.give(lesser);
    const { code, stderr } = await as(user, args);
    await kafka.take(lesser);
    await kafka.give(rule);
    const fault = stderr.slice(stderr.lastIndexOf("tradetape: "));
    const named = says.replace("N.", `${place.namespace}.`);
    expect([code, fault], stderr).toEqual([
      2,
      expect.stringContaining(`acl_missing: Kafka doesn't give the user ${named}`),
    ]);
  });

  test("creator without CREATE on ticks", async () => {
    const fresh = `${place.namespace}-fresh`;
    const rules = rulesOf("creator.acl", "creator", fresh);
    await kafka.give(rules);
    await kafka.take(rulesOf("creator.acl", "creator", fresh, "CREATE topic literal ticks"));
    const { code, stderr } = await as("creator", ["topics", "--create"], fresh);
    const says = `acl_missing: Kafka doesn't give the user CREATE on topic ${fresh}.ticks`;
    expect([code, stderr], stderr).toEqual([2, expect.stringContaining(says)]);
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
