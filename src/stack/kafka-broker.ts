import { createHash } from "node:crypto";
import { existsSync, mkdirSync, renameSync } from "node:fs";
import { connect } from "node:net";
import { join, relative } from "node:path";
import { TradetapeError } from "../errors.ts";
import { writeOwnFile } from "../own-file.ts";
import { freshFolder } from "./home.ts";
import { runToEnd, type StackProgram } from "./launch.ts";
import type { BrokerPorts } from "./ports.ts";
import { postgresPassword } from "./postgres-server.ts";

const MIB = 1024 * 1024;

/**
 * Settings of both launchers. 9 MiB lets the dead-letters topic take letters of 8 MiB with their headers; a follower
 * must be able to fetch what its leader took. Eight partitions of offsets are plenty for a dozen groups, and fifty,
 * Kafka's own number, make the first consumer wait for their folders. A topic must never appear by a spelling mistake.
 */
export const BROKER_SETTINGS: Readonly<Record<string, string>> = {
  "message.max.bytes": String(9 * MIB),
  "replica.fetch.max.bytes": String(9 * MIB),
  "auto.create.topics.enable": "false",
  "group.initial.rebalance.delay.ms": "0",
  "offsets.topic.num.partitions": "8",
  "transaction.state.log.num.partitions": "8",
};

/** Broker heap, for both launchers; Kafka's speed is in the system's page cache, not in the heap. */
export const BROKER_HEAP = "-Xms128m -Xmx400m";

/**
 * For both launchers. Without the optimizing compiler a start takes half the processor time (3 s instead of 6), and a
 * warm broker takes the same 0.3 s for 150,000 events either way, because its work is per batch. G1, Java's own choice of
 * collector, marks a heap of this size for a third of a second on a core of its own, now and then, and all that a machine
 * of two cores does meanwhile is late; the serial one stops the broker for some 20 ms instead, as G1 does as well.
 */
export const BROKER_JVM = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC";

/** server.properties of node `nodeId` (from 1) in a cluster with these ports. */
export function serverProperties(nodes: readonly BrokerPorts[], nodeId: number, logDirs = "data"): string {
  const own = nodes[nodeId - 1];
  if (own === undefined) throw new Error(`no ports for node ${nodeId}`);
  // Internal topics can't have more copies than there are brokers.
  const copies = String(Math.min(3, nodes.length));
  const majority = String(Math.min(2, nodes.length));
  const properties = {
    "process.roles": "broker,controller",
    "node.id": String(nodeId),
    "controller.quorum.voters": nodes.map((node, i) => `${i + 1}@127.0.0.1:${node.controller}`).join(","),
    listeners: `PLAINTEXT://127.0.0.1:${own.client},CONTROLLER://127.0.0.1:${own.controller}`,
    "advertised.listeners": `PLAINTEXT://127.0.0.1:${own.client}`,
    "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
    "inter.broker.listener.name": "PLAINTEXT",
    "controller.listener.names": "CONTROLLER",
    // Relative to the broker's working folder: a home's path may hold commas, which would make it two.
    "log.dirs": logDirs,
    "offsets.topic.replication.factor": copies,
    "transaction.state.log.replication.factor": copies,
    "transaction.state.log.min.isr": majority,
    "share.coordinator.state.topic.replication.factor": copies,
    "share.coordinator.state.topic.min.isr": majority,
    // A topic then outlives the loss of one broker, with all that was acknowledged.
    ...(nodes.length > 1 ? { "default.replication.factor": copies, "min.insync.replicas": majority } : {}),
    ...BROKER_SETTINGS,
  };
  const lines = Object.entries(properties).map(([name, value]) => `${name}=${value}`);
  return `# Written at every start; changes are lost.\n${lines.join("\n")}\n`;
}

// Warnings and errors only, but for the two loggers that tell when it started and why it stopped.
const LOG_CONFIG = `status = error
appender.out.type = Console
appender.out.name = out
appender.out.layout.type = PatternLayout
appender.out.layout.pattern = %d{ISO8601} %p %c{1} %m%n
rootLogger.level = warn
rootLogger.appenderRef.out.ref = out
logger.server.name = kafka.server.KafkaRaftServer
logger.server.level = info
logger.config.name = org.apache.kafka.common.config
logger.config.level = error
`;

