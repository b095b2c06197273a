import { TradetapeError } from "../../errors.ts";

interface KafkaFault extends Error {
  readonly type?: string;
  readonly retriable?: boolean;
  readonly cause?: KafkaFault;
  /** Of several topics at once. */
  readonly errors?: readonly Error[];
}

/**
 * Errors that kafkajs says no retry helps with, and a broker's restart does: kafkajs looks for a group's coordinator a
 * few times only, and its lock times out for those who queue behind a call that waits for the broker.
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
