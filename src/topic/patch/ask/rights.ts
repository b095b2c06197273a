import type { Right, Rights, SpokenVersions } from "../../log-client.ts";
import { type Broker, type Cluster, callOf, errorOf, TOPIC_DENIED } from "../brokers.ts";
import type { Internals } from "../kafkajs-internals.ts";
import { skipCluster } from "./cluster-facts.ts";

/** Which versions of each request all brokers take; none of those that one of them lacks. */
export async function fetchSpoken(cluster: Cluster): Promise<SpokenVersions> {
  const { brokers } = await cluster.metadata({ topics: [] });
  const spoken = new Map<number, { least: number; most: number }>();
  for (const [n, { nodeId }] of brokers.entries()) {
    const broker = await cluster.findBroker({ nodeId: String(nodeId) });
    const own = new Map(Object.entries(broker.versions ?? {}).map(([api, versions]) => [Number(api), versions]));
    for (const [api, { minVersion, maxVersion }] of own) {
      const { least, most } = spoken.get(api) ?? { least: minVersion, most: maxVersion };
      const isNew = n > 0 && !spoken.has(api);
      if (!isNew) spoken.set(api, { least: Math.max(least, minVersion), most: Math.min(most, maxVersion) });
    }
    for (const api of spoken.keys()) if (!own.has(api)) spoken.delete(api);
  }
  return spoken;
}

/** The first versions, since Kafka 2.3, by which a broker says what the user may do with what is asked about. */
const RIGHTS_ON_TOPICS = [3, 8] as const;
const RIGHTS_ON_GROUPS = [15, 3] as const;
/** A topic that is asked about isn't made; rights are told of topics, not of the cluster. */
const NEVER_BUT_TELL = Buffer.of(0, 0, 1);
const TELL = Buffer.of(1);
/** Kafka's number of a topic that there isn't. */
const UNKNOWN_TOPIC = 3;
/** Kafka's numbers of rights that doctor asks about: the bits of its answer. */
const BITS: Readonly<Record<Right, number>> = { READ: 3, WRITE: 4 };

/**
 * What the user may do with topics and groups, as the brokers themselves say: nothing is written, and no group is made.
 * @returns undefined of brokers before 2.3, which don't say it
 */
export async function fetchRights(
  cluster: Cluster,
  internals: Internals,
  { topicNames, groupIds }: { readonly topicNames: readonly string[]; readonly groupIds: readonly string[] },
): Promise<Rights | undefined> {
  const broker = await cluster.brokerPool.findConnectedBroker();
  const tells = ([api, version]: readonly [number, number]) => (broker.versions?.[api]?.maxVersion ?? 0) >= version;
  if (!tells(RIGHTS_ON_TOPICS) || !tells(RIGHTS_ON_GROUPS)) return undefined;
  const topics = (await broker.connectionPool.send(rightsOnTopics(internals, topicNames))) as readonly Granted[];
  const groups: Granted[] = [];
  for (const groupId of groupIds) {
    const coordinator = await coordinatorOf(cluster, groupId);
    const denied = { name: groupId, errorCode: GROUP_DENIED, bits: 0 };
    groups.push(coordinator === undefined ? denied : await askGroup(coordinator, internals, groupId));
  }
  return { topics: rightsBy(topics), groups: rightsBy(groups) };
}

interface Granted {
  readonly name: string;
  readonly errorCode: number;
  /** A bit a right. */
  readonly bits: number;
}

const GROUP_DENIED = 30;

function rightsBy(granted: readonly Granted[]): ReadonlyMap<string, ReadonlySet<Right>> {
  const all = Object.entries(BITS) as [Right, number][];
  const rights = new Map<string, ReadonlySet<Right>>();
  for (const { name, errorCode, bits } of granted) {
    if (errorCode === UNKNOWN_TOPIC) continue;
    const isDenied = errorCode === TOPIC_DENIED || errorCode === GROUP_DENIED;
    if (errorCode !== 0 && !isDenied) throw errorOf(errorCode);
    const given = isDenied ? [] : all.filter(([, bit]) => (bits & (1 << bit)) !== 0);
    rights.set(name, new Set(given.map(([right]) => right)));
  }
  return rights;
}

/** Undefined where the user may not even ask for it. */
async function coordinatorOf(cluster: Cluster, groupId: string): Promise<Broker | undefined> {
  try {
    return await cluster.findGroupCoordinator({ groupId });
  } catch (error) {
    if ((error as { type?: string }).type === "GROUP_AUTHORIZATION_FAILED") return undefined;
    throw error;
  }
}

/** Kafka's documentation, "Metadata API". */
const rightsOnTopics = ({ Encoder, Decoder }: Internals, topicNames: readonly string[]): object =>
  callOf(
    "Metadata",
    RIGHTS_ON_TOPICS,
    () => {
      const encoder = new Encoder().writeInt32(topicNames.length);
      for (const name of topicNames) encoder.writeString(name);
      return encoder.writeBuffer(NEVER_BUT_TELL);
    },
    (payload) => {
      const decoder = new Decoder(payload);
      skipCluster(decoder);
      return decoder.readArray((topic): Granted => {
        const errorCode = topic.readInt16();
        const name = topic.readString();
        topic.readBoolean(); // whether it is one of Kafka's own
        topic.readArray((partition) => {
          partition.readInt16(); // what is wrong with it
          for (let n = 0; n < 3; n++) partition.readInt32(); // its number, its leader, and the leader's epoch
          for (let n = 0; n < 3; n++) partition.readArray((node) => node.readInt32()); // who has it, in sync, is away
        });
        return { name, errorCode, bits: topic.readInt32() };
      });
    },
  );

/** Kafka's documentation, "DescribeGroups API". A group that there isn't is told as a dead one, with the rights on it. */
async function askGroup(coordinator: Broker, { Encoder, Decoder }: Internals, groupId: string): Promise<Granted> {
  const call = callOf(
    "DescribeGroups",
    RIGHTS_ON_GROUPS,
    () => new Encoder().writeInt32(1).writeString(groupId).writeBuffer(TELL),
    (payload) => {
      const decoder = new Decoder(payload);
      decoder.readInt32(); // how long the broker throttles us
      return decoder.readArray((group): Granted => {
        const errorCode = group.readInt16();
        for (let n = 0; n < 4; n++) group.readString(); // its id, its state, and how it shares
        group.readArray((member) => {
          for (let n = 0; n < 3; n++) member.readString(); // its id, its client's, its host
          for (let n = 0; n < 2; n++) member.readBytes(); // what it asks for and has
        });
        return { name: groupId, errorCode, bits: group.readInt32() };
      });
    },
  );
  const [answer] = (await coordinator.connectionPool.send(call)) as readonly Granted[];
  return answer!;
}
