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
      code: "login_refused",
      canRetry: false,
      next: expect.stringContaining("KAFKA_SASL_USERNAME"),
    });
  });

  it.each([
    ["TOPIC", { right: "READ", topicNames: ["paper.ticks"] }, "READ on topic paper.ticks"],
    ["TOPIC", { right: "DESCRIBE_CONFIGS", topicNames: ["a", "b"] }, "DESCRIBE_CONFIGS on topic a, b"],
    ["GROUP", { right: "READ", topicNames: ["paper.ticks"], groupId: "g" }, "READ on group g"],
    ["CLUSTER", { right: "DESCRIBE" }, "DESCRIBE on cluster"],
  ])("names the right that an ACL doesn't give, and says that no retry helps: %s, %j", (kind, asked, says) => {
    const refused = { name: "KafkaJSProtocolError", type: `${kind}_AUTHORIZATION_FAILED` };
    expect(brokerFault(Object.assign(new Error("Not authorized"), refused), asked)).toMatchObject({
      code: "acl_missing",
      canRetry: false,
      message: `Kafka doesn't give the user ${says}`,
      next: expect.stringContaining(`--operation ${asked.right}`),
    });
  });

  it("names of the topics of a program those that it may not read, where the answer says which", () => {
    const refused = { name: "KafkaJSProtocolError", type: "TOPIC_AUTHORIZATION_FAILED", topics: ["paper.bars"] };
    const asked = { right: "READ", topicNames: ["paper.ticks", "paper.bars"], groupId: "g" };
    const message = "Kafka doesn't give the user READ on topic paper.bars";
    expect(brokerFault(Object.assign(new Error("no"), refused), asked)).toMatchObject({ code: "acl_missing", message });
  });

  it("names each topic that isn't made for want of a right", () => {
    const refused = { name: "KafkaJSCreateTopicError", type: "TOPIC_AUTHORIZATION_FAILED" };
    const errors = ["paper.ticks", "paper.bars"].map((topic) => Object.assign(new Error("no"), refused, { topic }));
    const all = Object.assign(new Error("Topic creation errors"), { name: "KafkaJSAggregateError", errors });
    const message = "Kafka doesn't give the user CREATE on topic paper.ticks, paper.bars";
    expect(brokerFault(all)).toMatchObject({ code: "acl_missing", message });
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
