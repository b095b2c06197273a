import pg from "pg";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { TradetapeError } from "../../../src/errors.ts";
import type { EventTopic } from "../../../src/event/schemas.ts";
import { environmentOf } from "../../support/landing.ts";
import { ledgerFaults } from "../../support/ledger.ts";
import { bar, idOf, NOON, prediction, symbol, tick } from "../../support/samples.ts";
import { openTapeWithSymbol, type TestTape } from "../../support/tape.ts";
import { tradetape } from "../../support/tradetape.ts";

/**
 * What an administrator may do to our tables: each either works, with the days to come and with corrections, or is refused at a
 * start, by words whose statements undo it. None is met first at a midnight or at a correction.
 */
let tape: TestTape;
let n = 0;
const DAY_US = 86_400_000_000;
/** The day of the samples' ticks. */
const LEAF = "public.market_data_tick_20240305";

beforeAll(async () => {
  tape = await openTapeWithSymbol();
  await tape.publish("ticks", tick(n++));
  await tape.publish("bars", bar());
  await tape.publish("predictions", prediction());
  await tape.land();
  await tape.query(`
    CREATE TABLE public.noted (at timestamptz DEFAULT now());
    CREATE FUNCTION public.note() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS
      'BEGIN INSERT INTO public.noted DEFAULT VALUES; RETURN NULL; END';
    CREATE FUNCTION public.shout() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.venue := upper(NEW.venue); RETURN NEW; END'`);
});
afterAll(() => tape.stop());

/** Ticks of a day that is there, one of them twice, and of a day that isn't. */
async function giveTicks(): Promise<void> {
  const next = () => tick(n++);
  const again = next();
  await tape.publishAll("ticks", [next(), again, again]);
  const past = NOON - n * DAY_US;
  await tape.publish("ticks", tick(n++, { timestamp: past }));
}
const giveSymbols = () =>
  tape.publishAll("symbols", [
    symbol({ exchange: `X${n++}`, revised_at: Date.now() * 1000 + n }),
    symbol({ symbol_id: idOf(`symbol ${n}`), ticker: `T${n}` }),
  ]);
const giveBars = () => tape.publishAll("bars", [bar(0, { close: 1 + (n++ % 1000) / 1000 }), bar(n)]);
const GIVE: Readonly<Partial<Record<EventTopic, () => Promise<unknown>>>> = {
  ticks: giveTicks,
  symbols: giveSymbols,
  bars: giveBars,
};

type Case = readonly [what: string, topic: EventTopic, add: string, undo: string];

