import { isDeepStrictEqual } from "node:util";
import { isOwnEntry } from "../../../src/audit/own-entry.ts";
import {
  firstHeader,
  firstPublishedUs,
  rawHeaders,
  redriveAttempts,
  storedHeaders,
} from "../../../src/batch/encode/headers.ts";
import { storableDetail } from "../../../src/batch/land/aside-rows.ts";
import { beatNoteOf, beatNoteText } from "../../../src/batch/run/beat-note.ts";
import { checkInputs, readInputs } from "../../../src/event/field/inputs.ts";
import { readHead, unpackSnapshot } from "../../../src/stream/snapshot.ts";
import { jsonFormOrText } from "../../../src/table/rows/json-form.ts";
import type { RecordHeaders } from "../../../src/topic/wire/record-writer.ts";
import type { Dice } from "../../chaos/dice.ts";
import { audit } from "../../support/samples.ts";
import { type Door, must } from "./door.ts";

type Parser = (bytes: Buffer) => string | Promise<string>;

const PUBLISHED_US = 1_700_000_000_000_000;
const TYPES = ["RECEIPT", "DEAD_LETTER", "LOSS_ACCEPTED", "REDRIVE", "TRADE_SUBMIT", "REPLAY", "__proto__", "NOTE"];
const HEAD = '{"format":1,"name":"bars","version":2,"settings":"ab","inputs":{"ticks/0":3},"parts":1,"sha256":"cd"}';
const INPUTS = '[{"kind":"bar","id":"0198c5a4-8f6e-5c3a-9d2b-5e4f3a2b1c03","known_at":5,"value":1.5}]';
const PAYLOAD = '{"database_id":"a","action_id":"b","to_offset":5,"next_offset":7,"value_sha256":"c","rewind":1}';

/** What stands in headers, notes, payloads and snapshots: texts that anybody may have written, read by parsers of ours. */
const PARSERS: Readonly<Record<string, { readonly seed: string; readonly read: Parser }>> = {
  headers: {
    seed: "tradetape-redrive=12\0tradetape-revised-at=1600000000000000\0a\\0b=\xff\0a\\0b=",
    read: readHeaders,
  },
  note: {
    seed: beatNoteText({ process: "0a1b2c3d", number: 7, atMs: 5, sinceMs: 4, timeline: "0000000A" }),
    read: readNote,
  },
  inputs: { seed: INPUTS, read: inputsOf },
  payload: { seed: PAYLOAD, read: readPayload },
  head: { seed: HEAD, read: readSnapshot },
};
const NAMES = Object.keys(PARSERS);

/** The first byte of an input says which of the parsers reads the rest. */
export function textsDoor(): Door {
  const read = (input: Buffer) => {
    const name = NAMES[(input[0] ?? 0) % NAMES.length]!;
    const outcome = PARSERS[name]!.read(input.subarray(1));
    return outcome instanceof Promise ? outcome.then((said) => `${name}: ${said}`) : `${name}: ${outcome}`;
  };
  return {
    name: "texts",
    seeds: NAMES.map((name, n) => Buffer.concat([Buffer.of(n), Buffer.from(PARSERS[name]!.seed, "latin1")])),
    open: read,
    reshape: (input, dice) => {
      const at = input.indexOf('"', dice.between(0, input.length));
      const end = at < 0 ? -1 : input.indexOf('"', at + 1);
      if (end < 0) return input;
      return Buffer.concat([input.subarray(0, at), Buffer.from(oddJson(dice)), input.subarray(end + 1)]);
    },
    agree: (dice) => {
      const number = dice.between(0, 1_000_000);
      const headers = {
        "tradetape-redrive": Buffer.from(String(number)),
        "a\0\\0": [Buffer.from("x"), Buffer.from("")],
      };
      must(redriveAttempts(headers) === number, "a count that is read as another");
      must(isDeepStrictEqual(rawHeaders(storedHeaders(headers)), headers), "headers that come back as others");
    },
  };
}

const oddJson = (dice: Dice): string =>
  dice.pick([
    '{"toString":0,"valueOf":0}',
    '{"toJSON":"a"}',
    '{"__proto__":null}',
    "[[]]",
    "null",
    "-0",
    "1e999",
    '"\\ud800"',
    '"\\u0000"',
    "[".repeat(dice.between(1, 2000)),
    `${"[".repeat(120)}${"]".repeat(120)}`,
  ]);

function readHeaders(bytes: Buffer): string {
  const names = new Map<string, Buffer | Buffer[]>();
  for (const part of bytes.toString("latin1").split("\0")) {
    const [name = "", value = ""] = part.split("=", 2);
    const data = Buffer.from(value, "latin1");
    const known = names.get(name);
    names.set(name, known === undefined ? data : [known, data].flat());
  }
  const headers = Object.fromEntries(names) as RecordHeaders;
  must(
    isDeepStrictEqual({ ...rawHeaders(storedHeaders(headers)) }, { ...headers }),
    "headers that come back as others",
  );
  must(!Object.keys(storedHeaders(headers)).some((name) => name.includes("\0")), "a NUL in what is stored");
  const attempts = redriveAttempts(headers);
  must(Number.isInteger(attempts) && attempts >= 0 && attempts <= 1_000_000, `${attempts} attempts`);
  const first = firstPublishedUs(headers, PUBLISHED_US);
  must(Number.isInteger(first) && first >= 0 && first <= PUBLISHED_US, `published at ${first}`);
  for (const name of names.keys()) must(!firstHeader(headers, name)!.includes("\0"), "a NUL in a header's text");
  return `${attempts > 0 ? "redriven" : "new"}, ${first < PUBLISHED_US ? "earlier" : "now"}`;
}

function readNote(bytes: Buffer): string {
  const note = beatNoteOf(bytes.toString());
  if (note === undefined) return "none";
  must([note.number, note.atMs, note.sinceMs].every(Number.isSafeInteger), "a number that is none");
  return "a note";
}

function inputsOf(bytes: Buffer): string {
  const text = bytes.toString();
  const wrong = checkInputs(text);
  must(storableDetail(wrong ?? text).isWellFormed(), "a detail that PostgreSQL can't hold");
  if (wrong !== null) return "refused";
  for (const { kind, id } of readInputs(text))
    must(typeof kind === "string" && id.length === 36, "an input that is none");
  return "inputs";
}

function readPayload(bytes: Buffer): string {
  const payload = bytes.toString();
  const form = jsonFormOrText(payload);
  must(jsonFormOrText(form) === form, "a form that isn't one");
  const owns = TYPES.map((event_type) => isOwnEntry({ ...audit(1), event_type, payload }));
  must(!owns.includes(true), "somebody's entry is taken for ours");
  return payload === form ? "in form" : "in another form";
}

async function readSnapshot(bytes: Buffer): Promise<string> {
  const head = readHead(bytes);
  if (head === undefined) return "none";
  return (await unpackSnapshot(head, [bytes])) === undefined ? "a head" : "a snapshot";
}
