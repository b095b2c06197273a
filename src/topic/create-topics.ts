import { SYSTEM_CLOCK } from "../clock.ts";
import type { Config } from "../config.ts";
import { TradetapeError } from "../errors.ts";
import { checkTopics, type TopicReport } from "./check-topics.ts";
import type { LogAdmin } from "./log-client.ts";
import { demandsOn, isTooShort, settingsOfNew } from "./topic-settings.ts";
import { TOPIC_NAMES, TOPICS, topicName } from "./topics.ts";

/**
 * Creates the topics that are missing, with the broker's default replication, and waits until each partition has a
 * leader. Of a topic that exists one thing is changed: where it keeps its events for a shorter time than it should, it
 * keeps them longer, because programs that read it would be left without its beginning.
 */
export async function createTopics(admin: LogAdmin, config: Config): Promise<TopicReport[]> {
  const before = await checkTopics(admin, config);
  const missing = before.filter((report) => report.state === "missing");
  if (missing.length > 0) {
    await admin.createTopics(
      missing.map(({ topic, name }) => ({
        topicName: name,
        partitions: TOPICS[topic].partitions,
        settings: settingsOfNew(topic, config),
      })),
    );
    await waitForLeaders(
      admin,
      missing.map(({ name }) => name),
    );
  }
  const lengthened = await lengthen(admin, config);
  if (missing.length === 0 && lengthened.length === 0) return before;
  const after = await checkTopics(admin, config);
  return after.map((report) => {
    if (report.state !== "good") return report;
    if (missing.some(({ name }) => name === report.name)) return { ...report, state: "created" };
    return lengthened.includes(report.name) ? { ...report, state: "lengthened" } : report;
  });
}

/** @returns the names of the topics whose events are kept longer now */
async function lengthen(admin: LogAdmin, config: Config): Promise<string[]> {
  const names = TOPIC_NAMES.map((topic) => topicName(config.namespace, topic));
  const settings = await admin.fetchSettings(names);
  const lengthened: string[] = [];
  for (const [n, topic] of TOPIC_NAMES.entries()) {
    const name = names[n]!;
    const actual = settings.get(name);
    const short = actual === undefined ? [] : demandsOn(topic, config).filter((demand) => isTooShort(demand, actual));
    if (short.length === 0) continue;
    await admin.changeSettings(name, Object.fromEntries(short.map(({ setting, value }) => [setting, value])));
    lengthened.push(name);
  }
  return lengthened;
}

const LEADER_WAIT_MS = 30_000;
const LEADER_POLL_MS = 50;

async function waitForLeaders(admin: LogAdmin, names: readonly string[]): Promise<void> {
  const deadline = performance.now() + LEADER_WAIT_MS;
  for (;;) {
    const found = await admin.fetchTopics();
    const unready = names.filter((name) => !found.get(name)?.isReady);
    if (unready.length === 0) return;
    if (performance.now() > deadline) {
      const message = `no leader within ${LEADER_WAIT_MS / 1000} s for ${unready.join(", ")}`;
      throw new TradetapeError("broker_unreachable", message, { canRetry: true, next: "Look at the brokers' logs." });
    }
    await SYSTEM_CLOCK.sleep(LEADER_POLL_MS);
  }
}
