import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** What a server is asked, and how it answers. */
export type AnswerAsked = (request: { readonly path: string; readonly body: string }, response: ServerResponse) => void;

/** A server on loopback that speaks as the test says. */
export interface ModelServer extends AsyncDisposable {
  readonly url: string;
  readonly isOpen: () => boolean;
}

async function textOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}

export async function openModelServer(answer: AnswerAsked): Promise<ModelServer> {
  const server = createServer((request, response) => {
    void textOf(request).then((body) => answer({ path: request.url ?? "", body }, response));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    isOpen: () => server.listening,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise<unknown>((resolve) => server.close(resolve));
    },
  };
}
