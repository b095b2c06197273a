import { describe, expect, it } from "vitest";
import { readConfig } from "../../../src/config.ts";
import { openLog } from "../../../src/log.ts";
import { KafkaClient, openKafka } from "../../../src/topic/kafkajs/open-kafka.ts";

const log = openLog({ logLevel: "silent" });

describe("openKafka", () => {
  it("asks for the brokers when none are set", () => {
    expect(() => openKafka(readConfig({}, {}), log)).toThrow(expect.objectContaining({ code: "config_invalid" }));
  });

  it("names the TLS file that can't be read", () => {
    const env = { KAFKA_BROKERS: "127.0.0.1:9", KAFKA_SSL_ENABLED: "true", KAFKA_SSL_CA_FILE: "/nowhere/ca.pem" };
    const fault = expect.objectContaining({
      code: "config_invalid",
      message: expect.stringMatching(/^KAFKA_SSL_CA_FILE/),
    });
    expect(() => openKafka(readConfig({}, env), log)).toThrow(fault);
  });

  it("opens with SASL and TLS, and connects to nothing by itself", () => {
    const env = {
      KAFKA_BROKERS: "127.0.0.1:9,127.0.0.1:10",
      KAFKA_SSL_ENABLED: "true",
      KAFKA_SASL_MECHANISM: "scram-sha-512",
      KAFKA_SASL_USERNAME: "me",
      KAFKA_SASL_PASSWORD: "s3cret",
    };
    expect(openKafka(readConfig({}, env), log)).toBeInstanceOf(KafkaClient);
  });
});
