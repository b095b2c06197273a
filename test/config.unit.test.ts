import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { describe, expect, test } from "vitest";
import { readConfig } from "../src/config.ts";
import { SETTING_NAMES, SETTINGS } from "../src/settings.ts";
import { connect } from "../src/tradetape.ts";
import { tradetape } from "./support/tradetape.ts";

const refused = (message: RegExp | string) =>
  expect.objectContaining({ code: "config_invalid", message: expect.stringMatching(message) });

describe("a variable of our prefix that no setting has", () => {
  test.each([
    ["TRADETAPE_PARK_DEADLINE", "TRADETAPE_PARK_DEADLINE_MS"],
    ["TRADETAPE_NAMESPAC", "TRADETAPE_NAMESPACE"],
    ["TRADETAPE_NAME_SPACE", "TRADETAPE_NAMESPACE"],
    ["tradetape_home", "TRADETAPE_HOME"],
    ["TRADETAPE_TICK_DAYS_AHEAD", "TRADETAPE_DAYS_AHEAD"],
  ])("%s is refused, and %s named", (name, meant) => {
    expect(() => readConfig({}, { [name]: "5" })).toThrow(refused(`^${name} .*\\b${meant}\\b`));
  });

  test("is named whoever asks, beside every other problem", () => {
    const wrong = { TRADETAPE_PARKED: "1", TRADETAPE_RULE_OFF: "x", TRADETAPE_LOG_LEVEL: "loud" };
    expect(() => readConfig({}, wrong)).toThrow(
      refused(/TRADETAPE_PARKED [\s\S]*TRADETAPE_RULE_OFF [\s\S]*LOG_LEVEL: /),
    );
  });

  test("is none where it is empty, belongs to docker-compose.yml, or tells a container of a service of that name", () => {
    const links = {
      TRADETAPE_SERVICE_HOST: "10.0.0.7",
      TRADETAPE_SERVICE_PORT: "8080",
      TRADETAPE_SERVICE_PORT_HTTP: "8080",
      TRADETAPE_PORT: "tcp://10.0.0.7:8080",
      TRADETAPE_PORT_8080_TCP: "tcp://10.0.0.7:8080",
      TRADETAPE_METRICS_PORT_8080_TCP_ADDR: "10.0.0.7",
    };
    const others = { TRADETAPE_KAFKA_PORT: "9092", TRADETAPE_HOMES: "", OTHER_HOME: "x" };
    expect(readConfig({}, { ...links, ...others })).toEqual(readConfig({}, {}));
  });
});

/** What `readConfig` warns of. */
function doubtsOf(env: NodeJS.ProcessEnv): string[] {
  const doubts: string[] = [];
  readConfig({}, env, { doubt: (text) => doubts.push(text) });
  return doubts;
}

/** Every optional setting of Kafka's. */
const WHOLE = {
  KAFKA_SASL_MECHANISM: "plain",
  KAFKA_SASL_USERNAME: "user",
  KAFKA_SASL_PASSWORD: "secret",
  KAFKA_SSL_ENABLED: "true",
  KAFKA_SSL_CA_FILE: "ca.pem",
  KAFKA_SSL_CERT_FILE: "cert.pem",
  KAFKA_SSL_KEY_FILE: "key.pem",
};

describe("a variable that looks like one of ours misspelt, of a prefix that others use, too", () => {
  test.each([
    ["KAFKA_BROKER", "KAFKA_BROKERS"],
    ["KAFKA_BORKERS", "KAFKA_BROKERS"],
    ["kafka_brokers", "KAFKA_BROKERS"],
    ["SCHEMA_REGISTRY_URI", "SCHEMA_REGISTRY_URL"],
    ["SCHEMA_REGISTRY", "SCHEMA_REGISTRY_URL"],
  ])("%s is refused, and %s named", (name, meant) => {
    expect(() => readConfig({}, { [name]: "x" })).toThrow(refused(`^${name} .*\\b${meant}\\b`));
  });

  test.each([
    ["KAFKA_SASL_MECHANISMS", "KAFKA_SASL_MECHANISM"],
    ["KAFKA_SASL_USER", "KAFKA_SASL_USERNAME"],
    ["KAFKA_SASL_PASSWORT", "KAFKA_SASL_PASSWORD"],
    ["KAFKA_SSL", "KAFKA_SSL_ENABLED"],
    ["KAFKA_SSL_CA", "KAFKA_SSL_CA_FILE"],
    ["KAFKA_SSL_CERT", "KAFKA_SSL_CERT_FILE"],
  ])("%s may be another program's: it is warned of, and %s named, also beside what is wrong", (name, meant) => {
    const env = { [name]: "x" };
    expect(readConfig({}, env)).toEqual(readConfig({}, {}));
    expect(doubtsOf(env)).toEqual([expect.stringMatching(`^${name} .*\\b${meant}\\b`)]);
    expect(doubtsOf({ ...WHOLE, ...env })).toEqual([]);
    expect(() => readConfig({}, { ...env, KAFKA_BROKER: "x" })).toThrow(refused(`^KAFKA_BROKER [^]*\n${name} `));
  });

  test("is warned of by every command and by connect, which go on", async () => {
    const env = { KAFKA_SASL_MECHANISMS: "x" };
    const warned = /KAFKA_SASL_MECHANISMS is no setting: unset it; KAFKA_SASL_MECHANISM is meant, perhaps/;
    const { code, stderr } = await tradetape(["config"], env);
    expect([code, stderr]).toEqual([0, expect.stringMatching(warned)]);
    const program = `import { connect } from "./src/tradetape.ts";
      const nobody = { kafkaBrokers: "127.0.0.1:1", schemaRegistryUrl: "http://127.0.0.1:1" };
      await connect(nobody).catch(({ code }) => console.log(code));`;
    const args = ["--input-type=module", "--eval", program];
    const ended = await promisify(execFile)(process.execPath, args, { env: { ...process.env, ...env } });
    expect(ended.stdout.trim()).toBe("broker_unreachable");
    expect(ended.stderr).toMatch(warned);
  });

  test("is none where it is empty, or where what it resembles is given by a variable, a flag or for good", () => {
    const [wrong, right] = [{ KAFKA_BROKER: "a:1" }, { KAFKA_BROKERS: "b:1" }];
    expect(readConfig({}, { KAFKA_BROKER: "" })).toEqual(readConfig({}, {}));
    expect(readConfig({}, { ...wrong, ...right })).toEqual(readConfig({}, right));
    expect(readConfig({ kafkaBrokers: "b:1" }, wrong)).toEqual(readConfig({}, right));
    expect(readConfig({}, wrong, { fixed: ["kafkaBrokers"] })).toEqual(readConfig({}, {}));
  });

  test("is none where only its beginning is ours", () => {
    const names = ["HOME", "OPTS", "HEAP_OPTS", "BROKER_ID", "BROKERS_SERVICE_HOST", "URL", "LOG_DIRS", "TOPIC", "TLS"];
    const others = Object.fromEntries(names.map((name) => [`KAFKA_${name}`, "x"]));
    const registry = { SCHEMA_REGISTRY_HOST_NAME: "x", SCHEMA_REGISTRY_LISTENERS: "x" };
    expect(readConfig({}, { ...others, ...registry, DATABASE_URI: "x" })).toEqual(readConfig({}, {}));
  });
});

