import { randomUUID } from "node:crypto";
import type { IHeaders } from "kafkajs";
import { type Config, readConfig } from "../../../src/config.ts";
import { openLog } from "../../../src/log.ts";
import { openKafka } from "../../../src/topic/kafkajs/open-kafka.ts";
import { withAdmin } from "../../../src/topic/log-client.ts";
import { plainKafka } from "./plain-kafka.ts";

export interface LoggedMessage {
  readonly partition: number;
  readonly offset: number;
  readonly key: string | null;
  readonly value: Buffer | null;
  readonly headers: IHeaders;
}

/** Everything that a topic's log holds now, by partition and offset, read by a group of its own. */
export async function readLog(config: Pick<Config, "kafkaBrokers">, topicName: string): Promise<LoggedMessage[]> {
  // By our own client: kafkajs as it comes gives up where a topic that was just made has no leader yet.
  const client = openKafka(
    readConfig({ kafkaBrokers: config.kafkaBrokers!.join(",") }, {}),
    openLog({ logLevel: "silent" }),
  );
  const offsets = await withAdmin(client, (admin) => admin.fetchOffsets(topicName));
  const filled = offsets.filter(({ low, high }) => high > low);
  let open = new Map<number, number>();
  let read: LoggedMessage[] = [];
  const begin = () => {
    open = new Map(filled.map(({ partition, high }) => [partition, high]));
    read = [];
  };
  begin();
  if (open.size === 0) return read;
  const consumer = plainKafka(config).consumer({ groupId: `test-${randomUUID()}`, maxWaitTimeInMs: 100 });
  const { promise: done, resolve, reject } = Promise.withResolvers<void>();
  consumer.on(consumer.events.CRASH, ({ payload }) => {
    // A broker that has just started crashes kafkajs's first join; it starts again by itself, from the beginning.
    if (payload.restart) begin();
    else reject(payload.error);
  });
  try {
    await consumer.connect();
    await consumer.subscribe({ topic: topicName, fromBeginning: true });
    await consumer.run({
      autoCommit: false,
      eachBatch: async ({ batch }) => {
        for (const { offset, key, value, headers } of batch.messages) {
          read.push({
            partition: batch.partition,
            offset: Number(offset),
            key: key?.toString() ?? null,
            value,
            headers: headers ?? {},
          });
        }
        if (Number(batch.lastOffset()) + 1 >= open.get(batch.partition)!) open.delete(batch.partition);
        if (open.size === 0) resolve();
      },
    });
    await done;
  } finally {
    await consumer.disconnect();
  }
  return read.sort((a, b) => a.partition - b.partition || a.offset - b.offset);
}
