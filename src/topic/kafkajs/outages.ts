import type { Socket } from "node:net";
import { SYSTEM_CLOCK } from "../../clock.ts";
import type { Log } from "../../log.ts";

/** An outage that lasts is told of again so often. */
const TELL_MS = 60_000;
/**
 * A request that isn't answered fails after 30 s: without another failure for so long, all are answered, or nobody asks the
 * broker any more, as after it was removed or got another address. The outage is over either way.
 */
const SETTLE_MS = 60_000;
/** In the place of an address, where kafkajs doesn't say whose answer is missing. */
const UNNAMED = "";

interface Outage {
  readonly beganMs: number;
  failedMs: number;
  toldMs: number;
  /** What kafkajs said of it that isn't in the log above debug. */
  lines: number;
}

/**
 * Which brokers are away, as all Kafka clients that write to one log find out. kafkajs says it at each try of each client, which
 * is hundreds of lines a minute; this is a line when it begins, one every TELL_MS, and one when it is over.
 */
export class Outages {
  readonly #log: Log;
  readonly #now: () => number;
  readonly #open = new Map<string, Outage>();

  constructor(log: Log, now: () => number = SYSTEM_CLOCK.now) {
    this.#log = log;
    this.#now = now;
  }

  /** Whether a broker is away. */
  get goesOn(): boolean {
    const now = this.#now();
    return [...this.#open.values()].some((outage) => !isSettled(outage, now));
  }

  /** A broker can't be reached, or doesn't answer. @param broker its address; undefined where kafkajs doesn't say it */
  failed(broker: string | undefined, error: string): void {
    const name = broker ?? UNNAMED;
    const now = this.#now();
    this.#settle();
    const outage = this.#open.get(name);
    if (outage !== undefined) {
      outage.failedMs = now;
      this.leaveOut();
      return;
    }
    this.#open.set(name, { beganMs: now, failedMs: now, toldMs: now, lines: 0 });
    const every = `tried again and again; told every ${TELL_MS / 1000} s`;
    this.#log.warn(
      { broker, error },
      `${broker === undefined ? "Kafka doesn't answer" : "a broker is away"}: ${every}`,
    );
  }

  /** kafkajs has said something that comes of an outage: it is counted. */
  leaveOut(): void {
    const now = this.#now();
    this.#settle();
    for (const [name, outage] of this.#open) {
      outage.lines++;
      if (now - outage.toldMs < TELL_MS) continue;
      outage.toldMs = now;
      const text = name === UNNAMED ? "Kafka still doesn't answer" : "the broker is still away";
      this.#log.warn(factsOf(name, outage, now), text);
    }
  }

  /** Hears what comes by a connection to a broker. */
  watch(broker: string, socket: Pick<Socket, "on">): void {
    let connectedMs = this.#now();
    socket.on("connect", () => {
      connectedMs = this.#now();
    });
    socket.on("data", () => this.#heard(broker, connectedMs));
  }

  #heard(broker: string, connectedMs: number): void {
    if (this.#open.size === 0) return;
    // By a connection that is older than the failure comes what was on its way before.
    this.#endWhere(broker, "the broker answers again", ({ failedMs }) => connectedMs > failedMs);
    this.#endWhere(UNNAMED, "Kafka answers again");
    this.#settle();
  }

  #settle(): void {
    for (const name of this.#open.keys()) this.#endWhere(name, SETTLED);
  }

  #endWhere(name: string, text: string, isOver: (outage: Outage) => boolean = () => false): void {
    const outage = this.#open.get(name);
    const now = this.#now();
    if (outage === undefined || !(isOver(outage) || isSettled(outage, now))) return;
    this.#open.delete(name);
    this.#log.warn(factsOf(name, outage, now), text);
  }
}

const isSettled = ({ failedMs }: Outage, now: number): boolean => now - failedMs >= SETTLE_MS;
const SETTLED = `nothing that was asked there has failed for ${SETTLE_MS / 1000} s`;

/** @returns what a line says: for how long, and how many lines of kafkajs's were left out, which level `debug` has */
const factsOf = (name: string, { beganMs, lines }: Outage, now: number) => ({
  ...(name === UNNAMED ? {} : { broker: name }),
  seconds: Math.round((now - beganMs) / 1000),
  linesLeftOut: lines,
});

const byLog = new WeakMap<Log, Outages>();

/** The outages of all clients that write to this log: a start that is tried again has a new client each time. */
export function outagesOf(log: Log): Outages {
  const outages = byLog.get(log) ?? new Outages(log);
  byLog.set(log, outages);
  return outages;
}
