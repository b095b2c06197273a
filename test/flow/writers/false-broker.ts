import type { AddressInfo } from "node:net";
import { connect, createServer, type Socket } from "node:net";

const FETCH = 1;
const METADATA = 3;
const COORDINATOR = 10;

/** What a false broker makes of the true one's answers to fetches. */
export interface Lie {
  /** Of what a fetch brought of one partition. @returns the same bytes where they are to be left as they are */
  readonly records?: (topicName: string, records: Buffer) => Buffer;
  /** Of a whole answer, behind its correlation id, where it brings records of the topic. */
  readonly answer?: (topicName: string, answer: Buffer) => Buffer;
}

/** A loopback port in front of a broker, which tells what it is told to of fetches, and the truth else. */
export interface FalseBroker {
  readonly port: number;
  lie: Lie;
  /** How many answers were another than the true one. */
  readonly lies: number;
  close(): Promise<void>;
}

/** @param target host:port of the true broker, by which it calls itself */
export async function startFalseBroker(target: string): Promise<FalseBroker> {
  const [host, port] = target.split(":") as [string, string];
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    const upstream = connect(Number(port), host);
    const asked = new Map<number, number>();
    const requests = framesOf((frame) => {
      asked.set(frame.readInt32BE(8), frame.readInt16BE(4));
      upstream.write(frame);
    });
    const answers = framesOf((frame) => {
      const id = frame.readInt32BE(4);
      const api = asked.get(id);
      asked.delete(id);
      client.write(framed(frame.subarray(4, 8), told(api, frame.subarray(8))));
    });
    client.on("data", requests);
    upstream.on("data", answers);
    for (const [socket, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      sockets.add(socket);
      socket.on("close", () => {
        sockets.delete(socket);
        other.destroy();
      });
      // A reset's close event follows and passes it on.
      socket.on("error", () => {});
    }
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const ownPort = (server.address() as AddressInfo).port;
  const self: FalseBroker & { lies: number } = {
    port: ownPort,
    lie: {},
    lies: 0,
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  function told(api: number | undefined, answer: Buffer): Buffer {
    if (api === METADATA || api === COORDINATOR) return renamed(answer, host, Number(port), ownPort);
    if (api !== FETCH) return answer;
    const lied = liedAbout(answer, self.lie);
    if (!lied.equals(answer)) self.lies++;
    return lied;
  }
  return self;
}

/** Cuts a stream into frames, each with its length before it. */
function framesOf(take: (frame: Buffer) => void): (bytes: Buffer) => void {
  let rest: Buffer = Buffer.alloc(0);
  return (bytes) => {
    rest = Buffer.concat([rest, bytes]);
    while (rest.length >= 4 && rest.length >= 4 + rest.readInt32BE(0)) {
      const end = 4 + rest.readInt32BE(0);
      take(rest.subarray(0, end));
      rest = rest.subarray(end);
    }
  };
}

function framed(...parts: readonly Buffer[]): Buffer {
  const length = Buffer.alloc(4);
  length.writeInt32BE(parts.reduce((sum, part) => sum + part.length, 0));
  return Buffer.concat([length, ...parts]);
}

/** Has the broker's own address lead to another port, whatever the layout around it. */
function renamed(answer: Buffer, host: string, port: number, ownPort: number): Buffer {
  const address = Buffer.alloc(2 + host.length + 4);
  address.writeInt16BE(host.length, 0);
  address.write(host, 2);
  address.writeInt32BE(port, 2 + host.length);
  const bytes = Buffer.from(answer);
  for (let at = bytes.indexOf(address); at >= 0; at = bytes.indexOf(address, at + 1))
    bytes.writeInt32BE(ownPort, at + address.length - 4);
  return bytes;
}

/** Kafka's documentation, "Fetch API", answers of version 11. */
function liedAbout(answer: Buffer, { records, answer: whole }: Lie): Buffer {
  const parts: Buffer[] = [];
  let [at, from] = [10, 0];
  let told: string | undefined;
  const next = (bytes: number) => {
    at += bytes;
    return at - bytes;
  };
  for (let topics = answer.readInt32BE(next(4)); topics > 0; topics--) {
    const length = answer.readInt16BE(next(2));
    const name = answer.toString("utf8", next(length), at);
    for (let partitions = answer.readInt32BE(next(4)); partitions > 0; partitions--) {
      next(4 + 2 + 8 + 8 + 8);
      next(16 * Math.max(0, answer.readInt32BE(next(4))) + 4);
      parts.push(answer.subarray(from, at));
      const bytes = Math.max(0, answer.readInt32BE(next(4)));
      const held = answer.subarray(next(bytes), at);
      if (bytes > 0) told = name;
      parts.push(framed(bytes > 0 && records !== undefined ? records(name, held) : held));
      from = at;
    }
  }
  const bytes = Buffer.concat([...parts, answer.subarray(from)]);
  return told === undefined || whole === undefined ? bytes : whole(told, bytes);
}
