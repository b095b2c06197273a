import { createHash, generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeEach, describe, expect, it } from "vitest";
import { encodeEvent } from "../../src/event/codec.ts";
import { openSigning, SIGNATURE_HEADER, signBy } from "../../src/signature/entry-signature.ts";
import { KnownKeys, openKnownKeys, requireEverybody, type Signer } from "../../src/signature/known-keys.ts";
import fc from "../support/random/fast-check.ts";

const pair = () => generateKeyPairSync("ed25519");
const [lander, desk, stranger] = [pair(), pair(), pair()];
const base64 = (key: KeyObject) => key.export({ format: "der", type: "spki" }).toString("base64");
const KEYS = `# who may speak for whom
lander ${base64(lander.publicKey)} *

desk   ${base64(desk.publicKey)}\tdesk-agent ceo`;
const known = new KnownKeys(KEYS, "keys");

const TOPIC = "paper.audit";
const ENTRY = {
  log_id: "0f0f0f0f-0000-4000-8000-00000000000f",
  timestamp: 1_700_000_000_000_000,
  event_type: "NOTE",
  actor: "ceo",
  payload: '{"said":"buy"}',
  success: true,
  backtest_session_id: "0f0f0f0f-0000-4000-8000-0000000000bb",
  correlation_id: "one",
  source_topic: "paper.decisions",
  source_partition: 3,
  source_offset: 77,
};
const value = encodeEvent("audit", 9, ENTRY);
const headerOf = (key: KeyObject, topic = TOPIC, of = value) => signBy(key)(topic, of)[SIGNATURE_HEADER]!;
const good = headerOf(desk.privateKey);
const NOW = Date.UTC(2026, 10, 30);
const judged = (of: Buffer, header: Parameters<KnownKeys["signerOf"]>[2], actor = "ceo", topic = TOPIC) =>
  known.signerOf(topic, of, header, actor, NOW);
const isSigned = (signer: Signer) => "name" in signer;

describe("an entry's signature", () => {
  it("names the key that made it, where that may speak for the entry's actor, whichever text or bytes the header is", () => {
    expect(judged(value, good)).toEqual({ name: "desk" });
    expect(judged(value, Buffer.from(good), "desk-agent")).toEqual({ name: "desk" });
    expect(judged(value, headerOf(lander.privateKey), "anybody at all")).toEqual({ name: "lander" });
  });

  it("is the same whenever the same entry is published, so that a repeat is a repeat", () => {
    expect(headerOf(desk.privateKey)).toBe(good);
  });

  const changes: Partial<typeof ENTRY>[] = [
    { log_id: "0f0f0f0f-0000-4000-8000-00000000000e" },
    { timestamp: ENTRY.timestamp + 1 },
    { event_type: "NOTES" },
    { actor: "desk-agent" },
    { payload: '{"said":"sell"}' },
    { success: false },
    { backtest_session_id: "0f0f0f0f-0000-4000-8000-0000000000bc" },
    { correlation_id: "two" },
    { source_topic: "paper.fills" },
    { source_partition: 2 },
    { source_offset: 78 },
  ];

  it("is of every field that an entry has", () => {
    expect(changes.flatMap((change) => Object.keys(change)).toSorted()).toEqual(Object.keys(ENTRY).toSorted());
  });

  it.each(changes)("is none of an entry with %j", (change) => {
    const other = encodeEvent("audit", 9, { ...ENTRY, ...change });
    expect(judged(other, good, "ceo")).toEqual({
      fault: "it isn't what desk signed for this topic, or desk never signed it",
    });
  });

  const [id, signature] = good.split(":") as [string, string];
  const ofCheckpoint = sign(null, Buffer.concat([Buffer.from("tradetape audit checkpoint 1"), value]), desk.privateKey);
  const unknown = createHash("sha256")
    .update(stranger.publicKey.export({ format: "der", type: "spki" }))
    .digest("hex");
  const isNone = "its signature is none: a key's fingerprint and a signature, in hex";
  const isNotDesks = "it isn't what desk signed for this topic, or desk never signed it";
  it.each([
    ["another topic", judged(value, good, "ceo", "live.audit"), isNotDesks],
    ["the topic's name cut short", judged(value, good, "ceo", "paper.audi"), isNotDesks],
    ["another schema's id", judged(encodeEvent("audit", 8, ENTRY), good), isNotDesks],
    [
      "a key that nobody knows",
      judged(value, headerOf(stranger.privateKey)),
      `the key ${unknown} that it says it is signed by isn't known`,
    ],
    [
      "a stranger's signature under a known key's name",
      judged(value, `${id}:${headerOf(stranger.privateKey).split(":")[1]}`),
      isNotDesks,
    ],
    ["something else that the key signed", judged(value, `${id}:${ofCheckpoint.toString("hex")}`), isNotDesks],
    ["an actor that the key may not speak for", judged(value, good, "the board"), 'desk may not speak for "the board"'],
    ["an actor that only begins like one", judged(value, good, "ceo2"), 'desk may not speak for "ceo2"'],
    ["an actor that is the word for all", judged(value, good, "*"), 'desk may not speak for "*"'],
    [
      "a long actor with control characters",
      judged(value, good, `\0${"x".repeat(99)}`),
      `desk may not speak for "\\u0000${"x".repeat(63)}"`,
    ],
    ["no text", judged(value, null), isNone],
    ["an empty text", judged(value, ""), isNone],
    ["a key alone", judged(value, id), isNone],
    ["capitals", judged(value, good.toUpperCase()), isNone],
    ["a line break behind it", judged(value, `${good}\n`), isNone],
    ["half a signature", judged(value, good.slice(0, -64)), isNone],
    ["a signature of zeros", judged(value, `${id}:${"0".repeat(128)}`), isNotDesks],
    ["two signatures", judged(value, [good, good]), "it has 2 signatures"],
    ["no signature in a list", judged(value, []), "it has 0 signatures"],
    ["its own signature in the other order", judged(value, `${signature}:${id}`), isNone],
  ])("with %s is none", (_, found, fault) => {
    expect(found).toEqual({ fault });
  });

  const flipped = (bytes: Buffer, at: number, bit: number) => {
    const changed = Buffer.from(bytes);
    changed[at]! ^= 1 << bit;
    return changed;
  };
  const flips = (bytes: Buffer) =>
    Array.from({ length: bytes.length * 8 }, (_, n) => flipped(bytes, Math.floor(n / 8), n % 8));

  it("holds no more where one bit is another, of the value or of the header, whichever it is", () => {
    const header = Buffer.from(good);
    const values = flips(value).filter((changed) => isSigned(judged(changed, header)));
    const headers = flips(header).filter((changed) => isSigned(judged(value, changed)));
    expect([values.length, headers.length]).toEqual([0, 0]);
  });

  it("holds no more where one byte is another, is gone or is added", () => {
    const change = fc.record({ at: fc.nat(), byte: fc.nat(255), how: fc.constantFrom("put", "cut", "add") });
    const changed = (bytes: Buffer, { at, byte, how }: { at: number; byte: number; how: string }) => {
      const place = at % bytes.length;
      const behind = bytes.subarray(how === "add" ? place : place + 1);
      return Buffer.concat([bytes.subarray(0, place), how === "cut" ? Buffer.of() : Buffer.of(byte), behind]);
    };
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 99 }), change, (bytes, one) => {
        const entry = Buffer.from(bytes);
        const header = Buffer.from(headerOf(desk.privateKey, TOPIC, entry));
        const [value2, header2] = [changed(entry, one), changed(header, one)];
        expect(judged(entry, header)).toEqual({ name: "desk" });
        expect(isSigned(judged(value2, header))).toBe(value2.equals(entry));
        expect(isSigned(judged(entry, header2))).toBe(header2.equals(header));
      }),
      { numRuns: 300 },
    );
  });
});

