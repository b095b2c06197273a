import { describe, expect, it } from "vitest";
import { unacked } from "../../../src/topic/publish/raw-publish.ts";

const message = (partition: number) => ({ partition, value: Buffer.from(`p${partition}`) });

describe("what a request's answers leave out", () => {
  const request = [
    { topic: "audit", messages: [message(0), message(1), message(0)] },
    { topic: "dead-letters", messages: [message(0)] },
  ];
  const ack = (topicName: string, partition: number) => ({ topicName, partition });

  it("is nothing when every partition has answered", () => {
    expect(unacked(request, [ack("audit", 1), ack("audit", 0), ack("dead-letters", 0)])).toEqual([]);
  });

  it("is what went to a partition that hasn't, in its order", () => {
    expect(unacked(request, [ack("audit", 1)])).toEqual([
      { topic: "audit", messages: [message(0), message(0)] },
      { topic: "dead-letters", messages: [message(0)] },
    ]);
  });
});
