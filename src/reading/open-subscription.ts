import { SYSTEM_CLOCK } from "../clock.ts";
import { type Config, requireServices } from "../config.ts";
import { TradetapeError } from "../errors.ts";
import { Admission } from "../event/admission.ts";
import { openRegistry } from "../event/registry.ts";
import { EVENT_TOPICS, type EventTopic } from "../event/schemas.ts";
import type { Log } from "../log.ts";
import { shortName } from "../topic/fetch/fetched-batch.ts";
import type { LogAdmin, LogClient } from "../topic/log-client.ts";
import type { LogPlace, TopicPartition } from "../topic/offsets.ts";
import { topicName } from "../topic/topics.ts";
import { GroupShare } from "./group-share.ts";
import { type Holding, WholeTopics } from "./holding.ts";
import { LogSubscription } from "./log-subscription.ts";
import { RecordJudge } from "./record-judge.ts";
import type { SubscribeFrom, SubscribeOptions, Subscription } from "./subscription.ts";
import { wantedBy } from "./wanted.ts";
import { type NamedTopic, placesFrom, requireFrom } from "./where-from.ts";

/** What a subscription is made with. */
export interface SubscribeServices {
  readonly config: Config;
  readonly log: Log;
  readonly client: LogClient;
  /** Called when the subscription has ended. */
  readonly onEnd: () => void;
}

/**
 * Subscribes to topics.
 * @throws TradetapeError input_invalid for topics or options that say nothing, topic_missing, broker_unreachable, acl_missing
 */
export async function openSubscription(
  services: SubscribeServices,
  topics: readonly EventTopic[],
  options: SubscribeOptions,
): Promise<Subscription> {
  const { config, log, client, onEnd } = services;
  const named = namedTopics(config.namespace, topics);
  const from = requireFrom(topics, options.from ?? (options.group === undefined ? "latest" : "beginning"));
  const isWanted = wantedBy(topics, options);
  const groupId = options.group === undefined ? undefined : groupIdOf(config.namespace, options.group);
  if (groupId === undefined && options.onRebalance !== undefined)
    throw wrongOption("onRebalance is told of a group's partitions", "Subscribe with a group.");
  const registry = openRegistry(requireServices(config, "schemaRegistryUrl"), new Admission(config, log));
  const judges = new Map(
    named.map((one) => [one.topicName, { ...one, judge: new RecordJudge(one.topic, registry, config) }]),
  );
  const admin = await client.openAdmin();
  const open = groupId === undefined ? wholeTopics : shareOf(groupId);
  const holding = await open({ services, admin, named, from, options }).catch(async (error: unknown) => {
    await admin.close();
    throw error;
  });
  return new LogSubscription({ config, log, admin, holding, judges, isWanted, onEnd });
}

const wrongOption = (what: string, next: string): TradetapeError => new TradetapeError("input_invalid", what, { next });

function namedTopics(namespace: string, topics: readonly EventTopic[]): NamedTopic[] {
  const wrong = topics.filter((topic, n) => !EVENT_TOPICS.includes(topic) || topics.indexOf(topic) !== n);
  if (topics.length > 0 && wrong.length === 0)
    return topics.map((topic) => ({ topic, topicName: topicName(namespace, topic) }));
  const what = topics.length === 0 ? "no topic" : `topic ${wrong.join(", ")}, which isn't there or is named twice`;
  throw wrongOption(`subscribe: ${what}`, `Name one or more of ${EVENT_TOPICS.join(", ")}.`);
}

function groupIdOf(namespace: string, group: string): string {
  if (/^[\w.-]{1,100}$/.test(group)) return `tradetape.subscribe.${namespace === "" ? group : `${namespace}.${group}`}`;
  const what = `group: ${JSON.stringify(group)} is no name of letters, digits, dots, hyphens and underscores`;
  throw wrongOption(what, "Write it like momentum-bot.");
}

interface Opening {
  readonly services: SubscribeServices;
  readonly admin: LogAdmin;
  readonly named: readonly NamedTopic[];
  readonly from: SubscribeFrom;
  readonly options: Pick<SubscribeOptions, "onRebalance">;
}

async function placesOf({ admin, named }: Opening, from: SubscribeFrom): Promise<LogPlace[]> {
  const places: LogPlace[] = [];
  for (const one of named) places.push(...(await placesFrom(admin, one, from)));
  return places;
}

const wholeTopics = async (opening: Opening): Promise<Holding> =>
  new WholeTopics(await placesOf(opening, opening.from), () => placesOf(opening, "beginning"), SYSTEM_CLOCK.every);

const shareOf =
  (groupId: string) =>
  async (opening: Opening): Promise<Holding> => {
    const { services, admin, named, from, options } = opening;
    const { client, config, log } = services;
    const topicNames = named.map((one) => one.topicName);
    const begin = await placesOf(opening, from);
    const member = client.member({ ...config, groupId, topicNames, assignment: "shared" });
    const shown = ({ topicName: name, partition }: TopicPartition) => ({
      topic: shortName(name) as EventTopic,
      partition,
    });
    return GroupShare.join({
      groupId,
      member,
      admin,
      log,
      begin,
      onRebalance: ({ gained, lost }) => options.onRebalance?.({ gained: gained.map(shown), lost: lost.map(shown) }),
    });
  };