describe("an option of connect that there isn't", () => {
  test.each([
    ["kafkaBroker", "kafkaBrokers"],
    ["KAFKA_BROKERS", "kafkaBrokers"],
    ["KAFKA_SSL_ENABLED", "kafkaSsl"],
    ["schemaRegistryURL", "schemaRegistryUrl"],
  ])("%s is refused, and %s named", async (name, meant) => {
    const options = { kafkaBrokers: "127.0.0.1:1", schemaRegistryUrl: "http://127.0.0.1:1", [name]: "x" };
    await expect(connect(options)).rejects.toThrow(refused(`^option ${name}: .*\\b${meant}\\b`));
  });

  test("is refused where it is undefined, too; one that there is, is called by its name when it is wrong", async () => {
    await expect(connect({ brokers: undefined } as object)).rejects.toThrow(refused("option brokers"));
    await expect(connect({ kafkaBrokers: "kafka://a" })).rejects.toThrow(refused("^option kafkaBrokers: must be host"));
  });
});

test.each([
  ["KAFKA_SSL_CA_FILE", "KAFKA_SSL_ENABLED"],
  ["KAFKA_SSL_CERT_FILE", "KAFKA_SSL_ENABLED"],
  ["KAFKA_SSL_CERT_FILE", "KAFKA_SSL_KEY_FILE"],
  ["KAFKA_SSL_KEY_FILE", "KAFKA_SSL_CERT_FILE"],
  ["KAFKA_SASL_MECHANISM", "KAFKA_SASL_USERNAME"],
  ["KAFKA_SASL_MECHANISM", "KAFKA_SASL_PASSWORD"],
  ["KAFKA_SASL_USERNAME", "KAFKA_SASL_MECHANISM"],
  ["KAFKA_SASL_PASSWORD", "KAFKA_SASL_MECHANISM"],
])("%s does nothing without %s, and is refused alone", (name, needed) => {
  const all = {
    KAFKA_SSL_ENABLED: "true",
    KAFKA_SASL_MECHANISM: "plain",
    ...Object.fromEntries(
      ["SSL_CA_FILE", "SSL_CERT_FILE", "SSL_KEY_FILE", "SASL_USERNAME", "SASL_PASSWORD"].map((n) => [
        `KAFKA_${n}`,
        "x",
      ]),
    ),
  };
  expect(() => readConfig({}, all)).not.toThrow();
  expect(() => readConfig({}, { ...all, [needed]: "" })).toThrow(refused(`${name} is set: ${needed} must be, too`));
});

test("a process may not have fewer sessions than one big topic's group lands on, and those beside them", () => {
  const sessions = (databaseSessionsMax: string, landingConnections: string) =>
    readConfig({ databaseSessionsMax, landingConnections }, {});
  expect(sessions("7", "2")).toMatchObject({ databaseSessionsMax: 7, landingConnections: 2 });
  const words = "TRADETAPE_DATABASE_SESSIONS_MAX must be at least 21, with TRADETAPE_LANDING_CONNECTIONS at 16";
  expect(() => sessions("12", "16")).toThrow(refused(words));
});

test("a setting that is fixed has its default whatever the environment holds, and is refused as a flag", () => {
  const env = Object.fromEntries(SETTING_NAMES.map((name) => [SETTINGS[name].env, "\0 no value of any setting"]));
  const files = { DATABASE_URL_FILE: "nowhere", KAFKA_SASL_PASSWORD_FILE: "nowhere" };
  expect(readConfig({}, { ...env, ...files }, { fixed: SETTING_NAMES })).toEqual(readConfig({}, {}));
  const flags = { databaseUrl: "postgres://a@b/c" };
  expect(() => readConfig(flags, {}, { fixed: ["databaseUrl"] })).toThrow(refused("^--database-url <url>: not for"));
});
