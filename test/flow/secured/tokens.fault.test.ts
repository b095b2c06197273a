import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { demoSymbols, seededTicks } from "../../../src/cli/demo/demo-ticks.ts";
import { readConfig } from "../../../src/config.ts";
import { Connection } from "../../../src/table/connection.ts";
import { migrate } from "../../../src/table/migrate.ts";
import { connect } from "../../../src/tradetape.ts";
import { startTokenServer, type TokenRequest, type TokenServer, unsignedToken } from "../../http/token-server.ts";
import { startConsuming } from "../../support/landing.ts";
import { idOf, symbol } from "../../support/samples.ts";
import { newAuthority } from "../../support/services/certificates.ts";
import { type Isolation, isolate } from "../../support/services/isolation.ts";
import type { TestTape } from "../../support/tape.ts";
import { tradetape } from "../../support/tradetape.ts";
import { type GuardedKafka, rulesOf, startGuardedKafka } from "./guarded-kafka.ts";

/** Logins to a broker by tokens: of a provider, of a module, of a file, and of a program's own function. */
const FILES = ["creator", "publisher", "consumer", "reader"] as const;
type User = (typeof FILES)[number];

const folder = mkdtempSync(join(tmpdir(), "tradetape-tokens-"));
const SECRET = "s3cr3t of the client";
let kafka: GuardedKafka;
let place: Isolation;
let provider: TokenServer;

/** The client's name and secret, as the provider gets them. */
function clientOf(authorization = ""): readonly string[] {
  const text = Buffer.from(authorization.replace(/^Basic /, ""), "base64").toString();
  return [...new URLSearchParams(text.replace(":", "=")).entries()][0]!;
}

/** A provider that knows clients by the names of the broker's users, and by this secret. */
const givenFor =
  (secret: string, lifeS = 300) =>
  ({ authorization, form }: TokenRequest) => {
    const [client = "", given] = clientOf(authorization);
    if (given !== secret) return { status: 401, body: { error: "invalid_client" } };
    const body = { access_token: unsignedToken(client, lifeS, form.scope), token_type: "Bearer", expires_in: lifeS };
    return { body };
  };
const knowing = (secret: string, lifeS?: number) => provider.answer(givenFor(secret, lifeS));

beforeAll(async () => {
  kafka = await startGuardedKafka(FILES);
  provider = await startTokenServer();
  place = await isolate();
  await migrate(place.databaseUrl);
  for (const user of FILES) await kafka.give(rulesOf(`${user}.acl`, user, place.namespace));
});
afterAll(async () => {
  await kafka.stop();
  await provider.close();
  rmSync(folder, { recursive: true });
});
beforeEach(() => knowing(SECRET));

type Settings = Readonly<Record<string, string>>;

const services = (): Settings => ({
  DATABASE_URL: place.databaseUrl,
  SCHEMA_REGISTRY_URL: place.schemaRegistryUrl,
  TRADETAPE_NAMESPACE: place.namespace,
  KAFKA_BROKERS: kafka.loginOf("anybody").KAFKA_BROKERS!,
  KAFKA_SASL_MECHANISM: "oauthbearer",
});

/** A process that logs in by the provider's tokens. */
const byProvider = (user: User, more: Settings = {}): Settings => ({
  ...services(),
  KAFKA_OAUTH_TOKEN_URL: provider.url,
  KAFKA_OAUTH_CLIENT_ID: user,
  KAFKA_OAUTH_CLIENT_SECRET: SECRET,
  KAFKA_OAUTH_SCOPE: "tape",
  ...more,
});