describe("a file of known keys", () => {
  const [one, two] = [base64(lander.publicKey), base64(desk.publicKey)];
  const rsa = generateKeyPairSync("rsa", { modulusLength: 1024 }).publicKey;
  it.each([
    ["", "keys: holds no key"],
    ["# nothing\n\n", "keys: holds no key"],
    [`a ${one}`, "keys:1: a key's name, the key and the actors it may speak for are due, * for all"],
    ["a", "keys:1: a key's name, the key and the actors it may speak for are due, * for all"],
    [`a ${one} *\nä ${two} *`, "keys:2: a key's name has letters, digits, _, . and -, 60 at most"],
    [`${"a".repeat(61)} ${one} *`, "keys:1: a key's name has letters"],
    [`a ${one} *\n\na ${two} *`, "keys:3: a is the name of a key above, too"],
    [`a ${one} *\nb ${one} *`, "keys:2: this key stands above, too, as a"],
    [`a ${one.slice(1)} *`, "keys:1: its second word is no Ed25519 key"],
    [`a ${one.slice(0, -1)}! *`, "keys:1: its second word is no Ed25519 key"],
    [`a ${base64(rsa)} *`, "keys:1: its second word is no Ed25519 key"],
    [`a ${lander.privateKey.export({ format: "der", type: "pkcs8" }).toString("base64")} *`, "keys:1: its second word"],
    ["a audit.pub *", "keys:1: its second word is no Ed25519 key"],
  ])("that says %j is refused in a sentence", (text, says) => {
    expect(() => new KnownKeys(text, "keys")).toThrow(
      expect.objectContaining({ code: "file_unusable", message: expect.stringContaining(says) }),
    );
  });

  it.each(["", "2026-11-30", "2026-11-30T18:00:00", "2026-13-30T18:00:00Z", "soon"])("has no key until=%s", (until) => {
    const says = expect.objectContaining({ message: expect.stringContaining("keys:1: until= takes a time as") });
    expect(() => new KnownKeys(`a ${one} until=${until} *`, "keys")).toThrow(says);
  });

  it("has keys that ended: what the broker had before counts, and what it got from then on doesn't", () => {
    const ended = new KnownKeys(KEYS.replace(/\tdesk-agent/, " until=2026-11-30T18:00:00Z$&"), "keys");
    const end = Date.UTC(2026, 10, 30, 18);
    expect(ended.signerOf(TOPIC, value, good, "ceo", end - 1)).toEqual({ name: "desk" });
    expect(ended.signerOf(TOPIC, value, good, "ceo", end)).toEqual({
      fault: "desk ended at 2026-11-30T18:00:00.000Z, and it came at 2026-11-30T18:00:00.000Z",
    });
    expect([ended.has(desk.privateKey, end - 1), ended.has(desk.privateKey, end)]).toEqual([true, false]);
  });

  it("may have the line ends of another system", () => {
    const read = new KnownKeys(KEYS.replaceAll("\n", "\r\n"), "keys");
    expect(read.signerOf(TOPIC, value, good, "ceo", NOW)).toEqual({ name: "desk" });
  });
});

