import { randomUUID } from "node:crypto";
import pg from "pg";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { CONSUMERS } from "../../../consumers/all.ts";
import { Connection } from "../../../src/table/connection.ts";
import { verify } from "../../../src/verify/verify.ts";
import { openTapeWithSymbol, type TestTape } from "../../support/tape.ts";

/** What a login with one of the roles, or with none, may not do to history; and what `verify` says of who may do more. */
let tape: TestTape;
const ROLES = ["ops", "reader", "lander", "nobody"] as const;
type Who = (typeof ROLES)[number];
const sessions = new Map<Who, pg.Client>();
const loginOf = (who: Who) => `tradetape_test_${who}_${process.pid}`;
const LETTERS = 12;
/** The topic, and the first of its letters, which lie in partition 0. */
let topic: string;
let first: number;

beforeAll(async () => {
  tape = await openTapeWithSymbol();
  topic = tape.name("ticks");
  const nothing = Array.from({ length: LETTERS }, () => ({ value: null, partition: 0 }));
  first = (await tape.raw("ticks", nothing)).get(0)!;
  await tape.land();
  for (const who of ROLES) {
    const url = new URL(tape.config.databaseUrl);
    [url.username, url.password] = [loginOf(who), "of a test"];
    await tape.query(`CREATE ROLE ${loginOf(who)} LOGIN PASSWORD 'of a test'`);
    if (who !== "nobody") await tape.query(`GRANT tradetape_${who} TO ${loginOf(who)}`);
    const session = new pg.Client({ connectionString: url.href });
    await session.connect();
    sessions.set(who, session);
  }
});
afterAll(async () => {
  for (const session of sessions.values()) await session.end();
  for (const who of ROLES) await tape.query(`DROP ROLE ${loginOf(who)}`);
  await tape.stop();
});

/** @returns the SQLSTATE that a statement is refused with; undefined where it isn't */
async function refusal(who: Who, sql: string, values: readonly unknown[] = []): Promise<string | undefined> {
  const session = sessions.get(who)!;
  await session.query("BEGIN");
  try {
    await session.query(sql, [...values]);
    return undefined;
  } catch (error) {
    return (error as { code: string }).code;
  } finally {
    await session.query("ROLLBACK");
  }
}

async function verified() {
  const connection = await Connection.open(tape.config.databaseUrl, { name: "test", role: "tradetape_reader" });
  return verify(connection, CONSUMERS, { quiet: true }).finally(() => connection.close());
}

