import { tlsFaultOf } from "../../own-file/tls-fault.ts";
import type { ClusterSide, Internals } from "./kafkajs-internals.ts";

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

/** How Kafka's names of what an ACL doesn't admit end. */
const DENIED = /_AUTHORIZATION_FAILED$/;

/**
 * Has a broker's refusal be told at once, and as what it is. kafkajs tries again where TLS fails, though the same certificates
 * fail again. It asks each broker for a group's coordinator and forgets why none told it: a user without a right on the group
 * would look for it for ever.
 */
export function tellRefusals({ Connection, Cluster }: Internals): void {
  const connection = Connection.prototype;
  const { rejectRequests } = connection;
  connection.rejectRequests = function (error) {
    if (tlsFaultOf(error) !== undefined) Object.assign(error, { retriable: false });
    rejectRequests.call(this, error);
  };
  const cluster = Cluster.prototype;
  const { findGroupCoordinatorMetadata } = cluster;
  cluster.findGroupCoordinatorMetadata = function (of) {
    return findGroupCoordinatorMetadata.call(this, of).catch(async (notFound: Error) => {
      throw (await denialOf(this, of)) ?? notFound;
    });
  };
}

/** What a broker says to the question for a group's coordinator, where it says that the user may not ask. */
async function denialOf({ brokerPool }: ClusterSide, of: object): Promise<Error | undefined> {
  try {
    const broker = await brokerPool.findConnectedBroker();
    await broker.findGroupCoordinator(of);
    return undefined;
  } catch (error) {
    return DENIED.test(String((error as { readonly type?: string }).type)) ? (error as Error) : undefined;
  }
}
