import { admitToHome, readState, type StackState, writeState } from "./home.ts";
import { kafkaBroker, prepareBroker } from "./kafka-broker.ts";
import { awaitReady, isRunning, launch, type Program, type RunningProgram, stopProgram } from "./launch.ts";
import { cacheFolder, javaCommand, postgresUser, requireEntrance } from "./machine.ts";
import type { StackPorts } from "./ports.ts";
import { postgresServer, preparePostgres, removeStalePidFile } from "./postgres-server.ts";
import { kafkaJars, postgresFolder, registryJar } from "./programs.ts";
import { schemaRegistry } from "./schema-registry.ts";

/** Registry, then Kafka, then PostgreSQL: what others may still write to stops last. */
const STOP_ORDER = ["registry", "kafka", "postgres"];

/**
 * Starts what doesn't run of PostgreSQL, Kafka and the registry, all at once, each as soon as its program is fetched.
 * When one fails, those that were started here are stopped again.
 * @throws TradetapeError stack_unavailable when the machine lacks something, stack_failed when a program doesn't start.
 */
export async function startProcesses(
  home: string,
  ports: StackPorts,
  detached: boolean,
  onProgress: (line: string) => void,
): Promise<void> {
  const java = javaCommand();
  const user = postgresUser();
  admitToHome(home, user);
  requireEntrance(home, user, "Set TRADETAPE_HOME to a folder whose parents that user may enter.");
  const cache = cacheFolder();
  const before = readState(home)?.programs ?? [];
  const running = before.filter(isRunning);
  const startedHere: RunningProgram[] = [];
  const abort = new AbortController();

  const start = async (name: string, where: string, prepare: () => Promise<Program>): Promise<void> => {
    if (running.some((r) => r.name === name)) return;
    try {
      const program = await prepare();
      abort.signal.throwIfAborted();
      const started = await launch(program, detached);
      running.push(started);
      startedHere.push(started);
      // Written before it is ready: whoever is killed now has left a note for `down`.
      writeState(home, { launcher: "processes", ports, programs: running });
      await awaitReady(program, started, abort.signal);
      onProgress(`${name}: ready on 127.0.0.1:${where}`);
    } catch (error) {
      abort.abort(error);
      throw error;
    }
  };

  const broker = ports.brokers.map((node) => node.client).join(",");
  const results = await Promise.allSettled([
    start("postgres", String(ports.postgres), async () => {
      const binaries = await postgresFolder(cache);
      requireEntrance(binaries, user, "Open that folder's parents to it (chmod a+x).");
      await preparePostgres(home, binaries, user);
      removeStalePidFile(
        home,
        before.find((program) => program.name === "postgres"),
      );
      return postgresServer(home, binaries, ports.postgres, user);
    }),
    start("kafka", broker, async () => {
      const jars = await kafkaJars(cache, onProgress);
      await prepareBroker(home, jars, java, ports.brokers, 1);
      return kafkaBroker(home, jars, java, ports.brokers, 1);
    }),
    start("registry", String(ports.registry), async () => {
      const jar = await registryJar(cache, onProgress);
      return schemaRegistry(home, jar, java, ports.registry);
    }),
  ]);
  if (results.every((r) => r.status === "fulfilled")) return;
  await stopAll(startedHere, onProgress);
  throw abort.signal.reason;
}

/** Whether all of this stack's programs run, some of them, or none. */
export function processesRunning(state: StackState): "all" | "some" | "none" {
  const running = state.programs.filter(isRunning).length;
  if (running === 0) return "none";
  return running >= STOP_ORDER.length && running === state.programs.length ? "all" : "some";
}

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
