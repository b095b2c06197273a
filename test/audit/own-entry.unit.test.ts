import { describe, expect, test } from "vitest";
import { CONSUMERS } from "../../consumers/all.ts";
import { deedEntry } from "../../src/audit/deed-entry.ts";
import { eventEntry, letterEntry, receiptEntry } from "../../src/audit/entry.ts";
import { checkpointId, letterId, lossId, receiptId, replayId, saidDigest } from "../../src/audit/log-id.ts";
import { isOwnEntry } from "../../src/audit/own-entry.ts";
import { judgeOf } from "../../src/batch/encode/judge.ts";
import type { AuditEvent } from "../../src/event/events.ts";
import { NO_RULES_OFF, RULE_BY_NAME } from "../../src/event/rules.ts";
import { repairDeed, rewoundDeed, toldDeed } from "../../src/operator/audit-entries.ts";
import { RULES_FILE } from "../support/rules.ts";
import { audit, idOf, NOON } from "../support/samples.ts";

const at = { topic: "paper.fills", partition: 2, offset: 7 };
const ops = { databaseId: idOf("database"), login: "ops", osUser: "tradetape" };
const told = (deed: Parameters<typeof toldDeed>[1]) => deedEntry(toldDeed(ops, deed, 1));
const deed = { actionId: idOf("action"), topic: "ticks", partition: 1, offset: 9 };

/** Every entry of an event that a consumer's declaration makes, as the landing makes them. */
const ofEvents = CONSUMERS.flatMap(({ topic, audit: notes }) => {
  if (typeof notes !== "function") return [];
  const fields = RULES_FILE.good[topic];
  const place = { topic: `paper.${topic}`, partition: 0, offset: 12 };
  const told = { correlationId: "c", causationId: null, actor: "tradetape", publishedUs: NOON };
  const source = { at: place, kind: topic, fields, value: Buffer.from(topic), ...told };
  return notes(fields as never).map((note) => eventEntry(source, note));
});

const batch = {
  topic: "ticks",
  partition: 1,
  firstOffset: 10,
  nextOffset: 20,
  rewinds: 0,
  counts: {},
  letters: [],
  landedUs: NOON,
};
const LETTER = { publishedAtMs: NOON / 1000, reason: "invalid", detail: "wrong", value: Buffer.from("v"), cut: null };
const REPLAYED = JSON.stringify({ database_id: idOf("database"), run_id: "r" });
const checkpoint = { database_id: idOf("database"), seq: 5, signature: "s" };
const OWN: readonly AuditEvent[] = [
  ...ofEvents,
  receiptEntry({ ...batch, databaseId: idOf("database"), digest: Buffer.alloc(32, 1) }),
  receiptEntry({ ...batch, databaseId: idOf("database"), digest: Buffer.alloc(32, 1), rewinds: 2 }),
  letterEntry(at, LETTER),
  told({ ...deed, kind: "REDRIVE", facts: { offsets: [9] } }),
  told({ ...deed, kind: "DISCARD", facts: { offsets: [9], rewind: 2 } }),
  told({ ...deed, kind: "SET_ASIDE", facts: { from_offset: 9, next_offset: 12 } }),
  told(rewoundDeed({ ...deed, from: 9, to: 4, facts: { breach: "cut" } })),
  told({ ...deed, kind: "SKIP_SCHEMA", facts: { schema_id: 17 } }),
  told({ ...deed, kind: "PARTITION_DROP", facts: { table: "t", day: "2024-03-05" } }),
  told({ ...deed, kind: "SESSION_DELETE", facts: { heap: "heap", from_block: 3 } }),
  told(repairDeed({ ...deed, round: 2, given: [] })),
  told({ ...deed, kind: "LOSS_ACCEPTED", facts: { to_offset: 12 } }),
  audit(2, {
    event_type: "REPLAY",
    log_id: replayId(idOf("database"), "r", String(NOON), saidDigest(REPLAYED)),
    timestamp: NOON,
    payload: REPLAYED,
  }),
  audit(3, {
    event_type: "CHECKPOINT",
    log_id: checkpointId(checkpoint.database_id, checkpoint.seq, checkpoint.signature),
    payload: JSON.stringify(checkpoint),
  }),
];
/** Entries as earlier versions wrote them. */
const FORMER: readonly AuditEvent[] = [
  {
    ...receiptEntry({ ...batch, databaseId: idOf("database"), digest: Buffer.alloc(32, 1) }),
    log_id: receiptId(idOf("database"), { ...batch, offset: 10 }, 20, "01".repeat(32)),
  },
  { ...letterEntry(at, LETTER), log_id: letterId(at) },
  audit(1, {
    event_type: "LOSS_ACCEPTED",
    log_id: lossId(at, 9),
    payload: '{"to_offset": 9}',
    source_topic: at.topic,
    source_partition: at.partition,
    source_offset: at.offset,
  }),
  audit(2, { event_type: "REPLAY", log_id: replayId(idOf("database"), "r"), payload: REPLAYED }),
];
const judge = judgeOf("audit", NO_RULES_OFF);
const named = (entry: AuditEvent) => judge(entry)?.name;

