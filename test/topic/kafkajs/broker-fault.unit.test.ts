import kafkajs from "tradetape-kafkajs";
import { describe, expect, it } from "vitest";
import { brokerFault } from "../../../src/topic/kafkajs/broker-fault.ts";

describe("brokerFault", () => {
  const { KafkaJSConnectionError, KafkaJSNumberOfRetriesExceeded } = kafkajs;

  it("tells the innermost reason, and that a retry may help", () => {
    const refused = new KafkaJSConnectionError("connect ECONNREFUSED 127.0.0.1:9");
    const given = new KafkaJSNumberOfRetriesExceeded(refused, { retryCount: 5, retryTime: 100 });
    expect(brokerFault(Object.assign(given, { cause: refused }))).toMatchObject({
      code: "broker_unreachable",
      message: "Kafka: connect ECONNREFUSED 127.0.0.1:9",
      canRetry: true,
      next: expect.stringContaining("KAFKA_BROKERS"),
    });
  });

  it("sends a refused login to the credentials, not to a retry", () => {
    const denied = Object.assign(new Error("denied"), { name: "KafkaJSSASLAuthenticationError", retriable: false });
    expect(brokerFault(denied)).toMatchObject({
      code: "broker_unreachable",
      canRetry: false,
      next: expect.stringContaining("KAFKA_SASL_USERNAME"),
    });
  });

  it("names the topic that an ACL doesn't admit, and says that no retry helps", () => {
    const refused = { name: "KafkaJSProtocolError", type: "TOPIC_AUTHORIZATION_FAILED" };
    const one = Object.assign(new Error("Not authorized"), refused);
    const several = Object.assign(new Error("Topic creation errors"), {
      name: "KafkaJSAggregateError",
      errors: [Object.assign(new Error("Not authorized"), refused, { topic: "paper.ticks" })],
    });
    const fault = { code: "broker_unreachable", canRetry: false, message: "Kafka: paper.ticks: Not authorized" };
    for (const given of [brokerFault(one, ["paper.ticks"]), brokerFault(several)]) {
      expect(given).toMatchObject({ ...fault, next: expect.stringContaining("rights") });
    }
  });

  it("waits for a group's coordinator, which kafkajs gives up after a few looks", () => {
    const gone = Object.assign(new Error("Failed to find group coordinator"), {
      name: "KafkaJSGroupCoordinatorNotFound",
      retriable: false,
    });
    expect(brokerFault(gone)).toMatchObject({ code: "broker_unreachable", canRetry: true });
    expect(brokerFault(Object.assign(gone, { name: "KafkaJSNonRetriableError" }))).toMatchObject({ canRetry: false });
  });

  it("lists each reason of an error about several topics", () => {
    const errors = [new Error("policy"), new Error("no rights")];
    const fault = Object.assign(new kafkajs.KafkaJSError("Topic creation errors"), { errors });
    expect(brokerFault(fault)).toMatchObject({ message: "Kafka: policy; no rights" });
  });

  it("leaves what isn't Kafka's alone", () => {
    const bug = new TypeError("ours");
    expect(brokerFault(bug)).toBe(bug);
    expect(brokerFault(undefined)).toBeUndefined();
  });
});