const CHANGED = ["dead_letter", "deed", "outbox", "allowed_letters", "landed_offset", "landed_batch", "parked_event"];
/** Every way to rewrite what has happened, but for adding what is true. */
const REWRITES = [
  ...CHANGED.map((table) => `DELETE FROM tradetape.${table}`),
  ...CHANGED.map((table) => `TRUNCATE tradetape.${table}`),
  "UPDATE tradetape.dead_letter SET state = 'discarded', acted_by = 'somebody else'",
  "UPDATE tradetape.dead_letter SET state = 'open', acted_at = NULL, acted_by = NULL, deed_id = NULL",
  "UPDATE tradetape.dead_letter SET attempts = 0",
  "SELECT FROM tradetape.dead_letter FOR UPDATE",
  "UPDATE tradetape.deed SET login = 'ceo'",
  "INSERT INTO tradetape.deed (kind, action_id, os_user, topic, facts) VALUES ('DISCARD', gen_random_uuid(), 'x', 'x', '{}')",
  "UPDATE tradetape.outbox SET value = 'x', deed_id = NULL",
  "INSERT INTO tradetape.allowed_letters (topic, schema_id, note, allowed_by) VALUES ('ticks', 1, 'x', 'ceo')",
  "UPDATE tradetape.allowed_letters SET ended_at = now()",
  "UPDATE tradetape.landed_batch SET dead = 0",
  "DELETE FROM public.audit_log",
  "UPDATE public.audit_log SET actor = 'ceo'",
  "DELETE FROM public.symbol",
  "SELECT tradetape.note_deed('DISCARD', gen_random_uuid(), 'x', 'ticks', 0, 1, '{1}', '{}')",
  "ALTER TABLE tradetape.deed DISABLE TRIGGER ALL",
  "DROP FUNCTION tradetape.act_on_letters",
  "ALTER FUNCTION tradetape.act_on_letters SECURITY INVOKER",
  "CREATE FUNCTION tradetape.session_user() RETURNS text LANGUAGE sql AS $$ SELECT 'ceo' $$",
  "SET ROLE tradetape_owner",
  "SET SESSION AUTHORIZATION tradetape_owner",
  "SET session_replication_role = replica",
];
const WRITES = [
  "INSERT INTO tradetape.outbox (source_topic, source_partition, topic, value, headers) VALUES ('ticks', 0, 'audit', 'x', '{}')",
  "INSERT INTO tradetape.dead_letter SELECT * FROM tradetape.dead_letter",
  "UPDATE tradetape.landed_offset SET next_offset = next_offset + 1",
  "INSERT INTO tradetape.landed_batch SELECT * FROM tradetape.landed_batch",
  "INSERT INTO public.audit_log SELECT * FROM public.audit_log",
  "SELECT tradetape.make_day('market_data_tick', '2024-03-05')",
  "UPDATE public.symbol SET symbol_id = gen_random_uuid()",
];
const LANDINGS = [
  "SELECT tradetape.claim_partition('ticks', 99, 0, 'x')",
  "SELECT tradetape.lock_partitions('ticks', '{0}')",
  "SELECT tradetape.advance('ticks', '[]')",
  "SELECT tradetape.accept_loss('ticks', 0, 0, 1, 'x', gen_random_uuid(), 'x')",
  "SELECT tradetape.link_entries('{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}')",
];
const DEEDS = [
  "SELECT tradetape.act_on_letters('DISCARD', 'ticks', 0, 0, '{1}', NULL, 'x', '{}', gen_random_uuid(), 'x')",
  "SELECT tradetape.lock_letters('ticks', 0, 0, '{1}')",
  "SELECT tradetape.set_aside('ticks', 0, 0, 1, 'x', gen_random_uuid(), 'x')",
  "SELECT tradetape.skip_schema('ticks', 1, true, 'x', gen_random_uuid(), 'x')",
  "SELECT tradetape.end_allowance(1, 'x', gen_random_uuid(), 'x')",
];
const READS = ["SELECT FROM tradetape.dead_letter", "SELECT FROM public.audit_log", "SELECT FROM public.symbol"];
/** What each has a right to, of all of these. */
const PUMPS = ["DELETE FROM tradetape.outbox", "DELETE FROM tradetape.parked_event"];

describe.each<[Who, readonly string[]]>([
  ["ops", [...REWRITES, ...WRITES, ...LANDINGS]],
  ["reader", [...REWRITES, ...WRITES, ...LANDINGS, ...DEEDS]],
  ["lander", [...REWRITES.filter((sql) => !PUMPS.includes(sql)), ...DEEDS]],
  ["nobody", [...REWRITES, ...WRITES, ...LANDINGS, ...DEEDS, ...READS]],
])("%s", (who, statements) => {
  test.each(statements)("may not: %s", async (sql) => {
    expect(await refusal(who, sql)).toBe("42501");
  });
});

/** The arguments of act_on_letters, in its order: the first of the letters, discarded. */
const GOOD = {
  kind: "DISCARD",
  topic: () => topic,
  partition: 0,
  rewind: 0,
  offsets: () => [first] as unknown,
  at: null as unknown,
  note: "why" as string | null,
  filter: "{}" as string | null,
  action: randomUUID() as string | null,
  osUser: "ann" as string | null,
};
const ACT = "SELECT tradetape.act_on_letters($1, $2, $3, $4, $5::bigint[], $6::bigint[], $7, $8, $9, $10)";
const argumentsOf = (change: Partial<typeof GOOD>) =>
  Object.values({ ...GOOD, ...change }).map((value) => (typeof value === "function" ? value() : value));

