import type { Socket } from "node:net";
import { type ISocketFactoryArgs, Kafka, type KafkaConfig, logLevel } from "tradetape-kafkajs";
import { currentSecret } from "../../config/secrets.ts";
import { type Config, requireServices } from "../../config.ts";
import type { Log } from "../../log.ts";
import { readTlsFiles, type TlsFiles } from "../../own-file/tls-files.ts";
import { ALLOW, isSaslInClear } from "../../settings/plaintext.ts";
import { SETTINGS } from "../../settings.ts";
import type { LogClient, LogMember, MemberOptions } from "../log-client.ts";
import { fetchWholeBatches } from "../patch/fetch-response.ts";
import { shortenFirstFetches } from "../patch/first-fetches.ts";
import { kafkajsInternals } from "../patch/kafkajs-internals.ts";
import { leaveLostCoordinators, tellRefusals } from "../patch/lost-coordinator.ts";
import { produceWholeBatches } from "../patch/produce-request.ts";
import { quietRequestQueue } from "../patch/request-queue.ts";
import { openSocket } from "../patch/socket.ts";
import { endFailedLogins, endUnanswered } from "../patch/unanswered.ts";
import { MEMBER_RETRY } from "./consumer-options.ts";
import { KafkaAdmin } from "./kafka-admin.ts";
import { kafkaLogCreator } from "./kafka-log.ts";
import { KafkaMember } from "./kafka-member.ts";
import { KafkaProducer } from "./kafka-producer.ts";
import { saslOptions } from "./login/sasl.ts";
import { type Outages, outagesOf } from "./outages.ts";
import type { Speech } from "./wrong-listener.ts";

/** About 3 s: a wrong address is told soon. What has to outlast a broker's restart brings patience of its own. */
const CONNECT_RETRY = { initialRetryTime: 100, factor: 0.2, multiplier: 2, maxRetryTime: 2000, retries: 5 };
/** kafkajs's 1 s is too short for TLS to a far broker that is busy. */
const CONNECTION_TIMEOUT_MS = 5000;

/**
 * A client of the cluster that the settings name. Opens no connection by itself.
 * @throws TradetapeError config_invalid when KAFKA_BROKERS isn't set or a TLS file can't be read
 */
export function openKafka(config: Config, log: Log): LogClient {
  const { kafkaBrokers } = requireServices(config, "kafkaBrokers");
  const options: KafkaConfig = {
    clientId: "tradetape",
    brokers: kafkaBrokers,
    connectionTimeout: CONNECTION_TIMEOUT_MS,
    retry: CONNECT_RETRY,
    socketFactory: (args) => openWatched(config, outagesOf(log), args),
    logLevel: log.level === "silent" ? logLevel.NOTHING : logLevel.INFO,
    logCreator: kafkaLogCreator(log),
  };
  if (config.kafkaSsl) options.ssl = readTlsFiles(tlsFilesOf(config));
  if (config.kafkaSaslMechanism !== undefined) options.sasl = saslOptions(config);
  return new KafkaClient(options, log);
}

/** @throws Error for a broker that the cluster names, where its login would be in clear; those of the settings were checked */
export function openWatched(config: Config, outages: Outages, args: ISocketFactoryArgs): Socket {
  if (isSaslInClear(config, args.host)) throw new Error(`the login would go to ${args.host} in clear. ${ALLOW}`);
  // By the files as they are now: kafkajs keeps those that it began with.
  const socket = openSocket(args.ssl ? { ...args, ssl: readTlsFiles(tlsFilesOf(config)) } : args);
  outages.watch(`${args.host}:${args.port}`, socket);
  return socket;
}

/** The cluster that a client of our kafkajs's speaks to. */
export class KafkaClient implements LogClient {
  readonly #kafka: Kafka;
  /** kafkajs takes a member's patience in part from the client that it is of. */
  readonly #ofMembers: Kafka;
  readonly #log: Log;
  readonly #speech: Speech;

  constructor(options: KafkaConfig, log: Log) {
    patchOnce();
    this.#speech = { isTls: Boolean(options.ssl), logsIn: options.sasl !== undefined };
    this.#kafka = new Kafka(options);
    this.#ofMembers = new Kafka({ ...options, retry: MEMBER_RETRY });
    this.#log = log;
  }

  openAdmin(): Promise<KafkaAdmin> {
    return KafkaAdmin.open(this.#kafka, this.#speech);
  }

  openProducer(): Promise<KafkaProducer> {
    return KafkaProducer.open(this.#kafka, this.#speech);
  }

  member(options: MemberOptions): LogMember {
    return new KafkaMember(this.#ofMembers, options, this.#log);
  }
}

let isPatched = false;

/** `tradetape-kafkajs` is a copy of kafkajs in a folder of its own, so that a host program's kafkajs stays as it is. */
function patchOnce(): void {
  if (isPatched) return;
  const internals = kafkajsInternals();
  quietRequestQueue(internals);
  endUnanswered(internals);
  endFailedLogins(internals);
  leaveLostCoordinators(internals);
  tellRefusals(internals);
  fetchWholeBatches(internals);
  shortenFirstFetches(internals);
  produceWholeBatches(internals);
  isPatched = true;
}

function tlsFilesOf(config: Config): TlsFiles {
  const { kafkaSslCaFile, kafkaSslCertFile, kafkaSslKeyFile } = SETTINGS;
  return {
    ca: { name: kafkaSslCaFile.env, path: config.kafkaSslCaFile },
    cert: { name: kafkaSslCertFile.env, path: config.kafkaSslCertFile },
    key: { name: kafkaSslKeyFile.env, path: config.kafkaSslKeyFile },
    passphrase: () => currentSecret(config, "kafkaSslKeyPassphrase"),
  };
}
