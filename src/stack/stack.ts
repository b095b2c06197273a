import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { TradetapeError } from "../errors.ts";
import {
  type ComposeCommand,
  containersRun,
  findCompose,
  purgeContainers,
  startContainers,
  stopContainers,
  stopContainersOnExit,
} from "./containers.ts";
import { claimHome, purgeHome, readState, type StackState, withHomeLock } from "./home.ts";
import { requireProcesses } from "./machine.ts";
import { choosePorts, type StackPorts } from "./ports.ts";
import { POSTGRES_USER, postgresPassword } from "./postgres-server.ts";
import { processesRun, startProcesses, stopProcesses } from "./processes.ts";
import { registryUrl } from "./schema-registry.ts";

export type Launcher = "containers" | "processes";

/** Where a stack's three services answer, in the form that the settings of the same names take. */
export interface StackUrls {
  readonly databaseUrl: string;
  /** host:port, separated by commas */
  readonly kafkaBrokers: string;
  readonly schemaRegistryUrl: string;
}

export interface Stack {
  /** Its folder, as an absolute path. */
  readonly home: string;
  readonly launcher: Launcher;
  readonly urls: StackUrls;
  /** Whether all of it ran before: then `stop` leaves it to whoever started it, and only `stopStack` ends it. */
  readonly reused: boolean;
  /** Stops the stack, unless it is reused; data stay. */
  stop(): Promise<void>;
}

interface StackOptions {
  /** Folder of data, logs and state; made when it isn't there. One stack per home. */
  readonly home: string;
  /** "standard" is PostgreSQL 5432, Kafka from 9092 on, registry 8081; a stack that runs keeps the ports it has. */
  readonly ports: "standard" | "random";
  /** Default: the one that made this home's data, else containers where a Docker engine answers, else processes. */
  readonly launcher?: Launcher;
  /** Kafka nodes; default: those that this home's data are of, else 1. More than one only as processes. */
  readonly brokers?: number;
  /** A line per thing that becomes ready, is fetched, or is waited for; no line end. */
  readonly onProgress?: (line: string) => void;
  /** Whether the processes outlive this one. Otherwise they end with it, at the latest when it exits. */
  readonly detached: boolean;
}

const silent = () => {};

/**
 * Starts PostgreSQL, Kafka and a schema registry on 127.0.0.1 and resolves when all three answer. A stack that already
 * runs in this home is returned as it is; what has died of it is started again on its old ports.
 * @throws TradetapeError stack_unavailable when this machine lacks something, stack_failed when a port is taken or a
 * program ends; then nothing that was started here is left running.
 */
export async function startStack(options: StackOptions): Promise<Stack> {
  const home = resolve(options.home);
  const onProgress = options.onProgress ?? silent;
  return withHomeLock(home, onProgress, async () => {
    const before = readState(home);
    const ran = before !== undefined && (await runs(home, before));
    const brokers = chooseBrokers(home, options.brokers, before);
    const launcher = ran ? before.launcher : await chooseLauncher(home, options.launcher, brokers, before);
    if (launcher === "processes" && !ran) await requireProcesses();
    const compose = launcher === "containers" ? await requireCompose() : undefined;
    const ports = ran ? before.ports : await choosePorts(options.ports, brokers, before?.ports);
    // Written before there is anything to remember: a start that is killed leaves what `down` needs.
    claimHome(home, { launcher, ports, programs: before?.programs ?? [] });
    const startedAny = compose
      ? await startContainers(compose, home, ports, onProgress)
      : await startProcesses(home, ports, options.detached, onProgress);
    if (compose && startedAny && !options.detached) stopContainersOnExit(compose, home, ports);
    return describe(home, readState(home) as StackState, !startedAny);
  });
}

