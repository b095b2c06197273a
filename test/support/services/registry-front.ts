import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";

/**
 * What happens to a request: `pass`: the registry answers. `cut before`: it never hears of it. `cut after`: it has done
 * it, and the answer is lost. Anything else is answered with status 200 in its place, as a portal would.
 */
export type Handling = "pass" | "cut before" | "cut after" | { readonly page: string };

/** A loopback port in front of the schema registry. */
export interface RegistryFront {
  readonly url: string;
  /** Decides from now on. @param line as in "POST /subjects/ticks-value/versions" */
  handle(decide: (line: string) => Handling): void;
  close(): Promise<void>;
}

/** @param registryUrl of the real one */
export async function startRegistryFront(registryUrl: string): Promise<RegistryFront> {
  const target = new URL(registryUrl);
  let decide: (line: string) => Handling = () => "pass";
  const server: Server = createServer(async (request, response) => {
    const path = request.url!.slice(target.pathname.length);
    const handling = decide(`${request.method} ${path}`);
    if (typeof handling === "object") return void response.setHeader("content-type", "text/html").end(handling.page);
    if (handling === "cut before") return void request.socket.destroy();
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
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}${target.pathname}`,
    handle: (decideNow) => {
      decide = decideNow;
    },
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
