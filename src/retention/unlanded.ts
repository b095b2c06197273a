import { SYSTEM_CLOCK } from "../clock.ts";
import { count, TradetapeError } from "../errors.ts";
import type { EventTopic } from "../event/schemas.ts";
import type { Connection } from "../table/connection.ts";
import { nextOffsets } from "../table/landing/landed.ts";
import { landedNames } from "../table/upkeep/day-partitions.ts";
import type { LogAdmin } from "../topic/log-client.ts";
import { topicName } from "../topic/topics.ts";

const POLL_MS = 250;

/**
 * Waits until this database has landed every event of a topic that the log holds now. What hasn't landed when a day is
 * dropped is filtered afterwards, and nobody can say of a record that waits in the log which day it belongs to.
 * @param from the topic, and the namespace whose log has to be there; those of others that landed here count, too
 * @throws TradetapeError not_caught_up, canRetry, naming the partitions that are behind; topic_missing
 */
export async function requireLanded(
  connection: Connection,
  admin: LogAdmin,
  from: { readonly topic: EventTopic; readonly namespace: string },
  waitMs: number,
): Promise<void> {
  const there = await admin.fetchTopics();
  const own = topicName(from.namespace, from.topic);
  const topics = [...new Set([own, ...(await landedNames(connection, from.topic))])].filter(
    (topic) => topic === own || there.has(topic),
  );
  const ends = await Promise.all(topics.map(async (topic) => ({ topic, partitions: await admin.fetchOffsets(topic) })));
  const deadline = performance.now() + waitMs;
  for (;;) {
    const behind: string[] = [];
    for (const { topic, partitions } of ends) {
      const landed = await nextOffsets(connection, topic);
      for (const { partition, low, high } of partitions) {
        const left = high - Math.max(low, landed.get(partition) ?? low);
        if (left > 0) behind.push(`${topic}/${partition} has ${count(left)} that haven't landed`);
      }
    }
    if (behind.length === 0) return;
    if (performance.now() >= deadline) {
      throw new TradetapeError(
        "not_caught_up",
        `the log holds ${from.topic} that this database hasn't landed: ${behind.join(", ")}`,
        {
          canRetry: true,
          next: `Run \`tradetape consume ${from.topic} --until-caught-up\` first, or give running consumers more --wait.`,
        },
      );
    }
    await SYSTEM_CLOCK.sleep(POLL_MS);
  }
}