describe("entries that tradetape writes", () => {
  test("are of every reserved type, and each type of theirs is reserved", () => {
    const types = [...new Set(OWN.map((entry) => entry.event_type))].sort();
    const { isBroken } = RULE_BY_NAME.get("reserved_event_type")!;
    expect(types.filter((type) => !isBroken({ event_type: type }))).toEqual([]);
    const declared = RULES_FILE.rules.audit.find(({ name }) => name === "reserved_event_type") as unknown as {
      reserved: string[];
    };
    expect(types).toEqual(declared.reserved);
  });
  test.each([...OWN, ...FORMER].map((entry) => [entry.event_type, entry] as const))("pass: %s", (_type, entry) => {
    expect(isOwnEntry(entry)).toBe(true);
    expect(named(entry)).toBeUndefined();
  });
  test.each(OWN.map((entry) => [entry.event_type, entry] as const))(
    "are known by what they say, however the log keeps it: %s",
    (_type, entry) => {
      const { payload } = entry;
      const kept = JSON.stringify(Object.fromEntries(Object.entries(JSON.parse(payload)).reverse()), null, 1);
      expect(isOwnEntry({ ...entry, payload: kept, timestamp: String(entry.timestamp) })).toBe(true);
    },
  );
  test.each(["RECEIPT", "DEAD_LETTER", "REPLAY"])(
    "have another id where a database that lost commits tells something else: %s",
    (type) => {
      const entry = OWN.find(({ event_type }) => event_type === type)!;
      const payload = JSON.stringify({ ...JSON.parse(entry.payload), written: 7 });
      expect(named({ ...entry, payload })).toBe("reserved_event_type");
    },
  );
  test.each(OWN.map((entry) => [entry.event_type, entry] as const))(
    "don't pass when they were changed: %s",
    (_type, entry) => {
      const payload = JSON.parse(entry.payload) as Record<string, unknown>;
      const digests = [
        "value_sha256",
        "values_sha256",
        "run_id",
        "signature",
        "to_offset",
        "day",
        "from_block",
        "action_id",
      ];
      const changed = digests.filter((name) => name in payload).map((name) => ({ [name]: "1234" }));
      if (entry.event_type === "DEAD_LETTER") changed.push({ detail: "other" });
      const others: Partial<AuditEvent>[] = [
        { log_id: idOf("another") },
        { event_type: entry.event_type === "SYMBOL" ? "SESSION" : "SYMBOL" },
        { payload: "7" },
        ...changed.map((part) => ({ payload: JSON.stringify({ ...payload, ...part }) })),
        ...(entry.source_topic && changed.length === 0 ? [{ source_offset: 8 }] : []),
      ];
      for (const change of others)
        expect(named({ ...entry, ...change }), JSON.stringify(change)).toBe("reserved_event_type");
    },
  );
});

test("a client's entry of a reserved type is none of ours, whatever case it is in, nor is one of a reserved actor", () => {
  const compliance = { event_type: "TRADE_EXECUTION", actor: "compliance", timestamp: Date.UTC(2020, 0) * 1000 };
  expect(named(audit(1, compliance))).toBe("reserved_event_type");
  expect(named(audit(1, { event_type: "Trade_Execution " }))).toBe("reserved_event_type");
  expect(named(audit(1, { event_type: "LLM_CALL", actor: "TradeTape consumer" }))).toBe("reserved_actor");
  expect(named(audit(1, { event_type: "LLM_CALL", actor: "compliance" }))).toBeUndefined();
});

test("an entry says of which topic it is, too: a tick's record makes no fill", () => {
  const [fill] = ofEvents.filter(({ event_type }) => event_type === "TRADE_EXECUTION");
  expect(isOwnEntry({ ...fill, source_topic: "paper.ticks" })).toBe(false);
});

test.each([
  ["an object whose text nobody can take", '{"toString":0,"valueOf":0}'],
  ["an object that says its text is ours", '{"toString":"a"}'],
  ["a list", "[[1]]"],
  ["half a character", '"\\ud800"'],
  ["nothing", "null"],
])("an entry with %s in the place of an id is none of ours", (_, value) => {
  for (const { event_type, ...entry } of OWN) {
    const members = Object.keys(JSON.parse(entry.payload)).map((name) => `${JSON.stringify(name)}:${value}`);
    const payload = `{${[...members, `"action_id":${value}`, `"database_id":${value}`].join()}}`;
    expect(isOwnEntry({ ...entry, event_type, payload }), event_type).toBe(false);
  }
});
