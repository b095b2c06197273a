import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";
import pg from "pg";

export interface PoolRelayOptions {
  /** Whether a client has its server until it leaves, or until its transaction is over. */
  readonly mode: "session" | "transaction";
  /** How many sessions of the server there are for all clients. */
  readonly size: number;
  /** Which free server is next: the one that was given back last, as PgBouncer has it, or the others before it. */
  readonly next?: "last" | "first";
}

/**
 * A loopback port in front of PostgreSQL that pools as PgBouncer does: it takes every login by itself, tells each client a
 * process number of its own, and gives it one of a few sessions of the server. For one database and its user.
 */
export interface PoolRelay {
  readonly url: string;
  /** From now on; for clients that have no server at the moment. */
  mode: PoolRelayOptions["mode"];
  /** So many clients were logged in at the same time, at most. */
  readonly clientsMost: number;
  readonly clients: number;
  /** So many clients wait for a server. */
  readonly waiting: number;
  /** Refuses the clients that wait for a server, as PgBouncer does when they have waited for too long. */
  refuseWaiting(): void;
  close(): Promise<void>;
}

const LENGTH_BYTES = 4;
const STARTUP = 196_608;

const message = (type: string, body: Buffer): Buffer => {
  const head = Buffer.alloc(1 + LENGTH_BYTES);
  head.write(type, "latin1");
  head.writeUInt32BE(LENGTH_BYTES + body.length, 1);
  return Buffer.concat([head, body]);
};
const int32s = (...numbers: number[]): Buffer => {
  const bytes = Buffer.alloc(4 * numbers.length);
  for (const [n, number] of numbers.entries()) bytes.writeInt32BE(number, 4 * n);
  return bytes;
};
const READY = message("Z", Buffer.from("I"));
const refusal = (text: string) => message("E", Buffer.from(`SFATAL\0VFATAL\0C08P01\0M${text}\0\0`));
const query = (text: string) => message("Q", Buffer.from(`${text}\0`));

/** Cuts what arrives into messages; the startup message has no type byte. */
function* messagesOf(unread: { bytes: Buffer }, isTyped: () => boolean): Generator<Buffer> {
  for (;;) {
    const typeBytes = isTyped() ? 1 : 0;
    if (unread.bytes.length < typeBytes + LENGTH_BYTES) return;
    const length = typeBytes + unread.bytes.readInt32BE(typeBytes);
    if (unread.bytes.length < length) return;
    const one = unread.bytes.subarray(0, length);
    unread.bytes = unread.bytes.subarray(length);
    yield one;
  }
}

/** A session of the server. */
class Server {
  readonly stream: Socket;
  client: Client | undefined;
  name = "";
  readonly #unread = { bytes: Buffer.alloc(0) as Buffer };

