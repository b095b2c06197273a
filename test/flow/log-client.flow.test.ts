import { setTimeout as sleep } from "node:timers/promises";
import { inject } from "vitest";
import { readConfig } from "../../src/config.ts";
import { openLog } from "../../src/log.ts";
import { openKafka } from "../../src/topic/kafkajs/open-kafka.ts";
import { withAdmin } from "../../src/topic/log-client.ts";
import "../support/services/flow-setup.ts";
import { plainKafka } from "../support/services/plain-kafka.ts";
import type { LogBed } from "../topic/log-client-bed.ts";
import { describeLogClient } from "../topic/log-client-cases.ts";

const run = `log-client-${Date.now().toString(36)}`;
let topics = 0;

async function open(partitions: number): Promise<LogBed> {
  const config = readConfig({ kafkaBrokers: inject("stack").kafkaBrokers }, {});
  const client = openKafka(config, openLog({ logLevel: "silent" }));
  const topicName = `${run}-${topics++}`;
  await withAdmin(client, async (admin) => {
    await admin.createTopics([{ topicName, partitions, settings: {} }]);
    while (!(await admin.fetchTopics()).get(topicName)?.isReady);
  });
  return {
    client,
    topicName,
    groupId: `${topicName}-group`,
    abort: async (values) => {
      const end = async () => (await withAdmin(client, (admin) => admin.fetchOffsets(topicName)))[0]!.high;
      const before = await end();
      const options = { transactionalId: topicName, idempotent: true, maxInFlightRequests: 1 };
      const producer = plainKafka(config).producer(options);
      await producer.connect();
      const transaction = await producer.transaction();
      const messages = values.map((value) => ({ value, partition: 0 }));
      await transaction.send({ topic: topicName, messages });
      await transaction.abort();
      await producer.disconnect();
      // The broker writes the marker behind its answer.
      while ((await end()) < before + values.length + 1);
    },
    outstay: () => sleep(8000),
    close: async () => {},
  };
}

describeLogClient("kafkajs behind LogClient, on a real broker", open);