describe("the keys that the settings name", () => {
  const folder = mkdtempSync(join(tmpdir(), "tradetape-keys-"));
  const at = (name: string) => join(folder, name);
  beforeEach(() => {
    writeFileSync(at("keys"), KEYS);
    for (const [name, { privateKey }] of [
      ["desk", desk],
      ["stranger", stranger],
      ["lander", lander],
    ] as const) {
      writeFileSync(at(name), privateKey.export({ format: "pem", type: "pkcs8" }), { mode: 0o600 });
      chmodSync(at(name), 0o600);
    }
  });
  afterAll(() => rmSync(folder, { recursive: true }));
  const keysOf = (auditKeysFile?: string, auditSignFile?: string) => openKnownKeys({ auditKeysFile, auditSignFile });
  const refused = (says: string) =>
    expect.objectContaining({ code: "file_unusable", message: expect.stringContaining(says) });

  it("are none where no file is named, and nothing is signed then", () => {
    expect(keysOf()).toBeUndefined();
    expect(openSigning({ auditSignFile: undefined })(TOPIC, value)).toEqual({});
  });

  it("are read, and what is signed by one of them is by its name", () => {
    const header = openSigning({ auditSignFile: at("desk") })(TOPIC, value)[SIGNATURE_HEADER]!;
    expect(keysOf(at("keys"), at("desk"))!.signerOf(TOPIC, value, header, "ceo", NOW)).toEqual({ name: "desk" });
  });

  it("have to know the key that this process signs by, or all that it says would be letters", () => {
    const lacks = refused("lacks the key of TRADETAPE_AUDIT_SIGN_FILE, or says that it ended");
    expect(() => keysOf(at("keys"), at("stranger"))).toThrow(lacks);
    writeFileSync(at("keys"), KEYS.replace(/\tdesk-agent/, " until=2026-01-01T00:00:00Z$&"));
    expect(() => keysOf(at("keys"), at("desk"))).toThrow(lacks);
  });

  it("have to let a consumer's key speak for everybody, because it publishes what others did", () => {
    const required = (own: string) => () =>
      requireEverybody({ auditKeysFile: at("keys"), auditSignFile: at(own) }, keysOf(at("keys")));
    expect(required("desk")).toThrow(refused("the key of TRADETAPE_AUDIT_SIGN_FILE speaks for some actors only"));
    expect(required("lander")).not.toThrow();
    expect(() => requireEverybody({ auditKeysFile: undefined, auditSignFile: at("desk") })).not.toThrow();
    expect(() =>
      requireEverybody({ auditKeysFile: at("keys"), auditSignFile: undefined }, keysOf(at("keys"))),
    ).not.toThrow();
  });

  it("are refused where there is no file, or the signing key is for others to read, encrypted, of another kind, or none", () => {
    const passphrase = { format: "pem", type: "pkcs8", cipher: "aes-256-cbc", passphrase: "secret" } as const;
    const write = (name: string, text: string | Buffer) => writeFileSync(at(name), text, { mode: 0o600 });
    write("encrypted", desk.privateKey.export(passphrase));
    write("public", desk.publicKey.export({ format: "pem", type: "spki" }));
    write(
      "rsa",
      generateKeyPairSync("rsa", { modulusLength: 1024 }).privateKey.export({ format: "pem", type: "pkcs8" }),
    );
    chmodSync(at("desk"), 0o644);
    expect(() => keysOf(at("none"))).toThrow(refused("TRADETAPE_AUDIT_KEYS_FILE: ENOENT"));
    for (const [name, says] of [
      ["none", "ENOENT"],
      ["desk", "has mode 0644"],
      ["encrypted", "is encrypted"],
      ["public", "has no private key"],
      ["rsa", "holds a rsa key, not an Ed25519 one"],
      ["keys", "others than its owner"],
    ] as const) {
      expect(() => openSigning({ auditSignFile: at(name) }), name).toThrow(refused(says));
    }
  });
});
