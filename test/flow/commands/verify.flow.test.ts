import { afterAll, beforeAll, expect, test } from "vitest";
import { CONSUMERS } from "../../../consumers/all.ts";
import { asReader } from "../../../src/cli/services.ts";
import { verify } from "../../../src/verify/verify.ts";
import { fill, idOf, prediction, tick } from "../../support/samples.ts";
import { assertTestDatabase } from "../../support/services/isolation.ts";
import { openTapeWithSymbol, type TestTape } from "../../support/tape.ts";

let tape: TestTape;

beforeAll(async () => {
  tape = await openTapeWithSymbol();
  await assertTestDatabase(tape.config.databaseUrl);
  await tape.publishAll("ticks", [tick(1), tick(2, { symbol_id: idOf("nobody") })]);
  await tape.publish("predictions", prediction(1));
  await tape.publish("fills", fill(1));
  await tape.raw("predictions", [{ value: null }]);
  await tape.land();
});
afterAll(() => tape.stop());

/** As a superuser who knows what he is doing: the triggers don't fire. */
const change = (sql: string) => tape.query(`BEGIN; SET LOCAL session_replication_role = replica; ${sql}; COMMIT`);
const verified = (quiet = true) =>
  asReader(tape.config, "test", (connection) => verify(connection, CONSUMERS, { quiet }));

test("a whole database is found whole, and a symbol that nobody published is a warning", async () => {
  const found = await verified();
  expect(found).toMatchObject({
    ok: true,
    problems: [],
    warnings: [{ check: "orphans", subject: "market_data_tick" }],
  });
  expect(found.warnings[0]!.detail).toContain(idOf("nobody"));
});

const message = (
  minutes: number,
) => `INSERT INTO tradetape.outbox (source_topic, source_partition, topic, value, headers, created_at)
  VALUES ('ticks', 0, 'audit', '\\x00', '{}', now() - interval '${minutes} minutes')`;
const PLACE = "WHERE topic LIKE '%.fills' AND next_offset > origin";

test.each([
  ["a row that is gone", "table", "DELETE FROM public.model_prediction", "the ledger says 1 rows, the table has 0"],
  [
    "a range that nobody landed",
    "ledger",
    `UPDATE tradetape.landed_offset SET next_offset = next_offset + 5 ${PLACE}`,
    /^the ledger ends at offset \d+, next_offset is \d+$/,
  ],
  [
    "a letter that is gone",
    "letters",
    "DELETE FROM tradetape.dead_letter",
    "the ledger counts 1 letters, dead_letter holds 0",
  ],
  [
    "a parked event that is gone",
    "parked",
    "DELETE FROM tradetape.parked_event",
    "the ledger counts 1 parked, parked_event holds 0",
  ],
  [
    "an entry of the audit trail that was altered",
    "audit_chain",
    "UPDATE public.audit_log SET actor = 'x' WHERE seq = 1",
    /hashed/,
  ],
  ["a message that nobody publishes", "outbox", message(5), /^1 messages not published/],
])("%s is found, as a fault of %s alone", async (_, check, sql, detail) => {
  await tape.query("CREATE SCHEMA kept");
  const tables = ["public.model_prediction", "public.audit_log", "tradetape.landed_offset"];
  const all = [...tables, "tradetape.dead_letter", "tradetape.parked_event"];
  const nameOf = (table: string) => `kept.${table.split(".")[1]}`;
  for (const table of all) await tape.query(`CREATE TABLE ${nameOf(table)} AS SELECT * FROM ${table}`);
  try {
    await change(sql);
    const { ok, problems } = await verified(check !== "outbox");
    expect(ok).toBe(false);
    expect(problems).toMatchObject([{ check, detail: expect.stringMatching(detail) }]);
  } finally {
    const restored = all.map((table) => `DELETE FROM ${table}; INSERT INTO ${table} SELECT * FROM ${nameOf(table)}`);
    await change(`${restored.join("; ")}; DELETE FROM tradetape.outbox; DROP SCHEMA kept CASCADE`);
  }
  expect(await verified()).toMatchObject({ ok: true });
});

test("a message on its way is a fault only where nothing is being published", async () => {
  await change(message(0));
  expect(await verified(false)).toMatchObject({ ok: true });
  expect((await verified(true)).problems).toMatchObject([{ check: "outbox" }]);
  await change("DELETE FROM tradetape.outbox");
});