const WORKS: readonly Case[] = [
  [
    "an index on the parent",
    "ticks",
    "CREATE INDEX extra ON public.market_data_tick (venue)",
    "DROP INDEX public.extra",
  ],
  ["an index on one partition", "ticks", `CREATE INDEX extra ON ${LEAF} (venue)`, "DROP INDEX public.extra"],
  [
    "a unique index on the parent",
    "ticks",
    `CREATE UNIQUE INDEX extra ON public.market_data_tick (trade_id, "timestamp", symbol_id)`,
    "DROP INDEX public.extra",
  ],
  [
    "a unique index on one partition",
    "ticks",
    `CREATE UNIQUE INDEX extra ON ${LEAF} (trade_id)`,
    "DROP INDEX public.extra",
  ],
  [
    "a CHECK on the parent",
    "ticks",
    "ALTER TABLE public.market_data_tick ADD CONSTRAINT extra CHECK (close > 0)",
    "ALTER TABLE public.market_data_tick DROP CONSTRAINT extra",
  ],
  [
    "a CHECK on the parent that isn't validated",
    "ticks",
    "ALTER TABLE public.market_data ADD CONSTRAINT extra CHECK (close > 0) NOT VALID",
    "ALTER TABLE public.market_data DROP CONSTRAINT extra",
  ],
  [
    "a CHECK on one partition",
    "ticks",
    `ALTER TABLE ${LEAF} ADD CONSTRAINT extra CHECK (close > 0)`,
    `ALTER TABLE ${LEAF} DROP CONSTRAINT extra`,
  ],
  [
    "a trigger that tells others, on the parent",
    "ticks",
    "CREATE TRIGGER extra AFTER INSERT ON public.market_data_tick FOR EACH ROW EXECUTE FUNCTION public.note()",
    "DROP TRIGGER extra ON public.market_data_tick",
  ],
  [
    "a trigger that tells others of a statement",
    "ticks",
    "CREATE TRIGGER extra AFTER INSERT ON public.market_data_tick FOR EACH STATEMENT EXECUTE FUNCTION public.note()",
    "DROP TRIGGER extra ON public.market_data_tick",
  ],
  [
    "a trigger that tells others, on one partition",
    "ticks",
    `CREATE TRIGGER extra AFTER INSERT ON ${LEAF} FOR EACH ROW EXECUTE FUNCTION public.note()`,
    `DROP TRIGGER extra ON ${LEAF}`,
  ],
  [
    "a trigger that changes a row",
    "ticks",
    "CREATE TRIGGER extra BEFORE INSERT ON public.market_data_tick FOR EACH ROW EXECUTE FUNCTION public.shout()",
    "DROP TRIGGER extra ON public.market_data_tick",
  ],
  [
    "row security on one partition",
    "ticks",
    `ALTER TABLE ${LEAF} ENABLE ROW LEVEL SECURITY`,
    `ALTER TABLE ${LEAF} DISABLE ROW LEVEL SECURITY`,
  ],
  [
    "a partition for all other days",
    "ticks",
    "CREATE TABLE public.other_days PARTITION OF public.market_data_tick DEFAULT",
    "DROP TABLE public.other_days",
  ],
  ["a partition that was dropped", "ticks", `DROP TABLE ${LEAF}`, "SELECT 1"],
  [
    "a partition's storage",
    "ticks",
    `ALTER TABLE ${LEAF} SET (fillfactor = 70)`,
    `ALTER TABLE ${LEAF} RESET (fillfactor)`,
  ],
  [
    "statistics, and a default of a column that an event fills",
    "ticks",
    "ALTER TABLE public.market_data_tick ALTER venue SET STATISTICS 500, ALTER source SET DEFAULT 'x'",
    "ALTER TABLE public.market_data_tick ALTER venue SET STATISTICS -1, ALTER source DROP DEFAULT",
  ],
  [
    "an index that is gone",
    "ticks",
    "DROP INDEX public.market_data_tick_time",
    'CREATE INDEX market_data_tick_time ON public.market_data_tick USING brin ("timestamp")',
  ],
  [
    "a column that may be null by now",
    "symbols",
    "ALTER TABLE public.symbol ALTER is_active DROP NOT NULL",
    "ALTER TABLE public.symbol ALTER is_active SET NOT NULL",
  ],
  [
    "a column that numbers the rows",
    "symbols",
    `ALTER TABLE public.symbol ADD extra bigint GENERATED ALWAYS AS IDENTITY;
     ALTER TABLE public.symbol_revision ADD extra bigint`,
    "ALTER TABLE public.symbol DROP extra; ALTER TABLE public.symbol_revision DROP extra",
  ],
  [
    "a view that is gone",
    "symbols",
    "ALTER VIEW public.tick RENAME TO other",
    "ALTER VIEW public.other RENAME TO tick",
  ],
  [
    "a publication that tells of inserts",
    "bars",
    "CREATE PUBLICATION extra FOR ALL TABLES WITH (publish = 'insert')",
    "DROP PUBLICATION extra",
  ],
];

describe("works", () => {
  test.each(WORKS)("%s, for %s", async (_, topic, add, undo) => {
    await tape.query(add);
    try {
      await GIVE[topic]!();
      const tally = (await tape.land(topic))[topic];
      expect(tally.written + tally.replaced).toBeGreaterThan(0);
      expect([tally.dead, tally.parked]).toEqual([0, 0]);
    } finally {
      await tape.query(undo);
    }
  });
});