/**
 * The cluster id of a home, 16 bytes as Kafka writes UUIDs; StorageTool would take a leading dash for an option. It
 * comes from the password because a purge makes a new one: an emptied Kafka must not pass for the one before.
 */
export function clusterIdOf(home: string): string {
  const digest = createHash("sha256")
    .update(`cluster ${postgresPassword(home)}`)
    .digest();
  return `T${digest.subarray(0, 16).toString("base64url").slice(1)}`;
}

const folderOf = (home: string, nodeId: number) => join(home, "kafka", String(nodeId));

/**
 * Writes the configuration of a node and formats its storage the first time.
 * @throws TradetapeError stack_failed with what Kafka's StorageTool said.
 */
export async function prepareBroker(
  home: string,
  jars: string,
  java: string,
  nodes: readonly BrokerPorts[],
  nodeId: number,
): Promise<void> {
  const folder = folderOf(home, nodeId);
  mkdirSync(folder, { recursive: true });
  writeOwnFile(join(folder, "server.properties"), serverProperties(nodes, nodeId));
  writeOwnFile(join(folder, "log4j2.properties"), LOG_CONFIG);
  const data = join(folder, "data");
  if (existsSync(data)) return;
  const fresh = freshFolder(home);
  const formatProperties = `${fresh}.properties`;
  writeOwnFile(formatProperties, serverProperties(nodes, nodeId, relative(folder, fresh)));
  const tool = ["kafka.tools.StorageTool", "format", "-t", clusterIdOf(home), "-c", formatProperties];
  const done = await runToEnd(java, [...jvmArgs(jars), ...tool], {
    cwd: folder,
    input: "",
    runAs: undefined,
  });
  if (done.code !== 0) {
    throw new TradetapeError("stack_failed", `Kafka's storage can't be formatted: ${done.output.trim()}`);
  }
  renameSync(fresh, data);
}

const jvmArgs = (jars: string) => [
  ...BROKER_HEAP.split(" "),
  ...BROKER_JVM.split(" "),
  "-XX:+ExitOnOutOfMemoryError",
  "-Dlog4j2.configurationFile=log4j2.properties",
  "-cp",
  join(jars, "*"),
];

/** What a node is called in progress, log and state. */
export const brokerName = (nodes: readonly BrokerPorts[], nodeId: number) =>
  nodes.length === 1 ? "kafka" : `kafka-${nodeId}`;

export function kafkaBroker(
  home: string,
  jars: string,
  java: string,
  nodes: readonly BrokerPorts[],
  nodeId: number,
): StackProgram {
  const name = brokerName(nodes, nodeId);
  return {
    name,
    command: java,
    args: [...jvmArgs(jars), "kafka.Kafka", "server.properties"],
    cwd: folderOf(home, nodeId),
    logFile: join(home, "logs", `${name}.log`),
    runAs: undefined,
    stopSignal: "SIGTERM",
    isReady: async () => (await brokersKnownTo(nodes[nodeId - 1]?.client ?? 0)) === nodes.length,
  };
}

// Metadata, version 4: [int16 key 3, int16 version, int32 correlation, int16 client id (-1 = null)], [int32 topics = 0,
// boolean auto-create = false], preceded by its int32 length.
const METADATA_REQUEST = Buffer.from([0, 0, 0, 15, 0, 3, 0, 4, 0, 0, 0, 1, 0xff, 0xff, 0, 0, 0, 0, 0]);
const ANSWER_WITHIN_MS = 10_000;

/**
 * How many live brokers the one at 127.0.0.1:`port` knows; 0 while it doesn't answer. An open port alone is too early:
 * the broker may still be fenced off, and the first topic would be refused for want of brokers.
 */
export function brokersKnownTo(port: number): Promise<number> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: "127.0.0.1" }, () => socket.write(METADATA_REQUEST));
    let answer = Buffer.alloc(0);
    socket.setTimeout(ANSWER_WITHIN_MS, () => socket.destroy());
    socket.on("data", (chunk) => {
      answer = Buffer.concat([answer, chunk]);
      // int32 length, int32 correlation, int32 throttle time, int32 number of brokers
      if (answer.length >= 16) socket.destroy();
    });
    socket.on("error", () => socket.destroy());
    socket.on("close", () => resolve(answer.length >= 16 ? answer.readInt32BE(12) : 0));
  });
}