function fileOf(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

const linesOf = (events: Iterable<object>) => Array.from(events, (event) => `${JSON.stringify(event)}\n`).join("");

describe("by a provider's tokens", () => {
  test.each<[User, () => readonly string[], string]>([
    ["creator", () => ["topics", "--create"], "created"],
    ["publisher", () => ["publish", "symbols", fileOf("symbols.jsonl", linesOf(demoSymbols()))], ""],
    ["publisher", () => ["publish", "ticks", fileOf("ticks.jsonl", linesOf(seededTicks(20)))], ""],
    ["consumer", () => ["consume", "--until-caught-up", "--fail-fast"], "ticks          20       20"],
  ])("%s does its work", async (user, args, says) => {
    const { code, stderr, stdout } = await tradetape(args(), byProvider(user));
    expect([code, stdout], stderr).toEqual([0, expect.stringContaining(says)]);
  });

  test("the broker knows the client by its token: another one has no rights", async () => {
    const args = ["publish", "symbols", join(folder, "symbols.jsonl")];
    expect(await tradetape(args, byProvider("reader"))).toMatchObject({ code: 2 });
  });

  test("a process asks for one token, whatever it opens", async () => {
    const before = provider.requests.length;
    expect(await tradetape(["topics"], byProvider("reader"))).toMatchObject({ code: 0 });
    expect(provider.requests.length).toBe(before + 1);
  });

  test("extensions go along", async () => {
    const KAFKA_OAUTH_EXTENSIONS = "logicalCluster=lkc-1,identityPoolId=pool-1";
    expect(await tradetape(["topics"], byProvider("reader", { KAFKA_OAUTH_EXTENSIONS }))).toMatchObject({ code: 0 });
  });
});

describe("by other tokens", () => {
  test.each<[string, () => Settings]>([
    ["a token that is given", () => ({ KAFKA_OAUTH_TOKEN: unsignedToken("reader", 300) })],
    ["a token's file", () => ({ KAFKA_OAUTH_TOKEN_FILE: fileOf("token", `${unsignedToken("reader", 300)}\n`) })],
    [
      "a module",
      () => ({
        KAFKA_OAUTH_MODULE: fileOf("token.mjs", `export default async () => "${unsignedToken("reader", 300)}";`),
      }),
    ],
  ])("%s", async (_, more) => {
    const { code, stdout, stderr } = await tradetape(["topics"], { ...services(), ...more() });
    expect([code, stdout], stderr).toEqual([0, expect.stringContaining("good")]);
  });

  test("a program's own function is asked at each login", async () => {
    const { kafkaBrokers: _plain, databaseUrl: _ours, ...options } = place;
    let asked = 0;
    const give = async () => {
      asked++;
      return unsignedToken("publisher", 300);
    };
    const brokers = { kafkaBrokers: services().KAFKA_BROKERS, kafkaSaslMechanism: "oauthbearer" };
    await using tape = await connect({ ...options, ...brokers }, give);
    await tape.publish("symbols", symbol({}));
    expect(asked).toBeGreaterThan(0);
  });
});

describe("a login that fails says why, at once", () => {
  test("token_missing: the provider doesn't know the client; with the right secret the same command runs", async () => {
    const wrong = await tradetape(["topics"], byProvider("reader", { KAFKA_OAUTH_CLIENT_SECRET: "another s3cr3t" }));
    expect([wrong.code, wrong.stderr]).toEqual([2, expect.stringMatching(/token_missing: .*invalid_client/)]);
    expect(wrong.stderr).toContain("KAFKA_OAUTH_CLIENT_SECRET");
    expect(wrong.stderr).not.toMatch(/another|may succeed later/);
    expect(await tradetape(["topics"], byProvider("reader"))).toMatchObject({ code: 0 });
  });

  test("tls_refused: nobody knows who certified the provider; with that authority the same command runs", async () => {
    const ours = newAuthority();
    const secured = await startTokenServer(ours.issue("provider", "IP:127.0.0.1"));
    secured.answer(givenFor(SECRET));
    const unknown = await tradetape(["topics"], byProvider("reader", { KAFKA_OAUTH_TOKEN_URL: secured.url }));
    expect([unknown.code, unknown.stderr]).toEqual([
      2,
      expect.stringMatching(/tls_refused: no token to log in to Kafka/),
    ]);
    expect(unknown.stderr).toContain("KAFKA_OAUTH_CA_FILE");
    expect(unknown.stderr).not.toContain("may succeed later");
    const known = { KAFKA_OAUTH_TOKEN_URL: secured.url, KAFKA_OAUTH_CA_FILE: ours.cert };
    expect(await tradetape(["topics"], byProvider("reader", known))).toMatchObject({ code: 0 });
    await secured.close();
    ours.remove();
  });

  test("a token that the broker refuses is no outage", async () => {
    const { code, stderr } = await tradetape(["topics"], byProvider("reader", { KAFKA_OAUTH_SCOPE: "other" }));
    expect([code, stderr]).toEqual([
      2,
      expect.stringMatching(/OAUTHBEARER authentication failed: .*insufficient_scope/),
    ]);
    expect(stderr).not.toContain("may succeed later");
  });

  test("a module that gives none is named", async () => {
    const KAFKA_OAUTH_MODULE = fileOf("none.mjs", "export default () => ({ token: 'abc' });");
    const { code, stderr } = await tradetape(["topics"], { ...services(), KAFKA_OAUTH_MODULE });
    expect([code, stderr]).toEqual([2, expect.stringMatching(/token_missing: .*KAFKA_OAUTH_MODULE returned none/)]);
  });
});

describe("a consumer that runs", () => {
  const landed = async (ticker: string) => {
    const connection = await Connection.open(place.databaseUrl, { name: "look" });
    const rows = await connection.query("SELECT FROM public.symbol WHERE ticker = $1", [ticker]);
    await connection.close();
    return rows.length;
  };

  let made = 0;
  /** Publishes one more symbol, and waits until it has landed. */
  async function oneMoreLands(): Promise<void> {
    const ticker = `TOKEN${made++}`;
    const file = fileOf("more.jsonl", linesOf([symbol({ symbol_id: idOf(ticker), ticker })]));
    const KAFKA_OAUTH_TOKEN = unsignedToken("publisher", 300);
    const { code, stderr } = await tradetape(["publish", "symbols", file], { ...services(), KAFKA_OAUTH_TOKEN });
    expect(code, stderr).toBe(0);
    await expect.poll(() => landed(ticker)).toBe(1);
  }

  const consuming = (settings: Settings) =>
    startConsuming(readConfig({ logLevel: process.env.TEST_LOG_LEVEL ?? "silent" }, settings) as TestTape["config"], [
      "symbols",
    ]);

  test("logs in anew before its sessions end, each time by a token that is good, and nothing stops", async () => {
    knowing(SECRET, 20);
    const running = await consuming(byProvider("consumer"));
    await oneMoreLands();
    const begun = provider.requests.length;
    await expect.poll(() => provider.requests.length).toBeGreaterThan(begun + 3);
    await running.runs("symbols");
    await oneMoreLands();
    expect((await running.stop()).failure).toBeUndefined();
  });

  test("waits while its provider refuses it, and goes on by the secret that its file has then", async () => {
    knowing(SECRET, 20);
    const secret = fileOf("secret", SECRET);
    const { KAFKA_OAUTH_CLIENT_SECRET: _none, ...settings } = byProvider("consumer");
    const running = await consuming({ ...settings, KAFKA_OAUTH_CLIENT_SECRET_FILE: secret });
    await oneMoreLands();
    let refused = 0;
    provider.answer(() => {
      refused++;
      return { status: 401, body: { error: "invalid_client" } };
    });
    await expect.poll(() => refused).toBeGreaterThan(2);
    fileOf("secret", "the next secret");
    knowing("the next secret");
    await oneMoreLands();
    await running.runs("symbols");
    expect((await running.stop()).failure).toBeUndefined();
  });
});
