import type { Consumer } from "tradetape-kafkajs";
import type { Mark } from "../offsets.ts";

/**
 * Has Kafka keep a group's marks. kafkajs answers as if it had written them while its group is ending or starting again, so
 * only the event that it emits behind the broker's answer is believed.
 * @throws Error where they weren't written: older marks stay
 */
export async function keepMarks(consumer: Consumer, marks: readonly Mark[]): Promise<void> {
  const kept = new Set<string>();
  const forget = consumer.on(consumer.events.COMMIT_OFFSETS, ({ payload }) => {
    for (const { topic, partitions } of payload.topics)
      for (const { partition, offset } of partitions) kept.add(`${topic}/${partition}@${offset}`);
  });
  try {
    await consumer.commitOffsets(
      marks.map(({ topicName, partition, offset, note }) => ({
        topic: topicName,
        partition,
        offset: String(offset),
        metadata: note,
      })),
    );
  } finally {
    forget();
  }
  if (!marks.every(({ topicName, partition, offset }) => kept.has(`${topicName}/${partition}@${offset}`)))
    throw new Error("the group is ending or joining again: its marks weren't written");
}
