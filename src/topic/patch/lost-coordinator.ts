import type { Internals } from "./kafkajs-internals.ts";

/** What kafkajs calls a broker that doesn't answer: nobody listens there, it hung up, or was silent for too long. */
const AWAY = new Set(["KafkaJSConnectionError", "KafkaJSConnectionClosedError", "KafkaJSRequestTimeoutError"]);
/** The answer of a broker that isn't the coordinator of the group, by which kafkajs looks for the one that is. */
const NO_COORDINATOR = "NOT_COORDINATOR_FOR_GROUP";

/**
 * Has a member whose coordinator is away look for the group's new one, and join there as the member that it was. kafkajs
 * would ask the dead broker until it gives up, then come back as another member, and the group would wait for the first
 * one until its session times out.
 */
export function leaveLostCoordinators({ ConsumerGroup }: Internals): void {
  const group = ConsumerGroup.prototype;
  const { heartbeat } = group;
  group.heartbeat = function (this: unknown, options) {
    return heartbeat.call(this, options).catch((cause: Error) => {
      throw AWAY.has(cause.name) ? Object.assign(new Error(cause.message, { cause }), { type: NO_COORDINATOR }) : cause;
    });
  };
}
