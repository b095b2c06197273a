import pg from "pg";
import { describe, expect, it } from "vitest";
import { readConfig } from "../../src/config.ts";
import { isLocalHost } from "../../src/settings/local-host.ts";
import { readTransport, SSL_MODES, type Transport } from "../../src/settings/transport.ts";

const read = (url: string, env: NodeJS.ProcessEnv = {}): Transport => {
  const transport = readTransport(url, env);
  if (typeof transport === "string") throw new Error(transport);
  return transport;
};

describe("a host is this machine", () => {
  it.each(["127.0.0.1", "127.8.8.8", "::1", "[::1]", "localhost", "LOCALHOST", "/run/postgresql", "::ffff:127.0.0.1"])(
    "where it is %s",
    (host) => expect(isLocalHost(host)).toBe(true),
  );

  it.each([
    "10.0.0.1",
    "db",
    "localhost.example",
    "127.0.0.1.example",
    "127.1",
    "::",
    "0.0.0.0",
    "fe80::1",
    "",
    "postgres",
  ])("and not where it is %j", (host) => expect(isLocalHost(host)).toBe(false));
});

describe("the ways to log in", () => {
  const FAR: Record<string, boolean[]> = { disable: [], allow: [true], prefer: [true] };
  const HERE: Record<string, boolean[]> = { disable: [false], allow: [false, true], prefer: [true, false] };

  it.each(SSL_MODES)("are those of sslmode=%s, and none in clear to a host that isn't this machine", (mode) => {
    const url = (host: string) => `postgres://ann:pw@${host}/tape?sslmode=${mode}`;
    expect(read(url("db")).ways).toEqual(FAR[mode] ?? [true]);
    for (const ways of [read(url("127.0.0.1")).ways, read(`${url("db")}&allow_plaintext=true`).ways]) {
      expect(ways).toEqual(HERE[mode] ?? [true]);
    }
    expect(read(url("%2Frun%2Fpostgresql")).ways).toEqual([false]);
    expect(read(`postgres://ann:pw@db/tape`, { PGSSLMODE: mode })).toMatchObject({ mode, ways: FAR[mode] ?? [true] });
  });

  it("are prefer's where nothing is said, verify-full's with what the system trusts, and TLS alone for a binding", () => {
    expect(read("postgres://localhost/tape")).toMatchObject({ mode: "prefer", ways: [true, false], binding: "prefer" });
    expect(read("postgres://db/tape?sslrootcert=system")).toMatchObject({ mode: "verify-full" });
    expect(read("postgres://localhost/tape?channel_binding=require")).toMatchObject({ ways: [true] });
    expect(read("postgres://localhost/tape", { PGCHANNELBINDING: "require" })).toMatchObject({ ways: [true] });
  });
});

it("the URL beats the variables, and pg gets the rest of it as it was", () => {
  const env = { PGSSLMODE: "disable", PGSSLROOTCERT: "/a", PGSSLCERT: "/b", PGSSLKEY: "/c" };
  const url = "postgres://ann:p%40w@db:1/tape?options=-c%20jit%3Doff&sslmode=require&ssl%63ert=/d&connect_timeout=3";
  expect(read(url, env)).toMatchObject({
    url: "postgres://ann:p%40w@db:1/tape?options=-c%20jit%3Doff&connect_timeout=3",
    mode: "require",
    files: { rootCert: "/a", cert: "/d", key: "/c" },
  });
  expect(read("postgres://db/tape?sslmode=require").url).toBe("postgres://db/tape");
});

it.each([
  "db",
  "[::1]:1",
  "%2Frun%2Fpg",
  "db/tape?host=/run/pg",
  "db/tape?host=other",
  "db/tape?host=",
  "/tape",
  "/tape?host=a&host=b",
])("the host of %s is the one that pg connects to", (rest) => {
  const url = `postgres://${rest}`;
  expect(read(`${url}`).host).toBe(new pg.Client({ connectionString: url }).host);
});

describe("a database's URL is refused, naming what it is, where it", () => {
  it.each([
    [
      "has a mode that there isn't",
      "sslmode=verify",
      /unknown sslmode .*disable, allow, prefer, require, verify-ca, verify-full$/,
    ],
    ["has pg's own mode", "sslmode=no-verify", /no-verify is require/],
    ["has an empty mode", "sslmode=", /unknown sslmode/],
    ["has another prefix of roles twice", "role_prefix=a_&role_prefix=b_", /has role_prefix twice/],
    ...["A_", "1_", "pg_", "_", "a-", "a;b", "a%22", `${"a".repeat(41)}`].map(
      (prefix) => [`calls its roles ${prefix}`, `role_prefix=${prefix}`, /role_prefix that no role can have/] as const,
    ),
    ["says it twice", "sslmode=require&sslmode=disable", /has sslmode twice/],
    ["has pg's other switch", "ssl=true", /write sslmode=require, or verify-full/],
    ["asks pg for what is no longer", "uselibpqcompat=false", /take it out/],
    ["has a binding that there isn't", "channel_binding=yes", /unknown channel_binding/],
    ["wants a binding without TLS", "channel_binding=require&sslmode=disable", /which needs TLS/],
    ["trusts everybody's authorities for little", "sslrootcert=system&sslmode=require", /needs sslmode=verify-full/],
    ["negotiates directly what may not be", "sslnegotiation=direct&sslmode=prefer", /needs sslmode=require/],
    ["wants a version that there isn't", "ssl_min_protocol_version=1.3", /unknown ssl_min_protocol_version/],
    ...["require_auth=scram-sha-256", "sslcrl=/a", "requirepeer=pg", "gssencmode=require"].map(
      (query) => [`asks for ${query}`, query, /which nothing here heeds: take it out/] as const,
    ),
  ] as const)("%s", (_, query, words) => {
    const told = () => readConfig({ databaseUrl: `postgres://ann:s3cr3t@127.0.0.1/tape?${query}` }, {});
    expect(told).toThrow(expect.objectContaining({ code: "config_invalid", message: expect.stringMatching(words) }));
    expect(told).not.toThrow("s3cr3t");
  });

  it.each([
    ["PGSSLMODE", "on"],
    ["PGCHANNELBINDING", "on"],
    ["PGREQUIREAUTH", "scram-sha-256"],
    ["PGSSLCRL", "/a"],
    ["PGGSSENCMODE", "require"],
  ])("stands beside %s=%s", (name, value) => {
    const told = () => readConfig({ databaseUrl: "postgres://127.0.0.1/tape" }, { [name]: value });
    expect(told).toThrow(expect.objectContaining({ code: "config_invalid", message: expect.stringContaining(name) }));
  });
});

