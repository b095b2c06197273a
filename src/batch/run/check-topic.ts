import { gatesSessions } from "../../table/rows/landing-table.ts";
import { checkTopics, requireGoodTopics, type TopicReport } from "../../topic/check-topics.ts";
import type { TopicName } from "../../topic/topics.ts";
import type { Consumer } from "../consumer.ts";
import type { LandingServices } from "./landing-services.ts";

/**
 * Looks whether a consumer's topic is as landing relies on. Of the topics that its landing publishes to or asks about it
 * looks only whether they are there: how they are set is a matter of their own consumers.
 * @throws TradetapeError topic_missing, topic_misconfigured, broker_unreachable
 */
export async function checkTopic(
  { admin, config }: Pick<LandingServices, "admin" | "config">,
  { topic, landing }: Consumer,
): Promise<TopicReport> {
  const waitsFor = [
    ...landing.parents.map((parent) => parent.topic),
    ...(gatesSessions(landing) ? ["sessions" as const] : []),
  ];
  const topics = new Set<TopicName>([topic, ...waitsFor, "audit", "dead-letters"]);
  const [own, ...rest] = await checkTopics(admin, config, [...topics]);
  requireGoodTopics([own!, ...rest.filter(({ state }) => state === "missing")]);
  return own!;
}
