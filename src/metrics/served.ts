import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { Registry } from "prom-client";
import { pause } from "../clock.ts";
import { TradetapeError } from "../errors.ts";
import { Meters } from "./meters.ts";

/** How long a service may take to answer before it counts as away: less than who asks `/ready` waits. */
const ANSWER_WITHIN_MS = 3000;

/** What a command is asked about itself. */
export interface Self {
  /** What isn't as it should be, in a few words each; empty is ready. */
  readonly faults: () => readonly string[];
  /** What has to answer, by name. */
  readonly services: Readonly<Record<string, () => Promise<unknown>>>;
  /** What `/status` shows. */
  readonly status: () => Promise<unknown>;
}

const STARTING: Self = { faults: () => ["it is starting"], services: {}, status: async () => ({ state: "starting" }) };

/** `/metrics`, `/live`, `/ready` and `/status` of a process, over HTTP and to whoever can reach the address. */
export class Served {
  readonly meters: Meters;
  readonly #registry = new Registry();
  readonly #server: Server;
  /** Questions that have no answer yet, by service, so that those of an outage don't pile up. */
  readonly #asked = new Map<string, Promise<string | undefined>>();
  #self = STARTING;

  private constructor() {
    this.meters = new Meters(this.#registry);
    this.#server = createServer((request, response) => void this.#answer(request, response));
  }

  /**
   * Listens until it is closed.
   * @param address HOST:PORT, or a port of the loopback address; port 0 takes one that is free
   * @throws TradetapeError input_invalid
   */
  static async open(address: string): Promise<Served> {
    const { host, port } = placeOf(address);
    const served = new Served();
    await new Promise<void>((resolve, reject) => {
      const server = served.#server;
      server.once("error", (cause: NodeJS.ErrnoException) => {
        const next = "Name another address and port; port 0 takes one that is free.";
        reject(
          new TradetapeError("input_invalid", `--http ${address}: it can't listen there: ${cause.message}`, {
            next,
            cause,
          }),
        );
      });
      server.listen(port, host, resolve);
    });
    return served;
  }

  /** Where it listens. */
  get url(): string {
    const { address, family, port } = this.#server.address() as AddressInfo;
    return `http://${family === "IPv6" ? `[${address}]` : address}:${port}`;
  }

  /** The command has begun, and is asked from now on. */
  began(self: Self): void {
    this.#self = self;
  }

  /** Ends at once, whoever is connected. */
  async close(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    this.#server.closeAllConnections();
    await closed;
  }

  async #answer({ method, url }: IncomingMessage, response: ServerResponse): Promise<void> {
    const send = (code: number, type: string, body: string) =>
      response.writeHead(code, { "content-type": type, "cache-control": "no-store" }).end(body);
    const json = (code: number, body: unknown) => send(code, "application/json", `${JSON.stringify(body)}\n`);
    if (method !== "GET" && method !== "HEAD") return void json(405, { error: "only GET" });
    const [path] = (url ?? "").split("?");
    try {
      if (path === "/metrics") send(200, this.#registry.contentType, await this.#registry.metrics());
      // That it is answered is all there is to tell: a process whose event loop stands still answers nothing.
      else if (path === "/live") json(200, { live: true });
      else if (path === "/ready") {
        const faults = await this.#faults();
        json(faults.length === 0 ? 200 : 503, { ready: faults.length === 0, faults });
      } else if (path === "/status") json(200, await this.#self.status());
      else json(404, { error: "there are /metrics, /live, /ready and /status" });
    } catch (error) {
      if (!(error instanceof TradetapeError)) throw error;
      json(503, { error: { code: error.code, message: error.message } });
    }
  }

  async #faults(): Promise<readonly string[]> {
    const away = await Promise.all(Object.entries(this.#self.services).map(([name, ask]) => this.#away(name, ask)));
    return [...this.#self.faults(), ...away.filter((fault) => fault !== undefined)];
  }

  async #away(name: string, ask: () => Promise<unknown>): Promise<string | undefined> {
    let asked = this.#asked.get(name);
    if (asked === undefined) {
      asked = ask().then(
        () => undefined,
        (error: Error) => `${name}: ${error.message}`,
      );
      this.#asked.set(name, asked);
      void asked.then(() => this.#asked.delete(name));
    }
    const answered = new AbortController();
    const late = pause(ANSWER_WITHIN_MS, answered.signal).then(
      () => `${name}: no answer within ${ANSWER_WITHIN_MS} ms`,
    );
    try {
      return await Promise.race([asked, late]);
    } finally {
      answered.abort();
    }
  }
}

/** @throws TradetapeError input_invalid */
function placeOf(address: string): { readonly host: string; readonly port: number } {
  const [, bracketed, plain, port] = /^(?:\[([^\]]+)\]:|([^:]+):)?(\d{1,5})$/.exec(address) ?? [];
  if (port === undefined || Number(port) > 65_535) {
    const next =
      "As 127.0.0.1:9464, or 9464 for this machine alone; 0.0.0.0:9464 is open to whoever reaches the machine.";
    throw new TradetapeError("input_invalid", `--http takes HOST:PORT, not ${address}`, { next });
  }
  return { host: bracketed ?? plain ?? "127.0.0.1", port: Number(port) };
}
