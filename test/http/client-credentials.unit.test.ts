import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { TradetapeError } from "../../src/errors.ts";
import { type Client, ClientCredentials } from "../../src/http/client-credentials.ts";
import { type Authority, newAuthority, type Pair } from "../support/services/certificates.ts";
import { startTokenServer, type TokenAnswer, type TokenServer } from "./token-server.ts";

let provider: TokenServer;
let given = 0;

beforeAll(async () => {
  provider = await startTokenServer();
});
afterAll(() => provider.close());
beforeEach(() => {
  given = 0;
  (provider.requests as unknown[]).length = 0;
});

const client = (of: Partial<Client> = {}): Client => ({
  place: "Kafka",
  prefix: "KAFKA_OAUTH",
  tokenUrl: provider.url,
  clientId: "tape",
  scope: undefined,
  parameters: undefined,
  caFile: undefined,
  secret: () => "s3cr3t",
  ...of,
});

/** A provider that gives a new token each time. */
const giving = (life: object) => () => {
  given++;
  return { body: { access_token: `token-${given}`, token_type: "Bearer", ...life } };
};

it("asks as RFC 6749 has it, with the secret as it is then", async () => {
  provider.answer(giving({}));
  let secret = "s3 cr:3t%";
  const asked = client({
    clientId: "a tape",
    scope: "read write",
    parameters: "audience=x%26y&resource=z",
    secret: () => secret,
  });
  const tokens = new ClientCredentials(asked);
  expect(await tokens.token()).toBe("token-1");
  secret = "next";
  expect(await tokens.token()).toBe("token-2");
  const login = ({ authorization = "" }: { readonly authorization: string | undefined }) =>
    Buffer.from(authorization.replace(/^Basic /, ""), "base64").toString();
  expect(provider.requests.map(login)).toEqual(["a+tape:s3+cr%3A3t%25", "a+tape:next"]);
  expect(provider.requests[0]!.form).toEqual({
    grant_type: "client_credentials",
    scope: "read write",
    audience: "x&y",
    resource: "z",
  });
});

describe("a token", () => {
  it.each([
    ["an hour", { expires_in: 3600 }, [0, 2879], 2880],
    ["an hour, as a text", { expires_in: "3600" }, [0, 2879], 2880],
    ["a minute", { expires_in: 60 }, [0, 39], 40],
  ])("that is good for %s is given again until it is about to end", async (_, life, kept, renewed) => {
    provider.answer(giving(life));
    let nowS = 0;
    const tokens = new ClientCredentials(client(), () => nowS * 1000);
    for (nowS of kept) expect(await tokens.token()).toBe("token-1");
    nowS = renewed;
    expect(await tokens.token()).toBe("token-2");
  });

  it.each([
    ["of which nobody says how long it is good", {}],
    ["that is good for less than a login needs", { expires_in: 20 }],
    ["with a life that is no number", { expires_in: "soon" }],
  ])("%s is for one login", async (_, life) => {
    provider.answer(giving(life));
    const tokens = new ClientCredentials(client(), () => 0);
    expect([await tokens.token(), await tokens.token()]).toEqual(["token-1", "token-2"]);
  });

  it("is asked for once by all who log in at the same time, and anew when it was refused", async () => {
    provider.answer(giving({ expires_in: 3600 }));
    const tokens = new ClientCredentials(client(), () => 0);
    const all = await Promise.all(Array.from({ length: 20 }, () => tokens.token()));
    expect(new Set(all)).toEqual(new Set(["token-1"]));
    tokens.refused("another");
    expect(await tokens.token()).toBe("token-1");
    tokens.refused("token-1");
    expect(await tokens.token()).toBe("token-2");
  });
});

