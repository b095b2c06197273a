import { createHash, createPrivateKey, createPublicKey, type KeyObject } from "node:crypto";
import { type ErrorCode, TradetapeError } from "../errors.ts";

/** What is wrong with a key that somebody gave: with a flag's file the input, with a setting's that file. */
type Blame = Extract<ErrorCode, "input_invalid" | "file_unusable">;

/** @param name of the file, for the error. @throws TradetapeError of the code; the key itself is never in it */
export const privateKeyOf = (pem: string, name: string, blame: Blame = "input_invalid"): KeyObject =>
  keyOf(createPrivateKey, pem, name, "private", blame);

/** @throws TradetapeError input_invalid */
export const publicKeyOf = (pem: string, name: string): KeyObject =>
  keyOf(createPublicKey, pem, name, "public", "input_invalid");

function keyOf(
  read: (pem: string) => KeyObject,
  pem: string,
  name: string,
  kind: "private" | "public",
  blame: Blame,
): KeyObject {
  const next =
    kind === "private"
      ? "Make one with `openssl genpkey -algorithm ed25519 -out audit.key`; it must have no passphrase."
      : "Take it from the private one with `openssl pkey -in audit.key -pubout -out audit.pub`.";
  let key: KeyObject;
  try {
    key = read(pem);
  } catch {
    // OpenSSL's words about a key it can't read name none of its bytes, and help nobody.
    throw new TradetapeError(blame, `${name} holds no ${kind} key in PEM`, { next });
  }
  if (key.asymmetricKeyType === "ed25519") return key;
  throw new TradetapeError(blame, `${name} holds a ${key.asymmetricKeyType} key, not an Ed25519 one`, { next });
}

/** SHA-256 of a public key (DER, SubjectPublicKeyInfo), in lower-case hex: which key it is, no proof of anything. */
export const fingerprint = (publicKey: KeyObject): string =>
  createHash("sha256")
    .update(publicKey.export({ format: "der", type: "spki" }))
    .digest("hex");
