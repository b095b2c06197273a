import { join } from "node:path";
import type { StackProgram } from "./launch.ts";

/**
 * Where H2 keeps the schemas, relative to the registry's working folder. WRITE_DELAY=0 puts an id on disk before it is
 * handed out: an id that is lost in a crash and given to another schema makes every message that carries it unreadable.
 */
export const REGISTRY_DATABASE = "jdbc:h2:file:./schemas;WRITE_DELAY=0;DB_CLOSE_ON_EXIT=FALSE";

/** The registry ends where its first connection to H2 takes longer, and its own 5 s are too short for a loaded machine. */
export const REGISTRY_DATABASE_WITHIN = "300S";

/** The path of the API that Confluent's clients speak. */
export const REGISTRY_API = "/apis/ccompat/v7";

const ANSWER_WITHIN_MS = 10_000;

export const registryUrl = (port: number) => `http://127.0.0.1:${port}${REGISTRY_API}`;

export function schemaRegistry(home: string, jar: string, java: string, port: number): StackProgram {
  const folder = join(home, "registry");
  const properties = {
    "quarkus.http.host": "127.0.0.1",
    "quarkus.http.port": String(port),
    // The registry reads the one, its connection pool the other.
    "registry.datasource.url": REGISTRY_DATABASE,
    "quarkus.datasource.jdbc.url": REGISTRY_DATABASE,
    "quarkus.datasource.jdbc.acquisition-timeout": REGISTRY_DATABASE_WITHIN,
    "quarkus.log.level": "WARN",
    "quarkus.banner.enabled": "false",
  };
  return {
    name: "registry",
    command: java,
    args: [
      "-Xmx256m",
      // A handful of requests in its life: quick to start beats quick at its peak.
      "-XX:TieredStopAtLevel=1",
      "-XX:+UseSerialGC",
      ...Object.entries(properties).map(([name, value]) => `-D${name}=${value}`),
      "-jar",
      jar,
    ],
    cwd: folder,
    logFile: join(home, "logs", "registry.log"),
    runAs: undefined,
    stopSignal: "SIGTERM",
    isReady: () => registryAnswers(port),
  };
}

/** Whether it lists its subjects, which it does only once its storage is open. */
export async function registryAnswers(port: number): Promise<boolean> {
  try {
    const answer = await fetch(`${registryUrl(port)}/subjects`, { signal: AbortSignal.timeout(ANSWER_WITHIN_MS) });
    return answer.ok;
  } catch {
    // Refused, reset or silent: it isn't up yet, and the caller looks again.
    return false;
  }
}