/** @throws TradetapeError stack_unavailable when the home's data are of another number: what a broker has, the others lack. */
function chooseBrokers(home: string, wanted: number | undefined, before: StackState | undefined): number {
  const had = before?.ports.brokers.length;
  if (had === undefined || wanted === undefined || wanted === had) return wanted ?? had ?? 1;
  throw new TradetapeError("stack_unavailable", `the data in ${home} are of a Kafka of ${had} brokers, not ${wanted}`, {
    next: "Set TRADETAPE_HOME to another folder, or remove the data with `tradetape down --purge`.",
  });
}

/**
 * @throws TradetapeError stack_unavailable when the home's data are the other launcher's, which can't read them, or when
 * containers are wanted for several brokers
 */
async function chooseLauncher(
  home: string,
  wanted: Launcher | undefined,
  brokers: number,
  before: StackState | undefined,
): Promise<Launcher> {
  if (before && wanted && wanted !== before.launcher) {
    throw new TradetapeError("stack_unavailable", `the data in ${home} belong to the ${before.launcher} launcher`, {
      next: "Set TRADETAPE_HOME to another folder, or remove the data with `tradetape down --purge`.",
    });
  }
  if (brokers > 1) {
    if (wanted !== "containers") return "processes";
    throw new TradetapeError("stack_unavailable", `docker-compose.yml has one broker, not ${brokers}`, {
      next: "Leave --launcher away: several brokers run as processes.",
    });
  }
  return wanted ?? before?.launcher ?? ((await findCompose()) ? "containers" : "processes");
}

async function requireCompose(): Promise<ComposeCommand> {
  const compose = await findCompose();
  if (compose) return compose;
  throw new TradetapeError("stack_unavailable", "no Docker engine answers, or there is no Compose command for it", {
    next: "Start the engine; `docker compose ls` must answer. Or set TRADETAPE_HOME to a new folder for processes.",
  });
}

/** Whether anything of this stack runs. */
async function runs(home: string, state: StackState): Promise<boolean> {
  if (state.launcher === "processes") return processesRun(state);
  // Without an engine no container runs.
  const compose = await findCompose();
  return compose !== undefined && (await containersRun(compose, home, state.ports));
}

/**
 * Stops the stack of this home, whoever started it; data and schema ids stay. `purge` removes them, too, and the
 * database's password with them.
 * @returns "nothing ran" when there was nothing to stop (a purge still removes the data, if a stack made them).
 */
export async function stopStack(
  home: string,
  options: { readonly purge: boolean; readonly onProgress?: (line: string) => void },
): Promise<"stopped" | "nothing ran"> {
  const folder = resolve(home);
  if (!existsSync(folder)) return "nothing ran";
  const onProgress = options.onProgress ?? silent;
  return withHomeLock(folder, onProgress, async () => {
    const state = readState(folder);
    const ran = state !== undefined && (await runs(folder, state));
    if (state?.launcher === "processes" && ran) await stopProcesses(folder, state, onProgress);
    if (state?.launcher === "containers" && ran) await stopContainers(await requireCompose(), folder, state.ports);
    if (options.purge && state) {
      if (state.launcher === "containers") await purgeContainers(await requireCompose(), folder, state.ports);
      purgeHome(folder);
    }
    return ran ? "stopped" : "nothing ran";
  });
}

function describe(home: string, state: StackState, reused: boolean): Stack {
  const stop = async () => {
    if (!reused) await stopStack(home, { purge: false });
  };
  return { home, launcher: state.launcher, urls: urlsOf(home, state.ports), reused, stop };
}

function urlsOf(home: string, ports: StackPorts): StackUrls {
  const password = postgresPassword(home);
  return {
    // A PGSSLMODE that is meant for a server elsewhere has no say: this one listens on loopback, and has no certificate.
    databaseUrl: `postgres://${POSTGRES_USER}:${password}@127.0.0.1:${ports.postgres}/${POSTGRES_USER}?sslmode=disable`,
    kafkaBrokers: ports.brokers.map((broker) => `127.0.0.1:${broker.client}`).join(","),
    schemaRegistryUrl: registryUrl(ports.registry),
  };
}
