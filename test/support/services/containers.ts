import { GenericContainer, type StartedTestContainer, Wait } from "testcontainers";
import { choosePorts } from "../../../src/stack/ports.ts";
import { registryUrl } from "../../../src/stack/schema-registry.ts";
import type { StackUrls } from "../../../src/stack/stack.ts";
import { type ComposeService, composeServices } from "./compose.ts";

const STARTED_WITHIN_MS = 5 * 60_000;

/** Only testcontainers knows every place where an engine may be; asking it costs a connection, not a container. */
export async function engineAnswers(): Promise<boolean> {
  const { getContainerRuntimeClient } = await import("testcontainers");
  try {
    await getContainerRuntimeClient();
    return true;
  } catch {
    // It throws the same plain Error for no socket, no right to it and no answer: no engine for us in each case.
    return false;
  }
}

/** The services of docker-compose.yml by Testcontainers, which removes them even when this process is killed. */
export async function startContainerStack(): Promise<{ urls: StackUrls; stop(): Promise<void> }> {
  // Kafka advertises its port, so it must be known before the container is there.
  const ports = await choosePorts("random");
  const kafkaPort = ports.brokers[0]?.client ?? 0;
  const services = composeServices({ TRADETAPE_KAFKA_PORT: String(kafkaPort) });
  const started = await Promise.allSettled([
    start(services.postgres, 5432, ports.postgres),
    start(services.kafka, 9092, kafkaPort),
    start(services.registry, 8080, ports.registry),
  ]);
  const containers = started.flatMap((s) => (s.status === "fulfilled" ? [s.value] : []));
  const stop = async () => {
    await Promise.all(containers.map((container) => container.stop({ remove: true, removeVolumes: true })));
  };
  const failed = started.find((s) => s.status === "rejected");
  if (failed) {
    await stop();
    throw failed.reason;
  }
  const { POSTGRES_USER: user, POSTGRES_PASSWORD: password, POSTGRES_DB: database } = services.postgres.environment;
  return {
    urls: {
      databaseUrl: `postgres://${user}:${password}@127.0.0.1:${ports.postgres}/${database}`,
      kafkaBrokers: `127.0.0.1:${kafkaPort}`,
      schemaRegistryUrl: registryUrl(ports.registry),
    },
    stop,
  };
}

function start(service: ComposeService, container: number, host: number): Promise<StartedTestContainer> {
  const test = service.healthcheck as ["CMD-SHELL", string] | ["CMD", ...string[]];
  const made = new GenericContainer(service.image)
    .withEnvironment({ ...service.environment })
    .withCommand([...service.command])
    .withExposedPorts({ container, host })
    .withHealthCheck({ test, interval: 1000, timeout: 5000, retries: 300 })
    .withWaitStrategy(Wait.forHealthCheck())
    .withStartupTimeout(STARTED_WITHIN_MS);
  // The registry's data folder exists in a volume only, which is root's; here it has none and makes its own.
  return (service.user === undefined ? made : made.withUser(service.user)).start();
}
