import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { connect, createServer, type Socket } from "node:net";
import { choosePorts } from "../../../src/stack/ports.ts";

/** A loopback port in front of another one, whose traffic a test can hold or cut. */
export interface TcpProxy {
  readonly port: number;
  /** Nothing passes until `resume`, in either direction; connections stay open. */
  pause(): void;
  resume(): void;
  /**
   * From now on, what the server answers is lost: at its next bytes the connection is cut. Requests arrive. Ends by
   * itself after `times` cuts.
   */
  loseAnswers(times: number): void;
  readonly cuts: number;
  close(): Promise<void>;
}

/**
 * Its port lies where no system takes ports for outgoing connections from: else, while a proxy is closed, a client of another
 * test's may have the port that the next one is to stand on.
 * @param target host:port of the real server
 * @param ownPort of a proxy that was closed, to stand where it stood
 */
export async function startTcpProxy(target: string, ownPort?: number): Promise<TcpProxy> {
  const ownOrFree = ownPort ?? (await choosePorts("random")).registry;
  const [host, port] = target.split(":") as [string, string];
  const sockets = new Set<Socket>();
  let isPaused = false;
  let toCut = 0;
  let cuts = 0;
  const server = createServer((client) => {
    const upstream = connect(Number(port), host);
    for (const [from, to] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      sockets.add(from);
      if (isPaused) from.pause();
      from.on("data", (bytes) => {
        if (from === upstream && toCut > 0) {
          toCut--;
          cuts++;
          client.destroy();
          upstream.destroy();
          return;
        }
        to.write(bytes);
      });
      from.on("close", () => {
        sockets.delete(from);
        to.destroy();
      });
      // A reset is what these tests make; the close event follows and passes it on.
      from.on("error", () => {});
    }
  });
  server.listen(ownOrFree, "127.0.0.1");
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    pause() {
      isPaused = true;
      for (const socket of sockets) socket.pause();
    },
    resume() {
      isPaused = false;
      for (const socket of sockets) socket.resume();
    },
    loseAnswers(times) {
      toCut = times;
    },
    get cuts() {
      return cuts;
    },
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
