import { createPrivateKey, type KeyObject, X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { TradetapeError } from "../errors.ts";
import { readPrivateKey } from "../own-file.ts";

const CERTIFICATE = /-----BEGIN (?:TRUSTED |X509 )?CERTIFICATE-----[^-]*-----END (?:TRUSTED |X509 )?CERTIFICATE-----/g;

const AS_PEM =
  "Give one that has `-----BEGIN CERTIFICATE-----` or the like: `openssl x509 -inform der -in FILE` writes it.";

const invalid = (name: string, what: string, next: string, cause?: unknown): TradetapeError =>
  new TradetapeError("file_unusable", `${name}: ${what}`, { next, cause });

function textOf(name: string, path: string, read = (file: string) => readFileSync(file, "utf8")): string {
  try {
    return read(path);
  } catch (cause) {
    throw invalid(
      name,
      (cause as Error).message,
      "Correct the path, or let this program's user alone read the file.",
      cause,
    );
  }
}

/**
 * The certificates of a PEM file; OpenSSL would leave out what is none without a word.
 * @param name what a message calls the file by
 * @throws TradetapeError file_unusable
 */
export function readCertificates(name: string, path: string): string {
  const text = textOf(name, path);
  const found = text.match(CERTIFICATE) ?? [];
  if (found.length === 0) throw invalid(name, `${path} is no PEM file of a certificate`, AS_PEM);
  for (const pem of found) {
    try {
      new X509Certificate(pem);
    } catch (cause) {
      throw invalid(name, `${path} has a certificate that can't be read`, AS_PEM, cause);
    }
  }
  return text;
}

/**
 * A private key, which nobody else can read.
 * @param password of the key, where it has one
 * @throws TradetapeError file_unusable
 */
export function readKey(name: string, path: string, password?: string): string {
  const text = textOf(name, path, readPrivateKey);
  if (!text.includes("-----BEGIN ")) throw invalid(name, `${path} is no PEM file`, AS_PEM);
  if (password === undefined && text.includes("ENCRYPTED")) {
    const next = "Give its passphrase, too, or a key without one in a file that only this program's user can read.";
    throw invalid(name, `${path} is encrypted`, next);
  }
  try {
    privateKey(text, password);
  } catch (cause) {
    throw invalid(
      name,
      `${path} has no private key that can be read`,
      "Give the key's own file, and its password.",
      cause,
    );
  }
  return text;
}

/** Refuses a certificate and a key that don't belong together: the other side would only see a login that fails. */
export function requirePair(name: string, certificates: string, key: string, password?: string): void {
  const [own = ""] = certificates.match(CERTIFICATE) ?? [];
  if (new X509Certificate(own).checkPrivateKey(privateKey(key, password))) return;
  throw invalid(name, "is not the key of the certificate", "Give the two files that were made together.");
}

const privateKey = (key: string, passphrase: string | undefined): KeyObject =>
  createPrivateKey(passphrase === undefined ? key : { key, passphrase });