describe("where there is none", () => {
  const missing = (canRetry: boolean, message: RegExp, next: RegExp) =>
    expect.objectContaining({
      code: "token_missing",
      canRetry,
      message: expect.stringMatching(message),
      next: expect.stringMatching(next),
    });
  const CLIENT = /KAFKA_OAUTH_CLIENT_ID/;
  const URL = /KAFKA_OAUTH_TOKEN_URL/;

  it.each<[TokenAnswer, boolean, RegExp, RegExp]>([
    [{ status: 401, body: { error: "invalid_client" } }, false, /answers with status 401: invalid_client$/, CLIENT],
    [
      { status: 400, body: { error: "invalid_scope", error_description: "no s3cr3t of it" } },
      false,
      /invalid_scope: no \*\*\* of it$/,
      CLIENT,
    ],
    [{ status: 403, body: "<html>" }, false, /status 403 and no bearer token$/, CLIENT],
    [{ status: 404, body: "" }, false, /status 404/, URL],
    [{ status: 302, body: "" }, false, /status 302/, URL],
    [{ status: 503, body: "" }, true, /status 503/, URL],
    [{ status: 429, body: {} }, true, /status 429/, URL],
    [{ body: "no JSON s3cr3t" }, false, /status 200 and no bearer token$/, URL],
    [{ body: { access_token: "abc", token_type: "mac" } }, false, /no bearer token$/, URL],
    [{ body: { token_type: "Bearer" } }, false, /no bearer token$/, URL],
    [{ body: null }, false, /no bearer token$/, URL],
  ])("%j is said by the provider's words, never its token or our secret", async (answer, canRetry, message, next) => {
    provider.answer(() => answer);
    const fault = await new ClientCredentials(client()).token().catch((error: unknown) => error);
    expect(fault).toEqual(missing(canRetry, message, next));
    expect((fault as Error).message).toContain(`no token to log in to Kafka by: ${provider.url}: `);
    expect((fault as Error).message).not.toContain("s3cr3t");
  });

  it("because nobody answers, that may pass", async () => {
    const gone = await startTokenServer();
    await gone.close();
    const tokens = new ClientCredentials(client({ tokenUrl: gone.url }));
    await expect(tokens.token()).rejects.toEqual(missing(true, /ECONNREFUSED/, URL));
  });

  it("the provider isn't asked again at once by each who logs in, and then is", async () => {
    provider.answer(() => ({ status: 401, body: {} }));
    let nowMs = 0;
    const tokens = new ClientCredentials(client(), () => nowMs);
    for (nowMs of [0, 1000, 1999]) await expect(tokens.token()).rejects.toMatchObject({ code: "token_missing" });
    expect(provider.requests).toHaveLength(1);
    provider.answer(giving({}));
    nowMs = 2000;
    expect(await tokens.token()).toBe("token-1");
  });
});

describe("by TLS", () => {
  let ours: Authority;
  let secured: TokenServer;
  const strangers: Authority[] = [];
  const newStrangers = () => {
    const authority = newAuthority();
    strangers.push(authority);
    return authority;
  };
  beforeAll(async () => {
    ours = newAuthority();
    secured = await startTokenServer(ours.issue("provider", "IP:127.0.0.1"));
    secured.answer(giving({}));
  });
  afterAll(async () => {
    await secured?.close();
    for (const authority of [ours, ...strangers]) authority?.remove();
  });

  it("the endpoint is known by the authority that is given, and by no other", async () => {
    const tokens = new ClientCredentials(client({ tokenUrl: secured.url, caFile: ours.cert }));
    expect(await tokens.token()).toBe("token-1");
    const asked = secured.requests.length;
    const unknown = new ClientCredentials(client({ tokenUrl: secured.url }));
    await expect(unknown.token()).rejects.toThrow(/certificate/);
    expect(secured.requests).toHaveLength(asked);
  });

  const refused = async (from: () => Promise<{ readonly url: string; close?(): Promise<void> }>, next: RegExp) => {
    const endpoint = await from();
    const tokens = new ClientCredentials(client({ tokenUrl: endpoint.url, caFile: ours.cert }));
    const fault = (await tokens.token().catch((error: unknown) => error)) as TradetapeError;
    await endpoint.close?.();
    expect([fault.code, fault.canRetry]).toEqual(["tls_refused", false]);
    expect(fault.message).toContain(`no token to log in to Kafka by: ${endpoint.url}: `);
    expect(fault.next).toMatch(next);
  };
  const plain = async () => ({ url: provider.url.replace("http:", "https:") });
  const of = (pair: () => Pair, options?: object) => () => startTokenServer(pair(), options);
  it.each<[string, Parameters<typeof refused>[0], RegExp]>([
    ["of another authority", of(() => newStrangers().issue("provider", "IP:127.0.0.1")), /KAFKA_OAUTH_CA_FILE/],
    ["by another name", of(() => ours.issue("other", "IP:127.0.0.2")), /KAFKA_OAUTH_TOKEN_URL by a name/],
    ["that ended", of(() => ours.issue("ended", "IP:127.0.0.1", -1)), /Renew the server's certificate/],
    ["in clear, asked by https", plain, /http:\/\/ or https:\/\/ in KAFKA_OAUTH_TOKEN_URL/],
    [
      "that asks for a client's certificate",
      of(() => ours.issue("strict", "IP:127.0.0.1"), { requestCert: true, rejectUnauthorized: true }),
      /asks for no client's certificate/,
    ],
  ])("an endpoint %s is refused at once, and the setting is named", async (_, from, next) => {
    await refused(from, next);
  });

  it("a file of the authority that can't be used is named when the process begins", () => {
    const told = () => new ClientCredentials(client({ tokenUrl: secured.url, caFile: "/nowhere/ca.pem" }));
    expect(told).toThrow(/^KAFKA_OAUTH_CA_FILE: ENOENT/);
  });
});