const REFUSED: readonly (readonly [what: string, topic: EventTopic, add: string, says: string])[] = [
  [
    "a foreign key of somebody's",
    "ticks",
    "ALTER TABLE public.market_data_tick ADD CONSTRAINT extra FOREIGN KEY (symbol_id) REFERENCES public.symbol",
    "market_data_tick has the constraint extra",
  ],
  [
    "a foreign key on one partition",
    "ticks",
    `ALTER TABLE ${LEAF} ADD CONSTRAINT extra FOREIGN KEY (symbol_id) REFERENCES public.symbol`,
    "market_data_tick_20240305 has the constraint extra",
  ],
  [
    "an exclusion",
    "symbols",
    "ALTER TABLE public.symbol ADD CONSTRAINT extra EXCLUDE (symbol_id WITH =)",
    "symbol has the constraint extra",
  ],
  [
    "a unique constraint that is checked at the end",
    "symbols",
    "ALTER TABLE public.symbol ADD CONSTRAINT extra UNIQUE (symbol_id, ticker) DEFERRABLE INITIALLY DEFERRED",
    "checked too late",
  ],
  [
    "a rule",
    "symbols",
    "CREATE RULE extra AS ON INSERT TO public.symbol DO ALSO NOTIFY symbols",
    "symbol has the rule extra",
  ],
  ["a table that inherits", "symbols", "CREATE TABLE public.heir () INHERITS (public.symbol)", "inherited by heir"],
  ["a table that a crash empties", "bars", "ALTER TABLE public.market_data_bar SET UNLOGGED", "is unlogged"],
  ["a partition that a crash empties", "ticks", `ALTER TABLE ${LEAF} SET UNLOGGED`, "is unlogged"],
  [
    "a number from a sequence",
    "symbols",
    "ALTER TABLE public.symbol ADD extra bigserial; ALTER TABLE public.symbol_revision ADD extra bigint",
    "symbol.extra has a default that takes a right",
  ],
  [
    "a publication of a table whose rows are corrected",
    "bars",
    "CREATE PUBLICATION extra FOR ALL TABLES",
    "market_data_bar lacks a replica identity",
  ],
  [
    "a partition of a year to come",
    "ticks",
    "CREATE TABLE public.later PARTITION OF public.market_data_tick FOR VALUES FROM ('2099-01-01') TO ('2100-01-01')",
    "days to come overlap its partition later",
  ],
  [
    "a partition of all that is to come",
    "ticks",
    "CREATE TABLE public.ever PARTITION OF public.market_data_tick FOR VALUES FROM ('2098-01-01') TO (MAXVALUE)",
    "days to come overlap its partition ever",
  ],
  [
    "a table by the name of a day to come",
    "ticks",
    "CREATE TABLE public.market_data_tick_20970101 (x int)",
    "market_data_tick_20970101 isn't its partition",
  ],
  [
    "a day to come that was detached",
    "ticks",
    `SELECT tradetape.make_day('market_data_tick', '2096-01-01');
     ALTER TABLE public.market_data_tick DETACH PARTITION public.market_data_tick_20960101`,
    "market_data_tick_20960101 isn't its partition",
  ],
  [
    "a day to come by another name",
    "ticks",
    `SELECT tradetape.make_day('market_data_tick', '2095-01-01');
     ALTER TABLE public.market_data_tick_20950101 RENAME TO someday`,
    "days to come overlap its partition someday",
  ],
];

describe("is refused at the start, and what the error says undoes it:", () => {
  test.each(REFUSED)("%s, for %s", async (_, topic, add, says) => {
    await tape.query(add);
    await GIVE[topic]?.();
    const error: TradetapeError = await tape.land(topic).then(
      () => Promise.reject(new Error("it landed")),
      (reason) => reason,
    );
    expect([error.code, error.message]).toEqual(["catalog_mismatch", expect.stringContaining(says)]);
    const statements = error.facts!.statements as string[];
    expect(error.next).toContain(statements.map((sql) => `${sql};`).join("\n"));
    for (const sql of statements) await tape.query(sql);
    const tally = (await tape.land(topic))[topic];
    expect([tally.dead, tally.parked]).toEqual([0, 0]);
  });
});

