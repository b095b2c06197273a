import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
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

  it.each([
    ["CA", "no certificate", "is no PEM file"],
    ["CERT", "", "is no PEM file"],
    ["KEY", "\u0030\u0082", "is no PEM file"],
    ["KEY", "-----BEGIN ENCRYPTED PRIVATE KEY-----\nMIIF", "is encrypted"],
    ["KEY", "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n", "is encrypted"],
  ])("names the TLS file that nobody can use: %s %j", (which, text, why) => {
    const folder = mkdtempSync(join(tmpdir(), "tradetape-pem-"));
    const files = Object.fromEntries(
      ["CA", "CERT", "KEY"].map((name) => {
        const path = join(folder, name);
        writeFileSync(path, name === which ? text : "-----BEGIN CERTIFICATE-----", { mode: 0o600 });
        return [`KAFKA_SSL_${name}_FILE`, path];
      }),
    );
    const config = readConfig({}, { KAFKA_BROKERS: "127.0.0.1:9", KAFKA_SSL_ENABLED: "true", ...files });
    const message = `KAFKA_SSL_${which}_FILE: ${join(folder, which)} ${why}`;
    expect(() => openKafka(config, log)).toThrow(expect.objectContaining({ code: "config_invalid", message }));
    rmSync(folder, { recursive: true });
  });

  it("names the key that others than its user can read", () => {
    const folder = mkdtempSync(join(tmpdir(), "tradetape-pem-"));
    const [cert, key] = ["cert", "key"].map((name) => join(folder, name)) as [string, string];
    for (const path of [cert, key]) writeFileSync(path, "-----BEGIN CERTIFICATE-----", { mode: 0o644 });
    const files = { KAFKA_SSL_CERT_FILE: cert, KAFKA_SSL_KEY_FILE: key };
    const config = readConfig({}, { KAFKA_BROKERS: "127.0.0.1:9", KAFKA_SSL_ENABLED: "true", ...files });
    const message = expect.stringMatching(/^KAFKA_SSL_KEY_FILE: .*key has mode 0644/);
    expect(() => openKafka(config, log)).toThrow(expect.objectContaining({ code: "config_invalid", message }));
    rmSync(folder, { recursive: true });
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
