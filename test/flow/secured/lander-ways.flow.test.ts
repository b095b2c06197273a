import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { claim, link, NOTHING, Ways } from "./ways.ts";

/** Ways to alter history that a login which may only land is refused, or that alter nothing. */
let ways: Ways;
beforeAll(async () => {
  ways = await Ways.open(`tradetape_test_ways_${process.pid}`);
});
afterAll(() => ways.close());

/** Of tables it may read alone: a table, and what else than SELECT of it is tried. */
const DENIED: readonly (readonly [string, string])[] = [
  ["forge an entry with its right hash", "INSERT INTO public.audit_log SELECT * FROM public.audit_log"],
  ["alter an entry", "UPDATE public.audit_log SET actor = 'ceo'"],
  ["remove entries", "DELETE FROM public.audit_log"],
  ["empty the log", "TRUNCATE public.audit_log"],
  ["add to the ledger", "INSERT INTO tradetape.landed_batch SELECT * FROM tradetape.landed_batch"],
  ["alter the ledger", "UPDATE tradetape.landed_batch SET filtered = filtered + 1, written = written - 1"],
  ["remove from the ledger", "DELETE FROM tradetape.landed_batch"],
  ["move a partition", "UPDATE tradetape.landed_offset SET next_offset = next_offset + 1"],
  ["date a landing back", "UPDATE tradetape.landed_offset SET updated_at = 'epoch'"],
  [
    "add a partition",
    "INSERT INTO tradetape.landed_offset (topic, partition, next_offset, origin) VALUES ('ticks', 9, 9, 9)",
  ],
  ["forget a partition", "DELETE FROM tradetape.landed_offset"],
  ["lock partitions beside the function", "SELECT FROM tradetape.landed_offset FOR UPDATE"],
  ["keep others from the log", "BEGIN; LOCK TABLE tradetape.audit_turn IN ROW SHARE MODE"],
  ["have a letter that was discarded", "INSERT INTO tradetape.dead_letter SELECT * FROM tradetape.dead_letter"],
  ["date a letter back", "INSERT INTO tradetape.dead_letter (topic, dead_at) VALUES ('ticks', 'epoch')"],
  ["alter a letter", "UPDATE tradetape.dead_letter SET value = NULL"],
  ["have an event wait for ever", "INSERT INTO tradetape.parked_event (topic, parked_at) VALUES ('ticks', 'infinity')"],
  ["hide a message that waits", "INSERT INTO tradetape.outbox (topic, created_at) VALUES ('audit', 'infinity')"],
  ["publish a deed again", "INSERT INTO tradetape.outbox (topic, deed_id) VALUES ('audit', 1)"],
  ["note a deed", "SELECT tradetape.note_deed('DISCARD', gen_random_uuid(), 'x', 'ticks', 0, 1, '{1}', '{}')"],
  ["alter a deed", "UPDATE tradetape.deed SET login = 'ceo'"],
  ["say that rows were removed", "SELECT tradetape.keep_revisions('symbol', 'symbol_id')"],
  [
    "replace a function",
    "CREATE OR REPLACE FUNCTION tradetape.advance(text, jsonb) RETURNS int LANGUAGE sql AS 'SELECT 1'",
  ],
  ["put a function beside it", "CREATE FUNCTION tradetape.now() RETURNS timestamptz LANGUAGE sql AS 'SELECT NULL'"],
  ["switch a trigger off", "ALTER TABLE public.audit_log DISABLE TRIGGER ALL"],
  ["switch all triggers off", "SET session_replication_role = replica"],
  ["be the owner", "SET ROLE tradetape_owner"],
  ["alter a revision", "UPDATE public.symbol_revision SET known_to = 'epoch'"],
  ["remove a row", "DELETE FROM public.market_data_tick"],
];

