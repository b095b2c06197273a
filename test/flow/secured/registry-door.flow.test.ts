import { copyFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { readConfig, requireServices } from "../../../src/config.ts";
import { Subjects } from "../../../src/event/http/subjects.ts";
import { openRegistry } from "../../../src/event/registry.ts";
import type { EventTopic } from "../../../src/event/schemas.ts";
import { startTokenServer, type TokenServer } from "../../http/token-server.ts";
import { type Authority, newAuthority, type Pair } from "../../support/services/certificates.ts";
import { type Isolation, isolate } from "../../support/services/isolation.ts";
import { type RegistryFront, startRegistryFront } from "../../support/services/registry-front.ts";
import { tradetape } from "../../support/tradetape.ts";

/** The real registry behind a door of its own: TLS by a private authority, certificates of clients, and tokens. */
let ours: Authority;
let theirs: Authority;
let server: Pair;
let client: Pair;
let place: Isolation;
let provider: TokenServer;
/** Asks for no certificate. */
let front: RegistryFront;
/** Asks for one. */
let mutual: RegistryFront;
/** The header that is taken; undefined: every one. */
let taken: string | undefined;

beforeAll(async () => {
  place = await isolate();
  [ours, theirs] = [newAuthority(), newAuthority()];
  server = ours.issue("registry", "IP:127.0.0.1");
  client = ours.issue("client", "DNS:client");
  provider = await startTokenServer(server);
  front = await startRegistryFront(place.schemaRegistryUrl, { pair: server });
  mutual = await startRegistryFront(place.schemaRegistryUrl, { pair: server, clientsOf: ours.cert });
  for (const one of [front, mutual]) {
    one.handle((_, login) => (taken === undefined || login === taken ? "pass" : "refuse"));
  }
});
afterAll(async () => {
  for (const one of [front, mutual, provider]) await one?.close();
  ours?.remove();
  theirs?.remove();
});
beforeEach(() => {
  taken = undefined;
});

type Settings = Readonly<Record<string, string>>;

const CA = () => ({ SCHEMA_REGISTRY_CA_FILE: ours.cert });
const OWN = ({ cert, key }: Pair) => ({ SCHEMA_REGISTRY_CERT_FILE: cert, SCHEMA_REGISTRY_KEY_FILE: key });
const wayBy = (settings: Settings) => requireServices(readConfig({}, settings), "schemaRegistryUrl");
const at = ({ url }: RegistryFront, settings: Settings = {}) => ({ SCHEMA_REGISTRY_URL: url, ...CA(), ...settings });

function file(name: string, text: string): string {
  const path = join(ours.folder, name);
  writeFileSync(path, text, { mode: 0o600 });
  return path;
}

const oauth = (secret = "s3cr3t"): Settings => ({
  SCHEMA_REGISTRY_OAUTH_TOKEN_URL: provider.url,
  SCHEMA_REGISTRY_OAUTH_CLIENT_ID: "tape",
  SCHEMA_REGISTRY_OAUTH_CLIENT_SECRET: secret,
  SCHEMA_REGISTRY_OAUTH_CA_FILE: ours.cert,
});

let subjects = 0;
const fresh = () => `${place.namespace}.door-${subjects++}`;

/** What the package asks, and what we ask ourselves. */
async function ask(settings: Settings, topic: EventTopic = "ticks"): Promise<string> {
  const [way, name] = [wayBy(settings), fresh()];
  try {
    const id = await openRegistry(way).register(name, topic);
    expect(await new Subjects(way).newest(name)).toBe(id);
    return "good";
  } catch (error) {
    const { code, message } = error as { code: string; message: string };
    return `${code}: ${message}`;
  }
}

describe("who has what the door asks for is let in", () => {
  const GIVEN = "Bearer given-by-hand";
  test.each<[string, () => Settings, string | undefined]>([
    ["a private authority", () => at(front), undefined],
    ["a certificate", () => at(mutual, OWN(client)), undefined],
    [
      "a user and a password",
      () => at({ ...front, url: front.url.replace("//", "//me:p%40ss@") }),
      "Basic bWU6cEBzcw==",
    ],
    ["a token", () => at(front, { SCHEMA_REGISTRY_TOKEN: "given-by-hand" }), GIVEN],
    ["a token's file", () => at(front, { SCHEMA_REGISTRY_TOKEN_FILE: file("token", "given-by-hand\n") }), GIVEN],
    ["a token and a certificate", () => at(mutual, { ...OWN(client), SCHEMA_REGISTRY_TOKEN: "given-by-hand" }), GIVEN],
    ["a provider's token", () => at(front, oauth()), "Bearer of-the-provider"],
  ])("%s", async (_, settings, header) => {
    taken = header;
    provider.answer(() => ({ body: { access_token: "of-the-provider", token_type: "Bearer", expires_in: 300 } }));
    expect(await ask(settings())).toBe("good");
  });
});

describe("who hasn't is told what lacks", () => {
  test.each<[string, () => Settings, RegExp]>([
    ["no authority", () => ({ ...at(front), SCHEMA_REGISTRY_CA_FILE: "" }), /certificate/],
    ["another authority", () => ({ ...at(front), SCHEMA_REGISTRY_CA_FILE: theirs.cert }), /certificate/],
    ["no certificate", () => at(mutual), /alert|certificate/],
    [
      "another authority's certificate",
      () => at(mutual, OWN(theirs.issue("other", "DNS:other"))),
      /alert|ECONNRESET|hang up|certificate/,
    ],
    ["a wrong token", () => at(front, { SCHEMA_REGISTRY_TOKEN: "wrong" }), /401/],
    ["a token that the provider gives and the registry doesn't take", () => at(front, oauth()), /401/],
    ["a provider that doesn't know the client", () => at(front, oauth("wrong")), /^token_missing: .*invalid_client/],
  ])("%s", async (_, settings, words) => {
    taken = "Bearer right";
    provider.answer(({ authorization }) =>
      authorization === `Basic ${Buffer.from("tape:s3cr3t").toString("base64")}`
        ? { body: { access_token: "of-the-provider", token_type: "Bearer", expires_in: 300 } }
        : { status: 401, body: { error: "invalid_client" } },
    );
    expect(await ask(settings())).toMatch(words);
  });

  test("a file that can't be used is named before anything is asked", async () => {
    const nowhere = { SCHEMA_REGISTRY_CERT_FILE: "/nowhere/a.crt", SCHEMA_REGISTRY_KEY_FILE: client.key };
    expect(() => openRegistry(wayBy(at(mutual, nowhere)))).toThrow(/^SCHEMA_REGISTRY_CERT_FILE: ENOENT/);
    expect(() => new Subjects(wayBy(at(mutual, OWN({ ...client, key: server.key }))))).toThrow(
      /^SCHEMA_REGISTRY_KEY_FILE: is not the key of the certificate/,
    );
  });

  test("a command comes by all of it", async () => {
    taken = "Bearer given-by-hand";
    const { namespace: TRADETAPE_NAMESPACE, kafkaBrokers: KAFKA_BROKERS } = place;
    const settings = { TRADETAPE_NAMESPACE, KAFKA_BROKERS, ...at(mutual, OWN(client)) };
    const SCHEMA_REGISTRY_TOKEN_FILE = file("token", "given-by-hand");
    const { code, stderr } = await tradetape(["topics", "--create"], { ...settings, SCHEMA_REGISTRY_TOKEN_FILE });
    expect(code, stderr).toBe(0);
    const without = await tradetape(["topics", "--create"], settings);
    expect([without.code, without.stderr]).toEqual([2, expect.stringContaining("401")]);
  });
});

describe("what a process logs in by may change under it", () => {
  /** Two questions of one registry that stays open, with a change between them. */
  async function through(settings: Settings, change: () => void): Promise<void> {
    const way = wayBy(settings);
    const [registry, looked] = [openRegistry(way), new Subjects(way)];
    const first = fresh();
    const id = await registry.register(first, "ticks");
    change();
    expect(await registry.register(fresh(), "bars")).not.toBe(id);
    expect(await looked.newest(first)).toBe(id);
  }

  test("a token of a file", async () => {
    taken = "Bearer one";
    await through(at(front, { SCHEMA_REGISTRY_TOKEN_FILE: file("token", "one") }), () => {
      file("token", "two");
      taken = "Bearer two";
    });
  });

  test("the password of the URL's file", async () => {
    const put = (password: string) => {
      taken = `Basic ${Buffer.from(`me:${password}`).toString("base64")}`;
      return file("url", front.url.replace("//", `//me:${password}@`));
    };
    const SCHEMA_REGISTRY_URL_FILE = put("one");
    await through({ ...CA(), SCHEMA_REGISTRY_URL_FILE }, () => put("two"));
  });

  test("a provider's token that is refused before its end is followed by another one", async () => {
    let given = 0;
    provider.answer(() => ({ body: { access_token: `token-${++given}`, token_type: "Bearer", expires_in: 300 } }));
    taken = "Bearer token-1";
    const way = wayBy(at(front, oauth()));
    const registry = openRegistry(way);
    await registry.register(fresh(), "ticks");
    taken = "Bearer token-2";
    // The first of its questions is refused, the next one has the new token.
    await expect(registry.register(fresh(), "bars")).resolves.toEqual(expect.any(Number));
    expect(given).toBe(2);
  });

  test("certificate, key and authority; while only some of them are new, the fault is one that passes", async () => {
    const paths = { cert: join(ours.folder, "now.crt"), key: join(ours.folder, "now.key") };
    const ca = join(ours.folder, "now-ca.crt");
    const use = (pair: Pair, authority: Authority) => {
      copyFileSync(pair.cert, paths.cert);
      copyFileSync(pair.key, paths.key);
      copyFileSync(authority.cert, ca);
    };
    use(client, ours);
    const way = wayBy({ ...at(mutual, OWN(paths)), SCHEMA_REGISTRY_CA_FILE: ca });
    const [registry, looked] = [openRegistry(way), new Subjects(way)];
    await registry.register(fresh(), "ticks");
    const next = theirs.issue("next", "DNS:next");
    copyFileSync(next.cert, paths.cert);
    await expect(looked.newest(fresh())).rejects.toMatchObject({
      canRetry: true,
      message: expect.stringContaining("SCHEMA_REGISTRY_KEY_FILE: is not the key of the certificate"),
    });
    mutual.renew({ pair: theirs.issue("registry", "IP:127.0.0.1"), clientsOf: theirs.cert });
    use(next, theirs);
    await expect(registry.register(fresh(), "bars")).resolves.toEqual(expect.any(Number));
    mutual.renew({ pair: server, clientsOf: ours.cert });
  });
});
