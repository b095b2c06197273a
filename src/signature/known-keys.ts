import { createPublicKey, type KeyObject, verify } from "node:crypto";
import { readFileSync } from "node:fs";
import type { Config } from "../config.ts";
import { TradetapeError } from "../errors.ts";
import { SETTINGS } from "../settings.ts";
import { fingerprint } from "./ed25519.ts";
import { SIGNATURE_FORM, SIGNATURE_HEADER, signedBytes, signingKey } from "./entry-signature.ts";

/** In the place of actors: the key may speak for everybody, as a consumer's has to, which tells of everybody's events. */
const EVERYBODY = "*";

/** So much of an actor a letter shows. */
const ACTOR_CHARACTERS_MAX = 64;

interface KnownKey {
  readonly name: string;
  readonly key: KeyObject;
  readonly actors: ReadonlySet<string>;
  /** When it ended, milliseconds since 1970: what the broker got from then on somebody else signed. */
  readonly endsMs: number;
}

/** Whose an entry is: the name of the key that signed it, or why its signature is none that counts. */
export type Signer = { readonly name: string } | { readonly fault: string };

/** A record's header as it was fetched. */
type HeaderContent = Buffer | string | null | readonly (Buffer | string | null)[];

/** The keys that entries of the audit topic may be signed by, and for which actors each may speak. */
export class KnownKeys {
  /** By fingerprint. */
  readonly #keys: ReadonlyMap<string, KnownKey>;

