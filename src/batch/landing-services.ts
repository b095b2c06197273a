import { type Clock, SYSTEM_CLOCK } from "../clock.ts";
import { type Config, requireServices } from "../config.ts";
import { EventReader } from "../event/codec.ts";
import { openRegistry, type Registry } from "../event/registry.ts";
import type { Log } from "../log.ts";
import { checkCatalog } from "../table/catalog.ts";
import { Connection, type OpenSession } from "../table/connection.ts";
import type { Day } from "../table/days.ts";
import { databaseId } from "../table/landed.ts";
import { landingColumns } from "../table/landing-table.ts";
import { requireMigrated } from "../table/migrate.ts";
import { RowEncoder } from "../table/row-encoder.ts";
import { ConnectionSlot } from "../table/slot.ts";
import { quoted, stageStatements } from "../table/stage.ts";
import { brokerFault, openKafka } from "../topic/client.ts";
import { GroupMember } from "../topic/consume.ts";
import { fetchClusterId, fetchOffsets } from "../topic/offsets.ts";
import { RawPublisher } from "../topic/raw-publish.ts";
import { checkTopics, requireGoodTopics, topicName } from "../topic/topics.ts";
import type { Consumer } from "./consumer.ts";
import { EventFilter } from "./event-filter.ts";
import { Group } from "./group.ts";
import type { TopicEnds } from "./horizon.ts";
import { insertChained } from "./insert-chained.ts";
import { insertStaged } from "./land-staged.ts";
import { LetterBreaker } from "./letter-breaker.ts";
import { OrphanBreaker } from "./orphan-breaker.ts";
import type { LandingPlan } from "./plan.ts";
import { SessionGate } from "./session-gate.ts";

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
  const questions = new ConnectionSlot(databaseUrl, { name: "questions", role: "tradetape_lander" });
  const kafka = openKafka(config, log);
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
    requireGoodTopics(await checkTopics(admin, config));
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
      close,
    };
  } catch (error) {
    await close();
    throw brokerFault(error);
  }
}

/** Makes one consumer group, ready to start. Two databases never share a group: its id holds the database's. */
export async function openGroup(services: LandingServices, consumer: Consumer): Promise<Group> {
  const { config, log, clock, openSession, kafka, admin, registry, publisher } = services;
  const knownDays = new Set<Day>();
  const plan = await makePlan(services, consumer, knownDays);
  const slot = (what: string) =>
    new ConnectionSlot(
      config.databaseUrl,
      { name: `${plan.topicName} ${what}`, role: "tradetape_lander", lockTimeoutMs: config.lockTimeoutMs },
      openSession,
    );
  const landing = consumer.landing.path === "direct" ? config.landingConnections : 1;
  const member = new GroupMember(kafka, {
    groupId: `tradetape.${plan.topicName}.${services.databaseId}`,
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
    landingSlots: Array.from({ length: landing }, (_, index) => slot(`landing ${index}`)),
    daySlot: slot("days"),
    outboxSlot: slot("outbox"),
    watchSlot: new ConnectionSlot(config.databaseUrl, { name: `${plan.topicName} watch` }, openSession),
    knownDays,
    logOf: async (partition) => {
      const offsets = await fetchOffsets(admin, plan.topicName);
      const found = offsets.find((candidate) => candidate.partition === partition);
      if (!found) throw new Error(`${plan.topicName}/${partition} was assigned, and the cluster doesn't list it`);
      return { log: found, clusterId: await fetchClusterId(admin) };
    },
  });
}

/**
 * What landing this consumer's batches takes, checked against the live table.
 * @param knownDays grows as day partitions are made
 * @throws TradetapeError catalog_mismatch, database_unreachable, registry_refused, registry_unreachable
 */
export async function makePlan(
  services: LandingServices,
  consumer: Consumer,
  knownDays: Set<Day>,
): Promise<LandingPlan> {
  const { config, registry } = services;
  const { topic, landing } = consumer;
  const name = topicName(config.namespace, topic);
  const auditTopicName = topicName(config.namespace, "audit");
  const stage = stageStatements(landing);
  const columns = await services.questions.use((connection) => checkCatalog(connection, landing));
  const topicEnds: TopicEnds = {
    nameOf: (other) => topicName(config.namespace, other),
    read: (other) => fetchOffsets(services.admin, topicName(config.namespace, other)),
  };
  const filter = new EventFilter(config.sessionKinds);
  const wantOffsets = typeof consumer.audit === "function";
  return {
    consumer,
    topicName: name,
    databaseId: services.databaseId,
    encoder: {
      consumer,
      reader: new EventReader(topic, registry),
      rowEncoder: new RowEncoder(columns, landing.repeats === "revised"),
      eventBytesMax: config.eventBytesMax,
      newDaysPerBatchMax: config.newDaysPerBatchMax,
      filter,
      knownDays,
    },
    direct: { statement: directCopy(consumer), relation: landing.table },
    stage,
    staged: {
      topicName: name,
      stage,
      repeats: landing.repeats,
      wantOffsets,
      sessionKinds: filter.kinds,
      insert: landing.chained ? insertChained : insertStaged,
    },
    breaker: new LetterBreaker(config.letterShareMax),
    orphanBreaker: new OrphanBreaker(config.letterShareMax),
    auditTopicName,
    auditSchemaId: await registry.register(auditTopicName, "audit"),
    deadLettersTopicName: topicName(config.namespace, "dead-letters"),
    sessionGate: new SessionGate(services.questions, topicEnds, filter, services.clock),
    topicEnds,
    parkDeadlineMs: config.parkDeadlineMs,
  };
}

function directCopy({ landing }: Consumer): string {
  const columns = landingColumns(landing).map((column) => quoted(column.name));
  return `COPY public.${quoted(landing.table)} (${columns.join(", ")}) FROM STDIN (FORMAT binary)`;
}
