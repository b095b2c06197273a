import { describe, expect, it } from "vitest";
import type { Internals } from "../../../src/topic/patch/kafkajs-internals.ts";
import { leaveLostCoordinators } from "../../../src/topic/patch/lost-coordinator.ts";

/** What a heartbeat comes to whose broker answers with this error. */
async function beaten(fault: Error | undefined): Promise<unknown> {
  class ConsumerGroup {
    readonly fault = fault;
    async heartbeat(): Promise<void> {
      if (this.fault !== undefined) throw this.fault;
    }
  }
  leaveLostCoordinators({ ConsumerGroup } as unknown as Internals);
  return new ConsumerGroup().heartbeat().catch((error: unknown) => error);
}

const named = (name: string) => Object.assign(new Error("away"), { name });

describe("a heartbeat", () => {
  it.each(["KafkaJSConnectionError", "KafkaJSConnectionClosedError", "KafkaJSRequestTimeoutError"])(
    "that ends with %s has the member look for another coordinator",
    async (name) => {
      // By this type kafkajs joins again, and as the member that it was.
      expect(await beaten(named(name))).toMatchObject({ type: "NOT_COORDINATOR_FOR_GROUP", message: "away" });
    },
  );

  it("that the coordinator answers stays as it is", async () => {
    const forgotten = Object.assign(named("KafkaJSProtocolError"), { type: "UNKNOWN_MEMBER_ID" });
    expect(await beaten(forgotten)).toBe(forgotten);
    expect(await beaten(undefined)).toBeUndefined();
  });
});
