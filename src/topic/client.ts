import { readFileSync } from "node:fs";
import type { ConnectionOptions } from "node:tls";
import { type Admin, Kafka, type KafkaConfig, logLevel, type SASLOptions } from "kafkajs";
import { type Config, requireServices } from "../config.ts";
import { TradetapeError } from "../errors.ts";
import type { Log } from "../log.ts";
import { kafkaLogCreator } from "./kafka-log.ts";
import { fetchWholeBatches } from "./patch/fetch-response.ts";
import { produceWholeBatches } from "./patch/produce-request.ts";
import { quietRequestQueue } from "./patch/request-queue.ts";
import { openSocket } from "./patch/socket.ts";
import { registerCodecs } from "./wire/codecs.ts";

/** About 3 s: a wrong address is told soon. What has to outlast a broker's restart brings patience of its own. */
const CONNECT_RETRY = { initialRetryTime: 100, factor: 0.2, multiplier: 2, maxRetryTime: 2000, retries: 5 };
/** kafkajs's 1 s is too short for TLS to a far broker that is busy. */
const CONNECTION_TIMEOUT_MS = 5000;

/** Fetches are told apart by it: only landing takes whole batches for messages. */
const LANDING_CLIENT = "tradetape-landing";

/**
 * The one kafkajs client of a process, with every codec registered. Opens no connection by itself.
 * @param fetching what its consumers are brought: messages of kafkajs's, or a RecordBatch in the place of each
 * @throws TradetapeError config_invalid when KAFKA_BROKERS isn't set or a TLS file can't be read
 */
export function openKafka(config: Config, log: Log, fetching: "messages" | "whole batches" = "messages"): Kafka {
  const { kafkaBrokers } = requireServices(config, "kafkaBrokers");
  registerCodecs();
  quietRequestQueue();
  produceWholeBatches();
  const isWhole = fetching === "whole batches";
  const clientId = isWhole ? LANDING_CLIENT : "tradetape";
  if (isWhole) fetchWholeBatches(LANDING_CLIENT);
  const options: KafkaConfig = {
    clientId,
    brokers: kafkaBrokers,
    connectionTimeout: CONNECTION_TIMEOUT_MS,
    retry: CONNECT_RETRY,
    socketFactory: openSocket,
    logLevel: log.level === "silent" ? logLevel.NOTHING : logLevel.INFO,
    logCreator: kafkaLogCreator(log),
  };
  if (config.kafkaSsl) options.ssl = tlsOptions(config);
  if (config.kafkaSaslMechanism !== undefined) options.sasl = saslOptions(config);
  return new Kafka(options);
}

function saslOptions(config: Config): SASLOptions {
  // checkTogether in config.ts: a mechanism never comes without both.
  const credentials = { username: config.kafkaSaslUsername!, password: config.kafkaSaslPassword! };
  return { mechanism: config.kafkaSaslMechanism!, ...credentials };
}

function tlsOptions(config: Config): ConnectionOptions {
  const { kafkaSslCaFile: ca, kafkaSslCertFile: cert, kafkaSslKeyFile: key } = config;
  return {
    ...(ca ? { ca: readPem("KAFKA_SSL_CA_FILE", ca) } : {}),
    ...(cert ? { cert: readPem("KAFKA_SSL_CERT_FILE", cert) } : {}),
    ...(key ? { key: readPem("KAFKA_SSL_KEY_FILE", key) } : {}),
  };
}

function readPem(variable: string, path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (cause) {
    throw new TradetapeError("config_invalid", `${variable}: ${(cause as Error).message}`, { cause });
  }
}

/** Runs `use` with a connected admin client and disconnects it. @throws TradetapeError broker_unreachable */
export async function withAdmin<T>(kafka: Kafka, use: (admin: Admin) => Promise<T>): Promise<T> {
  const admin = kafka.admin();
  try {
    await admin.connect();
    return await use(admin);
  } catch (cause) {
    throw brokerFault(cause);
  } finally {
    await admin.disconnect();
  }
}

interface KafkaFault extends Error {
  readonly type?: string;
  readonly retriable?: boolean;
  readonly cause?: KafkaFault;
  /** Of several topics at once. */
  readonly errors?: readonly Error[];
}

/**
 * What kafkajs calls hopeless and a broker's restart makes good: a group's coordinator is looked for a few times only,
 * and whoever waits for a lock of kafkajs's own waits for one who waits for the broker.
 */
const PASSING = new Set(["KafkaJSGroupCoordinatorNotFound", "KafkaJSTimeout", "KafkaJSLockTimeout"]);

/**
 * What kafkajs threw, as an error a person can act on: broker_unreachable for what it couldn't get done over the
 * network (canRetry, but for a refused login), topic_missing for a topic the cluster doesn't have. Errors that are
 * ours, or no fault of Kafka's, come back as they are.
 */
export function brokerFault(cause: unknown): unknown {
  const outer = cause as KafkaFault;
  if (cause instanceof TradetapeError || !outer?.name?.startsWith("KafkaJS")) return cause;
  let fault = outer;
  while (fault.cause?.message) fault = fault.cause;
  if (fault.type === "UNKNOWN_TOPIC_OR_PARTITION") {
    const next = "Create the topics with `tradetape topics --create`.";
    return new TradetapeError("topic_missing", "the cluster doesn't have a topic that is needed", { next, cause });
  }
  const details = fault.errors?.map(({ message }) => message).join("; ") ?? (fault.message || outer.message);
  const isLogin = fault.name === "KafkaJSSASLAuthenticationError" || fault.type?.endsWith("AUTHORIZATION_FAILED");
  return new TradetapeError("broker_unreachable", `Kafka: ${details}`, {
    canRetry: !isLogin && (fault.retriable !== false || PASSING.has(fault.name)),
    next: isLogin ? CHECK_LOGIN : fault.type === undefined ? CHECK_NETWORK : "Look at the brokers' logs.",
    cause,
  });
}

const CHECK_LOGIN = "Check KAFKA_SASL_MECHANISM, KAFKA_SASL_USERNAME, the password and the user's rights.";
const CHECK_NETWORK = "Check that the brokers run and that KAFKA_BROKERS names them; `tradetape up` starts local ones.";