describe("a login in clear to a host that isn't this machine", () => {
  const sasl = (KAFKA_SASL_MECHANISM: string, more = {}) => ({
    KAFKA_BROKERS: "127.0.0.1:9092,kafka:9092",
    KAFKA_SASL_MECHANISM,
    KAFKA_SASL_USERNAME: "ann",
    KAFKA_SASL_PASSWORD: "s3cr3t",
    ...more,
  });
  const database = (host: string, query = "") => ({ DATABASE_URL: `postgres://ann:s3cr3t@${host}/tape${query}` });
  const registry = (url: string) => ({ SCHEMA_REGISTRY_URL: url });
  /** A container's name. */
  const NAMED = "registry";
  const two = "db:1,127.0.0.1:2";

  it.each([
    ["by sslmode", database("db", "?sslmode=disable"), /^DATABASE_URL: .* to db in clear\. .*sslmode=verify-full/],
    ["by PGSSLMODE", { ...database("db"), PGSSLMODE: "disable" }, /^DATABASE_URL: .* to db in clear/],
    [
      "to a standby",
      { DATABASE_READ_URL: database("db", "?sslmode=disable").DATABASE_URL },
      /^DATABASE_READ_URL: .* to db in clear/,
    ],
    [
      "by PGHOST",
      { DATABASE_URL: "postgres:///tape?sslmode=disable", PGHOST: "db" },
      /^DATABASE_URL: .* to db in clear/,
    ],
    ["to one of two", database(two, "?sslmode=disable&target_session_attrs=any"), /^DATABASE_URL: .* to db in clear/],
    ...["plain", "scram-sha-256", "scram-sha-512"].map(
      (name) =>
        [
          `by ${name}`,
          sasl(name),
          /^KAFKA_SASL_MECHANISM: .* to kafka:9092 in clear\. Set KAFKA_SSL_ENABLED=true/,
        ] as const,
    ),
    ["to a registry", registry(`http://ann:s3cr3t@${NAMED}:8081/v7`), /^SCHEMA_REGISTRY_URL: .* in clear\. Use HTTPS/],
    ["to a registry by a user alone", registry(`http://ann@${NAMED}/v7`), /^SCHEMA_REGISTRY_URL: .* in clear/],
  ] as const)("is refused by name %s, and what allows it is named", (_, env, words) => {
    const told = () => readConfig({}, env);
    expect(told).toThrow(expect.objectContaining({ code: "config_invalid", message: expect.stringMatching(words) }));
    expect(told).toThrow(/--allow-plaintext or TRADETAPE_ALLOW_PLAINTEXT=true/);
    expect(told).not.toThrow("s3cr3t");
    expect(readConfig({}, { ...env, TRADETAPE_ALLOW_PLAINTEXT: "true" })).toMatchObject({ allowPlaintext: true });
    expect(readConfig({ allowPlaintext: "true" }, env)).toMatchObject({ allowPlaintext: true });
  });

  it.each([
    ["to PostgreSQL here", database("127.0.0.1", "?sslmode=disable")],
    ["to PostgreSQL by a socket", { DATABASE_URL: "postgres:///tape?sslmode=disable&host=/run/postgresql" }],
    ["to brokers here", { ...sasl("plain"), KAFKA_BROKERS: "localhost:9092,127.0.0.1:9093" }],
    ["by TLS", sasl("plain", { KAFKA_SSL_ENABLED: "true" })],
    ["to brokers that know no login", { KAFKA_BROKERS: "kafka:9092" }],
    ["to a registry here", registry("http://ann:s3cr3t@localhost:8081/v7")],
    ["to a registry by https", registry(`https://ann:s3cr3t@${NAMED}/v7`)],
    ["to a registry without a login", registry(`http://${NAMED}:8081/v7`)],
  ])("is none %s", (_, env) => {
    expect(readConfig({}, env)).toMatchObject({ allowPlaintext: false });
  });

  it("is allowed to whoever opens a session by the database's URL, by the settings alone", () => {
    const ways = (url: string) => read(url).ways;
    const config = readConfig({ allowPlaintext: "true" }, database("db", "?sslmode=disable"));
    expect(ways(config.databaseUrl!)).toEqual([false]);
    expect(ways(database("db", "?sslmode=disable").DATABASE_URL)).toEqual([]);
  });
});

it.each(["http://127.0.0.1/v7?token=s3cr3t", "http://127.0.0.1/v7#s3cr3t", "https://localhost/?"])(
  "a registry's URL may not end with what would not be sent: %s",
  (SCHEMA_REGISTRY_URL) => {
    const told = () => readConfig({}, { SCHEMA_REGISTRY_URL });
    expect(told).toThrow(
      /^SCHEMA_REGISTRY_URL: must end with its path: what stands behind a \? or # would not be sent$/,
    );
    expect(told).not.toThrow("s3cr3t");
  },
);
