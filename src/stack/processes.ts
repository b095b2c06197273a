import { admitToHome, readState, type StackState, writeState } from "./home.ts";
import { brokerName, brokersKnownTo, kafkaBroker, prepareBroker } from "./kafka-broker.ts";
import {
  awaitReady,
  becomesReady,
  isRunning,
  launch,
  type RunAs,
  type RunningProgram,
  type StackProgram,
  stopProgram,
} from "./launch.ts";
import { cacheFolder, javaCommand, postgresUser, requireEntrance } from "./machine.ts";
import { requireFree, type StackPorts } from "./ports.ts";
import { postgresAnswers, postgresServer, preparePostgres, removeStalePidFile } from "./postgres-server.ts";
import { kafkaJars, postgresFolder, registryJar } from "./programs.ts";
import { registryAnswers, schemaRegistry } from "./schema-registry.ts";

/** Registry, then Kafka, then PostgreSQL: what others may still write to stops last. */
const STOP_ORDER = ["registry", "kafka", "postgres"];

/**
 * Starts what doesn't run of PostgreSQL, Kafka and the registry, all at once, each as soon as its program is fetched,
 * and waits until all answer. When one fails, those that were started here are stopped again.
 * @returns whether anything had to be started.
 * @throws TradetapeError stack_unavailable when the home can't be used, stack_failed when a program doesn't start.
 */
export async function startProcesses(
  home: string,
  ports: StackPorts,
  detached: boolean,
  onProgress: (line: string) => void,
): Promise<boolean> {
  const user = postgresUser();
  admitToHome(home, user);
  requireEntrance(home, user, "Set TRADETAPE_HOME to a folder whose parents that user may enter.");
  const before = readState(home)?.programs ?? [];
  const running = before.filter(isRunning);
  const startedHere: RunningProgram[] = [];
  const abort = new AbortController();

  const start = async ({ name, port, isReady, prepare }: Part): Promise<void> => {
    try {
      const already = running.find((program) => program.name === name);
      // Whoever started it may have been killed before it answered, or it may be dying.
      if (already && (await becomesReady({ ...already, isReady }, already, abort.signal))) return;
      if (already) running.splice(running.indexOf(already), 1);
      // A program that answers on this port and isn't ours would pass for it, as long as ours takes to fail.
      const wasOurs = before.some((program) => program.name === name);
      await requireFree(name, port, wasOurs);
      const program = await prepare(before, onProgress);
      abort.signal.throwIfAborted();
      const started = await launch(program, detached);
      running.push(started);
      startedHere.push(started);
      // Written before it is ready: whoever is killed now has left a note for `down`.
      writeState(home, { launcher: "processes", ports, programs: running });
      await awaitReady(program, started, abort.signal);
      onProgress(`${name}: ready on 127.0.0.1:${port}`);
    } catch (error) {
      abort.abort(error);
      throw error;
    }
  };

  const results = await Promise.allSettled(partsOf(home, ports, user).map(start));
  if (results.every((r) => r.status === "fulfilled")) return startedHere.length > 0;
  await stopAll(startedHere, onProgress);
  throw abort.signal.reason;
}

/** One service of the stack: how to see that it answers, and what makes it ready to be launched. */
interface Part {
  readonly name: string;
  readonly port: number;
  readonly isReady: () => Promise<boolean>;
  readonly prepare: (before: readonly RunningProgram[], onProgress: (line: string) => void) => Promise<StackProgram>;
}

function partsOf(home: string, ports: StackPorts, user: RunAs | undefined): Part[] {
  const cache = cacheFolder();
  const java = javaCommand();
  const postgres: Part = {
    name: "postgres",
    port: ports.postgres,
    isReady: async () => postgresAnswers(home, ports.postgres),
    prepare: async (before) => {
      const binaries = await postgresFolder(cache);
      requireEntrance(binaries, user, "Open that folder's parents to it (chmod a+x).");
      await preparePostgres(home, binaries, user);
      removeStalePidFile(
        home,
        before.find((program) => program.name === "postgres"),
      );
      return postgresServer(home, binaries, ports.postgres, user);
    },
  };
  const brokers = ports.brokers.map(({ client }, i): Part => {
    const name = brokerName(ports.brokers, i + 1);
    const isReady = async () => (await brokersKnownTo(client)) === ports.brokers.length;
    const prepare: Part["prepare"] = async (_, onProgress) => {
      const jars = await kafkaJars(cache, onProgress);
      await prepareBroker(home, jars, java, ports.brokers, i + 1);
      return kafkaBroker(home, jars, java, ports.brokers, i + 1);
    };
    return { name, port: client, isReady, prepare };
  });
  const registry: Part = {
    name: "registry",
    port: ports.registry,
    isReady: () => registryAnswers(ports.registry),
    prepare: async (_, onProgress) => schemaRegistry(home, await registryJar(cache, onProgress), java, ports.registry),
  };
  return [postgres, ...brokers, registry];
}

/** Whether any program of this stack runs. */
export const processesRun = (state: StackState): boolean => state.programs.some(isRunning);

export async function stopProcesses(
  home: string,
  state: StackState,
  onProgress: (line: string) => void,
): Promise<void> {
  await stopAll(state.programs, onProgress);
  writeState(home, { ...state, programs: [] });
}

async function stopAll(programs: readonly RunningProgram[], onProgress: (line: string) => void): Promise<void> {
  for (const kind of STOP_ORDER) {
    const ofKind = programs.filter((p) => p.name === kind || p.name.startsWith(`${kind}-`));
    await Promise.all(ofKind.map((program) => stopProgram(program, onProgress)));
  }
}