const DETACH = "ALTER TABLE public.market_data_tick DETACH PARTITION public.market_data_tick_20010203";

/** DETACH CONCURRENTLY waits for whoever reads the table; cut off then, it leaves the day neither in nor out. */
async function cutOffDetach(): Promise<void> {
  const clients = [1, 2].map(() => new pg.Client({ connectionString: tape.config.databaseUrl }));
  const [reader, owner] = await Promise.all(clients.map((client) => client.connect().then(() => client)));
  await reader!.query("BEGIN; SELECT FROM public.market_data_tick LIMIT 1");
  const { rows } = await owner!.query("SELECT pg_backend_pid() AS pid");
  const detached = owner!.query(`${DETACH} CONCURRENTLY`).then(
    () => "detached",
    () => "cut off",
  );
  const pending = "SELECT count(*) AS n FROM pg_inherits WHERE inhdetachpending";
  await expect.poll(() => tape.query(pending)).toEqual([{ n: 1 }]);
  await tape.query("SELECT pg_cancel_backend($1)", [rows[0].pid]);
  expect(await detached).toBe("cut off");
  await Promise.all(clients.map((client) => client.end()));
}

describe("a day that was detached by hand, and lies behind, stops at its next event in words, and other days land:", () => {
  test.each([
    ["attached again", () => tape.query(DETACH), /ATTACH/],
    ["attached again after a DETACH CONCURRENTLY that was cut off", cutOffDetach, /FINALIZE|ATTACH/],
    ["given another name", () => tape.query(DETACH), /RENAME/],
  ])("%s by the statement that the error says, it lands, too", async (_, detach, way) => {
    // So that the event that landed last, with which a group begins, is of another day.
    await giveTicks();
    await tape.land("ticks");
    await tape.query("SELECT tradetape.make_day('market_data_tick', '2001-02-03')");
    await detach();
    await giveTicks();
    expect((await tape.land("ticks")).ticks.dead).toBe(0);
    await tape.publish("ticks", tick(n++, { timestamp: Date.UTC(2001, 1, 3) * 1000 }));
    const error: TradetapeError = await tape.land("ticks").then(
      () => Promise.reject(new Error("it landed")),
      (reason) => reason,
    );
    const says = expect.stringContaining("market_data_tick_20010203 has the name of a partition");
    expect([error.code, error.message]).toEqual(["landing_refused", says]);
    const statements = error.next!.split("\n").filter((line) => /^ALTER.*;$/.test(line) && way.test(line));
    expect(statements.length).toBeGreaterThan(0);
    for (const sql of statements) await tape.query(sql);
    expect((await tape.land("ticks")).ticks).toMatchObject({ written: 1, dead: 0 });
  });
});

test("what lacks a view says so, and how to find what else is gone", async () => {
  await tape.query("ALTER VIEW public.trade_order RENAME TO other");
  const orders = await tradetape(["desk", "orders"], environmentOf(tape.config));
  const said = await tradetape(["migrate", "--repair", "--dry-run"], environmentOf(tape.config));
  await tape.query("ALTER VIEW public.other RENAME TO trade_order");
  expect([orders.code, orders.stderr]).toEqual([2, expect.stringContaining("catalog_mismatch")]);
  expect(orders.stderr).toContain("tradetape migrate --repair --dry-run");
  expect([said.code, said.stdout]).toEqual([1, expect.stringContaining("relation public.trade_order isn't there")]);
});

test("all of that leaves a whole ledger", async () => {
  await tape.land("audit");
  const gone = "rows that a dropped partition held";
  expect([gone, (await ledgerFaults(tape)).filter((fault) => !fault.includes("ticks"))]).toEqual([gone, []]);
});
