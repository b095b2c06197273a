import { afterAll, beforeAll, expect, test } from "vitest";
import { claim, type Look, link, Ways } from "./ways.ts";

/** Ways to alter history that a login which may only land has, since it lands: verify names each. */
let ways: Ways;
beforeAll(async () => {
  ways = await Ways.open(`tradetape_test_found_${process.pid}`);
});
afterAll(() => ways.close());

const ticks = () => ways.tape.name("ticks");
const nothingHere = () => `${ticks()}/0: 1 events landed and nothing of them is here`;
const skipAs = (counts: object) => () => [ways.advance({ filtered: 0, ...counts })];

test.each<[string, Look, () => string[] | Promise<string[]>, string | (() => string)]>([
  ["skips an event as filtered", "topics", () => [ways.advance()], nothingHere],
  ["filters where nothing is to be", "database", () => [ways.advance()], "1 events were filtered and no session"],
  ["skips an event as a repeat", "topics", skipAs({ duplicate: 1 }), nothingHere],
  ["skips an event as replaced", "topics", skipAs({ replaced: 1 }), nothingHere],
  ["skips an event as a hole", "topics", skipAs({ read: 0, holes: 1 }), nothingHere],
  ["skips an event as a row", "database", skipAs({ written: 1 }), "market_data_tick: the ledger says 2 rows"],
  ["skips an event as a letter", "database", skipAs({ dead: 1 }), "the ledger counts 2 letters"],
  ["skips an event as parked", "database", skipAs({ parked: 1 }), "the ledger counts 1 parked"],
  [
    "loses an event that the log has",
    "topics",
    () => [ways.loss(ways.nextTick, ways.nextTick + 1)],
    "were accepted as lost, and the log holds 1",
  ],
  [
    "lands what the log doesn't have",
    "topics",
    () => [ways.advance({ nextOffset: ways.nextTick + 9, read: 0, filtered: 0, holes: 9 })],
    () => `landed up to offset ${ways.nextTick + 9}, and the log ends at ${ways.nextTick + 2}`,
  ],
  [
    "begins behind what the log has",
    "topics",
    () => [claim(ways.tape.name("sessions"), 0, 1)],
    "began at offset 1, and the log has what is before it from 0 on",
  ],
  ["begins behind the log", "topics", () => [claim(ways.tape.name("fills"), 1, 5)], "and the log ends at 0"],
  [
    "begins what no events land from",
    "database",
    () => [claim("nothing", 0, 0)],
    "no events land from a topic of this",
  ],
  [
    "adds a row",
    "database",
    () => [
      `INSERT INTO public.market_data_tick SELECT (jsonb_populate_record(t,
        jsonb_build_object('market_data_id', gen_random_uuid()))).* FROM public.market_data_tick t`,
    ],
    "the ledger says 1 rows, the table has 2",
  ],
  ["alters a row", "tables", () => ["UPDATE public.symbol SET exchange = 'X'"], "symbol differs"],
  [
    "adds a letter",
    "database",
    () => [
      `INSERT INTO tradetape.dead_letter (topic, partition, "offset", reason, detail, headers, published_at)
       VALUES ('${ticks()}', 0, 900, 'x', 'x', '{}', now())`,
    ],
    "dead_letter holds 2",
  ],
  ["removes a parked event", "database", () => ["DELETE FROM tradetape.parked_event"], "parked_event holds 0"],
  [
    "gives up a parked event",
    "topics",
    () => ["DELETE FROM tradetape.parked_event", ways.giveUp()],
    "1 events landed and nothing of them is here",
  ],
  ["hides a deed's entry", "topics", () => ["DELETE FROM tradetape.outbox"], "the DISCARD of"],
  ["forges an entry", "database", () => [link()], "audit_log: the ledger says"],
  ["forges an entry and counts it", "topics", () => [link(), ways.entriesLanded(1)], "entries that no audit topic has"],
  [
    "forges an entry in the place of another",
    "topics",
    () => [link(), ways.entriesLanded(1)],
    "landed, and the log doesn't have it",
  ],
  ["leaves an entry out", "database", () => [ways.entriesLanded(1)], "audit_log: the ledger says"],
  ["swaps two entries", "topics", () => ways.linkTrue({}, true), "which the topic has before it"],
  ["alters entries", "topics", () => ways.linkTrue({ actors: "'{ceo,ceo}'" }), "isn't what the topic has: actor"],
  [
    "dates entries back",
    "topics",
    () => ways.linkTrue({ times: "ARRAY['epoch'::timestamptz, 'epoch']" }),
    "isn't what the topic has: timestamp",
  ],
  [
    "has other functions and tables found first",
    "topics",
    () => [
      `CREATE TEMP TABLE landed_batch (x int); CREATE TEMP TABLE audit_log (x int);
       CREATE FUNCTION pg_temp.now() RETURNS timestamptz LANGUAGE sql AS $$ SELECT 'epoch'::timestamptz $$;
       CREATE FUNCTION pg_temp.sha256(bytea) RETURNS bytea LANGUAGE sql AS $$ SELECT '\\x00'::bytea $$;
       SET LOCAL search_path = pg_temp, pg_catalog`,
      ways.advance(),
      link(),
    ],
    "entries that no audit topic has",
  ],
])("a login of tradetape_lander that %s is found by what verify says of the %s", async (_, look, sqls, finding) => {
  await ways.lander.query("BEGIN");
  for (const sql of await sqls()) await ways.lander.query(sql);
  await ways.lander.query("COMMIT");
  await ways.lander.query("DISCARD ALL");
  const times = "landed_at < now() - interval '1 day'";
  try {
    expect((await ways.named(look)).join("\n")).toContain(typeof finding === "string" ? finding : finding());
    expect(await ways.tape.query(`SELECT FROM tradetape.landed_batch WHERE ${times}`)).toEqual([]);
  } finally {
    await ways.restore();
  }
});

test("nothing is named that nobody did, nor entries that it links as the topic has them", async () => {
  expect(await ways.named("database", "tables", "topics")).toEqual([]);
  for (const sql of await ways.linkTrue()) await ways.lander.query(sql);
  expect(await ways.named("database", "tables", "topics")).toEqual([]);
});
