import { describe, expect, it } from "vitest";
import { TradetapeError } from "../../../src/errors.ts";
import type { LogClient, PartitionBatch } from "../../../src/topic/log-client.ts";
import { RawPublisher } from "../../../src/topic/publish/raw-publish.ts";

/** A publisher whose requests are answered by `answer`; `sent` are the requests, as "topic partition:count ...". */
async function publisherOf(answer: (batches: readonly PartitionBatch[]) => ReadonlyMap<number, number>) {
  const sent: string[] = [];
  const producer = {
    produce: async (topicName: string, batches: readonly PartitionBatch[]) => {
      sent.push([topicName, ...batches.map(({ partition, records }) => `${partition}:${records.count}`)].join(" "));
      return answer(batches);
    },
    clockAheadMs: 0,
    close: async () => {},
  };
  const client: Pick<LogClient, "openProducer"> = { openProducer: async () => producer };
  return { publisher: await RawPublisher.open(client as LogClient), sent };
}

const message = (topicName: string, partition: number, bytes = 1) => ({
  topicName,
  partition,
  key: null,
  value: Buffer.alloc(bytes),
});
const ackAll = (batches: readonly PartitionBatch[]) => new Map(batches.map(({ partition }) => [partition, 40]));

describe("ready-made messages", () => {
  it("go in one request a topic, and tell the offsets that a partition's got", async () => {
    const { publisher, sent } = await publisherOf(ackAll);
    await publisher.publish([message("audit", 0), message("ticks", 3), message("audit", 0), message("ticks", 1)]);
    expect(sent).toEqual(["audit 0:2", "ticks 3:1 1:1"]);
    const offsets = await publisher.publishToPartition([message("audit", 0), message("audit", 0)]);
    expect(offsets).toEqual([40, 41]);
  });

  it("go again where a request's answer leaves their partition out, and those alone", async () => {
    let asked = 0;
    const { publisher, sent } = await publisherOf((batches) => {
      asked++;
      return ackAll(asked === 1 ? batches.slice(1) : asked === 2 ? [] : batches);
    });
    await publisher.publish([message("ticks", 0), message("ticks", 1), message("ticks", 0)]);
    expect(sent).toEqual(["ticks 0:2 1:1", "ticks 0:2", "ticks 0:2"]);
  });

  it("are cut into requests of bounded size, headers included", async () => {
    const { publisher, sent } = await publisherOf(ackAll);
    const large = { ...message("audit", 0, 600_000), headers: { h: [Buffer.alloc(300_000), "x"] } };
    await publisher.publish([large, large, message("audit", 0)]);
    expect(sent).toEqual(["audit 0:1", "audit 0:2"]);
  });

  it("that are refused are counted in the error", async () => {
    const { publisher } = await publisherOf(() => {
      throw new TradetapeError("broker_unreachable", "away", { canRetry: true });
    });
    const refused = publisher.publish([message("audit", 0), message("audit", 0)]);
    const expected = { code: "publish_refused", canRetry: true, message: "not acknowledged: 2 of audit: away" };
    await expect(refused).rejects.toMatchObject(expected);
  });
});