describe("an operator's function", () => {
  test.each<[string, Partial<typeof GOOD>, string]>([
    ["another kind", { kind: "TRADE_DECISION" }, "22023"],
    ["no note", { note: null }, "22023"],
    ["a blank note", { note: " " }, "22023"],
    ["a note of two lines", { note: "a\nb" }, "22023"],
    ["a note without end", { note: "x".repeat(1001) }, "22023"],
    ["no letters", { offsets: () => [] }, "22023"],
    ["letters that are null", { offsets: () => [first, null] }, "22023"],
    ["no array", { offsets: () => null }, "22023"],
    ["more than a page", { offsets: () => Array.from({ length: 5001 }, (_, n) => n) }, "22023"],
    ["one letter twice", { offsets: () => [first, first] }, "55000"],
    ["an offset that is no letter", { offsets: () => [first, first + LETTERS] }, "55000"],
    ["letters of another topic", { topic: () => "nothing" }, "55000"],
    ["a rewind that wasn't", { rewind: 1 }, "55000"],
    ["a discard to an offset", { at: [1e6] }, "22023"],
    ["a redrive with a note", { kind: "REDRIVE", at: [1e6] }, "22023"],
    ["a redrive to nowhere", { kind: "REDRIVE", note: null }, "22023"],
    ["a redrive to before the letter", { kind: "REDRIVE", note: null, at: [0] }, "22023"],
    ["a redrive to other offsets than letters", { kind: "REDRIVE", note: null, at: [1e6, 1e6 + 1] }, "22023"],
    ["no filter", { filter: null }, "22023"],
    ["a filter without end", { filter: JSON.stringify({ topics: ["x".repeat(10_001)] }) }, "22023"],
    ["no action", { action: null }, "22023"],
    ["nobody on the machine", { osUser: "" }, "22023"],
    ["a name of two lines", { osUser: "ann\nceo" }, "22023"],
  ])("refuses %s", async (_, change, code) => {
    expect(await refusal("ops", ACT, argumentsOf(change))).toBe(code);
    expect(await refusal("ops", ACT, argumentsOf({}))).toBeUndefined();
  });

  test.each<[string, string, string]>([
    ["offsets of what no topic is called", "set_aside('a b', 0, 0, 1, 'x', gen_random_uuid(), 'x')", "22023"],
    ["offsets below none", "set_aside('TOPIC', 0, -1, 1, 'x', gen_random_uuid(), 'x')", "22023"],
    ["offsets that end before they begin", "set_aside('TOPIC', 0, 2, 2, 'x', gen_random_uuid(), 'x')", "22023"],
    ["a partition below none", "set_aside('TOPIC', -1, 0, 1, 'x', gen_random_uuid(), 'x')", "22023"],
    ["offsets without a reason", "set_aside('TOPIC', 0, 0, 1, '', gen_random_uuid(), 'x')", "22023"],
    ["a schema of what no topic is called", "skip_schema('', 1, true, 'x', gen_random_uuid(), 'x')", "22023"],
    ["a schema below none", "skip_schema('TOPIC', -1, true, 'x', gen_random_uuid(), 'x')", "22023"],
    ["to end without a reason", "end_allowance(1, NULL, gen_random_uuid(), 'x')", "22023"],
  ])("refuses %s", async (_, call, code) => {
    expect(await refusal("ops", `SELECT tradetape.${call.replace("TOPIC", topic)}`)).toBe(code);
  });

  test("refuses a second deed by the id of the first one's entry, which would hide behind it", async () => {
    const action = randomUUID();
    const aside = (next: number) => `SELECT tradetape.set_aside('${topic}', 0, 1000, ${next}, 'x', '${action}', 'x')`;
    expect(
      await refusal("ops", `DO $do$ BEGIN PERFORM ${aside(1001).slice(7)}; PERFORM ${aside(9999).slice(7)}; END $do$`),
    ).toBe("23505");
  });

  test("names the login, whoever it claims to be and whatever stands in its way", async () => {
    const session = sessions.get("ops")!;
    const action = randomUUID();
    await session.query(
      `CREATE TEMP TABLE dead_letter (state text);
       CREATE FUNCTION pg_temp.now() RETURNS timestamptz LANGUAGE sql AS $$ SELECT 'epoch'::timestamptz $$;
       SET search_path = pg_temp, pg_catalog; SET ROLE tradetape_ops`,
    );
    await session.query(ACT, argumentsOf({ osUser: "ceo", action }));
    await session.query("RESET ALL; RESET ROLE; DROP TABLE pg_temp.dead_letter; DROP FUNCTION pg_temp.now()");
    await tape.land();
    const [entry] = await tape.query(
      `SELECT event_type, actor, payload ->> 'os_user' AS os_user, payload -> 'offsets' AS offsets, payload ->> 'note' AS note
       FROM public.audit_log WHERE payload ->> 'action_id' = $1`,
      [action],
    );
    const who = { actor: loginOf("ops"), os_user: "ceo" };
    expect(entry).toEqual({ event_type: "DISCARD", ...who, offsets: [first], note: "why" });
    const [letter] = await tape.query(
      `SELECT acted_by, acted_at > now() - interval '1 day' AS now FROM tradetape.dead_letter WHERE state <> 'open'`,
    );
    expect(letter).toEqual({ acted_by: loginOf("ops"), now: true });
    expect(await refusal("ops", ACT, argumentsOf({}))).toBe("55000");
    expect(await verified()).toMatchObject({ ok: true, problems: [] });
  });
});

