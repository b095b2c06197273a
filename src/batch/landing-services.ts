import { type Clock, SYSTEM_CLOCK } from "../clock.ts";
import { type Config, requireServices } from "../config.ts";
import { openRegistry, type Registry } from "../event/registry.ts";
import type { Log } from "../log.ts";
import { Connection, type OpenSession, processTag } from "../table/connection.ts";
import { databaseId } from "../table/landed.ts";
import { requireMigrated } from "../table/migrate.ts";
import { ConnectionSlot } from "../table/slot.ts";
import { brokerFault, openKafka } from "../topic/client.ts";
import { GroupMember } from "../topic/consume.ts";
import { fetchClusterId, fetchOffsets } from "../topic/offsets.ts";
import { RawPublisher } from "../topic/raw-publish.ts";
import { checkTopics, requireGoodTopics } from "../topic/topics.ts";
import type { Consumer } from "./consumer.ts";
import { Group } from "./group.ts";
import { letHeapGrow } from "./heap.ts";
import { makePlan } from "./landing-plan.ts";
import type { LandingPlan } from "./plan.ts";
import type { ReplayTerms } from "./replay-terms.ts";

/** What the groups of one process share: one Kafka client, one registry, one publisher for all outboxes. */
export interface LandingServices {
  readonly config: Config & { readonly databaseUrl: string };
  readonly log: Log;
  readonly clock: Clock;
  readonly openSession: OpenSession;
  readonly kafka: ReturnType<typeof openKafka>;
  readonly admin: ReturnType<ReturnType<typeof openKafka>["admin"]>;
  readonly registry: Registry;
  readonly publisher: RawPublisher;
  /** A session for questions, beside those that land. */
  readonly questions: ConnectionSlot;
  /** Aborted when the services close: what still waits then gives up. */
  readonly closing: AbortSignal;
  readonly databaseId: string;
  readonly clusterId: string;
  /** Full names. */
  readonly compactedTopics: ReadonlySet<string>;
  close(): Promise<void>;
}

/**
 * Opens everything that landing needs and checks it before the first row: database migrated, topics as declared.
 * @throws TradetapeError config_invalid, database_unreachable, not_migrated, broker_unreachable, topic_missing,
 * topic_misconfigured
 */
export async function openLandingServices(settings: Config, log: Log): Promise<LandingServices> {
  const config = requireServices(settings, "databaseUrl", "kafkaBrokers", "schemaRegistryUrl");
  const { databaseUrl } = config;
  letHeapGrow();
  const questions = new ConnectionSlot(databaseUrl, { name: "questions", role: "tradetape_lander" });
  const kafka = openKafka(config, log, "whole batches");
  const admin = kafka.admin();
  let publisher: RawPublisher | undefined;
  const closing = new AbortController();
  const close = async () => {
    closing.abort();
    await publisher?.close();
    await admin.disconnect();
    await questions.close();
  };
  try {
    const id = await questions.use(async (connection) => {
      await requireMigrated(connection, databaseUrl);
      return databaseId(connection);
    });
    publisher = await RawPublisher.open(kafka);
    await admin.connect();
    const topics = await checkTopics(admin, config);
    requireGoodTopics(topics);
    const clusterId = await fetchClusterId(admin);
    const registry = openRegistry(config.schemaRegistryUrl);
    return {
      config,
      log,
      clock: SYSTEM_CLOCK,
      openSession: Connection.open,
      kafka,
      admin,
      registry,
      publisher,
      questions,
      closing: closing.signal,
      databaseId: id,
      clusterId,
      compactedTopics: new Set(topics.filter((topic) => topic.isCompacted).map(({ name }) => name)),
      close,
    };
  } catch (error) {
    await close();
    throw brokerFault(error);
  }
}

/**
 * A replay's group is a new one with each process: Kafka would keep the partitions for a member that was killed until its
 * session times out. It writes no offsets, so nothing of it is left when it is empty.
 */
const groupIdOf = ({ topicName, tells }: LandingPlan, databaseId: string): string =>
  tells ? `tradetape.${topicName}.${databaseId}` : `tradetape.replay.${topicName}.${databaseId}.${processTag}`;

/**
 * Makes one consumer group, ready to start. Two databases never share a group: its id holds the database's; nor do a
 * replay and the live landing.
 */
export async function openGroup(services: LandingServices, consumer: Consumer, terms?: ReplayTerms): Promise<Group> {
  const { config, log, clock, openSession, kafka, admin, registry, publisher } = services;
  const { topic } = consumer;
  const plan = await makePlan(services, consumer, terms);
  const slot = (what: string) =>
    new ConnectionSlot(
      config.databaseUrl,
      {
        name: `${plan.topicName} ${what}`,
        role: "tradetape_lander",
        lockTimeoutMs: config.lockTimeoutMs,
        keepsPlans: true,
      },
      openSession,
    );
  const isWide = terms !== undefined || consumer.landing.path === "direct";
  const member = new GroupMember(kafka, {
    groupId: groupIdOf(plan, services.databaseId),
    topicName: plan.topicName,
    fetchPartitionBytesMax: config.fetchPartitionBytesMax,
    sessionTimeoutMs: config.sessionTimeoutMs,
  });
  return new Group({
    plan,
    config,
    log: log.child({ topic: plan.topicName }),
    clock,
    registry,
    member,
    publisher,
    landingSlots: Array.from({ length: isWide ? config.landingConnections : 1 }, (_, index) =>
      slot(`landing ${index}`),
    ),
    sharedSlot: slot("landing together"),
    daySlot: slot("days"),
    outboxSlot: slot("outbox"),
    watchSlot: new ConnectionSlot(config.databaseUrl, { name: `${plan.topicName} watch` }, openSession),
    pace: terms?.pace,
    logOf: async (partition) => {
      const offsets = await fetchOffsets(admin, plan.topicName);
      const found = offsets.find((candidate) => candidate.partition === partition);
      if (!found) throw new Error(`${plan.topicName}/${partition} was assigned, and the cluster doesn't list it`);
      return { log: terms?.within(topic, found) ?? found, clusterId: await fetchClusterId(admin) };
    },
  });
}
