import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { databaseShape } from "../../../scripts/shape.ts";
import { Connection } from "../../../src/table/connection.ts";
import { FACT_KINDS, factLines, readFacts } from "../../../src/table/established.ts";
import { type Ended, runHere } from "../../support/commands/run-here.ts";
import { environmentOf } from "../../support/landing.ts";
import { ledgerFaults } from "../../support/ledger.ts";
import { decision, fill, prediction, tick } from "../../support/samples.ts";
import { assertTestDatabase } from "../../support/services/isolation.ts";
import { openTapeWithSymbol, type TestTape } from "../../support/tape.ts";
import { restoredBy } from "./restored-by.ts";

let tape: TestTape;
/** The shape that the migrations gave it. */
let asMade = "";
let commentsMade = 0;
const RESTORER = `tradetape_test_restorer_${process.pid}`;

beforeAll(async () => {
  tape = await openTapeWithSymbol();
  for (const [name, value] of Object.entries(environmentOf(tape.config))) vi.stubEnv(name, value);
  // Each command line that runs in this process leaves a listener there.
  process.stdout.setMaxListeners(200);
  await assertTestDatabase(tape.config.databaseUrl);
  asMade = await shape();
  commentsMade = await comments();
  await tape.query(`CREATE ROLE ${RESTORER}`);
  await tape.publish("ticks", tick(0));
  await tape.publish("predictions", prediction(0));
  await tape.land();
});
afterAll(async () => {
  // The worker goes on with other files.
  vi.unstubAllEnvs();
  await tape.query(`DROP OWNED BY ${RESTORER}`);
  await tape.query(`DROP ROLE ${RESTORER}`);
  await tape.stop();
});

const loseAll = () => tape.query(restoredBy(RESTORER));

async function shape(): Promise<string> {
  const connection = await Connection.open(tape.config.databaseUrl, { name: "test" });
  return databaseShape(connection).finally(() => connection.close());
}

const comments = async () =>
  (await tape.query<{ n: number }>("SELECT count(*) AS n FROM pg_description WHERE objoid >= 16384"))[0]!.n;

/** What one command line of `tradetape` comes to, in this process. */
const run = (...args: string[]): Promise<Ended> => runHere(args, process.env);
const repaired = (...flags: string[]) => run("migrate", "--repair", ...flags);

test("a fresh database has what schemas/catalog/established.jsonl states", async () => {
  const connection = await Connection.open(tape.config.databaseUrl, { name: "test" });
  const facts = await readFacts(connection, FACT_KINDS).finally(() => connection.close());
  expect(factLines(facts)).toBe(readFileSync("schemas/catalog/established.jsonl", "utf8"));
});

