import { createServer, type Server } from "node:net";
import { SYSTEM_CLOCK } from "../clock.ts";
import { TradetapeError } from "../errors.ts";

export interface BrokerPorts {
  readonly client: number;
  readonly controller: number;
}

/** The TCP ports of a stack, all on 127.0.0.1; one entry in `brokers` per Kafka node, the first has node id 1. */
export interface StackPorts {
  readonly postgres: number;
  readonly registry: number;
  readonly brokers: readonly BrokerPorts[];
}

/** The ports that each program has everywhere, of further brokers the ones behind; docker-compose.yml has the same. */
export const standardPorts = (brokers: number): StackPorts => ({
  postgres: 5432,
  registry: 8081,
  brokers: Array.from({ length: brokers }, (_, n) => ({ client: 9092 + 2 * n, controller: 9093 + 2 * n })),
});

// Below every system's range for outgoing connections (Linux begins at 32768): a port from within that range may be
// taken by some client in the moment between our look and the program's bind.
const RANDOM_LOW = 20_000;
const RANDOM_COUNT = 12_000;
/** How far from each other two processes begin whose numbers follow each other. */
const APART = 509;

/**
 * Ports for a stack that doesn't run, seen to be free.
 * @param brokers Kafka nodes, from 1 on
 * @param before those that it had last, taken again where random ones are asked for: a shell may still know them
 * @throws TradetapeError stack_failed naming each standard port that is taken.
 */
export async function choosePorts(kind: "standard" | "random", brokers = 1, before?: StackPorts): Promise<StackPorts> {
  if (kind === "random") {
    const isAsBefore = before?.brokers.length === brokers && (await areFree(before));
    return isAsBefore ? before : randomPorts(brokers);
  }
  const standard = standardPorts(brokers);
  const wanted: [number, string][] = [
    [standard.postgres, "PostgreSQL"],
    [standard.registry, "schema registry"],
    ...standard.brokers.flatMap(({ client, controller }): [number, string][] => [
      [client, "Kafka"],
      [controller, "Kafka controller"],
    ]),
  ];
  const taken: string[] = [];
  for (const [port, name] of wanted) if (!(await isFree(port))) taken.push(`${port} (${name})`);
  if (taken.length > 0) throw portsTaken(taken, "start the stack with `tradetape up --random-ports`");
  return standard;
}

/** A program that was killed holds its port until its last thread has ended, a moment after it is gone. */
const FREED_WITHIN_MS = 10_000;
const POLL_MS = 50;

/**
 * @param wasOurs whether a program of the stack was there, which may be about to leave the port
 * @throws TradetapeError stack_failed when somebody listens on a port where a program of the stack is to
 */
export async function requireFree(name: string, port: number, wasOurs: boolean): Promise<void> {
  const deadline = SYSTEM_CLOCK.now() + (wasOurs ? FREED_WITHIN_MS : 0);
  while (!(await isFree(port))) {
    if (SYSTEM_CLOCK.now() >= deadline) {
      throw portsTaken([`${port} (${name})`], "run `tradetape down` and then `tradetape up --random-ports`");
    }
    await SYSTEM_CLOCK.sleep(POLL_MS);
  }
}

const portsTaken = (taken: readonly string[], otherwise: string): TradetapeError =>
  new TradetapeError("stack_failed", `taken by another program: port ${taken.join(", port ")}`, {
    next: `Stop that program, or ${otherwise}.`,
  });

async function areFree({ postgres, registry, brokers }: StackPorts): Promise<boolean> {
  const all = [postgres, registry, ...brokers.flatMap(({ client, controller }) => [client, controller])];
  for (const port of all) if (!(await isFree(port))) return false;
  return true;
}

async function isFree(port: number): Promise<boolean> {
  const server = await listen(port);
  if (server !== undefined) await close(server);
  return server !== undefined;
}

let chosen = process.pid * APART;

/**
 * No port twice, and other ones than another process is at: what a port is chosen for takes it some seconds later, and nobody
 * else may have chosen it by then.
 */
const nextPort = (): number => RANDOM_LOW + (chosen++ % RANDOM_COUNT);

async function randomPorts(nodes: number): Promise<StackPorts> {
  const held: { port: number; server: Server }[] = [];
  const wanted = 2 + 2 * nodes;
  // All are held until the last is found, so none is handed out twice.
  while (held.length < wanted) {
    const port = nextPort();
    const server = await listen(port);
    if (server !== undefined) held.push({ port, server });
  }
  for (const { server } of held) await close(server);
  const [postgres, registry, ...ofBrokers] = held.map((h) => h.port) as [number, number, ...number[]];
  const brokers = Array.from({ length: nodes }, (_, n) => ({
    client: ofBrokers[2 * n]!,
    controller: ofBrokers[2 * n + 1]!,
  }));
  return { postgres, registry, brokers };
}

/** A server on that loopback port, or undefined when somebody else has it. */
function listen(port: number): Promise<Server | undefined> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", (error: NodeJS.ErrnoException) => {
      if (error.code === "EADDRINUSE" || error.code === "EACCES") resolve(undefined);
      else reject(error);
    });
    server.listen({ port, host: "127.0.0.1", exclusive: true }, () => resolve(server));
  });
}

const close = (server: Server) => new Promise<void>((resolve) => server.close(() => resolve()));
