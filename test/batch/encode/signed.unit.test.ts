import { generateKeyPairSync } from "node:crypto";
import { expect, it } from "vitest";
import { audit } from "../../../consumers/audit.ts";
import { encodeBatch } from "../../../src/batch/encode/encode.ts";
import type { Encoder } from "../../../src/batch/encode/encoder.ts";
import { EVENT_SCHEMAS } from "../../../src/event/schemas.ts";
import { SIGNATURE_HEADER, signBy } from "../../../src/signature/entry-signature.ts";
import { KnownKeys } from "../../../src/signature/known-keys.ts";
import type { RecordHeaders } from "../../../src/topic/wire/record-writer.ts";
import { NOON } from "../../support/samples.ts";
import { bothWays, goodEvent, messageOf, schemaOf } from "./both-ways.ts";

const { privateKey, publicKey } = generateKeyPairSync("ed25519");
const known = new KnownKeys(`lander ${publicKey.export({ format: "der", type: "spki" }).toString("base64")} mary`, "k");
const schema = schemaOf(audit);
const entry = (change: object) =>
  messageOf(schema, { ...goodEvent(EVENT_SCHEMAS.audit.fields), event_type: "NOTE", ...change });
const ofMary = entry({ actor: "mary" });
const headersOf = (value: Buffer) => signBy(privateKey)("audit", value);

/** Entries one behind the other, each with its record's headers; `locate` names a slice of one buffer, as in a fetch. */
function encode(encoder: Encoder, records: readonly (readonly [value: Buffer, headers?: RecordHeaders])[]) {
  const range = { firstOffset: 0, nextOffset: records.length, from: 0 };
  const fetched = {
    count: records.length,
    offsetOf: (index: number) => index,
    publishedAtMs: () => NOON / 1000,
    locate: (index: number, place: { cover(value: Buffer): void }) => place.cover(records[index]![0]),
    headersOf: (index: number) => records[index]![1],
    faultAt: () => undefined,
    record: (index: number) => ({ key: null, value: records[index]![0], headers: records[index]![1] }),
  };
  const { rows, letters } = encodeBatch(encoder, 0, fetched, range);
  const ends = [0, ...Array.from(rows.ends)];
  /** COPY's last field of each row: the key's name behind its length. */
  const names = Array.from(rows.indexes).map((index, n) => {
    const row = rows.bytes.subarray(ends[n]!, ends[n + 1]!);
    const name = row.subarray(-6).toString();
    return [
      index,
      name === "lander" && row.readInt32BE(row.length - 10) === 6 ? name : row.readInt32BE(row.length - 4),
    ];
  });
  return { names, letters: letters.map(({ index, reason, detail }) => [index, reason, detail]) };
}

const signerOf: Encoder["signerOf"] = ({ value, headers }, actor, publishedAtMs) =>
  known.signerOf("audit", value!, headers![SIGNATURE_HEADER] as Buffer, actor, publishedAtMs);
const ways = Object.entries(bothWays(audit, schema));
const NULL = -1;

it.each(ways)("an entry lands with the name of the key that signed it, or with none, read the %s way", (_, encoder) => {
  const found = encode({ ...encoder, signerOf }, [
    [ofMary],
    [ofMary, headersOf(ofMary)],
    [ofMary, {}],
    [ofMary, { ...headersOf(ofMary), other: "header" }],
    [ofMary],
  ]);
  expect(found).toEqual({
    names: [
      [0, NULL],
      [1, "lander"],
      [2, NULL],
      [3, "lander"],
      [4, NULL],
    ],
    letters: [],
  });
});

it.each(ways)(
  "a signature that is none makes a letter, and an entry that is none stays what it was, read the %s way",
  (_, encoder) => {
    const ofCeo = entry({ actor: "ceo" });
    const cut = ofMary.subarray(0, -1);
    const found = encode({ ...encoder, signerOf }, [
      [ofCeo, headersOf(ofCeo)],
      [ofCeo, headersOf(ofMary)],
      [ofMary, { [SIGNATURE_HEADER]: null }],
      [ofMary, headersOf(ofMary)],
      [cut, headersOf(cut)],
    ]);
    expect(found.names).toEqual([[3, "lander"]]);
    expect(found.letters).toEqual([
      [0, "wrong_signature", 'lander may not speak for "ceo"'],
      [1, "wrong_signature", "it isn't what lander signed for this topic, or lander never signed it"],
      [2, "wrong_signature", "its signature is none: a key's fingerprint and a signature, in hex"],
      [4, "undecodable", expect.any(String)],
    ]);
  },
);

it("where no keys are known no signature is looked at", () => {
  const [, encoder] = ways[0]!;
  expect(encode(encoder, [[ofMary, headersOf(entry({}))]])).toEqual({ names: [[0, NULL]], letters: [] });
});