describe("a dump that was restored without owners, privileges and comments", () => {
  test.each([
    "consume --until-caught-up",
    "status",
    "verify",
    "parked",
    "dead-letters list",
    "dead-letters discard --yes --reason-text x",
    "sessions list",
    "partitions list",
    "partitions drop --topic ticks --before 2020-01-01 --yes",
    "audit verify",
    "desk orders",
  ])("is told by `tradetape %s`, which names the way out", async (command) => {
    await loseAll();
    const { code, stderr } = await run(...command.split(" "), "--json");
    expect([code, stderr]).toEqual([2, expect.stringContaining("permission_denied")]);
    expect(stderr).toContain("tradetape migrate --repair");
  });

  test("is told by migrate, which ends with 1", async () => {
    await loseAll();
    const { code, stdout } = await run("migrate");
    expect([code, stdout]).toEqual([1, expect.stringContaining("run `tradetape migrate --repair`")]);
  });

  test("is as it was made after --repair, which says what it gave back, in the audit log, too", async () => {
    await loseAll();
    expect(await shape()).not.toBe(asMade);
    const { code, stdout, stderr } = await repaired();
    expect([code, stderr]).toEqual([0, ""]);
    expect(stdout).toMatch(/gave back \d+ owners, \d+ rights, \d+ comments/);
    expect(await shape()).toBe(asMade);
    expect(await comments()).toBe(commentsMade);
    const again = await repaired();
    expect([again.code, again.stdout]).toEqual([0, expect.stringContaining("nothing was lost")]);
    await tape.publish("ticks", tick(1));
    await tape.publish("decisions", decision(0));
    await tape.publish("fills", fill(0));
    const tallies = await tape.land();
    expect([tallies.ticks.written, tallies.ticks.dead]).toEqual([1, 0]);
    const entries = await tape.query("SELECT actor, payload FROM audit_log WHERE event_type = 'REPAIR'");
    expect(entries.length).toBeGreaterThan(0);
    expect(entries[0]!.payload).toMatchObject({ lost: expect.arrayContaining([expect.stringContaining(RESTORER)]) });
    expect(await ledgerFaults(tape)).toEqual([]);
  });

  test("has a partition for a new day after --repair, and each day's is the owner's", async () => {
    await loseAll();
    await repaired();
    await tape.publish("ticks", tick(2, { timestamp: Date.UTC(2021, 0, 5) * 1000 }));
    expect((await tape.land("ticks")).ticks).toMatchObject({ written: 1, dead: 0 });
    const owners = await tape.query<{ owner: string }>(
      `SELECT DISTINCT tableowner AS owner FROM pg_tables WHERE tablename ~ '_[0-9]{8}$'`,
    );
    expect(owners).toEqual([{ owner: "tradetape_owner" }]);
  });

  test("is told by --repair --dry-run, which changes nothing and prints statements that do the same", async () => {
    await loseAll();
    const lost = await shape();
    const dry = await repaired("--dry-run");
    expect(dry.code).toBe(1);
    expect(await shape()).toBe(lost);
    await tape.query(dry.stdout);
    expect(await shape()).toBe(asMade);
    const json = JSON.parse((await repaired("--dry-run", "--json")).stdout);
    expect(json).toMatchObject({ dryRun: true, lost: [], gone: [] });
  });
});

