import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { type EntrySource, eventEntry, isoMicros, letterEntry, receiptEntry } from "../../src/audit/entry.ts";
import { encodeEvent } from "../../src/event/codec.ts";
import { decision, idOf, NOON, session } from "../support/samples.ts";

const NOTE = { eventType: "TRADE_DECISION", actor: "strategy", success: true };
const source = (change: Partial<EntrySource> = {}): EntrySource => ({
  at: { topic: "paper.decisions", partition: 2, offset: 41 },
  kind: "decisions",
  fields: decision(1),
  value: encodeEvent("decisions", 1, decision(1)),
  publishedUs: NOON,
  correlationId: "workflow",
  causationId: null,
  actor: null,
  ...change,
});
const sha256 = (value: Buffer) => createHash("sha256").update(value).digest("hex");

describe("the entry of an event", () => {
  it("is the same for the same record, whoever makes it and whenever", () => {
    expect(encodeEvent("audit", 1, eventEntry(source(), NOTE))).toEqual(
      encodeEvent("audit", 1, eventEntry(source(), NOTE)),
    );
  });

  it("holds the whole event with times for people, its digest, and where it came from", () => {
    const entry = eventEntry(source(), NOTE);
    expect(entry).toMatchObject({
      timestamp: NOON,
      event_type: "TRADE_DECISION",
      actor: "strategy",
      success: true,
      correlation_id: "workflow",
      source_topic: "paper.decisions",
      source_partition: 2,
      source_offset: 41,
      backtest_session_id: null,
    });
    const { backtest_session_id: _none, ...event } = decision(1);
    const time = "2024-03-05T14:30:00.000001Z";
    expect(JSON.parse(entry.payload)).toEqual({
      event: { ...event, timestamp: time, known_until: time },
      value_sha256: sha256(source().value),
    });
  });

  it("has another id for another record, another kind of entry, or other bytes at the same place", () => {
    const ids = [
      eventEntry(source(), NOTE),
      eventEntry(source(), { ...NOTE, eventType: "TRADE_SUBMIT" }),
      eventEntry(source({ at: { topic: "paper.decisions", partition: 2, offset: 42 } }), NOTE),
      eventEntry(source({ at: { topic: "paper.decisions", partition: 1, offset: 41 } }), NOTE),
      eventEntry(source({ at: { topic: "decisions", partition: 2, offset: 41 } }), NOTE),
      eventEntry(source({ value: Buffer.from("other") }), NOTE),
    ].map(({ log_id }) => log_id);
    expect(new Set(ids).size).toBe(6);
  });

  it("belongs to the event's session", () => {
    const fields = decision(1, { backtest_session_id: idOf("session") });
    expect(eventEntry(source({ fields }), NOTE).backtest_session_id).toBe(idOf("session"));
  });

  it("carries id and digest only when its payload would be larger than 256 KiB", () => {
    const sized = (bytes: number) => {
      const fields = session({ config: JSON.stringify("x".repeat(bytes)) });
      return JSON.parse(eventEntry(source({ kind: "sessions", fields }), NOTE).payload);
    };
    expect(sized(255 * 1024).event.config).toHaveLength(255 * 1024 + 2);
    const large = sized(256 * 1024);
    expect(large).toEqual({
      event: { backtest_session_id: session().backtest_session_id },
      value_sha256: sha256(source().value),
    });
  });
});

describe("a receipt", () => {
  const facts = {
    databaseId: idOf("database"),
    topic: "ticks",
    partition: 3,
    firstOffset: 10,
    nextOffset: 20,
    rewinds: 0,
    counts: { read: 10, written: 9, dead: 1 },
    digest: Buffer.alloc(32, 7),
    letters: [{ offset: 12, reason: "invalid" }],
    landedUs: NOON,
  };

  it("states range, counts, digest and letters of its batch, and which database landed it", () => {
    const { payload, ...entry } = receiptEntry(facts);
    expect(entry).toMatchObject({
      event_type: "RECEIPT",
      source_topic: "ticks",
      source_partition: 3,
      source_offset: 10,
    });
    expect(JSON.parse(payload)).toEqual({
      database_id: facts.databaseId,
      first_offset: 10,
      next_offset: 20,
      read: 10,
      written: 9,
      dead: 1,
      values_sha256: "07".repeat(32),
      letters: facts.letters,
    });
  });

  it("has one id per batch and database, whenever it is made", () => {
    const id = (change: object) => receiptEntry({ ...facts, ...change }).log_id;
    expect(id({ landedUs: NOON + 1 })).toBe(id({}));
    const others = [
      { databaseId: idOf("other") },
      { nextOffset: 21 },
      { partition: 2 },
      { digest: Buffer.alloc(32, 8) },
      { rewinds: 1 },
      { rewinds: 2 },
    ];
    expect(new Set([id({}), ...others.map(id)]).size).toBe(7);
  });

  it("lists a thousand letters at most", () => {
    const letters = Array.from({ length: 5000 }, (_, offset) => ({ offset, reason: "invalid" }));
    expect(JSON.parse(receiptEntry({ ...facts, letters }).payload).letters).toHaveLength(1000);
  });
});

describe("the entry of a letter", () => {
  it("is made of its coordinates and its value, so that one letter is told once, and one of another log beside it", () => {
    const at = { topic: "fills", partition: 0, offset: 5 };
    const letter = { publishedAtMs: NOON / 1000, reason: "invalid", detail: "why", value: Buffer.from("v"), cut: null };
    const [one, again] = [letterEntry(at, letter), letterEntry(at, letter)];
    const others = [
      letterEntry({ ...at, offset: 6 }, letter),
      letterEntry(at, { ...letter, value: Buffer.from("w") }),
      letterEntry(at, { ...letter, value: null }),
    ];
    expect(one).toEqual(again);
    expect(new Set([one, ...others].map((entry) => entry.log_id)).size).toBe(4);
    const sha256 = createHash("sha256").update("v").digest("hex");
    expect(letterEntry(at, { ...letter, value: Buffer.from("beginning"), cut: { sha256 } })).toEqual(one);
    expect(one).toMatchObject({ event_type: "DEAD_LETTER", success: false, source_offset: 5 });
  });
});

describe("times for people", () => {
  it.each([
    [0, "1970-01-01T00:00:00.000000Z"],
    [-1, "1969-12-31T23:59:59.999999Z"],
    [1_381_152_600_123_456, "2013-10-07T13:30:00.123456Z"],
    [NOON + 1, "2024-03-05T14:30:00.000001Z"],
  ])("%d is %s", (us, text) => {
    expect(isoMicros(us)).toBe(text);
  });
});
