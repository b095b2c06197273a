import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from "node:http";
import { createServer as createTlsServer, type Server as TlsServer } from "node:https";
import type { AddressInfo } from "node:net";
import type { Pair } from "./certificates.ts";

/**
 * What happens to a request: `pass`: the registry answers. `cut before`: it never hears of it. `cut after`: it has done
 * it, and the answer is lost. `refuse`: its login is none. Anything else is answered with status 200 in its place, as a portal
 * would.
 */
export type Handling = "pass" | "cut before" | "cut after" | "refuse" | { readonly page: string };

/** By which files a front speaks TLS, and whose certificates it asks its clients for. */
export interface FrontFiles {
  readonly pair: Pair;
  readonly clientsOf?: string;
}

/** A loopback port in front of the schema registry. */
export interface RegistryFront {
  readonly url: string;
  /** Decides from now on. @param line as in "POST /subjects/ticks-value/versions" @param login the header's */
  handle(decide: (line: string, login: string | undefined) => Handling): void;
  /** Has new connections meet other files. */
  renew(files: FrontFiles): void;
  close(): Promise<void>;
}

const contextOf = ({ pair, clientsOf }: FrontFiles) => ({
  cert: readFileSync(pair.cert),
  key: readFileSync(pair.key),
  ...(clientsOf && { ca: readFileSync(clientsOf) }),
});

/** @param registryUrl of the real one @param files where it is to speak TLS */
export async function startRegistryFront(registryUrl: string, files?: FrontFiles): Promise<RegistryFront> {
  const target = new URL(registryUrl);
  let decide: (line: string, login: string | undefined) => Handling = () => "pass";
  const handle = async (request: IncomingMessage, response: ServerResponse) => {
    const path = request.url!.slice(target.pathname.length);
    const handling = decide(`${request.method} ${path}`, request.headers.authorization);
    if (typeof handling === "object") return void response.setHeader("content-type", "text/html").end(handling.page);
    if (handling === "cut before") return void request.socket.destroy();
    if (handling === "refuse") return void response.writeHead(401, { "content-type": "application/json" }).end("{}");
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const answer = await fetch(`${registryUrl}${path}`, {
      method: request.method!,
      headers: { "content-type": request.headers["content-type"] ?? "application/json" },
      body: chunks.length === 0 ? null : Buffer.concat(chunks),
    });
    const text = await answer.text();
    if (handling === "cut after") return void request.socket.destroy();
    response.writeHead(answer.status, { "content-type": "application/json" }).end(text);
  };
  const listener: RequestListener = (request, response) => void handle(request, response);
  const asks = { requestCert: files?.clientsOf !== undefined, rejectUnauthorized: files?.clientsOf !== undefined };
  const server = files ? createTlsServer({ ...contextOf(files), ...asks }, listener) : createServer(listener);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    url: `${files ? "https" : "http"}://127.0.0.1:${port}${target.pathname}`,
    handle: (decideNow) => {
      decide = decideNow;
    },
    renew: (renewed) => (server as TlsServer).setSecureContext(contextOf(renewed)),
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
