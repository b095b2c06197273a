import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";

/**
 * Where in a landing's conversation with PostgreSQL something happens. `between rows`: some of a COPY's data have been
 * passed on, the rest not. `copy done`: all of it has. `commit asked`: COMMIT has come and not been passed on. `commit
 * sent`: it has been. `commit answered`: the server has committed and said so, and nobody has heard it.
 */
export type Moment = "between rows" | "copy done" | "commit asked" | "commit sent" | "commit answered";

/**
 * `cut`: both ends see the connection end. `hold`: nothing passes any more, both ends stay open, until `release`; with
 * a client that is gone this is a half-open connection.
 */
export type Deed = "cut" | "hold";

/** A loopback port in front of PostgreSQL that understands what its clients say. */
export interface PgProxy {
  /** The database's URL through the proxy. */
  readonly url: string;
  /** Does this once, at the next such moment of a session that lands. @returns when it has been done */
  arm(moment: Moment, deed: Deed): Promise<void>;
  /** What was held passes again. */
  release(): void;
  close(): Promise<void>;
}

const COPY_DATA = "d".charCodeAt(0);
const COPY_DONE = "c".charCodeAt(0);
const QUERY = "Q".charCodeAt(0);
const LENGTH_BYTES = 4;

interface Armed {
  readonly moment: Moment;
  readonly deed: Deed;
  readonly done: () => void;
}

/** @param databaseUrl of the real server */
export async function startPgProxy(databaseUrl: string): Promise<PgProxy> {
  const target = new URL(databaseUrl);
  const sessions = new Set<Session>();
  let armed: Armed | undefined;
  const server = createServer((client) => {
    const upstream = connect(Number(target.port), target.hostname);
    const session = new Session(client, upstream, (moment) => {
      if (armed?.moment !== moment) return undefined;
      const { deed, done } = armed;
      armed = undefined;
      done();
      return deed;
    });
    sessions.add(session);
    client.on("close", () => sessions.delete(session));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const url = new URL(databaseUrl);
  url.port = String((server.address() as AddressInfo).port);
  return {
    url: url.href,
    arm: (moment, deed) =>
      new Promise((done) => {
        armed = { moment, deed, done };
      }),
    release: () => {
      for (const session of sessions) session.release();
    },
    async close() {
      for (const session of sessions) session.cut();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** One client's session. Its startup message has no type byte, and names the application; only landings are watched. */
class Session {
  readonly #client: Socket;
  readonly #server: Socket;
  readonly #at: (moment: Moment) => Deed | undefined;
  #unread: Buffer = Buffer.alloc(0);
  #isStarted = false;
  #lands = false;
  #waitsForCommit = false;
  #isHeld = false;
  readonly #held: (() => void)[] = [];

  constructor(client: Socket, server: Socket, at: (moment: Moment) => Deed | undefined) {
    this.#client = client;
    this.#server = server;
    this.#at = at;
    client.on("data", (bytes) => this.#orHold(() => this.#read(bytes)));
    server.on("data", (bytes) => this.#orHold(() => this.#answer(bytes)));
    // A held session stays as it is towards the server when its client dies: that is what half-open means.
    client.on("close", () => this.#orHold(() => server.destroy()));
    server.on("close", () => this.#orHold(() => client.destroy()));
    for (const socket of [client, server]) socket.on("error", () => {});
  }

  cut(): void {
    this.#client.destroy();
    this.#server.destroy();
  }

  release(): void {
    this.#isHeld = false;
    for (const go of this.#held.splice(0)) this.#orHold(go);
  }

  #orHold(go: () => void): void {
    if (this.#isHeld) this.#held.push(go);
    else go();
  }

  #read(bytes: Buffer): void {
    this.#unread = this.#unread.length === 0 ? bytes : Buffer.concat([this.#unread, bytes]);
    for (;;) {
      const typeBytes = this.#isStarted ? 1 : 0;
      if (this.#unread.length < typeBytes + LENGTH_BYTES) return;
      const length = typeBytes + this.#unread.readInt32BE(typeBytes);
      if (this.#unread.length < length) return;
      const message = this.#unread.subarray(0, length);
      this.#unread = this.#unread.subarray(length);
      this.#orHold(() => this.#pass(message));
    }
  }

  #pass(message: Buffer): void {
    if (!this.#isStarted) {
      this.#isStarted = true;
      this.#lands = /application_name\0tradetape\/[^\0]* landing /.test(message.toString("latin1"));
      this.#server.write(message);
      return;
    }
    if (this.#lands && message[0] === COPY_DATA) {
      this.#passHalves(message);
      return;
    }
    const [before, after] = this.#lands ? this.#momentsOf(message) : [];
    if (before && this.#reached(before, () => this.#server.write(message))) return;
    this.#server.write(message);
    if (after) this.#reached(after, () => {});
  }

  /** Our COPY's data is one message: what is between its rows is in the middle of it. */
  #passHalves(message: Buffer): void {
    const middle = message.length >> 1;
    this.#server.write(message.subarray(0, middle));
    const passRest = () => void this.#server.write(message.subarray(middle));
    if (!this.#reached("between rows", passRest)) passRest();
  }

  #momentsOf(message: Buffer): readonly [before?: Moment | undefined, after?: Moment] {
    const [type] = message;
    if (type === QUERY) {
      if (message.toString("latin1", 1 + LENGTH_BYTES) !== "COMMIT\0") return [];
      this.#waitsForCommit = true;
      return ["commit asked", "commit sent"];
    }
    return type === COPY_DONE ? [undefined, "copy done"] : [];
  }

  #answer(bytes: Buffer): void {
    const isCommit = this.#waitsForCommit;
    this.#waitsForCommit = false;
    if (isCommit && this.#reached("commit answered", () => this.#client.write(bytes))) return;
    this.#client.write(bytes);
  }

  /** @param go what is to happen when the session is released @returns whether it was stopped here */
  #reached(moment: Moment, go: () => void): boolean {
    const deed = this.#at(moment);
    if (deed === "hold") {
      this.#isHeld = true;
      this.#held.push(go);
    } else if (deed === "cut") {
      this.#client.destroy();
      // What was written before is flushed: the server gets all that was passed on, and then the end.
      this.#server.end();
    }
    return deed !== undefined;
  }
}
