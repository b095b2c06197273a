import { afterAll, beforeAll, expect, test } from "vitest";
import { CONSUMERS } from "../../../consumers/all.ts";
import { verificationText } from "../../../src/cli/rebuild/verify.ts";
import { asReader } from "../../../src/cli/services.ts";
import { DAY_US } from "../../../src/event/day.ts";
import { Connection } from "../../../src/table/connection.ts";
import { verify } from "../../../src/verify/verify.ts";
import { environmentOf } from "../../support/landing.ts";
import { ledgerFaults } from "../../support/ledger.ts";
import { redriveAll } from "../../support/letters.ts";
import { NOON, quote } from "../../support/samples.ts";
import { openTapeWithSymbol, type TestTape } from "../../support/tape.ts";
import { tradetape } from "../../support/tradetape.ts";

let tape: TestTape;
beforeAll(async () => {
  tape = await openTapeWithSymbol();
});
afterAll(() => tape.stop());

const landQuotes = async () => (await tape.land("quotes")).quotes;
const days = () =>
  tape.query(
    `SELECT c.relname AS name FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
     WHERE i.inhparent = 'public.quote'::regclass ORDER BY 1`,
  );

test("quotes of two days land in a partition each, and once when they come again", async () => {
  const events = [0, 1, 2, 3].map((n) => quote(n, { timestamp: NOON + (n % 2) * DAY_US + n }));
  await tape.publishAll("quotes", events);
  expect(await landQuotes()).toMatchObject({ read: 4, written: 4, duplicate: 0, dead: 0 });
  await tape.publishAll("quotes", [...events, { ...events[0]!, received_at: NOON + 9 }]);
  expect(await landQuotes()).toMatchObject({ read: 5, written: 0, duplicate: 5, dead: 0 });
  expect(await days()).toEqual([{ name: "quote_20240305" }, { name: "quote_20240306" }]);
  await tape.publish("quotes", quote(0, { ...events[0], ask_price: 185 }));
  expect(await landQuotes()).toMatchObject({ written: 0, dead: 1 });
  expect(await tape.query("SELECT reason FROM tradetape.dead_letter")).toEqual([{ reason: "conflicting_duplicate" }]);
});

test("crossed and locked quotes land, and verify says how many there are", async () => {
  const asks = { ask_price: 100, ask_size: 1 };
  await tape.publishAll("quotes", [
    ...[quote(10, { ...asks, bid_price: 101 }), quote(11, { ...asks, bid_price: 102 })],
    ...[quote(12, { ...asks, bid_price: 100 }), quote(13, { ...asks, bid_price: null, bid_size: null })],
  ]);
  expect(await landQuotes()).toMatchObject({ read: 4, written: 4, dead: 0 });
  await tape.land("audit");
  const found = await asReader(tape.config, "test", (reader) => verify(reader, CONSUMERS, { quiet: true }));
  expect(found).toMatchObject({ ok: true, warnings: [], quotes: { crossed: 2, locked: 1 } });
  expect(verificationText(found)).toContain("\nquotes: 2 crossed, 1 locked");
});

test("a quote that only the database can refuse is a letter alone, and lands by a redrive when it is accepted", async () => {
  const bad = [quote(21, { bid_size: -1 }), quote(23, { bid_price: null }), quote(25, { sequence: "" })];
  const values = await Promise.all(
    [quote(20), bad[0]!, quote(22), bad[1]!, quote(24), bad[2]!].map((event) => tape.encode("quotes", event)),
  );
  await tape.raw(
    "quotes",
    values.map((value) => ({ value })),
  );
  expect(await landQuotes()).toMatchObject({ read: 6, written: 3, dead: 3 });
  const owner = await Connection.open(tape.config.databaseUrl, { name: "test", role: "tradetape_owner" });
  await owner.query("ALTER TABLE public.quote DROP CONSTRAINT bid_size_not_negative");
  await owner.close();
  // The conflicting duplicate of above, too.
  const redriven = await redriveAll(tape, { topics: [tape.name("quotes")] });
  expect(redriven.flatMap(({ offsets }) => offsets).length).toBe(4);
  expect(await landQuotes()).toMatchObject({ read: 4, written: 1, dead: 3 });
});

test("quotes of a day that was dropped are filtered, and ticks keep theirs", async () => {
  const dropped = await tradetape(
    ["partitions", "drop", "--topic", "quotes", "--before", "2024-03-06", "--yes", "--json"],
    environmentOf(tape.config),
  );
  expect(dropped).toMatchObject({ code: 0, stdout: expect.stringContaining('"2024-03-05"') });
  await tape.publish("quotes", quote(30));
  expect(await landQuotes()).toMatchObject({ read: 1, written: 0, filtered: 1 });
  expect(await days()).toEqual([{ name: "quote_20240306" }]);
  expect(await tape.query("SELECT table_name FROM tradetape.day_table WHERE keep_from IS NOT NULL")).toEqual([
    { table_name: "quote" },
  ]);
  await tape.land("audit");
  expect(await ledgerFaults(tape)).toEqual([]);
});
