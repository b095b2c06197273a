import { createRequire } from "node:module";
import { createServer, type Socket } from "node:net";
import { afterEach, expect, it } from "vitest";
import { kafkajsInternals } from "../../../src/topic/patch/kafkajs-internals.ts";
import { openSocket } from "../../../src/topic/patch/socket.ts";
import { endUnanswered } from "../../../src/topic/patch/unanswered.ts";

const NEVER_MS = 3_600_000;

const ends: (() => void)[] = [];
afterEach(() => {
  for (const end of ends.splice(0)) end();
});

/**
 * A connection of kafkajs's to a broker that takes requests and says nothing, with a request that was sent when its close had
 * seen that nothing is asked, as one is that was being encoded meanwhile.
 */
async function askedLate(requestTimeout: number) {
  endUnanswered(kafkajsInternals());
  const sockets: Socket[] = [];
  const server = createServer({ allowHalfOpen: true }, (socket) => sockets.push(socket.resume()));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  ends.push(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const { port } = server.address() as { port: number };
  const Connection = createRequire(import.meta.url)("tradetape-kafkajs/src/network/connection.js");
  const logger = { namespace: () => logger, debug() {}, warn() {}, error() {} };
  const options = { host: "127.0.0.1", port, logger, socketFactory: openSocket, connectionTimeout: NEVER_MS };
  const connection = new Connection({ ...options, requestTimeout });
  await connection.connect();
  await expect.poll(() => sockets.length).toBe(1);
  const closed = connection.disconnect();
  const answer = new Promise((resolve, reject) => {
    const entry = { apiKey: 99, apiName: "Question", apiVersion: 0, correlationId: 1, resolve, reject };
    const sendRequest = () => connection.socket.write("?");
    connection.requestQueue.push({ entry, expectResponse: true, requestTimeout: null, sendRequest });
  });
  answer.catch(() => undefined);
  await closed;
  return { answer, broker: sockets[0]! };
}

it("a request on a connection that was just being closed ends by its time limit", async () => {
  const { answer } = await askedLate(300);
  await expect(answer).rejects.toThrow("Question(key: 99, version: 0) timed out");
});

it("a request on a connection that was just being closed ends when the broker hangs up", async () => {
  const { answer, broker } = await askedLate(NEVER_MS);
  broker.end();
  await expect(answer).rejects.toThrow("Closed connection");
});
