import { TradetapeError } from "../../errors.ts";
import { tlsFaultOf, tlsNext } from "../../own-file/tls-fault.ts";

/** An error of kafkajs's. */
export interface KafkaFault extends Error {
  /** Kafka's name of the error that a broker answered. */
  readonly type?: string;
  readonly retriable?: boolean;
  readonly cause?: KafkaFault;
  /** Of a connection: whose it is, as HOST:PORT. */
  readonly broker?: string;
  /** Of a fetch: the topics that it is of, where several were asked for. */
  readonly topics?: readonly string[];
  /** Of several topics at once. */
  readonly errors?: readonly (Error & { readonly type?: string; readonly topic?: string })[];
}

/** What was asked of a broker, for a refusal to name: it says itself only of what kind that is. */
export interface Asked {
  /** The right that it takes, by Kafka's name. */
  readonly right: string;
  readonly topicNames?: readonly string[];
  readonly groupId?: string;
}

export const DESCRIBE: Asked = { right: "DESCRIBE" };
export const describing = (topicName: string): Asked => ({ ...DESCRIBE, topicNames: [topicName] });
export const toRead = (...names: string[]): Asked => ({ right: "READ", topicNames: [...new Set(names)] });

/** How Kafka's names of what an ACL doesn't admit end. */
const DENIED = "AUTHORIZATION_FAILED";

/** @returns whether a fault says that the user may not do what was asked */
const isDenied = ({ type }: { readonly type?: string }): boolean => type?.endsWith(DENIED) ?? false;

/** @returns a broker's refusal as an error that names what is refused; undefined for every other fault */
export function refusalOf(fault: KafkaFault, asked: Asked | undefined): TradetapeError | undefined {
  const tls = tlsFaultOf(fault);
  if (tls !== undefined) return tlsRefused(fault, tlsNext(tls, TLS_SETTINGS), fault.broker);
  if (fault.name === "KafkaJSSASLAuthenticationError") return loginRefused(fault, CHECK_LOGIN);
  const next = LOGIN_NEXT[fault.type ?? ""];
  if (next !== undefined) return loginRefused(fault, next);
  const denied = fault.errors?.filter(isDenied) ?? [];
  if (denied.length > 0) return denial(fault, { right: "CREATE", topicNames: denied.map(({ topic }) => topic ?? "") });
  return isDenied(fault) ? denial(fault, asked) : undefined;
}

const TLS_SETTINGS = {
  address: "KAFKA_BROKERS (and in the broker's advertised.listeners)",
  authority: "KAFKA_SSL_CA_FILE",
  own: "KAFKA_SSL_CERT_FILE and KAFKA_SSL_KEY_FILE",
  use: "KAFKA_SSL_ENABLED",
};

/** @param broker its address, where that is known */
export const tlsRefused = (cause: Error, next: string, broker?: string): TradetapeError =>
  new TradetapeError("tls_refused", `Kafka${broker ? ` at ${broker}` : ""}: ${cause.message}`, { next, cause });

export const loginRefused = (cause: Error, next: string): TradetapeError =>
  new TradetapeError("login_refused", `Kafka: ${cause.message}`, { next, cause });

const CHECK_LOGIN =
  "Check KAFKA_SASL_USERNAME and the password, or what the token says, and that KAFKA_SASL_MECHANISM is the one by which the " +
  "broker knows this user.";

const LOGIN_NEXT: Readonly<Record<string, string>> = {
  SASL_AUTHENTICATION_FAILED: CHECK_LOGIN,
  UNSUPPORTED_SASL_MECHANISM:
    "Set KAFKA_SASL_MECHANISM to one that the broker's listener has (sasl.enabled.mechanisms).",
  ILLEGAL_SASL_STATE:
    "That listener asks for no login: unset KAFKA_SASL_MECHANISM and its user, or name the port of the one that does in " +
    "KAFKA_BROKERS.",
};

function denial(cause: KafkaFault, { right, topicNames = [], groupId }: Asked = { right: "a right" }): TradetapeError {
  const kind = cause.type ?? "";
  if (kind.startsWith("GROUP") && groupId !== undefined) return missing("READ", "group", [groupId], cause);
  if (kind.startsWith("CLUSTER")) return missing(right, "cluster", [], cause);
  return missing(right, "topic", cause.topics ?? topicNames, cause);
}

/** @param names of what the right is on; the cluster has none */
function missing(
  right: string,
  what: "topic" | "group" | "cluster",
  names: readonly string[],
  cause: Error,
): TradetapeError {
  const flags = names.map((name) => `--${what} ${name}`).join(" ") || `--${what}`;
  const message = `Kafka doesn't give the user ${right} on ${[what, names.join(", ")].join(" ").trim()}`;
  return new TradetapeError("acl_missing", message, {
    cause,
    next: `Give it: \`kafka-acls.sh ... --add --allow-principal User:NAME --operation ${right} ${flags}\`. ${RIGHTS}`,
  });
}

const RIGHTS = "ops/acl/ has the rights that each command needs (docs/security.md).";

/** Topics that are hidden from the user: Kafka doesn't say whether they are there. */
export const hiddenTopics = (topicNames: readonly string[]): TradetapeError =>
  new TradetapeError("acl_missing", `Kafka doesn't give the user DESCRIBE on topic ${topicNames.join(", ")}`, {
    next: `Give what is needed there: READ and WRITE give DESCRIBE, too. ${RIGHTS}`,
  });
