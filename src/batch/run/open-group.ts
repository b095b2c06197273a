import { processTag } from "../../table/login/login.ts";
import { seeLogs } from "../../topic/log-history.ts";
import type { Consumer } from "../consumer.ts";
import { Group } from "../group/group.ts";
import type { LandingPlan } from "../land/landing-plan.ts";
import { checkTopic } from "./check-topic.ts";
import type { LandingServices } from "./landing-services.ts";
import { type GroupOptions, makeLandingPlan } from "./make-landing-plan.ts";

/** The group by which this database's processes land a topic. */
export const liveGroupId = (topicName: string, databaseId: string): string => `tradetape.${topicName}.${databaseId}`;

/**
 * A replay's group is a new one with each process, because Kafka would keep the partitions for a member that was killed
 * until its session times out. The group writes no offsets, so nothing of it is left when its last member is gone.
 */
const groupIdOf = ({ topicName, publishes }: LandingPlan, databaseId: string): string =>
  publishes ? liveGroupId(topicName, databaseId) : `tradetape.replay.${topicName}.${databaseId}.${processTag}`;

/**
 * Makes one consumer group, ready to start. Two databases never share a group: its id holds the database's; nor do a
 * replay and the live landing.
 */
export async function openGroup(
  services: LandingServices,
  consumer: Consumer,
  options: GroupOptions = {},
): Promise<Group> {
  const { config, log, clock, sessions, client, admin, registry, publisher, sign, beats } = services;
  const { topic } = consumer;
  const { terms } = options;
  const plan = await makeLandingPlan(services, consumer, options);
  const isWide = terms !== undefined || consumer.connections === "several";
  const landing = sessions.landing.share(isWide ? config.landingConnections : 1);
  const member = client.member({
    groupId: groupIdOf(plan, services.databaseId),
    topicNames: [plan.topicName],
    assignment: "shared",
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
    sign,
    landing,
    // A share of its own where there are large batches: one of them may keep the others busy for seconds.
    together: isWide ? sessions.landing.share(1) : landing,
    days: sessions.days,
    landings: services.landings,
    outbox: sessions.outbox,
    watch: sessions.watch,
    pace: terms?.pace,
    meter: services.meter,
    note: () => beats.note,
    checkTopic: () => checkTopic(services, consumer),
    logOf: async (partition) => {
      const offsets = await admin.fetchOffsets(plan.topicName);
      const found = offsets.find((candidate) => candidate.partition === partition);
      if (!found) throw new Error(`${plan.topicName}/${partition} was assigned, and the cluster doesn't list it`);
      const { clusterId } = await admin.fetchCluster();
      const topicId = await admin.fetchTopicId(plan.topicName);
      return { log: terms?.within(topic, found) ?? found, clusterId, topicId };
    },
    logsOf: async (landed) => {
      const seen = (await seeLogs(admin, plan.topicName, landed)).filter(({ log: { partition } }) =>
        landed.has(partition),
      );
      return new Map(seen.map((one) => [one.log.partition, { ...one, log: terms?.within(topic, one.log) ?? one.log }]));
    },
    epochEndOf: async (partition, epoch) =>
      (await admin.fetchEpochEnds(plan.topicName, new Map([[partition, epoch]]))).get(partition),
  });
}
