import { SYSTEM_CLOCK } from "../../clock.ts";
import { TradetapeError } from "../../errors.ts";

interface KafkaFault extends Error {
  readonly type?: string;
  readonly retriable?: boolean;
  readonly cause?: KafkaFault;
  /** Of several topics at once. */
  readonly errors?: readonly (Error & { readonly type?: string; readonly topic?: string })[];
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
 * @param topicNames what was asked about, which kafkajs's refusal doesn't say
 */
export function brokerFault(cause: unknown, topicNames: readonly string[] = []): unknown {
  const outer = cause as KafkaFault;
  if (cause instanceof TradetapeError || !outer?.name?.startsWith("KafkaJS")) return cause;
  let fault = outer;
  while (fault.cause?.message) fault = fault.cause;
  if (fault.type === "UNKNOWN_TOPIC_OR_PARTITION") {
    const next = "Create the topics with `tradetape topics --create`.";
    return new TradetapeError("topic_missing", "the cluster doesn't have a topic that is needed", { next, cause });
  }
  const details =
    fault.errors?.map(({ topic, message }) => (topic ? `${topic}: ${message}` : message)).join("; ") ??
    (fault.message || outer.message);
  const isRefused = [fault, ...(fault.errors ?? [])].some(({ type }) => type?.endsWith(REFUSED));
  const isLogin = fault.name === "KafkaJSSASLAuthenticationError" || isRefused;
  const about = isRefused && fault.errors === undefined && topicNames.length > 0 ? `${topicNames.join(", ")}: ` : "";
  return new TradetapeError("broker_unreachable", `Kafka: ${about}${details}`, {
    canRetry: !isLogin && (fault.retriable !== false || PASSING.has(fault.name)),
    next: isLogin ? CHECK_LOGIN : fault.type === undefined ? CHECK_NETWORK : "Look at the brokers' logs.",
    cause,
  });
}

/** How kafkajs's types of what an ACL doesn't admit end. */
const REFUSED = "AUTHORIZATION_FAILED";

/** @param fault what `brokerFault` made @returns whether the broker knows the user and refuses what was asked */
export const isRefusal = (fault: unknown): boolean =>
  (((fault as Error).cause as KafkaFault | undefined)?.type ?? "").endsWith(REFUSED);

const CHECK_LOGIN =
  "Check KAFKA_SASL_MECHANISM, KAFKA_SASL_USERNAME, the password and the user's rights (docs/security.md).";
const CHECK_NETWORK = "Check that the brokers run and that KAFKA_BROKERS names them; `tradetape up` starts local ones.";

const LEADERLESS_TRIES = 50;
const LEADERLESS_WAIT_MS = 100;

/**
 * Asks again while a partition has no leader: one that was made or has moved a moment ago has a leader in the metadata
 * before that broker knows of it. kafkajs gives up at that answer, and the answer is another one within a second.
 * @param topicNames what is asked about, for a refusal to name
 */
export async function answered<T>(ask: () => Promise<T>, topicNames?: readonly string[]): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await ask();
    } catch (error) {
      const { type } = error as { type?: string };
      const isLeaderless = type === "NOT_LEADER_FOR_PARTITION" || type === "LEADER_NOT_AVAILABLE";
      if (!isLeaderless || tries >= LEADERLESS_TRIES) throw unanswered(error, topicNames);
      await SYSTEM_CLOCK.sleep(LEADERLESS_WAIT_MS);
    }
  }
}

/** Where no broker answers, kafkajs reads a field of the answer that it hasn't got: that TypeError is an outage. */
const unanswered = (cause: unknown, topicNames?: readonly string[]): unknown =>
  cause instanceof TypeError
    ? new TradetapeError("broker_unreachable", "Kafka: no broker answers for the topic's partitions", {
        canRetry: true,
        cause,
        next: "Wait for the brokers that hold the topic, or start them.",
      })
    : brokerFault(cause, topicNames);