describe("is refused to", () => {
  test.each(DENIED)("%s", async (_, sql) => {
    await expect(ways.lander.query(sql)).rejects.toMatchObject({ code: "42501" });
    await ways.lander.query("ROLLBACK");
  });

  test.each<[string, () => string, string]>([
    ["count less than nothing", () => ways.advance({ written: 2, filtered: -1 }), "23514"],
    [
      "count less than nothing in a release",
      () => ways.advance({ kind: "release", nextOffset: ways.nextTick, read: 0, written: 1, filtered: -1 }),
      "23514",
    ],
    ["count more than it read", () => ways.advance({ written: 1 }), "23514"],
    ["go on behind more than it read", () => ways.advance({ nextOffset: ways.nextTick + 2 }), "23514"],
    ["go back", () => ways.advance({ nextOffset: ways.nextTick - 1, read: -1, filtered: -1 }), "23514"],
    [
      "go back with a release",
      () => ways.advance({ kind: "release", nextOffset: ways.nextTick - 1, read: 0, holes: -1, filtered: 0 }),
      "23514",
    ],
    ["lose an event without a deed", () => ways.advance({ read: 0, filtered: 0, lost: 1 }), "23514"],
    ["count more superseded than replaced", () => ways.advance({ superseded: 1 }), "23514"],
    ["count nothing known", () => ways.advance({ filtered: null, read: null }), "23502"],
    ["go farther than offsets are", () => ways.advance({ nextOffset: 2 ** 63 }), "22003"],
    ["go on by half an offset", () => ways.advance({ firstOffset: ways.nextTick + 0.5 }), "22P02"],
    ["give one step without a list", () => `SELECT tradetape.advance('${ways.tape.name("ticks")}', '{}')`, "22023"],
    ["begin below the log", () => claim(ways.tape.name("ticks"), 50, -1), "22023"],
    ["begin a partition below none", () => claim(ways.tape.name("ticks"), -1, 0), "22023"],
    ["begin what no topic is called", () => claim("a b", 0, 0), "22023"],
    ["lose what has landed", () => ways.loss(ways.nextTick - 1, ways.nextTick), "55000"],
    ["lose what isn't next", () => ways.loss(ways.nextTick + 1, ways.nextTick + 2), "55000"],
    ["lose nothing", () => ways.loss(ways.nextTick, ways.nextTick), "55000"],
    ["lose up to nowhere", () => ways.loss(ways.nextTick, null), "55000"],
    ["lose without a reason", () => ways.loss(ways.nextTick, ways.nextTick + 1, "NULL"), "22023"],
    ["lose in two lines", () => ways.loss(ways.nextTick, ways.nextTick + 1, "E'a\\nb'"), "22023"],
    ["lose as nobody", () => ways.loss(ways.nextTick, ways.nextTick + 1, "'gone'", "''"), "22023"],
    ["link an entry without an id", () => link({ ids: "ARRAY[NULL::uuid]" }), "23502"],
    ["link an entry without a time", () => link({ times: "ARRAY[NULL::timestamptz]" }), "23502"],
    ["link entries of other lengths", () => link({ ids: "ARRAY[gen_random_uuid(), gen_random_uuid()]" }), "23502"],
    ["link what is no JSON", () => link({ payloads: "'{x}'" }), "22P02"],
    [
      "owe what goes to another topic",
      () => `INSERT INTO tradetape.outbox (source_topic, source_partition, topic, headers)
      VALUES ('${ways.tape.name("ticks")}', 0, '${ways.tape.name("fills")}', '{}')`,
      "23514",
    ],
    [
      "owe what goes to the trail of others",
      () => `INSERT INTO tradetape.outbox (source_topic, source_partition, topic, headers)
      VALUES ('${ways.tape.name("ticks")}', 0, 'another.audit', '{}')`,
      "23514",
    ],
    ["land an event twice", () => "INSERT INTO public.market_data_tick SELECT * FROM public.market_data_tick", "23505"],
  ])("%s", async (_, sql, code) => {
    const before = await ways.state();
    await expect(ways.lander.query(sql())).rejects.toMatchObject({ code });
    expect(await ways.state()).toEqual(before);
  });
});

describe("changes nothing by trying to", () => {
  test.each<[string, () => string]>([
    ["land again what has landed", () => ways.advance({ firstOffset: ways.nextTick - 1, nextOffset: ways.nextTick })],
    ["land behind a gap", () => ways.advance({ firstOffset: ways.nextTick + 1, nextOffset: ways.nextTick + 2 })],
    ["land what is as if of another log", () => ways.advance({ readAfter: 1 })],
    ["land what was read under another claim", () => ways.advance({ readUnder: 0 })],
    ["leave a landmark behind the range", () => ways.advance({ lastOffset: ways.nextTick + 1, lastDigest: "00" })],
    ["land where no partition is", () => ways.advance({ partition: 99 })],
    ["land a topic that never landed", () => ways.advance({}, "nothing")],
    ["say that it rewound", () => ways.advance({ kind: "rewound", nextOffset: 0, read: 0, filtered: 0 })],
    [
      "say that rows were removed",
      () => ways.advance({ kind: "removed", nextOffset: ways.nextTick, read: 0, filtered: 0 }),
    ],
    ["say that a loss was accepted", () => ways.advance({ kind: "accepted_loss", read: 0, filtered: 0, lost: 1 })],
    ["be of no kind", () => ways.advance({ kind: null })],
    ["give no steps", () => `SELECT tradetape.advance('${ways.tape.name("ticks")}', NULL)`],
    [
      "link an entry that is there, in other words",
      () => link({ ids: "(SELECT array_agg(log_id) FROM (SELECT log_id FROM public.audit_log LIMIT 1) one)" }),
    ],
    ["link nothing", () => link(NOTHING)],
  ])("%s", async (_, sql) => {
    const before = await ways.state();
    await ways.lander.query(sql());
    expect(await ways.state()).toEqual(before);
  });

  test("begin anew where it has landed", async () => {
    const places = () =>
      ways.tape.query(
        "SELECT to_jsonb(o) - 'claims' AS place FROM tradetape.landed_offset o ORDER BY topic, partition",
      );
    const before = await places();
    await ways.lander.query(claim(ways.tape.name("ticks"), 0, 0));
    expect(await places()).toEqual(before);
  });
});
