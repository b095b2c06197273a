import { expect, it } from "vitest";
import { withAdmin } from "../../src/topic/log-client.ts";
import { type join, type LogBed, produce, text } from "./log-client-bed.ts";

/** Makes beds and members of a case, and cleans up behind it. */
interface Hands {
  bedOf(partitions: number): Promise<LogBed>;
  joined(...given: Parameters<typeof join>): ReturnType<typeof join>;
}

/** What tells a log from another one. */
export function historyCases({ bedOf, joined }: Hands): void {
  it("tells a topic's id, which is its own and stays", async () => {
    const [bed, other] = [await bedOf(2), await bedOf(1)];
    const idOf = ({ client, topicName }: LogBed) => withAdmin(client, (admin) => admin.fetchTopicId(topicName));
    const id = await idOf(bed);
    expect(id).toMatch(/.{10,}/);
    await produce(bed, { 1: [text("a")] });
    expect([await idOf(bed), (await idOf(other)) === id]).toEqual([id, false]);
    const nowhere = withAdmin(bed.client, (admin) => admin.fetchTopicId(`${bed.topicName}-nowhere`));
    await expect(nowhere).rejects.toMatchObject({ code: "topic_missing" });
  });

  it("tells where a leader's part of a log ends, and nothing of a leader that there wasn't yet", async () => {
    const bed = await bedOf(2);
    await produce(bed, { 0: [text("a"), text("b"), text("c")] });
    await withAdmin(bed.client, async (admin) => {
      const ends = (epochs: [number, number][]) => admin.fetchEpochEnds(bed.topicName, new Map(epochs));
      expect(
        await ends([
          [0, 0],
          [1, 0],
        ]),
      ).toEqual(
        new Map([
          [0, { epoch: 0, end: 3 }],
          [1, { epoch: 0, end: 0 }],
        ]),
      );
      expect(await ends([[0, 7]])).toEqual(new Map());
      expect(await ends([])).toEqual(new Map());
    });
  });

  it("brings with each batch the epoch of the leader that took it", async () => {
    const bed = await bedOf(1);
    await produce(bed, { 0: [text("a"), text("b")] });
    const { batches, texts } = await joined(bed);
    await expect.poll(() => texts.length).toBe(2);
    expect(batches.map((batch) => batch.leaderEpochAt(batch.fetchedOffset))).toEqual(batches.map(() => 0));
  });
}
