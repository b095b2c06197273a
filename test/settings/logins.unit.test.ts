import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { currentSecret } from "../../src/config/secrets.ts";
import { readConfig } from "../../src/config.ts";
import { SETTING_NAMES, SETTINGS } from "../../src/settings.ts";
import { currentUrl } from "../../src/table/database-url.ts";

const refused = (message: RegExp | string) =>
  expect.objectContaining({ code: "config_invalid", message: expect.stringMatching(message) });

const endpoint = (prefix: string) => ({
  [`${prefix}_TOKEN_URL`]: "https://idp.test/token",
  [`${prefix}_CLIENT_ID`]: "tape",
  [`${prefix}_CLIENT_SECRET`]: "s3cr3t",
});
const OAUTH = { KAFKA_SASL_MECHANISM: "oauthbearer" };
const KAFKA = { ...OAUTH, ...endpoint("KAFKA_OAUTH") };
const REGISTRY = { SCHEMA_REGISTRY_URL: "https://registry.test", ...endpoint("SCHEMA_REGISTRY_OAUTH") };

it.each([
  ["Kafka's tokens of an endpoint", KAFKA],
  [
    "with all that may be said",
    {
      ...KAFKA,
      KAFKA_OAUTH_SCOPE: "a b",
      KAFKA_OAUTH_PARAMETERS: "audience=x&resource=",
      KAFKA_OAUTH_CA_FILE: "ca.pem",
      KAFKA_OAUTH_EXTENSIONS: "logicalCluster=lkc-1, identityPoolId=pool-1",
    },
  ],
  ["a token", { ...OAUTH, KAFKA_OAUTH_TOKEN: "ab.c-_~+/=" }],
  ["a module", { ...OAUTH, KAFKA_OAUTH_MODULE: "token.mjs" }],
  ["the registry's tokens of an endpoint", REGISTRY],
  ["a registry's token", { SCHEMA_REGISTRY_URL: "https://registry.test", SCHEMA_REGISTRY_TOKEN: "abc" }],
])("takes %s", (_, env) => {
  expect(() => readConfig({}, env)).not.toThrow();
});

describe("refuses", () => {
  const registryToken = { SCHEMA_REGISTRY_TOKEN: "abc" };
  it.each<[Record<string, string>, RegExp | string]>([
    [
      OAUTH,
      /^KAFKA_SASL_MECHANISM is oauthbearer: set one of KAFKA_OAUTH_TOKEN_URL, KAFKA_OAUTH_TOKEN, KAFKA_OAUTH_MODULE/,
    ],
    [{ ...KAFKA, KAFKA_OAUTH_TOKEN: "abc" }, "^KAFKA_OAUTH_TOKEN_URL and KAFKA_OAUTH_TOKEN are both set"],
    [{ ...KAFKA, KAFKA_OAUTH_MODULE: "a.mjs" }, "^KAFKA_OAUTH_TOKEN_URL and KAFKA_OAUTH_MODULE are both set"],
    [{ ...KAFKA, KAFKA_SASL_USERNAME: "me" }, "^KAFKA_SASL_USERNAME is set: oauthbearer logs in by tokens alone"],
    [{ ...KAFKA, KAFKA_SASL_MECHANISM: "" }, "^KAFKA_OAUTH_TOKEN_URL is set: KAFKA_SASL_MECHANISM must be oauthbearer"],
    [{ KAFKA_OAUTH_TOKEN: "abc" }, "^KAFKA_OAUTH_TOKEN is set: KAFKA_SASL_MECHANISM must be oauthbearer"],
    [{ KAFKA_OAUTH_EXTENSIONS: "a=b" }, "^KAFKA_OAUTH_EXTENSIONS is set: KAFKA_SASL_MECHANISM must be oauthbearer"],
    [{ ...KAFKA, KAFKA_OAUTH_EXTENSIONS: "auth=x" }, "^KAFKA_OAUTH_EXTENSIONS: must be name=value"],
    [{ ...KAFKA, KAFKA_OAUTH_PARAMETERS: "audience" }, "^KAFKA_OAUTH_PARAMETERS: must be name=value"],
    [{ ...OAUTH, KAFKA_OAUTH_TOKEN: "s3cr3t\u0001" }, "^KAFKA_OAUTH_TOKEN: is no token"],
    [
      { ...KAFKA, KAFKA_OAUTH_TOKEN_URL: "https://me:s3cr3t@idp.test" },
      "^KAFKA_OAUTH_TOKEN_URL: must have neither a user",
    ],
    [{ ...REGISTRY, ...registryToken }, "^SCHEMA_REGISTRY_TOKEN and SCHEMA_REGISTRY_OAUTH_TOKEN_URL are both set"],
    [
      { SCHEMA_REGISTRY_URL: "https://me:s3cr3t@registry.test", ...registryToken },
      "^a user in SCHEMA_REGISTRY_URL and SCHEMA_REGISTRY_TOKEN are both set",
    ],
    [
      { SCHEMA_REGISTRY_URL: "http://127.0.0.1", SCHEMA_REGISTRY_CA_FILE: "ca.pem" },
      "^SCHEMA_REGISTRY_CA_FILE is set: SCHEMA_REGISTRY_URL must begin with https://",
    ],
    [
      { ...KAFKA, KAFKA_OAUTH_TOKEN_URL: "http://127.0.0.1/token", KAFKA_OAUTH_CA_FILE: "ca.pem" },
      "^KAFKA_OAUTH_CA_FILE is set: KAFKA_OAUTH_TOKEN_URL must begin with https://",
    ],
  ])("%j", (env, words) => {
    const told = () => readConfig({}, env);
    expect(told).toThrow(refused(words));
    expect(told).not.toThrow("s3cr3t");
  });

  const PAIRS = ["KAFKA_OAUTH", "SCHEMA_REGISTRY_OAUTH"].flatMap((prefix): [string, string][] => [
    [`${prefix}_TOKEN_URL`, `${prefix}_CLIENT_ID`],
    [`${prefix}_TOKEN_URL`, `${prefix}_CLIENT_SECRET`],
    ...["CLIENT_ID", "CLIENT_SECRET", "SCOPE", "PARAMETERS", "CA_FILE"].map((name): [string, string] => [
      `${prefix}_${name}`,
      `${prefix}_TOKEN_URL`,
    ]),
  ]);

  it.each(PAIRS)("%s without %s", (name, needed) => {
    const value = name.endsWith("TOKEN_URL") ? "https://idp.test" : "a=b";
    const env = { ...KAFKA, ...REGISTRY, [name]: value, [needed]: "" };
    expect(() => readConfig({}, env)).toThrow(refused(`${name} is set: ${needed} must be, too`));
  });
});

