import { createPublicKey, type KeyObject, sign } from "node:crypto";
import type { Config } from "../config.ts";
import { readKey } from "../own-file/pem.ts";
import { SETTINGS } from "../settings.ts";
import { fingerprint, privateKeyOf } from "./ed25519.ts";

/** The header of a record of the audit topic that says by which key the entry is signed, and how. */
export const SIGNATURE_HEADER = "tradetape-signature";

/** Gives the headers that an entry's record needs beside its own: its signature, or none where no key is set. */
export type SignEntry = (topicName: string, value: Buffer) => Readonly<Record<string, string>>;

/**
 * What is signed: what it is, the topic's full name, which has no line break, and the value as the record has it, to its last
 * byte. So a signature is of one entry in one topic, and of nothing else that a key signs, such as a checkpoint.
 */
export const signedBytes = (topicName: string, value: Buffer): Buffer =>
  Buffer.concat([Buffer.from(`tradetape audit entry 1\n${topicName}\n`), value]);

/** A header's text: the key's fingerprint and the signature, in lower-case hex, in which each has one form alone. */
export const SIGNATURE_FORM = /^([0-9a-f]{64}):([0-9a-f]{128})$/;

/** Signs entries by this key. Ed25519 makes the same signature of the same bytes, however often an entry is published. */
export function signBy(key: KeyObject): SignEntry {
  const id = fingerprint(createPublicKey(key));
  return (topicName, value) => ({
    [SIGNATURE_HEADER]: `${id}:${sign(null, signedBytes(topicName, value), key).toString("hex")}`,
  });
}

/**
 * The key that this process signs its audit entries by; undefined where none is set.
 * @throws TradetapeError file_unusable, also where others can read its file
 */
export function signingKey({ auditSignFile: path }: Pick<Config, "auditSignFile">): KeyObject | undefined {
  const { env } = SETTINGS.auditSignFile;
  return path === undefined ? undefined : privateKeyOf(readKey(env, path), `${env}: ${path}`, "file_unusable");
}

/** @throws TradetapeError as `signingKey` */
export function openSigning(config: Pick<Config, "auditSignFile">): SignEntry {
  const key = signingKey(config);
  return key === undefined ? () => ({}) : signBy(key);
}
