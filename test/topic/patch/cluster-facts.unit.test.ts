import { expect, it } from "vitest";
import { fetchClusterFacts } from "../../../src/topic/patch/ask/cluster-facts.ts";
import type { Cluster } from "../../../src/topic/patch/brokers.ts";
import { kafkajsInternals, type RequestEncoder } from "../../../src/topic/patch/kafkajs-internals.ts";

interface Call {
  readonly request: { readonly apiKey: number; readonly apiVersion: number; encode(): Promise<RequestEncoder> };
  readonly response: { decode(payload: Buffer): Promise<unknown> };
}

it("a cluster's facts are asked for without its topics, and read past brokers with a rack and without", async () => {
  const internals = kafkajsInternals();
  const answer = new internals.Encoder().writeInt32(2);
  answer.writeInt32(1).writeString("first.example").writeInt32(9092).writeString("rack");
  answer.writeInt32(7).writeString("second.example").writeInt32(9092).writeString(null);
  answer.writeString("cluster").writeInt32(7).writeInt32(0);
  const asked: unknown[] = [];
  const send = async ({ request, response }: Call) => {
    asked.push([request.apiKey, request.apiVersion, (await request.encode()).buffer.toString("hex")]);
    return response.decode(answer.buffer);
  };
  const broker = { connectionPool: { send }, versions: null };
  const cluster = { brokerPool: { findConnectedBroker: async () => broker } } as unknown as Cluster;
  expect(await fetchClusterFacts(cluster, internals)).toEqual({ clusterId: "cluster", brokers: 2 });
  // A list of none; one that is null would be all of them.
  expect(asked).toEqual([[3, 2, "00000000"]]);
});
