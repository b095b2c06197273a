import { execFileSync } from "node:child_process";
import { chmodSync, copyFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { allowingPlaintext, SSL_MODES } from "../../../src/settings/transport.ts";
import { Connection } from "../../../src/table/connection.ts";
import { type Authority, newAuthority, type Pair } from "../../support/services/certificates.ts";
import { type OwnPostgres, startOwnPostgres } from "../../support/services/own-postgres.ts";
import { tradetape } from "../../support/tradetape.ts";

let postgres: OwnPostgres;
let folder: string;
let ours: Authority;
let theirs: Authority;
let rulesRead = 0;
const servers = new Map<string, Pair>();

async function asAdmin<T>(ask: (connection: Connection) => Promise<T>): Promise<T> {
  const connection = await Connection.open(urlOf("127.0.0.1", "sslmode=disable"), { name: "admin" });
  return ask(connection).finally(() => connection.close());
}

function urlOf(host: string, query: string, login?: string): string {
  const url = new URL(postgres.url);
  const own = `${url.username}:${url.password}`;
  return `postgres://${login ?? own}@${host}:${url.port}/tradetape?${query}`;
}

/** A file of the server's own, which it alone may read. */
function give(from: string, name: string): string {
  const path = join(folder, name);
  copyFileSync(from, path);
  execFileSync("chown", ["--reference", join(folder, "PG_VERSION"), path]);
  chmodSync(path, 0o600);
  return path;
}

/** What the server has, seen by a session that began behind it: the server looks at its files before it lets one begin. */
async function have(settings: Readonly<Record<string, string>>): Promise<void> {
  await asAdmin(async (connection) => {
    for (const [name, value] of Object.entries(settings)) {
      await connection.query(`ALTER SYSTEM SET ${name} = '${value}'`);
    }
    await connection.query("SELECT pg_reload_conf()");
  });
  const shown = (name: string) => asAdmin((connection) => connection.query(`SHOW ${name}`)).then(([row]) => row![name]);
  for (const [name, value] of Object.entries(settings)) while ((await shown(name)) !== value) await sleep(20);
}

/** Whom the server lets in, and how. */
async function letIn(...rules: readonly string[]): Promise<void> {
  const all = ["hostnossl all tradetape 127.0.0.1/32 scram-sha-256", ...rules];
  writeFileSync(join(folder, "pg_hba.conf"), all.map((rule) => `${rule}\n`).join(""));
  // They are read with the settings; this one says that they were.
  rulesRead++;
  await have({ log_line_prefix: `rules ${rulesRead} ` });
}

const EVERYBODY = ["host all all 127.0.0.1/32 scram-sha-256"];

beforeAll(async () => {
  postgres = await startOwnPostgres();
  [folder] = await asAdmin((connection) => connection.query<{ data_directory: string }>("SHOW data_directory")).then(
    (rows) => rows.map((row) => row.data_directory) as [string],
  );
  [ours, theirs] = [newAuthority(), newAuthority()];
  const named = "DNS:localhost,IP:127.0.0.1";
  for (const [name, names, days] of [
    ["right", named, 2],
    ["elsewhere", "DNS:elsewhere.example", 2],
    ["expired", named, -1],
  ] as const) {
    const { cert, key } = ours.issue(name, names, days);
    servers.set(name, { cert: give(cert, `${name}.crt`), key: give(key, `${name}.key`) });
  }
  await have({ ssl_ca_file: give(ours.cert, "clients.crt") });
  await asAdmin((connection) => connection.query("CREATE ROLE certified LOGIN; CREATE ROLE plain LOGIN PASSWORD 'pw'"));
});
afterAll(async () => {
  await postgres?.end();
  ours?.remove();
  theirs?.remove();
});
afterEach(() => {
  vi.unstubAllEnvs();
});

const serve = (name: string): Promise<void> => {
  const pair = servers.get(name);
  return have(pair ? { ssl_cert_file: pair.cert, ssl_key_file: pair.key, ssl: "on" } : { ssl: "off" });
};

/** How a login went: by TLS, in clear, or why it didn't. */
async function went(url: string): Promise<string> {
  // What this machine's user has in ~/.postgresql is nothing of the test's.
  vi.stubEnv("HOME", ours.folder);
  try {
    const connection = await Connection.open(url, { name: "test" });
    const [row] = await connection.query<{ ssl: boolean }>("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()");
    await connection.close();
    return row!.ssl ? "tls" : "clear";
  } catch (error) {
    const { code, message, canRetry } = error as { code: string; message: string; canRetry: boolean };
    return `${code}${canRetry ? ", may pass" : ""}: ${message}`;
  }
}

const TO_OURS = () => `&sslrootcert=${ours.cert}`;
const TO_THEIRS = () => `&sslrootcert=${theirs.cert}`;
const NO_ROOT = () => "";

describe.each<[string, string, () => string, Record<(typeof SSL_MODES)[number], string>]>([
  [
    "a right certificate by the authority that is given",
    "right",
    TO_OURS,
    { disable: "clear", allow: "clear", prefer: "tls", require: "tls", "verify-ca": "tls", "verify-full": "tls" },
  ],
  [
    "a certificate by another authority",
    "right",
    TO_THEIRS,
    {
      disable: "clear",
      allow: "clear",
      prefer: "clear",
      require: "tls_refused: ",
      "verify-ca": "tls_refused: ",
      "verify-full": "tls_refused: ",
    },
  ],
  [
    "a right certificate, and no authority given",
    "right",
    NO_ROOT,
    {
      disable: "clear",
      allow: "clear",
      prefer: "tls",
      require: "tls",
      "verify-ca": "config_invalid: sslmode=verify-ca needs sslrootcert",
      "verify-full": "config_invalid: sslmode=verify-full needs sslrootcert",
    },
  ],
  [
    "a certificate of another host",
    "elsewhere",
    TO_OURS,
    {
      disable: "clear",
      allow: "clear",
      prefer: "tls",
      require: "tls",
      "verify-ca": "tls",
      "verify-full": "tls_refused: ",
    },
  ],
  [
    "an expired certificate",
    "expired",
    TO_OURS,
    {
      disable: "clear",
      allow: "clear",
      prefer: "clear",
      require: "tls_refused: ",
      "verify-ca": "tls_refused: ",
      "verify-full": "tls_refused: ",
    },
  ],
  [
    "no TLS",
    "none",
    TO_OURS,
    {
      disable: "clear",
      allow: "clear",
      prefer: "clear",
      require: "tls_refused: ",
      "verify-ca": "tls_refused: ",
      "verify-full": "tls_refused: ",
    },
  ],
])("with a server that has %s", (_, server, root, expected) => {
  beforeAll(async () => {
    await letIn(...EVERYBODY);
    await serve(server);
  });

  it.each(SSL_MODES)("sslmode=%s does what it does with libpq, by the URL and by PGSSLMODE", async (mode) => {
    const outcome = expect.stringMatching(`^${expected[mode]}`);
    expect(await went(urlOf("127.0.0.1", `sslmode=${mode}${root()}`))).toEqual(outcome);
    vi.stubEnv("PGSSLMODE", mode);
    vi.stubEnv("PGSSLROOTCERT", new URLSearchParams(root()).get("sslrootcert") ?? "");
    expect(await went(urlOf("127.0.0.1", ""))).toEqual(outcome);
  });
});

describe("with a host that isn't this machine", () => {
  // Nobody takes it for a loopback address, but whoever resolves it.
  const FAR = "127.1";

  it("no login goes in clear unless that is allowed, whatever the mode and whatever the server has", async () => {
    await letIn(...EVERYBODY);
    await serve("right");
    const ways = async () => {
      const all = [...SSL_MODES.slice(0, 4).map((mode) => `sslmode=${mode}`), ""];
      const gone: string[] = [];
      for (const query of all) gone.push((await went(urlOf(FAR, query))).split(":")[0]!);
      return gone;
    };
    expect(await ways()).toEqual(["config_invalid", "tls", "tls", "tls", "tls"]);
    expect(await went(allowingPlaintext(urlOf(FAR, "sslmode=disable")))).toBe("clear");
    await serve("none");
    expect(await ways()).toEqual([
      "config_invalid",
      "config_invalid",
      "config_invalid",
      "tls_refused",
      "config_invalid",
    ]);
    expect(await went(allowingPlaintext(urlOf(FAR, "")))).toBe("clear");
  });

  it("a command says so, and the flag and the variable allow it", async () => {
    await serve("none");
    const run = (url: string, args: readonly string[] = [], more = {}) =>
      tradetape(["migrate", "--json", ...args], { DATABASE_URL: url, HOME: ours.folder, ...more });
    for (const query of ["sslmode=disable", "sslmode=prefer", ""]) {
      const { code, stderr } = await run(urlOf(FAR, query));
      expect([code, stderr]).toEqual([2, expect.stringMatching(/in clear.*sslmode=.*--allow-plaintext/)]);
    }
    expect(await run(urlOf(FAR, ""), ["--allow-plaintext"])).toMatchObject({ code: 0 });
    const against = async (...args: readonly string[]) => {
      const DATABASE_URL = urlOf("127.0.0.1", "sslmode=disable");
      return tradetape(["verify", "--wait", "0", "--against", urlOf(FAR, ""), ...args], {
        DATABASE_URL,
        HOME: ours.folder,
      });
    };
    expect((await against()).stderr).toMatch(/in clear[\s\S]*--allow-plaintext/);
    expect(await against("--allow-plaintext")).toMatchObject({ code: 0 });
    expect(await run(urlOf(FAR, "sslmode=disable"), [], { TRADETAPE_ALLOW_PLAINTEXT: "true" })).toMatchObject({
      code: 0,
    });
  });
});

describe("a server that tells TLS from none", () => {
  it("is tried the other way by allow and prefer, where it has no rule for the first", async () => {
    await serve("right");
    await letIn("hostssl all plain 127.0.0.1/32 scram-sha-256");
    expect(await went(urlOf("127.0.0.1", "sslmode=allow", "plain:pw"))).toBe("tls");
    await letIn("hostnossl all plain 127.0.0.1/32 scram-sha-256");
    expect(await went(urlOf("127.0.0.1", "sslmode=prefer", "plain:pw"))).toBe("clear");
    expect(await went(urlOf("127.0.0.1", "sslmode=require", "plain:pw"))).toMatch(/^login_refused: .*pg_hba/);
  });
});

describe("channel_binding", () => {
  it("binds the login to the channel where it is required, and refuses every other login before it says anything", async () => {
    await serve("right");
    await letIn("hostssl all plain 127.0.0.1/32 scram-sha-256");
    for (const binding of ["require", "prefer", "disable"]) {
      expect(await went(urlOf("127.0.0.1", `channel_binding=${binding}`, "plain:pw"))).toBe("tls");
    }
    for (const [rule, why] of [
      ["password", "asks for the password in clear"],
      ["trust", "let the login in without one"],
    ]) {
      await letIn(`host all plain 127.0.0.1/32 ${rule}`);
      const url = urlOf("127.0.0.1", "channel_binding=require", "plain:pw");
      expect(await went(url)).toMatch(`${why}, and channel_binding=require is set`);
      expect(await went(urlOf("127.0.0.1", "sslmode=require", "plain:pw"))).toBe("tls");
    }
    await serve("none");
    expect(await went(urlOf("127.0.0.1", "channel_binding=require", "plain:pw"))).toMatch(/^tls_refused: .*SSL/);
  });
});

describe("a client's certificate", () => {
  it("logs in by the URL and by variables, and is refused in a sentence where its files are of no use", async () => {
    await serve("right");
    await letIn("hostssl all certified 127.0.0.1/32 cert");
    const { cert, key } = ours.issue("certified", "DNS:certified");
    const other = ours.issue("other", "DNS:other");
    const url = (query: string) => urlOf("127.0.0.1", `sslmode=verify-full${TO_OURS()}${query}`, "certified");
    expect(await went(url(`&sslcert=${cert}&sslkey=${key}`))).toBe("tls");
    vi.stubEnv("PGSSLCERT", cert);
    vi.stubEnv("PGSSLKEY", key);
    expect(await went(url(""))).toBe("tls");
    vi.unstubAllEnvs();
    expect(await went(url(""))).toMatch(/^login_refused: .*certificate/);
    expect(await went(url(`&sslcert=${cert}`))).toMatch(/^config_invalid: a client certificate needs sslkey, too/);
    expect(await went(url(`&sslcert=${cert}&sslkey=${other.key}`))).toMatch(/^file_unusable: sslkey: is not the key/);
    chmodSync(key, 0o644);
    expect(await went(url(`&sslcert=${cert}&sslkey=${key}`))).toMatch(
      /^file_unusable, may pass: sslkey: .* has mode 0644/,
    );
  });
});

it("a command says of a file that isn't there, or is none, which it is, and nothing of pg's own about sslmode", async () => {
  await letIn(...EVERYBODY);
  await serve("right");
  const rubbish = join(ours.folder, "rubbish");
  writeFileSync(rubbish, "-----BEGIN CERTIFICATE-----\nMIIF\n-----END CERTIFICATE-----\n");
  for (const [name, path] of ["sslrootcert", "sslcert"].flatMap((one) => [
    [one, "/nowhere/a.crt"],
    [one, rubbish],
    [one, join(ours.folder, "ca.key")],
  ])) {
    const DATABASE_URL = urlOf("127.0.0.1", `sslmode=require&sslkey=${ours.folder}/ca.key&${name}=${path}`);
    const { code, stderr } = await tradetape(["migrate"], { DATABASE_URL, HOME: ours.folder });
    expect([code, stderr]).toEqual([2, expect.stringMatching(`file_unusable.*${name}: .*${path}`)]);
  }
  const DATABASE_URL = urlOf("127.0.0.1", "sslmode=require");
  expect(await tradetape(["migrate"], { DATABASE_URL, HOME: ours.folder })).toMatchObject({ code: 0, stderr: "" });
});