test.each([
  [
    "discarded without a deed",
    "UPDATE tradetape.dead_letter SET state = 'discarded' WHERE deed_id IS NULL",
    "11 letters",
  ],
  [
    "discarded by the deed of others",
    `UPDATE tradetape.dead_letter SET (state, deed_id) = (SELECT 'discarded', max(deed_id) FROM tradetape.deed)
     WHERE deed_id IS NULL`,
    "11 letters",
  ],
  ["of somebody else", "UPDATE tradetape.dead_letter SET acted_by = 'ceo' WHERE state <> 'open'", "1 letters"],
  ["of another time", "UPDATE tradetape.dead_letter SET acted_at = 'epoch' WHERE state <> 'open'", "1 letters"],
  ["redriven instead", "UPDATE tradetape.dead_letter SET state = 'redriven' WHERE state <> 'open'", "1 letters"],
  ["open again", "UPDATE tradetape.dead_letter SET state = 'open'", "1 letters"],
  ["as if never acted on", "UPDATE tradetape.dead_letter SET state = 'open', deed_id = NULL", "1 letters"],
  ["without its deed", "SET LOCAL session_replication_role = replica; DELETE FROM tradetape.deed", "1 letters"],
  [
    "with its deed of another",
    "SET LOCAL session_replication_role = replica; UPDATE tradetape.deed SET login = 'ceo'",
    "1 letters",
  ],
])("verify names a letter that is %s", async (_, sql, letters) => {
  await tape.query(
    "CREATE SCHEMA kept; CREATE TABLE kept.letter AS TABLE tradetape.dead_letter; CREATE TABLE kept.deed AS TABLE tradetape.deed",
  );
  await tape.query(`BEGIN; ${sql}; COMMIT`);
  const found = await verified();
  await tape.query(
    `BEGIN; SET LOCAL session_replication_role = replica; DELETE FROM tradetape.dead_letter; DELETE FROM tradetape.deed;
     INSERT INTO tradetape.dead_letter SELECT * FROM kept.letter;
     INSERT INTO tradetape.deed OVERRIDING SYSTEM VALUE SELECT * FROM kept.deed; DROP SCHEMA kept CASCADE; COMMIT`,
  );
  const subject = `${topic}/0`;
  expect(found.problems).toContainEqual({ check: "letters", subject, detail: expect.stringContaining(letters) });
  expect(await verified()).toMatchObject({ ok: true, problems: [] });
});

test("a superuser, too, is told that deeds only grow", async () => {
  await expect(tape.query("DELETE FROM tradetape.deed")).rejects.toMatchObject({ code: "42501" });
  await expect(tape.query("UPDATE tradetape.deed SET login = 'ceo'")).rejects.toThrow("deed only grows");
});
