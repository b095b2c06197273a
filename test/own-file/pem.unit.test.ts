import { createPrivateKey, generateKeyPairSync } from "node:crypto";
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createSecureContext } from "node:tls";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { readTlsFiles } from "../../src/own-file/tls-files.ts";
import { type Authority, newAuthority, type Pair } from "../support/services/certificates.ts";

const folder = mkdtempSync(join(tmpdir(), "tradetape-pem-"));
const at = (name: string) => join(folder, name);
const put = (name: string, text: string) => {
  writeFileSync(at(name), text, { mode: 0o600 });
  return at(name);
};
const SECRET = 'a secret: of "ours", é';
let authority: Authority;
let pair: Pair;
let other: Pair;

beforeAll(() => {
  authority = newAuthority();
  [pair, other] = [authority.issue("one", "DNS:one"), authority.issue("other", "DNS:other")];
});
afterAll(() => {
  authority.remove();
  rmSync(folder, { recursive: true });
});

/** What a client with this key's file has for a connection, which OpenSSL has to take, too. */
function read(key: string, passphrase?: string, cert = pair.cert) {
  const files = readTlsFiles({
    ca: { name: "CA", path: undefined },
    cert: { name: "CERT", path: cert },
    key: { name: "KEY", path: key },
    passphrase: () => passphrase,
  });
  createSecureContext(files);
  return files;
}

/** The key of `pair` in a form of its own. */
function keyAs(name: string, how: { readonly passphrase?: string; readonly type?: "sec1" | "pkcs8" }): string {
  const { passphrase, type = "pkcs8" } = how;
  const locked = passphrase === undefined ? {} : { cipher: "aes-256-cbc", passphrase };
  return put(
    name,
    keyOf(pair)
      .export({ format: "pem", type, ...locked })
      .toString(),
  );
}

const keyOf = ({ key }: Pair) => createPrivateKey(readFileSync(key, "utf8"));

const unusable = (says: string) =>
  expect.objectContaining({ code: "file_unusable", message: expect.stringContaining(says) });

describe("a key with a passphrase", () => {
  it.each(["pkcs8", "sec1"] as const)("is read by it: %s", (type) => {
    expect(read(keyAs(`locked-${type}`, { passphrase: SECRET, type }), SECRET)).toMatchObject({ passphrase: SECRET });
  });

  it.each(["pkcs8", "sec1"] as const)("is refused without it, and by another, and neither is told: %s", (type) => {
    const key = keyAs(`refused-${type}`, { passphrase: SECRET, type });
    const told = (passphrase?: string) => {
      try {
        read(key, passphrase);
      } catch (error) {
        return error as Error;
      }
      return undefined;
    };
    expect(told()).toEqual(unusable("is encrypted"));
    for (const passphrase of ["another", "", `${SECRET} `]) {
      const fault = told(passphrase);
      expect(fault, passphrase).toEqual(unusable("has no private key that can be read"));
      if (passphrase !== "") expect(fault!.message).not.toContain(passphrase);
    }
  });

  it("has to be the certificate's, too", () => {
    const key = keyAs("of-one", { passphrase: SECRET });
    expect(() => read(key, SECRET, other.cert)).toThrow(unusable("is not the key of the certificate"));
  });

  it("may be changed with it under a process that runs: what doesn't fit together meanwhile passes", () => {
    const path = keyAs("renewed", { passphrase: "first" });
    expect(() => read(path, "next")).toThrow(expect.objectContaining({ canRetry: false }));
    read(path, "first");
    keyAs("renewed", { passphrase: "next" });
    expect(() => read(path, "first")).toThrow(expect.objectContaining({ code: "file_unusable", canRetry: true }));
    expect(read(path, "next")).toMatchObject({ passphrase: "next" });
  });

  it("is refused where others may read it, whatever locks it", () => {
    const key = keyAs("open", { passphrase: SECRET });
    chmodSync(key, 0o644);
    expect(() => read(key, SECRET)).toThrow(unusable("has mode 0644"));
  });
});

it("a key without one is read also where a passphrase is given", () => {
  expect(read(keyAs("bare", {}), SECRET)).toMatchObject({ passphrase: SECRET });
});

it("a key of another kind is no key of the certificate", () => {
  const { privateKey } = generateKeyPairSync("ed25519");
  const key = put("ed25519", privateKey.export({ format: "pem", type: "pkcs8" }).toString());
  expect(() => read(key)).toThrow(unusable("is not the key of the certificate"));
});