describe("in clear", () => {
  it.each([
    [{ ...KAFKA, KAFKA_OAUTH_TOKEN_URL: "http://idp.test/token" }, "KAFKA_OAUTH_TOKEN_URL: the client's secret"],
    [
      { ...REGISTRY, SCHEMA_REGISTRY_OAUTH_TOKEN_URL: "http://idp.test/token" },
      "SCHEMA_REGISTRY_OAUTH_TOKEN_URL: the client's secret",
    ],
    [{ ...REGISTRY, SCHEMA_REGISTRY_URL: "http://registry.test" }, "SCHEMA_REGISTRY_URL: the login"],
    [{ SCHEMA_REGISTRY_URL: "http://registry.test", SCHEMA_REGISTRY_TOKEN: "abc" }, "SCHEMA_REGISTRY_URL: the login"],
    [{ ...KAFKA, KAFKA_BROKERS: "kafka.test:9092" }, "KAFKA_SASL_MECHANISM: the login"],
  ])("no secret goes over a network unless that is allowed: %j", (env, words) => {
    expect(() => readConfig({}, env)).toThrow(refused(`^${words} would go to .* in clear\\. .*--allow-plaintext`));
    expect(() => readConfig({}, { ...env, TRADETAPE_ALLOW_PLAINTEXT: "true" })).not.toThrow();
  });

  it("it may go to this machine", () => {
    const env = { ...KAFKA, KAFKA_OAUTH_TOKEN_URL: "http://127.0.0.1:8080/token", KAFKA_BROKERS: "127.0.0.1:9092" };
    expect(() => readConfig({}, env)).not.toThrow();
  });
});

describe("a secret's file", () => {
  const folder = mkdtempSync(join(tmpdir(), "tradetape-secrets-"));
  afterAll(() => rmSync(folder, { recursive: true }));
  const path = join(folder, "secret");
  const put = (text: string) => writeFileSync(path, text);
  const passing = (message: RegExp) =>
    expect.objectContaining({
      code: expect.stringMatching(/^(file_unusable|config_invalid)$/),
      canRetry: true,
      message: expect.stringMatching(message),
    });

  it("is read at each login, and one that can't be read or is empty by then passes", () => {
    put("one\n");
    const config = readConfig({}, { SCHEMA_REGISTRY_TOKEN_FILE: path });
    expect([config.schemaRegistryToken, currentSecret(config, "schemaRegistryToken")]).toEqual(["one", "one"]);
    put("two\n");
    expect(currentSecret(config, "schemaRegistryToken")).toBe("two");
    put("");
    expect(() => currentSecret(config, "schemaRegistryToken")).toThrow(
      passing(/^SCHEMA_REGISTRY_TOKEN_FILE: .* is empty$/),
    );
    rmSync(path);
    expect(() => currentSecret(config, "schemaRegistryToken")).toThrow(passing(/^SCHEMA_REGISTRY_TOKEN_FILE: ENOENT/));
  });

  it("of the database's URL is read at each session; another database than before is none, and no word is told of it", () => {
    const url = (login: string, rest = "db.test/tape?sslmode=require") => `postgres://${login}@${rest}`;
    put(url("ann:one"));
    const { databaseUrl = "" } = readConfig({}, { DATABASE_URL_FILE: path, TRADETAPE_ALLOW_PLAINTEXT: "true" });
    put(url("ann:two"));
    expect(currentUrl(databaseUrl)).toBe(`${url("ann:two")}&allow_plaintext=true`);
    for (const [text, why] of [
      [url("ann:s3cr3t", "other.test/tape"), /names another database than when the process began$/],
      ["s3cr3t", /holds no URL of a database$/],
      ["", / is empty$/],
    ] as const) {
      put(text);
      expect(() => currentUrl(databaseUrl)).toThrow(passing(why));
      expect(() => currentUrl(databaseUrl)).not.toThrow("s3cr3t");
    }
  });

  it("may be given for each secret, and is named where it isn't there", () => {
    const secrets = SETTING_NAMES.filter((name) => (SETTINGS[name] as { secret?: boolean }).secret);
    const env = Object.fromEntries(secrets.map((name) => [`${SETTINGS[name].env}_FILE`, join(folder, name)]));
    for (const name of secrets) {
      expect(() => readConfig({}, env)).toThrow(refused(`${SETTINGS[name].env}_FILE: ENOENT.*${name}'`));
    }
  });
});
