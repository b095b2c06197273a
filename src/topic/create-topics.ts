import { SYSTEM_CLOCK } from "../clock.ts";
import type { Config } from "../config.ts";
import { TradetapeError } from "../errors.ts";
import { checkTopics, type TopicReport } from "./check-topics.ts";
import type { LogAdmin, NewTopic } from "./log-client.ts";
import { planTopics } from "./plan-topics.ts";

/**
 * Does what the plan says: creates the topics that are missing, as they are laid out, and waits until each partition has a
 * leader. Of a topic that exists one thing is changed: where it keeps its events for a shorter time than it should, it
 * keeps them longer, because programs that read it would be left without its beginning.
 * @throws TradetapeError as `planTopics`
 */
export async function createTopics(admin: LogAdmin, config: Config): Promise<TopicReport[]> {
  const created: NewTopic[] = [];
  const lengthened: string[] = [];
  for (const change of await planTopics(admin, config)) {
    const { name, action } = change;
    if (action === "create") {
      const { partitions, replicas, settings } = change;
      created.push({ topicName: name, partitions, replicas: replicas ?? undefined, settings });
    }
    if (action === "lengthen") {
      await admin.changeSettings(name, change.settings);
      lengthened.push(name);
    }
  }
  if (created.length > 0) await admin.createTopics(created);
  const names = created.map(({ topicName }) => topicName);
  await waitForLeaders(admin, names);
  const after = await checkTopics(admin, config);
  return after.map((report) => {
    if (report.state !== "good") return report;
    if (names.includes(report.name)) return { ...report, state: "created" };
    return lengthened.includes(report.name) ? { ...report, state: "lengthened" } : report;
  });
}

const LEADER_WAIT_MS = 30_000;
const LEADER_POLL_MS = 50;

/** Nothing is asked where there is nothing to wait for. */
async function waitForLeaders(admin: LogAdmin, names: readonly string[]): Promise<void> {
  if (names.length === 0) return;
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
