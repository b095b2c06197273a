import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo } from "node:net";
import type { Pair } from "../support/services/certificates.ts";

/** What a request for a token said. */
export interface TokenRequest {
  readonly authorization: string | undefined;
  readonly form: Readonly<Record<string, string>>;
}

export interface TokenAnswer {
  readonly status?: number;
  readonly body: unknown;
}

/** The token endpoint of a provider of a test's own, on loopback. */
export interface TokenServer {
  readonly url: string;
  readonly requests: readonly TokenRequest[];
  /** Decides from now on; undefined: the request is never answered. */
  answer(by: (request: TokenRequest) => TokenAnswer | undefined): void;
  close(): Promise<void>;
}

/** @param pair for TLS, where it is to be by TLS @param options of Node's, beside it */
export async function startTokenServer(pair?: Pair, options: object = {}): Promise<TokenServer> {
  const requests: TokenRequest[] = [];
  let by: (request: TokenRequest) => TokenAnswer | undefined = () => ({ status: 503, body: {} });
  const handle = async (request: IncomingMessage, response: ServerResponse) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const form = Object.fromEntries(new URLSearchParams(Buffer.concat(chunks).toString()));
    const asked = { authorization: request.headers.authorization, form };
    requests.push(asked);
    const answer = by(asked);
    if (answer === undefined) return;
    response.writeHead(answer.status ?? 200, { "content-type": "application/json" });
    response.end(typeof answer.body === "string" ? answer.body : JSON.stringify(answer.body));
  };
  const listener: RequestListener = (request, response) => void handle(request, response);
  const tls = pair && { cert: readFileSync(pair.cert), key: readFileSync(pair.key), ...options };
  const server = tls ? createTlsServer(tls, listener) : createServer(listener);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `${tls ? "https" : "http"}://127.0.0.1:${(server.address() as AddressInfo).port}/token`,
    requests,
    answer: (decide) => {
      by = decide;
    },
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

const encoded = (part: object): string => Buffer.from(JSON.stringify(part)).toString("base64url");

/** An unsigned token, as a broker with Kafka's validator for tests takes it. @param lifeS how long it is good */
export function unsignedToken(sub: string, lifeS: number, scope = "tape"): string {
  const now = Math.floor(Date.now() / 1000);
  return `${encoded({ alg: "none" })}.${encoded({ sub, scope, iat: now, exp: now + lifeS })}.`;
}