  /**
   * @param text a line a key: its name, the key (the line between BEGIN and END of its PEM file), until=TIME where it has ended,
   * and actors, or * for all; empty lines and such that begin with # mean nothing
   * @param name what a message calls the file by
   * @throws TradetapeError file_unusable that says what is wrong with which line
   */
  constructor(text: string, name: string) {
    const keys = new Map<string, KnownKey>();
    for (const [index, line] of text.split("\n").entries()) {
      if (/^\s*(#|$)/.test(line)) continue;
      const place = `${name}:${index + 1}`;
      const known = readLine(line, place);
      if ([...keys.values()].some((other) => other.name === known.name)) {
        throw invalid(place, `${known.name} is the name of a key above, too`);
      }
      const id = fingerprint(known.key);
      const twin = keys.get(id);
      if (twin !== undefined) throw invalid(place, `this key stands above, too, as ${twin.name}`);
      keys.set(id, known);
    }
    if (keys.size === 0) throw invalid(name, "holds no key");
    this.#keys = keys;
  }

  /** Whether entries by any actor count that this private key signs. */
  speaksForEverybody(privateKey: KeyObject): boolean {
    return this.#keys.get(fingerprint(createPublicKey(privateKey)))?.actors.has(EVERYBODY) ?? false;
  }

  /** Whether what this private key signs at that time, in milliseconds since 1970, counts. */
  has(privateKey: KeyObject, atMs: number): boolean {
    const known = this.#keys.get(fingerprint(createPublicKey(privateKey)));
    return known !== undefined && atMs < known.endsMs;
  }

  /**
   * Judges the signature that the record of an entry carries. A pure function of the record and these keys.
   * @param publishedAtMs the broker's time
   */
  signerOf(topicName: string, value: Buffer, header: HeaderContent, actor: string, publishedAtMs: number): Signer {
    if (Array.isArray(header)) return { fault: `it has ${header.length} signatures` };
    const form = SIGNATURE_FORM.exec(header?.toString() ?? "");
    if (form === null) return { fault: "its signature is none: a key's fingerprint and a signature, in hex" };
    const [, id, signature] = form;
    const known = this.#keys.get(id!);
    if (known === undefined) return { fault: `the key ${id} that it says it is signed by isn't known` };
    const { name, key, actors, endsMs } = known;
    if (!verify(null, signedBytes(topicName, value), key, Buffer.from(signature!, "hex"))) {
      return { fault: `it isn't what ${name} signed for this topic, or ${name} never signed it` };
    }
    if (publishedAtMs >= endsMs) {
      return {
        fault: `${name} ended at ${new Date(endsMs).toISOString()}, and it came at ${new Date(publishedAtMs).toISOString()}`,
      };
    }
    if (actors.has(EVERYBODY) || actors.has(actor)) return { name };
    return { fault: `${name} may not speak for ${JSON.stringify(actor.slice(0, ACTOR_CHARACTERS_MAX))}` };
  }

  /** The name of the key that signed an entry by this actor; null where its record has no signature, or none that counts. */
  signerName(
    topicName: string,
    { value, headers }: SignedRecord,
    actor: unknown,
    publishedAtMs: number,
  ): string | null {
    const header = headers?.[SIGNATURE_HEADER];
    if (header === undefined || value === null) return null;
    const signer = this.signerOf(topicName, value, header, String(actor), publishedAtMs);
    return "name" in signer ? signer.name : null;
  }
}

/** A record as it was fetched. */
interface SignedRecord {
  readonly value: Buffer | null;
  readonly headers?: Readonly<Record<string, HeaderContent | undefined>> | undefined;
}

const NAME = /^[\w.-]{1,60}$/;

function readLine(line: string, place: string): KnownKey {
  const [name = "", key = "", ...rest] = line.trim().split(/\s+/);
  const until = /^until=(.*)$/.exec(rest[0] ?? "")?.[1];
  const actors = until === undefined ? rest : rest.slice(1);
  if (!NAME.test(name)) throw invalid(place, "a key's name has letters, digits, _, . and -, 60 at most");
  if (actors.length === 0)
    throw invalid(place, "a key's name, the key and the actors it may speak for are due, * for all");
  return { name, key: keyOf(key, place), actors: new Set(actors), endsMs: endOf(until, place) };
}

function endOf(until: string | undefined, place: string): number {
  if (until === undefined) return Number.POSITIVE_INFINITY;
  const ms = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/.test(until) ? Date.parse(until) : Number.NaN;
  if (Number.isNaN(ms)) throw invalid(place, "until= takes a time as 2026-11-30T18:00:00Z");
  return ms;
}

function keyOf(base64: string, place: string): KeyObject {
  const der = Buffer.from(base64, "base64");
  try {
    if (der.toString("base64") !== base64) throw new Error("not base64");
    const key = createPublicKey({ key: der, format: "der", type: "spki" });
    if (key.asymmetricKeyType === "ed25519") return key;
  } catch {
    // What can't be read is no key, whatever OpenSSL has to say of it.
  }
  throw invalid(place, "its second word is no Ed25519 key as `openssl pkey -pubout` writes it between BEGIN and END");
}

const invalid = (place: string, what: string): TradetapeError =>
  new TradetapeError("file_unusable", `${place}: ${what}`, {
    next: "Write a line a key, as `lander MCow... *`; docs/audit.md shows how it is made.",
  });

/**
 * The keys that are known; undefined where none are set, so that no signature is looked at.
 * @throws TradetapeError file_unusable, also where this process signs by a key that isn't among them: all that it says would
 * be letters
 */
export function openKnownKeys(config: Pick<Config, "auditKeysFile" | "auditSignFile">): KnownKeys | undefined {
  const { auditKeysFile: path } = config;
  const { env } = SETTINGS.auditKeysFile;
  if (path === undefined) return undefined;
  const known = new KnownKeys(textOf(path, env), `${env}: ${path}`);
  const own = signingKey(config);
  if (own === undefined || known.has(own, Date.now())) return known;
  throw new TradetapeError(
    "file_unusable",
    `${env}: ${path} lacks the key of ${SETTINGS.auditSignFile.env}, or says that it ended`,
    {
      next: "Add its public key, or sign by another: what this process signs would become letters.",
    },
  );
}

/**
 * Refuses a key that may not speak for everybody to who publishes what others did, as a consumer does: those entries would
 * become letters.
 * @throws TradetapeError file_unusable
 */
export function requireEverybody(config: Pick<Config, "auditKeysFile" | "auditSignFile">, known?: KnownKeys): void {
  const own = signingKey(config);
  if (known === undefined || own === undefined || known.speaksForEverybody(own)) return;
  const [keys, sign] = [SETTINGS.auditKeysFile.env, SETTINGS.auditSignFile.env];
  throw new TradetapeError(
    "file_unusable",
    `${keys}: by ${config.auditKeysFile} the key of ${sign} speaks for some actors only, and a consumer publishes entries of all`,
    { next: "Give the consumer's key * in the place of actors, or the consumer another key." },
  );
}

function textOf(path: string, env: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (cause) {
    throw new TradetapeError("file_unusable", `${env}: ${(cause as Error).message}`, {
      next: "Correct the path, or let this program's user read the file.",
      cause,
    });
  }
}
