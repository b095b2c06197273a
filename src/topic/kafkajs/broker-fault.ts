import { SYSTEM_CLOCK } from "../../clock.ts";
import { TradetapeError } from "../../errors.ts";
import { type Asked, type KafkaFault, refusalOf } from "./broker-refusal.ts";

/**
 * Errors that kafkajs says no retry helps with, and a broker's restart does: kafkajs looks for a group's coordinator a
 * few times only, and its lock times out for those who queue behind a call that waits for the broker.
 */
const PASSING = new Set(["KafkaJSGroupCoordinatorNotFound", "KafkaJSTimeout", "KafkaJSLockTimeout"]);

/**
 * What kafkajs threw, as an error a person can act on: broker_unreachable for what it couldn't get done over the
 * network, tls_refused, login_refused and acl_missing where a broker is there and refuses, topic_missing for a topic the
 * cluster doesn't have. Errors that are ours, or no fault of Kafka's, come back as they are.
 * @param asked what was asked, which kafkajs's refusal doesn't say
 */
export function brokerFault(cause: unknown, asked?: Asked): unknown {
  const outer = cause as KafkaFault;
  if (cause instanceof TradetapeError || !outer?.name?.startsWith("KafkaJS")) return cause;
  let fault = outer;
  while (fault.cause?.message) fault = fault.cause;
  if (fault.type === "UNKNOWN_TOPIC_OR_PARTITION") {
    const next = "Create the topics with `tradetape topics --create`.";
    return new TradetapeError("topic_missing", "the cluster doesn't have a topic that is needed", { next, cause });
  }
  const refusal = refusalOf(fault, asked);
  if (refusal !== undefined) return refusal;
  const details =
    fault.errors?.map(({ topic, message }) => (topic ? `${topic}: ${message}` : message)).join("; ") ??
    (fault.message || outer.message);
  return new TradetapeError("broker_unreachable", `Kafka: ${details}`, {
    canRetry: fault.retriable !== false || PASSING.has(fault.name),
    next: fault.type === undefined ? CHECK_NETWORK : "Look at the brokers' logs.",
    cause,
  });
}

const CHECK_NETWORK = "Check that the brokers run and that KAFKA_BROKERS names them; `tradetape up` starts local ones.";

/** A partition's leader, or a group's coordinator, is on its way. */
const LEADERLESS: ReadonlySet<string> = new Set([
  "NOT_LEADER_FOR_PARTITION",
  "LEADER_NOT_AVAILABLE",
  "GROUP_LOAD_IN_PROGRESS",
  "GROUP_COORDINATOR_NOT_AVAILABLE",
  "NOT_COORDINATOR_FOR_GROUP",
]);
const LEADERLESS_TRIES = 50;
const LEADERLESS_WAIT_MS = 100;

/**
 * Asks again while a partition has no leader, or a group no coordinator: one that was made or has moved a moment ago is in the
 * metadata before its broker knows of it. kafkajs gives up at that answer, and the answer is another one within a second.
 * @param asked for a refusal to name
 */
export async function answered<T>(ask: () => Promise<T>, asked: Asked): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await ask();
    } catch (error) {
      const { type } = error as { type?: string };
      if (!LEADERLESS.has(type ?? "") || tries >= LEADERLESS_TRIES) throw unanswered(error, asked);
      await SYSTEM_CLOCK.sleep(LEADERLESS_WAIT_MS);
    }
  }
}

/** Where no broker answers, kafkajs reads a field of the answer that it hasn't got: that TypeError is an outage. */
const unanswered = (cause: unknown, asked: Asked): unknown =>
  cause instanceof TypeError
    ? new TradetapeError("broker_unreachable", "Kafka: no broker answers for the topic's partitions", {
        canRetry: true,
        cause,
        next: "Wait for the brokers that hold the topic, or start them.",
      })
    : brokerFault(cause, asked);
