import { execFile, spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { TradetapeError } from "../errors.ts";
import { homeId, readState } from "./home.ts";
import { brokersKnownTo, clusterIdOf } from "./kafka-broker.ts";
import type { StackPorts } from "./ports.ts";
import { postgresPassword } from "./postgres-server.ts";
import { registryAnswers } from "./schema-registry.ts";

const run = promisify(execFile);

/** An engine on another machine that doesn't answer within this is none; a local one answers in milliseconds. */
const ENGINE_ANSWERS_WITHIN_MS = 10_000;
/** Pulling three images, about 800 MB, the first time over a slow line. */
const UP_WITHIN_MS = 20 * 60_000;
const HEALTHY_WITHIN_S = 300;
const LOG_TAIL_LINES = 12;

/** A way to run Compose, as the words that a command begins with. */
export type ComposeCommand = readonly [string, ...string[]];

/**
 * The Compose command behind which an engine answers (DOCKER_HOST and Docker's contexts are its own business), or
 * undefined: the commands may well be installed where no engine runs.
 */
export async function findCompose(): Promise<ComposeCommand | undefined> {
  for (const command of [["docker", "compose"], ["docker-compose"]] satisfies ComposeCommand[]) {
    if (await answers(command)) return command;
  }
  return undefined;
}

async function answers([program, ...words]: ComposeCommand): Promise<boolean> {
  try {
    await run(program, [...words, "ls", "--quiet"], { timeout: ENGINE_ANSWERS_WITHIN_MS });
    return true;
  } catch {
    // Not installed, no plugin of that name, no engine, no right to its socket: each means not this way.
    return false;
  }
}

/** Two folders up in the sources and in the build, which has a copy. */
const composeFile = () => fileURLToPath(new URL("../../docker-compose.yml", import.meta.url));

/** A project, hence networks, volumes and containers, of this home alone. */
const project = (home: string) => `tradetape-${homeId(home)}`;

function environment(home: string, ports: StackPorts): NodeJS.ProcessEnv {
  return {
    ...process.env,
    TRADETAPE_POSTGRES_PASSWORD: postgresPassword(home),
    TRADETAPE_POSTGRES_PORT: String(ports.postgres),
    TRADETAPE_KAFKA_PORT: String(ports.brokers[0]?.client),
    TRADETAPE_REGISTRY_PORT: String(ports.registry),
    TRADETAPE_CLUSTER_ID: clusterIdOf(home),
  };
}

const inProject = (home: string) => ["-p", project(home), "-f", composeFile()];

/**
 * Starts the project and returns when its health checks pass and the broker answers at its advertised port.
 * @returns whether anything had to be started.
 * @throws TradetapeError stack_failed with what Compose and the services said last.
 */
export async function startContainers(
  compose: ComposeCommand,
  home: string,
  ports: StackPorts,
  onProgress: (line: string) => void,
): Promise<boolean> {
  if (await answer(ports)) return false;
  const [program, ...words] = compose;
  const env = environment(home, ports);
  const up = ["up", "-d", "--wait", "--wait-timeout", String(HEALTHY_WITHIN_S), "--quiet-pull"];
  onProgress("containers: starting (the first time, images are fetched)");
  try {
    await run(program, [...words, ...inProject(home), ...up], { env, timeout: UP_WITHIN_MS });
  } catch (cause) {
    const logs = ["logs", "--no-color", "--tail", String(LOG_TAIL_LINES)];
    const tail = spawnSync(program, [...words, ...inProject(home), ...logs], { env, encoding: "utf8" });
    // What became healthy would hold ports and memory for a stack that its caller was told isn't there.
    spawnSync(program, [...words, ...inProject(home), "stop"], { env });
    const said = (cause as { stderr?: string }).stderr?.trim() || (cause as Error).message;
    throw new TradetapeError("stack_failed", `the containers didn't start: ${said}\n${tail.stdout ?? ""}`.trimEnd(), {
      next: "If images can't be fetched here, use the process launcher (Java 17 and Maven) in another TRADETAPE_HOME.",
      cause,
    });
  }
  const port = ports.brokers[0]?.client ?? 0;
  if ((await brokersKnownTo(port)) === 0) {
    throw new TradetapeError(
      "stack_failed",
      `Kafka is healthy in its container and doesn't answer on 127.0.0.1:${port}`,
    );
  }
  onProgress(`postgres: ready on 127.0.0.1:${ports.postgres}`);
  onProgress(`kafka: ready on 127.0.0.1:${port}`);
  onProgress(`registry: ready on 127.0.0.1:${ports.registry}`);
  return true;
}

/** Whether the stack is there already. PostgreSQL isn't asked: it starts in a fraction of the others' time. */
async function answer(ports: StackPorts): Promise<boolean> {
  return (await brokersKnownTo(ports.brokers[0]?.client ?? 0)) > 0 && (await registryAnswers(ports.registry));
}

/** Whether any of the project's services runs. */
export async function containersRun(compose: ComposeCommand, home: string, ports: StackPorts): Promise<boolean> {
  const [program, ...words] = compose;
  const ps = [...words, ...inProject(home), "ps", "--status", "running", "--services"];
  const { stdout } = await run(program, ps, { env: environment(home, ports) });
  return stdout.trim() !== "";
}

/** Stops the containers, which stay: `down` would leave the images' unnamed volumes behind at every stop. */
export async function stopContainers(compose: ComposeCommand, home: string, ports: StackPorts): Promise<void> {
  const [program, ...words] = compose;
  await run(program, [...words, ...inProject(home), "stop"], { env: environment(home, ports) });
}

/** Removes containers, network and volumes of this home. */
export async function purgeContainers(compose: ComposeCommand, home: string, ports: StackPorts): Promise<void> {
  const [program, ...words] = compose;
  await run(program, [...words, ...inProject(home), "down", "-v"], { env: environment(home, ports) });
}

/** Sends the containers their stop when this process exits by a way that leaves no time to await it. */
export function stopContainersOnExit(compose: ComposeCommand, home: string, ports: StackPorts): void {
  const [program, ...words] = compose;
  process.once("exit", () => {
    // A home that was purged has no containers, and asking for its password would make one.
    if (readState(home)) spawnSync(program, [...words, ...inProject(home), "stop"], { env: environment(home, ports) });
  });
}