describe("what somebody changed", () => {
  /** Each gives back what `lose` took, and says so by these words. */
  const LOSSES: readonly [what: string, lose: string, says: string][] = [
    ["a right on a table", "REVOKE INSERT ON public.symbol FROM tradetape_lander", "tradetape_lander lacks INSERT"],
    [
      "a right on a column",
      "REVOKE UPDATE (twin_found_at) ON tradetape.database_id FROM tradetape_lander",
      "lacks UPDATE",
    ],
    ["a right on a schema", "REVOKE USAGE ON SCHEMA tradetape FROM tradetape_reader", "lacks USAGE"],
    ["a right on the schema public", "REVOKE CREATE ON SCHEMA public FROM tradetape_owner", "lacks CREATE"],
    ["a right on a function", "REVOKE EXECUTE ON FUNCTION tradetape.make_day FROM tradetape_lander", "lacks EXECUTE"],
    ["a function that everybody may call", "GRANT EXECUTE ON FUNCTION tradetape.make_day TO PUBLIC", "everybody has"],
    ["a function's owner", `ALTER FUNCTION tradetape.make_day OWNER TO ${RESTORER}`, "belongs to"],
    ["a function's guard", "ALTER FUNCTION tradetape.make_day SECURITY INVOKER", "SECURITY INVOKER"],
    ["a function's search path", "ALTER FUNCTION tradetape.make_day RESET search_path", "runs as"],
    ["a function's other settings", "ALTER FUNCTION tradetape.make_day SET DateStyle = 'German'", "runs as"],
    ["a table's owner", `ALTER TABLE public.symbol OWNER TO ${RESTORER}`, "belongs to"],
    ["a view's owner", `ALTER VIEW public.tick OWNER TO ${RESTORER}`, "belongs to"],
    ["the schema's owner", `ALTER SCHEMA tradetape OWNER TO ${RESTORER}`, "belongs to"],
    ["a day's owner", `ALTER TABLE public.market_data_tick_20240305 OWNER TO ${RESTORER}`, "market_data_tick_20240305"],
  ];

  test.each(LOSSES)("%s is given back", async (_, lose, says) => {
    await repaired();
    await tape.query(lose);
    const dry = await repaired("--dry-run");
    expect([dry.code, dry.stdout]).toEqual([1, expect.stringContaining(says)]);
    const { code, stderr } = await repaired();
    expect([code, stderr]).toEqual([0, ""]);
    expect(await shape()).toBe(asMade);
  });

  test("more days than one transaction takes are given back, each transaction with an entry of its own", async () => {
    await repaired();
    await tape.query(
      "SELECT tradetape.make_day('market_data_tick', '2000-01-01'::date + n) FROM generate_series(1, 230) n",
    );
    await tape.query(
      `DO $$ DECLARE leaf text; BEGIN FOR leaf IN SELECT tablename FROM pg_tables WHERE tablename ~ '^market_data_tick_2000' LOOP
         EXECUTE format('ALTER TABLE public.%I OWNER TO ${RESTORER}', leaf); END LOOP; END $$`,
    );
    const owed = async () =>
      (
        await tape.query<{ n: number }>("SELECT count(*) AS n FROM tradetape.outbox WHERE source_topic ~ 'symbols$'")
      )[0]!.n;
    const before = await owed();
    expect((await repaired()).stdout).toContain("gave back 230 owners");
    expect(await owed()).toBe(before + 3);
    expect(await tape.query(`SELECT FROM pg_tables WHERE tableowner = '${RESTORER}'`)).toEqual([]);
  });

  /** Each is named, and nothing of it is touched, while all else is given back. */
  const UNKNOWABLE: readonly [what: string, change: string, back: string, says: string][] = [
    [
      "a table that is gone",
      "ALTER TABLE tradetape.parked_event RENAME TO away",
      "ALTER TABLE tradetape.away RENAME TO parked_event",
      "relation tradetape.parked_event isn't there",
    ],
    [
      "a column of another type",
      "ALTER TABLE public.audit_log ALTER source_partition TYPE bigint",
      "ALTER TABLE public.audit_log ALTER source_partition TYPE integer",
      "column public.audit_log.source_partition is bigint, not integer",
    ],
    [
      "a column that is gone",
      "ALTER TABLE public.symbol RENAME exchange TO market",
      "ALTER TABLE public.symbol RENAME market TO exchange",
      "column public.symbol.exchange isn't there",
    ],
    [
      "a CHECK that is gone",
      "ALTER TABLE public.symbol RENAME CONSTRAINT ticker_not_empty TO other",
      "ALTER TABLE public.symbol RENAME CONSTRAINT other TO ticker_not_empty",
      "constraint public.symbol.ticker_not_empty isn't there",
    ],
    [
      "a key that is gone",
      "ALTER INDEX public.market_data_bar_key RENAME TO other",
      "ALTER INDEX public.other RENAME TO market_data_bar_key",
      "index public.market_data_bar_key isn't there",
    ],
    [
      "a trigger that is off",
      "ALTER TABLE public.audit_log DISABLE TRIGGER audit_log_only_grows",
      "ALTER TABLE public.audit_log ENABLE TRIGGER audit_log_only_grows",
      "trigger public.audit_log.audit_log_only_grows is",
    ],
    [
      "a function that does something else",
      "ALTER FUNCTION tradetape.seconds_text RENAME TO other",
      "ALTER FUNCTION tradetape.other RENAME TO seconds_text",
      "function tradetape.seconds_text",
    ],
  ];

  test.each(UNKNOWABLE)("%s is named and not made again", async (_, change, back, says) => {
    await repaired();
    await tape.query(change);
    await tape.query("REVOKE INSERT ON public.technical_indicator FROM tradetape_lander");
    const { code, stdout } = await repaired();
    await tape.query(back);
    expect([code, stdout]).toEqual([1, expect.stringContaining(`not mended: ${says}`)]);
    expect(stdout).toContain("gave back 1 right");
    expect(await shape()).toBe(asMade);
  });

  test("a table of somebody's by the name of one of ours keeps its owner, and nobody gets a right on it", async () => {
    await repaired();
    await tape.query(
      `ALTER TABLE tradetape.parked_event RENAME TO away;
       CREATE TABLE tradetape.parked_event (topic text, "offset" text); ALTER TABLE tradetape.parked_event OWNER TO ${RESTORER}`,
    );
    const { code, stdout } = await repaired();
    const [found] = await tape.query(
      `SELECT pg_get_userbyid(relowner)::text AS owner, has_table_privilege('tradetape_lander', oid, 'INSERT') AS given
       FROM pg_class WHERE oid = 'tradetape.parked_event'::regclass`,
    );
    await tape.query("DROP TABLE tradetape.parked_event; ALTER TABLE tradetape.away RENAME TO parked_event");
    expect([code, found]).toEqual([1, { owner: RESTORER, given: false }]);
    expect(stdout).toContain('not mended: column tradetape.parked_event."offset" is text, not bigint');
    expect(await shape()).toBe(asMade);
  });

  test("a function of somebody's by the name of one of ours keeps its owner, and runs as who calls it", async () => {
    await repaired();
    await tape.query(
      `ALTER FUNCTION tradetape.make_day RENAME TO away;
       CREATE FUNCTION tradetape.make_day(of_table text, day date) RETURNS boolean LANGUAGE sql AS 'SELECT true';
       ALTER FUNCTION tradetape.make_day OWNER TO ${RESTORER}`,
    );
    const { code, stdout } = await repaired();
    const [found] = await tape.query(
      `SELECT pg_get_userbyid(proowner)::text AS owner, prosecdef AS "isDefiner", proacl AS rights
       FROM pg_proc WHERE oid = 'tradetape.make_day(text, date)'::regprocedure`,
    );
    await tape.query("DROP FUNCTION tradetape.make_day; ALTER FUNCTION tradetape.away(text, date) RENAME TO make_day");
    expect([code, found]).toEqual([1, { owner: RESTORER, isDefiner: false, rights: null }]);
    expect(stdout).toContain("not mended: function tradetape.make_day(of_table text, day date) is boolean sql");
    expect(await shape()).toBe(asMade);
  });

  /** Each has the name of a day of the ticks, and may be one on its way out or anything else. */
  const LOOSE: readonly [what: string, make: string][] = [
    ["a table of somebody's", "CREATE TABLE public.market_data_tick_19990101 (x int)"],
    [
      "a day that was detached",
      `SELECT tradetape.make_day('market_data_tick', '1999-01-01');
       ALTER TABLE public.market_data_tick DETACH PARTITION public.market_data_tick_19990101`,
    ],
  ];

  test.each(LOOSE)(
    "%s by the name of a day is named and left, with the statement that would give it",
    async (_, make) => {
      await repaired();
      await tape.query(`${make}; ALTER TABLE public.market_data_tick_19990101 OWNER TO ${RESTORER}`);
      const owners = () =>
        tape.query("SELECT tableowner AS owner FROM pg_tables WHERE tablename = 'market_data_tick_19990101'");
      const give = "ALTER TABLE public.market_data_tick_19990101 OWNER TO tradetape_owner";
      for (const flags of [["--dry-run"], []]) {
        const { code, stdout } = await repaired(...flags);
        expect([code, stdout]).toEqual([0, expect.stringMatching(/left as it is: public.market_data_tick_19990101 /)]);
        expect(stdout).toContain(give);
        expect(await owners()).toEqual([{ owner: RESTORER }]);
      }
      await tape.query(give);
      expect((await repaired()).stdout).not.toContain("left as it is");
      await tape.query("DROP TABLE public.market_data_tick_19990101");
    },
  );

  test("one owner alone is what `migrate --as` names, and nothing besides", async () => {
    await repaired();
    await tape.query(`ALTER TABLE public.symbol OWNER TO ${RESTORER}`);
    const { code, stderr } = await run("migrate", "--as", "copy");
    await repaired();
    expect([code, stderr]).toEqual([2, expect.stringContaining(`public.symbol belongs to ${RESTORER}`)]);
    expect(stderr).not.toMatch(/\bmore\b/);
  });

  test("more than the migrations gave is named and left, as is a comment of somebody's and an index that is gone", async () => {
    await repaired();
    await tape.query("GRANT DELETE ON public.symbol TO tradetape_lander");
    await tape.query("COMMENT ON COLUMN public.symbol.exchange IS 'ours'");
    await tape.query("ALTER INDEX public.symbol_ticker RENAME TO other");
    const { code, stdout } = await repaired();
    expect(code).toBe(0);
    for (const says of [
      "tradetape_lander has DELETE",
      "public.symbol.exchange has another comment",
      "public.symbol_ticker",
    ]) {
      expect(stdout).toMatch(new RegExp(`left as it is: .*${says}`));
    }
    await tape.query("ALTER INDEX public.other RENAME TO symbol_ticker");
    await tape.query("REVOKE DELETE ON public.symbol FROM tradetape_lander");
  });
});
