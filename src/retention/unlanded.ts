import { setTimeout as sleep } from "node:timers/promises";
import { TradetapeError } from "../errors.ts";
import type { Connection } from "../table/connection.ts";
import { nextOffsets } from "../table/landing/landed.ts";
import { tickTopics } from "../table/upkeep/tick-days.ts";
import { fetchOffsets } from "../topic/offsets.ts";

type Admin = Parameters<typeof fetchOffsets>[0];

const POLL_MS = 250;

/**
 * Waits until this database has landed every tick that the log holds now. What hasn't landed when a day is dropped is
 * filtered afterwards, and nobody can say of a record that waits in the log which day it belongs to.
 * @param own the full name of this namespace's ticks; those of others that landed here count, too
 * @throws TradetapeError not_caught_up, canRetry, naming the partitions that are behind; topic_missing
 */
export async function requireTicksLanded(
  connection: Connection,
  admin: Admin,
  own: string,
  waitMs: number,
): Promise<void> {
  const there = new Set(await admin.listTopics());
  const topics = [...new Set([own, ...(await tickTopics(connection))])].filter(
    (topic) => topic === own || there.has(topic),
  );
  const ends = await Promise.all(
    topics.map(async (topic) => ({ topic, partitions: await fetchOffsets(admin, topic) })),
  );
  const deadline = performance.now() + waitMs;
  for (;;) {
    const behind: string[] = [];
    for (const { topic, partitions } of ends) {
      const landed = await nextOffsets(connection, topic);
      for (const { partition, low, high } of partitions) {
        const left = high - Math.max(low, landed.get(partition) ?? low);
        if (left > 0) behind.push(`${topic}/${partition} has ${left} that haven't landed`);
      }
    }
    if (behind.length === 0) return;
    if (performance.now() >= deadline) {
      throw new TradetapeError(
        "not_caught_up",
        `the log holds ticks that this database hasn't landed: ${behind.join(", ")}`,
        {
          canRetry: true,
          next: "Run `tradetape consume ticks --until-caught-up` first, or give running consumers more --wait.",
        },
      );
    }
    await sleep(POLL_MS);
  }
}
