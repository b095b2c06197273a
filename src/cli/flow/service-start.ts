import { Patience, retryIfItHelps } from "../../batch/patience.ts";
import { requireServices } from "../../config.ts";
import { openRegistry } from "../../event/registry.ts";
import type { Program } from "../../stream/program.ts";
import { checkTopics, requireGoodTopics } from "../../topic/check-topics.ts";
import { openKafka } from "../../topic/kafkajs/open-kafka.ts";
import { withAdmin } from "../../topic/log-client.ts";
import { type TopicName, topicName } from "../../topic/topics.ts";
import { connectTape } from "../../tradetape/connect-tape.ts";
import type { Tape } from "../../tradetape/tape.ts";
import { answering } from "../answering.ts";
import type { Session } from "../command.ts";

/**
 * Opens what a command that runs as a service needs.
 * @param waits whether a part that is away is waited for, with a line in the log now and then
 * @returns undefined when the signal came first
 */
export async function openForService<T>(
  { log, signal }: Pick<Session, "log" | "signal">,
  waits: boolean,
  open: () => Promise<T>,
): Promise<T | undefined> {
  if (!waits) return open();
  try {
    return await new Patience(log, signal).insist("starting", open, retryIfItHelps);
  } catch (error) {
    if (signal.aborted) return undefined;
    throw error;
  }
}

/**
 * Connects, and asks brokers and registry for all that these programs need of them, so that what is away, or forgets its events,
 * is found before one of them begins: they would be without what they rest on.
 */
export async function connectForPrograms(
  { config, log, served }: Pick<Session, "config" | "log" | "served">,
  programs: readonly Program[],
): Promise<Tape> {
  const registry = openRegistry(requireServices(config, "kafkaBrokers", "schemaRegistryUrl"));
  const written = new Set(programs.flatMap(({ publishes }) => publishes));
  const topics = new Set<TopicName>([...programs.flatMap(({ reads }) => reads), ...written, "snapshots"]);
  requireGoodTopics(await withAdmin(openKafka(config, log), (admin) => checkTopics(admin, config, [...topics])));
  for (const topic of written) await registry.register(topicName(config.namespace, topic), topic);
  const tape = await connectTape(config, log, undefined, served?.meters.sent);
  const status = async () => ({ programs: programs.map(({ name }) => name) });
  served?.began({ faults: () => [], services: { broker: answering(config, log).broker }, status });
  return tape;
}
