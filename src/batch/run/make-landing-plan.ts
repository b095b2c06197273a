import { DAY_MS } from "../../event/day.ts";
import { rehearseDay } from "../../table/landing/days.ts";
import { directCopy, stageStatements } from "../../table/landing/stage.ts";
import { strangersStatement } from "../../table/landing/strangers.ts";
import { requireRights } from "../../table/rights.ts";
import { requireUnaltered } from "../../table/rows/altered.ts";
import { checkCatalog } from "../../table/rows/catalog.ts";
import { type LandingTable, tablesOf } from "../../table/rows/landing-table.ts";
import { listDays } from "../../table/upkeep/day-partitions.ts";
import { topicName } from "../../topic/topics.ts";
import { type Consumer, copiesDirectly, dayColumnOf, hasherOf } from "../consumer.ts";
import { EventFilter } from "../encode/event-filter.ts";
import { makeEncoder } from "../encode/make-encoder.ts";
import type { ReplayTerms } from "../group/replay-terms.ts";
import type { TopicEnds } from "../land/horizon.ts";
import { type Breakers, type LandingPlan, openBreakers } from "../land/landing-plan.ts";
import { SessionGate } from "../land/session-gate.ts";
import { insertChained } from "../write/insert-chained.ts";
import { insertSifted } from "../write/insert-sifted.ts";
import { insertFirst, insertRevised, type StagedInsert } from "../write/insert-staged.ts";
import { checkTopic } from "./check-topic.ts";
import type { LandingServices } from "./landing-services.ts";

/** What a group may be opened with. */
export interface GroupOptions {
  /** Set for a replay, which lands a part of the log and publishes nothing. */
  readonly terms?: ReplayTerms;
  /** Those of the group before this one; new ones where it is the first. */
  readonly breakers?: Breakers;
}

/**
 * Makes the plan by which this consumer's batches land, and checks it against the live table and topic.
 * @throws TradetapeError catalog_mismatch, permission_denied, database_unreachable, topic_missing, topic_misconfigured,
 * broker_unreachable
 */
export async function makeLandingPlan(
  services: LandingServices,
  consumer: Consumer,
  { terms, breakers }: GroupOptions = {},
): Promise<LandingPlan> {
  const { config, registry } = services;
  const { topic, landing } = consumer;
  const name = topicName(config.namespace, topic);
  const auditTopicName = topicName(config.namespace, "audit");
  const rulesOff = new Set<string>(config.rulesOff);
  const stage = stageStatements(landing, rulesOff);
  const { isCompacted } = await checkTopic(services, consumer);
  const { columns, days } = await services.questions.use(async (connection) => {
    await requireRights(connection, config.databaseUrl, relationsOf(landing));
    const checked = await checkCatalog(connection, landing, dayColumnOf(consumer));
    await requireUnaltered(connection, landing, consumer.partitionedByDay === true);
    if (!consumer.partitionedByDay) return { columns: checked, days: [] };
    await rehearseDay(connection, landing.table);
    const attached = (await listDays(connection, landing.table)).filter(({ state }) => state === "attached");
    return { columns: checked, days: attached.map(({ day }) => Date.parse(day) / DAY_MS) };
  });
  const topicEnds: TopicEnds = {
    nameOf: (other) => topicName(config.namespace, other),
    read: async (other) => terms?.rangesOf(other) ?? services.admin.fetchOffsets(topicName(config.namespace, other)),
    readAt: (other, timeMs) => services.admin.fetchOffsetsAt(topicName(config.namespace, other), timeMs),
  };
  const filter = terms?.filterOf(topic) ?? new EventFilter(config.sessionKinds);
  const hasher = hasherOf(consumer);
  return {
    consumer,
    topicName: name,
    isCompacted,
    databaseId: services.databaseId,
    encoder: makeEncoder(consumer, columns, registry, filter, config, services.knownKeys, days),
    direct: copiesDirectly(consumer) ? { statement: directCopy(landing), relation: landing.table } : undefined,
    hasher,
    stage,
    staged: {
      topicName: name,
      stage,
      strangers: strangersStatement(landing),
      wantOffsets: consumer.audit !== "none",
      sessionKinds: filter.kinds,
      insert: insertOf(consumer),
      hasher,
    },
    ...(breakers ?? openBreakers(config.letterShareMax)),
    auditTopicName,
    auditSchemaId: services.auditSchemaId,
    deadLettersTopicName: topicName(config.namespace, "dead-letters"),
    sessionGate: new SessionGate(services.questions, topicEnds, filter, services.clock),
    topicEnds,
    newestSchema: () => services.subjects.newest(name),
    parkDeadlineMs: config.parkDeadlineMs,
    publishes: terms === undefined,
    ends: terms && new Map(terms.rangesOf(topic).map(({ partition, high }) => [partition, high])),
  };
}

/** What a landing reads and writes beside the bookkeeping. */
const relationsOf = (landing: LandingTable): readonly string[] =>
  [...tablesOf(landing), ...landing.parents.map(({ table }) => table)].map((table) => `public.${table}`);

function insertOf({ landing, audit }: Consumer): StagedInsert {
  if (landing.chained) return insertChained;
  if (landing.repeats === "revised") return insertRevised;
  return typeof audit === "function" ? insertFirst : insertSifted;
}
