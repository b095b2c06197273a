import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { demoSymbols, seededTicks } from "../../../src/cli/demo/demo-ticks.ts";
import { type Authority, newAuthority } from "../../support/services/certificates.ts";
import { isolate } from "../../support/services/isolation.ts";
import { ROOT } from "../../support/source-tree.ts";
import { tradetape } from "../../support/tradetape.ts";
import { rulesOf } from "./guarded-kafka.ts";
import {
  type SecuredKafka,
  type SecuredPostgres,
  type SecuredRegistry,
  startSecuredKafka,
  startSecuredPostgres,
  startSecuredRegistry,
} from "./secured-services.ts";

/** All services secured at once: what each login of PostgreSQL and user of Kafka does with its file of rules and grants alone. */
const USERS = ["creator", "publisher", "consumer", "reader", "replayer"] as const;
type User = (typeof USERS)[number];
/** A replay reads what a consumer does, and looks at all topics first. */
const FILES_OF: Readonly<Record<User, readonly string[]>> = {
  creator: ["creator.acl"],
  publisher: ["publisher.acl"],
  consumer: ["consumer.acl"],
  reader: ["reader.acl"],
  replayer: ["consumer.acl", "reader.acl"],
};
type Login = "migrator" | "lander" | "reader";

const folder = mkdtempSync(join(tmpdir(), "tradetape-secured-files-"));
const symbols = join(folder, "symbols.jsonl");
const ticks = join(folder, "ticks.jsonl");
let authority: Authority;
let stranger: Authority;
let kafka: SecuredKafka;
let registry: SecuredRegistry;
let postgres: SecuredPostgres;
let namespace: string;

beforeAll(async () => {
  [authority, stranger] = [newAuthority(), newAuthority()];
  const place = await isolate();
  namespace = place.namespace;
  registry = await startSecuredRegistry(authority, place.schemaRegistryUrl);
  const rolesSql = readFileSync(join(ROOT, "ops/sql/roles.sql"), "utf8");
  postgres = await startSecuredPostgres(authority, ["tape", "replayed"], rolesSql);
  kafka = await startSecuredKafka(authority, USERS);
  for (const user of USERS) for (const file of FILES_OF[user]) await kafka.give(rulesOf(file, user, namespace));
  for (const [path, events] of [[symbols, demoSymbols()] as const, [ticks, seededTicks(20)] as const])
    writeFileSync(path, Array.from<object, string>(events, (event) => `${JSON.stringify(event)}\n`).join(""));
});
afterAll(async () => {
  await kafka.stop();
  await postgres.stop();
  await registry.stop();
  authority.remove();
  stranger.remove();
  rmSync(folder, { recursive: true });
});

/** A command by a user of the broker and a login of the database. */
const as = (user: User, login: Login, args: readonly string[], change: NodeJS.ProcessEnv = {}) =>
  tradetape(args, {
    DATABASE_URL: postgres.urlOf("tape", `tape_${login}`),
    SCHEMA_REGISTRY_URL: registry.url,
    NODE_EXTRA_CA_CERTS: authority.cert,
    TRADETAPE_NAMESPACE: namespace,
    ...kafka.loginOf(user),
    ...change,
  });

const CONSUME = ["consume", "ticks", "symbols", "--until-caught-up", "--fail-fast"];

describe("on services that are all secured, with its rules and grants alone", () => {
  test.each<[User, Login, () => readonly string[], string]>([
    ["creator", "migrator", () => ["topics", "--create"], "created"],
    ["creator", "migrator", () => ["migrate"], "applied"],
    ["publisher", "reader", () => ["publish", "symbols", symbols], ""],
    ["publisher", "reader", () => ["publish", "ticks", ticks], ""],
    ["consumer", "lander", () => ["consume", "--until-caught-up", "--fail-fast"], "ticks          20       20"],
    ["reader", "reader", () => ["status"], "ticks"],
    ["reader", "reader", () => ["verify"], "good"],
    ["replayer", "migrator", () => ["replay", "--into", postgres.urlOf("replayed", "tape_migrator")], ""],
  ])("%s and %s do their work", async (user, login, args, says) => {
    const { code, stderr, stdout } = await as(user, login, args());
    expect([code, `${stdout}${stderr}`], stderr).toEqual([0, expect.stringContaining(says)]);
  });

  test("the replayed database holds what the first one does", async () => {
    const rows = (database: string) => postgres.run(database, "SELECT count(*)::int AS n FROM public.market_data_tick");
    expect(await rows("replayed")).toEqual(await rows("tape"));
  });
});

/** The fault itself, and not the log's lines before it. */
const faultOf = (stderr: string) => stderr.slice(stderr.lastIndexOf("tradetape: "));

describe("one thing that is missing is named", () => {
  test.each([
    ["READ topic literal ticks", ".ticks"],
    ["DESCRIBE_CONFIGS topic literal symbols", ".symbols"],
    ["WRITE topic literal dead-letters", ".dead-letters"],
  ])("the rule %s", async (line, named) => {
    const rule = rulesOf("consumer.acl", "consumer", namespace, line);
    expect(rule).toHaveLength(1);
    await kafka.take(rule);
    const { code, stderr } = await as("consumer", "lander", CONSUME);
    await kafka.give(rule);
    expect([code, faultOf(stderr)]).toEqual([2, expect.stringContaining(`${namespace}${named}`)]);
  });

  test.each<[Login, readonly string[], string, string]>([
    ["lander", CONSUME, "tradetape_lander", "permission denied for database"],
    ["reader", ["status"], "tradetape_reader", "permission denied for database"],
  ])("the grant of %s, for %j: %s", async (login, args, role, named) => {
    await postgres.run("tape", `REVOKE ${role} FROM tape_${login}`);
    const { code, stderr } = await as("consumer", login, args);
    await postgres.run("tape", `GRANT ${role} TO tape_${login}`);
    expect([code, faultOf(stderr)]).toEqual([2, expect.stringContaining(named)]);
  });

  test.each<[string, () => NodeJS.ProcessEnv, RegExp]>([
    ["the password of Kafka", () => ({ KAFKA_SASL_PASSWORD: "another" }), /KAFKA_SASL_/],
    [
      "the registry's login",
      () => ({ SCHEMA_REGISTRY_URL: registry.url.replace(/\/\/.*@/, "//") }),
      /SCHEMA_REGISTRY_URL/,
    ],
    [
      "the database's password",
      () => ({ DATABASE_URL: postgres.urlOf("tape", "tape_lander").replace(/:[^:@]*@/, ":another@") }),
      /password authentication failed/,
    ],
    [
      "what the database is known by",
      () => ({
        DATABASE_URL: postgres
          .urlOf("tape", "tape_lander")
          .replace(encodeURIComponent(authority.cert), encodeURIComponent(stranger.cert)),
      }),
      /certificate/,
    ],
  ])("%s", async (_, change, named) => {
    const { code, stderr } = await as("consumer", "lander", CONSUME, change());
    expect([code, faultOf(stderr)]).toEqual([2, expect.stringMatching(named)]);
  });
});
