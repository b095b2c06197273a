import { execFileSync } from "node:child_process";
import { chmodSync, copyFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import pino from "pino";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { readConfig } from "../../../src/config.ts";
import { openKafka } from "../../../src/topic/kafkajs/open-kafka.ts";
import { withAdmin } from "../../../src/topic/log-client.ts";
import { type Authority, newAuthority, type Pair } from "../../support/services/certificates.ts";
import { type GuardedKafka, startGuardedKafka } from "./guarded-kafka.ts";

/** What a broker's port says to those who come to it in the wrong way, and where each is sent. */
let kafka: GuardedKafka;
let ours: Authority;
let theirs: Authority;
let files: Record<"mine" | "other" | "late", Pair>;

beforeAll(async () => {
  [ours, theirs] = [newAuthority(), newAuthority()];
  const named = "DNS:localhost,IP:127.0.0.1";
  const pairs = { right: ours.issue("right", named), expired: ours.issue("expired", named, -1) };
  const away = ours.issue("away", "DNS:elsewhere.example");
  files = {
    mine: ours.issue("mine", "DNS:mine"),
    other: theirs.issue("other", "DNS:other"),
    late: ours.issue("late", "DNS:late", -1),
  };
  kafka = await startGuardedKafka(["somebody"], {
    tls: { protocol: "SSL", pair: pairs.right },
    late: { protocol: "SSL", pair: pairs.expired },
    away: { protocol: "SSL", pair: away },
    mutual: { protocol: "SSL", pair: pairs.right, clientsOf: ours.cert },
    safe: { protocol: "SASL_SSL", pair: pairs.right },
  });
});
afterAll(async () => {
  await kafka.stop();
  ours.remove();
  theirs.remove();
});

type Settings = Readonly<Record<string, string>>;

/** Opens the cluster as a process with these settings does. */
const open = (port: number, settings: Settings) => {
  const config = readConfig({}, { KAFKA_BROKERS: `127.0.0.1:${port}`, ...settings });
  return withAdmin(openKafka(config, pino({ level: "silent" })), (admin) => admin.fetchCluster());
};

const tls = (more: Settings = {}): Settings => ({ KAFKA_SSL_ENABLED: "true", KAFKA_SSL_CA_FILE: ours.cert, ...more });
const own = ({ cert, key }: Pair): Settings => ({ KAFKA_SSL_CERT_FILE: cert, KAFKA_SSL_KEY_FILE: key });
const login = (more: Settings = {}): Settings => ({ ...kafka.loginOf("somebody"), ...more });
const at = (name: string) => () => kafka.ports[name]!;
const plain = () => kafka.plain;
const guarded = () => kafka.guarded;

describe("who comes as a port wants it is let in", () => {
  test.each<[string, () => number, () => Settings]>([
    ["by TLS", at("tls"), () => tls()],
    ["by TLS and a certificate", at("mutual"), () => tls(own(files.mine))],
    ["by TLS and a login", at("safe"), () => ({ ...login(), ...tls() })],
    ["by a login", guarded, () => login()],
    ["with nothing", plain, () => ({})],
  ])("%s", async (_, port, settings) => {
    const { KAFKA_BROKERS: _own, ...rest } = settings();
    expect((await open(port(), rest)).brokers).toBe(1);
  });
});

describe("who comes in another way is told which", () => {
  test.each<[string, () => number, () => Settings, string, string]>([
    [
      "an authority that isn't trusted",
      at("tls"),
      () => tls({ KAFKA_SSL_CA_FILE: theirs.cert }),
      "tls_refused",
      "KAFKA_SSL_CA_FILE",
    ],
    ["no authority", at("tls"), () => ({ KAFKA_SSL_ENABLED: "true" }), "tls_refused", "KAFKA_SSL_CA_FILE"],
    ["an expired certificate", at("late"), () => tls(), "tls_refused", "Renew the server's certificate"],
    ["another host's certificate", at("away"), () => tls(), "tls_refused", "KAFKA_BROKERS"],
    ["no certificate of ours", at("mutual"), () => tls(), "tls_refused", "KAFKA_SSL_CERT_FILE"],
    ["one of ours that isn't trusted", at("mutual"), () => tls(own(files.other)), "tls_refused", "KAFKA_SSL_CERT_FILE"],
    ["one of ours that is over", at("mutual"), () => tls(own(files.late)), "tls_refused", "KAFKA_SSL_CERT_FILE"],
    ["TLS to a port without", plain, () => tls(), "tls_refused", "KAFKA_SSL_ENABLED=false"],
    [
      "TLS to a port without, which asks for a login",
      guarded,
      () => tls(login()),
      "tls_refused",
      "KAFKA_SSL_ENABLED=false",
    ],
    ["no TLS to a port with it", at("tls"), () => ({}), "tls_refused", "KAFKA_SSL_ENABLED=true"],
    ["no TLS, and a login, to a port with it", at("safe"), () => login(), "tls_refused", "KAFKA_SSL_ENABLED=true"],
    [
      "a wrong password",
      guarded,
      () => login({ KAFKA_SASL_PASSWORD: "wrong" }),
      "login_refused",
      "KAFKA_SASL_USERNAME",
    ],
    [
      "an unknown user",
      guarded,
      () => login({ KAFKA_SASL_USERNAME: "nobody" }),
      "login_refused",
      "KAFKA_SASL_USERNAME",
    ],
    [
      "a mechanism that isn't enabled",
      guarded,
      () => login({ KAFKA_SASL_MECHANISM: "scram-sha-512" }),
      "login_refused",
      "sasl.enabled.mechanisms",
    ],
    ["no login to a port that asks for it", guarded, () => ({}), "login_refused", "Set KAFKA_SASL_MECHANISM"],
    ["no login to one by TLS that asks for it", at("safe"), () => tls(), "login_refused", "Set KAFKA_SASL_MECHANISM"],
    ["a login to a port that asks for none", plain, () => login(), "login_refused", "unset KAFKA_SASL_MECHANISM"],
    [
      "another's key",
      at("mutual"),
      () => tls({ ...own(files.mine), KAFKA_SSL_KEY_FILE: files.other.key }),
      "file_unusable",
      "made together",
    ],
    [
      "an encrypted key",
      at("mutual"),
      () => tls({ ...own(files.mine), KAFKA_SSL_KEY_FILE: own600(ours.encrypt(files.mine.key)) }),
      "file_unusable",
      "passphrase",
    ],
    [
      "a file that isn't there",
      at("tls"),
      () => tls({ KAFKA_SSL_CA_FILE: "/nowhere/ca.crt" }),
      "file_unusable",
      "Correct the path",
    ],
    ["a file that is none", at("tls"), () => tls({ KAFKA_SSL_CA_FILE: rubbish() }), "file_unusable", "openssl x509"],
  ])("%s", async (_, port, settings, code, next) => {
    const { KAFKA_BROKERS: _own, ...rest } = settings();
    await expect((async () => open(port(), rest))()).rejects.toMatchObject({
      code,
      canRetry: false,
      next: expect.stringContaining(next),
    });
  });
});

test("a file that isn't what it should be: who has it is let in once the file is the right one", async () => {
  const path = rubbish();
  const again = async () => open(kafka.ports.tls!, tls({ KAFKA_SSL_CA_FILE: path }));
  await expect(again()).rejects.toMatchObject({ code: "file_unusable", message: expect.stringContaining(path) });
  copyFileSync(ours.cert, path);
  expect((await again()).brokers).toBe(1);
});

const own600 = (path: string): string => {
  chmodSync(path, 0o600);
  return path;
};

function rubbish(): string {
  const path = join(ours.folder, "rubbish.crt");
  writeFileSync(path, execFileSync("openssl", ["x509", "-in", ours.cert, "-outform", "der"]));
  return path;
}