  private constructor(stream: Socket) {
    this.stream = stream;
    stream.removeAllListeners("data");
    stream.on("data", (bytes) => {
      this.#unread.bytes = Buffer.concat([this.#unread.bytes, bytes]);
      for (const one of messagesOf(this.#unread, () => true)) this.client?.hear(one);
    });
    stream.on("close", () => this.client?.socket.destroy());
  }

  static async open(databaseUrl: string): Promise<Server> {
    const login = new pg.Client({ connectionString: databaseUrl, application_name: "pool relay" });
    login.on("error", () => {});
    await login.connect();
    return new Server(login.connection.stream as Socket);
  }
}

/** A client's session with the relay. */
class Client {
  readonly socket: Socket;
  readonly #relay: Relay;
  readonly #unread = { bytes: Buffer.alloc(0) as Buffer };
  /** What it has said while it has no server. */
  #kept: Buffer[] = [];
  #isStarted = false;
  #name = "";
  server: Server | undefined;
  #isAsking = false;
  /** Answers that end in ReadyForQuery and have not come; the first of them may be to a statement of the relay's own. */
  #due = 0;
  #ownDue = 0;
  #isMidway = false;

  constructor(socket: Socket, relay: Relay) {
    this.socket = socket;
    this.#relay = relay;
    socket.on("data", (bytes) => {
      this.#unread.bytes = Buffer.concat([this.#unread.bytes, bytes]);
      for (const one of messagesOf(this.#unread, () => this.#isStarted)) this.#say(one);
    });
    // A client that has ended or cut off its side is gone; this side is closed a little later.
    for (const end of ["end", "error", "close"]) socket.on(end, () => relay.left(this));
  }

  #say(one: Buffer): void {
    if (!this.#isStarted) {
      // Anything else asks whether there is TLS.
      if (one.readInt32BE(LENGTH_BYTES) !== STARTUP) return void this.socket.write("N");
      this.#isStarted = true;
      this.#relay.welcome(this);
      [, this.#name = ""] = /\0application_name\0([^\0]*)\0/.exec(one.toString("latin1")) ?? [];
      const key = message("K", int32s(1_000_000_000 + Math.floor(Math.random() * 1e9), 1));
      this.socket.write(Buffer.concat([message("R", int32s(0)), key, READY]));
      return;
    }
    // The client's farewell is for the relay.
    if (one[0] === "X".charCodeAt(0)) return void this.socket.end();
    if (this.server) this.#pass(one);
    else this.#kept.push(one);
    if (this.server || this.#isAsking) return;
    this.#isAsking = true;
    this.#relay.serve(this);
  }

  #pass(one: Buffer): void {
    const type = String.fromCharCode(one[0]!);
    const isLast = type === "Q" || type === "S";
    if (isLast) this.#due++;
    this.#isMidway = !isLast;
    this.server!.stream.write(one);
  }

  link(server: Server): void {
    this.#isAsking = false;
    this.server = server;
    server.client = this;
    if (server.name !== this.#name) {
      server.name = this.#name;
      this.#ownDue++;
      server.stream.write(query(`SET application_name TO '${this.#name.replaceAll("'", "''")}'`));
    }
    for (const one of this.#kept.splice(0)) this.#pass(one);
  }

  hear(one: Buffer): void {
    const isReady = one[0] === "Z".charCodeAt(0);
    if (this.#ownDue > 0) {
      if (isReady) this.#ownDue--;
      return;
    }
    this.socket.write(one);
    if (!isReady) return;
    this.#due--;
    const isOver = one[one.length - 1] === "I".charCodeAt(0) && this.#due === 0 && !this.#isMidway;
    if (isOver && this.#relay.mode === "transaction") this.#relay.giveBack(this.server!);
  }

  refuse(text: string): void {
    this.socket.end(refusal(text));
  }
}

class Relay {
  mode: PoolRelayOptions["mode"];
  clientsMost = 0;
  readonly #options: PoolRelayOptions;
  readonly #databaseUrl: string;
  readonly clients = new Set<Client>();
  readonly servers = new Set<Server>();
  readonly #loggedIn = new Set<Client>();
  readonly #free: Server[] = [];
  readonly waiting: Client[] = [];
  #opening = 0;

  constructor(databaseUrl: string, options: PoolRelayOptions) {
    this.#databaseUrl = databaseUrl;
    this.#options = options;
    this.mode = options.mode;
  }

  came(socket: Socket): void {
    this.clients.add(new Client(socket, this));
  }

  /**
   * Counted when it logs in, not when it connects: that may be heard before the end of a client that was cut off just before,
   * and a login comes a trip later.
   */
  welcome(client: Client): void {
    this.#loggedIn.add(client);
    this.clientsMost = Math.max(this.clientsMost, this.#loggedIn.size);
  }

  serve(client: Client): void {
    const free = this.#options.next === "first" ? this.#free.shift() : this.#free.pop();
    if (free) {
      client.link(free);
      return;
    }
    this.waiting.push(client);
    if (this.servers.size + this.#opening < this.#options.size) void this.#open();
  }

  async #open(): Promise<void> {
    this.#opening++;
    const server = await Server.open(this.#databaseUrl);
    this.#opening--;
    this.servers.add(server);
    this.giveBack(server);
  }

  giveBack(server: Server): void {
    if (server.client) server.client.server = undefined;
    server.client = undefined;
    const next = this.waiting.shift();
    if (next) next.link(server);
    else this.#free.push(server);
  }

  /** The session that a client leaves is ended, so that nothing of it is left. */
  left(client: Client): void {
    this.#loggedIn.delete(client);
    if (!this.clients.delete(client)) return;
    const { server } = client;
    if (server === undefined) {
      const at = this.waiting.indexOf(client);
      if (at >= 0) this.waiting.splice(at, 1);
      return;
    }
    server.client = undefined;
    this.servers.delete(server);
    server.stream.end(message("X", Buffer.alloc(0)));
    if (this.waiting.length > 0) void this.#open();
  }
}

/** @param databaseUrl of the real server */
export async function startPoolRelay(databaseUrl: string, options: PoolRelayOptions): Promise<PoolRelay> {
  const relay = new Relay(databaseUrl, options);
  const server = createServer((socket) => relay.came(socket));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const url = new URL(databaseUrl);
  url.port = String((server.address() as AddressInfo).port);
  return {
    url: url.href,
    get mode() {
      return relay.mode;
    },
    set mode(mode) {
      relay.mode = mode;
    },
    get clientsMost() {
      return relay.clientsMost;
    },
    get clients() {
      return relay.clients.size;
    },
    get waiting() {
      return relay.waiting.length;
    },
    refuseWaiting() {
      for (const client of relay.waiting.splice(0)) client.refuse("query_wait_timeout");
    },
    async close() {
      for (const { socket } of relay.clients) socket.destroy();
      for (const { stream } of relay.servers) stream.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
