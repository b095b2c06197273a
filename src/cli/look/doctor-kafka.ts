import { CONSUMERS } from "../../../consumers/all.ts";
import { liveGroupId } from "../../batch/run/open-group.ts";
import { type Config, requireServices } from "../../config.ts";
import { EVENT_TOPICS } from "../../event/schemas.ts";
import type { LogAdmin, Right, Rights, SpokenVersions } from "../../topic/log-client.ts";
import { type TopicName, topicName } from "../../topic/topics.ts";
import type { Diagnosis } from "./diagnosis.ts";

/** Requests by whose versions a broker's age is known: Kafka's numbers, what is spoken here, and what Kafka 2.1 began with. */
const JUDGED = [
  { api: 0, name: "Produce", spoken: 7, since21: 7 },
  { api: 1, name: "Fetch", spoken: 11, since21: 10 },
  { api: 3, name: "Metadata", spoken: 6, since21: 7 },
] as const;

/** Whether all brokers are as old and as new as tradetape speaks to, which the versions of their requests say. */
export function kafkaVersionFinding(spoken: SpokenVersions): Diagnosis {
  const about = "kafka";
  const next = "Use Kafka 2.1 to 4.4.";
  for (const { api, name, spoken: ours, since21 } of JUDGED) {
    const { least, most } = spoken.get(api) ?? { least: 0, most: -1 };
    if (most < since21) {
      const says = `a broker is older than Kafka 2.1: it takes ${name} up to version ${most}, and 2.1 began with ${since21}`;
      return { about, severity: "wrong", says, next };
    }
    if (least > ours) {
      const says = `a broker is newer than tradetape knows: it takes ${name} from version ${least} on, ${ours} is spoken here`;
      return { about, severity: "wrong", says, next };
    }
  }
  const told = JUDGED.map(({ api, name }) => `${name} ${spoken.get(api)!.least} to ${spoken.get(api)!.most}`);
  return { about, severity: "told", says: `the brokers are Kafka 2.1 or later: they take ${told.join(", ")}` };
}

/** What this user may write and which groups he may join, as the brokers say. @param databaseId undefined: groups aren't known */
export async function rightsFindings(
  admin: LogAdmin,
  config: Config,
  databaseId: string | undefined,
): Promise<readonly Diagnosis[]> {
  const nameOf = (topic: TopicName) => topicName(config.namespace, topic);
  const groupIds = databaseId === undefined ? [] : CONSUMERS.map(({ topic }) => liveGroupId(nameOf(topic), databaseId));
  const own = (["audit", "dead-letters"] as const).map(nameOf);
  const events = EVENT_TOPICS.filter((topic) => topic !== "audit").map(nameOf);
  const rights = await admin.fetchRights({ topicNames: [...events, ...own], groupIds });
  if (rights === undefined)
    return [told("brokers before Kafka 2.3 don't say what this user may write and which groups it may join")];
  const way = wayOf(config);
  return [...publishing(rights, events, way), ...landing(rights, groupIds, own, way)];
}

const told = (says: string, next?: string): Diagnosis => ({
  about: "rights",
  severity: "told",
  says,
  ...(next === undefined ? {} : { next }),
});

/** Who publishes has WRITE on topics of events; on a part of them alone it may be meant. */
function publishing({ topics }: Rights, events: readonly string[], way: Way): Diagnosis[] {
  const there = events.filter((name) => topics.has(name));
  const lacking = there.filter((name) => !topics.get(name)!.has("WRITE"));
  const next = way("WRITE", lacking.map((name) => `--topic ${name}`).join(" "));
  if (there.length === 0) return [];
  if (lacking.length === there.length) return [told("Kafka lets this user WRITE to no topic of events", next)];
  if (lacking.length === 0)
    return [{ about: "rights", severity: "good", says: "Kafka lets this user WRITE to the topics of events" }];
  const says = `Kafka doesn't give this user WRITE on ${lacking.join(", ")}: it publishes no such events`;
  return [{ about: "rights", severity: "doubtful", code: "acl_missing", says, next }];
}

/** Who lands joins groups and publishes letters: who has a part of these rights and lacks another lands nothing. */
function landing(
  { topics, groups }: Rights,
  groupIds: readonly string[],
  own: readonly string[],
  way: Way,
): Diagnosis[] {
  const barred = groupIds.filter((id) => !groups.get(id)!.has("READ"));
  const mute = own.filter((name) => topics.has(name) && !topics.get(name)!.has("WRITE"));
  const lands = barred.length < groupIds.length || topics.get(own.at(-1)!)?.has("WRITE");
  const join = way("READ", "--group tradetape. --resource-pattern-type prefixed");
  if (!lands) return [told("Kafka lets this user join no consumer group of this database, so it lands nothing", join)];
  const lacks: Diagnosis[] = [];
  if (barred.length > 0) {
    const says = `Kafka doesn't give this user READ on group ${barred.join(", ")}: \`tradetape consume\` can't join`;
    lacks.push({ about: "rights", severity: "wrong", code: "acl_missing", says, next: join });
  }
  if (mute.length > 0) {
    const says = `Kafka doesn't give this user WRITE on ${mute.join(", ")}: what landing has to tell there waits in the outbox`;
    const next = way("WRITE", mute.map((name) => `--topic ${name}`).join(" "));
    lacks.push({ about: "rights", severity: "wrong", code: "acl_missing", says, next });
  }
  if (lacks.length > 0 || groupIds.length === 0) return lacks;
  return [
    { about: "rights", severity: "good", says: "Kafka lets this user land: join each group, WRITE its own topics" },
  ];
}

/** What gives a right, as a command. */
type Way = (right: Right, on: string) => string;

function wayOf(config: Config): Way {
  const brokers = requireServices(config, "kafkaBrokers").kafkaBrokers.join(",");
  const asksForMore = config.kafkaSsl || config.kafkaSaslMechanism !== undefined;
  const more = asksForMore ? ", with --command-config and a file that has TLS and login of who may give rights" : "";
  const user = config.kafkaSaslUsername ?? "NAME";
  return (right, on) =>
    `Run Kafka's own \`kafka-acls.sh --bootstrap-server ${brokers} --add --allow-principal User:${user} ` +
    `--operation ${right} ${on}\`${more}.`;
}
