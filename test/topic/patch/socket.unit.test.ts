import { createRequire } from "node:module";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { expect, it } from "vitest";
import { openSocket } from "../../../src/topic/patch/socket.ts";

type Connection = { readonly socket: Socket; connect(): Promise<boolean>; disconnect(): Promise<boolean> };

/** No connection here is ended by its time limit, on a machine that is held up for a second, either. */
const NEVER_MS = 3_600_000;

const logger = { namespace: () => logger, debug() {}, info() {}, warn() {}, error() {} };

function connectionTo(port: number): Connection {
  const KafkaConnection = createRequire(import.meta.url)("kafkajs/src/network/connection.js");
  const options = { host: "127.0.0.1", port, logger, socketFactory: openSocket, requestTimeout: NEVER_MS };
  return new KafkaConnection({ ...options, connectionTimeout: NEVER_MS }) as Connection;
}

it("a connection whose broker has gone gathers no listeners, however often kafkajs takes leave of it", async () => {
  const server = createServer((peer) => peer.destroy()).listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const connection = connectionTo((server.address() as AddressInfo).port);
  await connection.connect();
  const closed = new Promise((resolve) => connection.socket.once("close", resolve));
  await connection.disconnect();
  await closed;
  for (let failure = 0; failure < 20; failure++) await connection.disconnect();
  expect(connection.socket.listenerCount("connect")).toBe(0);
  server.close();
});

it("a connection that a broker refuses is rejected with the broker's address", async () => {
  // Where nobody listens: a port that somebody has just left may have another owner by now.
  await expect(connectionTo(1).connect()).rejects.toMatchObject({ broker: "127.0.0.1:1" });
});
