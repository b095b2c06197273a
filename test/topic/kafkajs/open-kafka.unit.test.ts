import { chmodSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { ISocketFactoryArgs } from "tradetape-kafkajs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Config, readConfig } from "../../../src/config.ts";
import { openLog } from "../../../src/log.ts";
import { KafkaClient, openKafka, openWatched } from "../../../src/topic/kafkajs/open-kafka.ts";
import { outagesOf } from "../../../src/topic/kafkajs/outages.ts";
import { type Authority, newAuthority, type Pair } from "../../support/services/certificates.ts";

const log = openLog({ logLevel: "silent" });

describe("openKafka", () => {
  it("asks for the brokers when none are set", () => {
    expect(() => openKafka(readConfig({}, {}), log)).toThrow(expect.objectContaining({ code: "config_invalid" }));
  });

  it("names the TLS file that can't be read", () => {
    const env = { KAFKA_BROKERS: "127.0.0.1:9", KAFKA_SSL_ENABLED: "true", KAFKA_SSL_CA_FILE: "/nowhere/ca.pem" };
    const fault = expect.objectContaining({
      code: "file_unusable",
      message: expect.stringMatching(/^KAFKA_SSL_CA_FILE/),
    });
    expect(() => openKafka(readConfig({}, env), log)).toThrow(fault);
  });

  describe("with TLS files", () => {
    let ours: Authority;
    let pair: Pair;
    beforeAll(() => {
      ours = newAuthority();
      pair = ours.issue("client", "DNS:client");
    });
    afterAll(() => ours.remove());

    const open = (files: Readonly<Record<string, string>>) => {
      const all = { CA: ours.cert, CERT: pair.cert, KEY: pair.key, ...files };
      const env = Object.fromEntries(Object.entries(all).map(([name, path]) => [`KAFKA_SSL_${name}_FILE`, path]));
      return openKafka(readConfig({}, { KAFKA_BROKERS: "127.0.0.1:9", KAFKA_SSL_ENABLED: "true", ...env }), log);
    };

    it.each([
      ["CA", "no certificate", "is no PEM file of a certificate"],
      ["CA", "-----BEGIN CERTIFICATE-----\nMIIF\n-----END CERTIFICATE-----", "has a certificate that can't be read"],
      ["CERT", "", "is no PEM file of a certificate"],
      ["KEY", "\u0030\u0082", "is no PEM file"],
      ["KEY", "-----BEGIN PRIVATE KEY-----\nMIIF\n-----END PRIVATE KEY-----", "has no private key that can be read"],
      ["KEY", "-----BEGIN ENCRYPTED PRIVATE KEY-----\nMIIF", "is encrypted"],
      ["KEY", "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n", "is encrypted"],
    ])("names the one that nobody can use: %s %j", (which, text, why) => {
      const path = join(ours.folder, "of-no-use");
      writeFileSync(path, text, { mode: 0o600 });
      const message = `KAFKA_SSL_${which}_FILE: ${path} ${why}`;
      expect(() => open({ [which]: path })).toThrow(expect.objectContaining({ code: "file_unusable", message }));
    });

    it("names the key that others than its user can read", () => {
      const { key } = ours.issue("open", "DNS:open");
      chmodSync(key, 0o644);
      const message = expect.stringMatching(/^KAFKA_SSL_KEY_FILE: .*key has mode 0644/);
      expect(() => open({ KEY: key })).toThrow(expect.objectContaining({ code: "file_unusable", message }));
    });

    it("refuses a key that isn't the certificate's, and opens with one that is", () => {
      const { key } = ours.issue("other", "DNS:other");
      expect(() => open({ KEY: key })).toThrow(/^KAFKA_SSL_KEY_FILE: is not the key of the certificate$/);
      expect(open({})).toBeInstanceOf(KafkaClient);
    });
  });

  it("sends no login in clear to a broker elsewhere that the cluster names: the socket isn't opened", () => {
    const env = {
      KAFKA_BROKERS: "127.0.0.1:9",
      KAFKA_SASL_MECHANISM: "plain",
      KAFKA_SASL_USERNAME: "me",
      KAFKA_SASL_PASSWORD: "s3cret",
    };
    const args = { host: "broker.example", port: 9, onConnect: () => undefined } as unknown as ISocketFactoryArgs;
    const open = (config: Config) => openWatched(config, outagesOf(log), args);
    expect(() => open(readConfig({}, env))).toThrow(/to broker\.example in clear\. .*--allow-plaintext/);
    const socket = open(readConfig({ allowPlaintext: "true" }, env));
    socket.on("error", () => {}).destroy();
    expect(socket.destroyed).toBe(true);
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
