import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { CONSUMER_OF, CONSUMERS } from "../../../consumers/all.ts";
import { asReader } from "../../../src/cli/services.ts";
import { inSnapshot } from "../../../src/table/checks/ledger-check.ts";
import { landingColumns } from "../../../src/table/rows/landing-table.ts";
import { type TablesReport, verifyTables } from "../../../src/verify/tables.ts";
import { environmentOf } from "../../support/landing.ts";
import { decision, fill, idOf, performance, prediction, session, symbol } from "../../support/samples.ts";
import { assertTestDatabase } from "../../support/services/isolation.ts";
import { openTapeWithSymbol, type TestTape } from "../../support/tape.ts";
import { tradetape } from "../../support/tradetape.ts";

let tape: TestTape;

/** More than any audited table has columns: each row is tampered with in one of them. */
const ROWS = 30;
const SESSION = idOf("session");
const AUDITED = ["symbols", "sessions", "predictions", "decisions", "fills", "performance"] as const;
type Audited = (typeof AUDITED)[number];

beforeAll(async () => {
  tape = await openTapeWithSymbol();
  await assertTestDatabase(tape.config.databaseUrl);
  const ownSession = { backtest_session_id: SESSION };
  await tape.publish("sessions", session());
  for (let n = 0; n < ROWS; n++) {
    await Promise.all([
      tape.publish("symbols", symbol({ symbol_id: idOf(`symbol ${n}`), ticker: `T${n}` })),
      tape.publish("sessions", session({ backtest_session_id: idOf(`session ${n}`), result: '{"b":1.50, "a":[1e2]}' })),
      tape.publish("predictions", prediction(n, { ...ownSession, predicted_price: 0.1 + n / 7 })),
      tape.publish("decisions", decision(n, ownSession)),
      tape.publish("fills", fill(n, { ...ownSession, executed_price: n === 0 ? -0 : 1e-7 * n, fee: null })),
      tape.publish(
        "performance",
        performance(n, { ...ownSession, revised_at: n === 0 ? null : 1_700_000_000_000_001 }),
      ),
    ]);
  }
  // Revisions, a repeat and a letter that stays: none of them is a difference.
  await tape.publish(
    "performance",
    performance(1, { ...ownSession, total_trades: 13, revised_at: 1_700_000_000_000_002 }),
  );
  await tape.publish("fills", fill(1, { ...ownSession, executed_price: 1e-7, fee: null }));
  await tape.publish("fills", fill(1, { ...ownSession, executed_price: 5, fee: null }));
  await tape.land();
});
afterAll(() => tape.stop());

const verified = () =>
  asReader(tape.config, "test", (connection) =>
    inSnapshot(connection, () => verifyTables(connection, CONSUMERS, () => {})),
  );

/** As a superuser who knows what he is doing: no trigger fires, and no rule stands in the way. Undone afterwards. */
async function tampered(table: string, sql: string): Promise<TablesReport> {
  const asSuperuser = (text: string) =>
    tape.query(`BEGIN; SET LOCAL session_replication_role = replica; ${text}; COMMIT`);
  const rules = await tape.query<{ name: string; definition: string }>(
    `SELECT quote_ident(conname) AS name, pg_get_constraintdef(oid) AS definition FROM pg_constraint
     WHERE conrelid = $1::regclass AND contype = 'c' AND coninhcount = 0`,
    [table],
  );
  const alter = (what: (rule: (typeof rules)[number]) => string) =>
    rules.map((rule) => `ALTER TABLE ${table} ${what(rule)};`).join(" ");
  const dropped = alter(({ name }) => `DROP CONSTRAINT ${name}`);
  const made = alter(({ name, definition }) => `ADD CONSTRAINT ${name} ${definition}`);
  await asSuperuser(`CREATE TABLE public.kept AS SELECT * FROM ${table}; ${dropped} ${sql}`);
  try {
    return await verified();
  } finally {
    const filled = `DELETE FROM ${table}; INSERT INTO ${table} SELECT * FROM public.kept; DROP TABLE public.kept`;
    await asSuperuser(`${filled}; ${made}`);
  }
}

const findingsIn = ({ entries }: TablesReport, table: string) => entries.find((one) => one.table === table)!.findings;

/** SQL; another value of a column's type, that the table's checks allow. */
const OTHER: Readonly<Record<string, (column: string) => string>> = {
  uuid: (c) => `overlay(coalesce(${c}, '${SESSION}')::text placing '0123' from 10)::uuid`,
  timestamptz: (c) => `coalesce(${c}, 'epoch') + interval '1 microsecond'`,
  jsonb: (c) => `jsonb_build_object('was', ${c})`,
  text: (c) => `coalesce(${c}, '') || ' '`,
  float8: (c) => `coalesce(${c}, 0) * (1 - 2e-16) + 5e-324`,
  int4: (c) => `${c} + 1`,
  int8: (c) => `${c} + 1000000`,
  bool: (c) => `NOT ${c}`,
};
/** Of columns that have few values. */
const OTHER_OF: Readonly<Record<string, string>> = {
  "trade_decision.action": "'SELL'",
  "trade_execution.status": "'CANCELED'",
  "backtest_session.kind": "'live'",
  "backtest_session.status": "'failed'",
};

test("an untouched database is what its log says, and revisions, repeats and letters are no difference", async () => {
  const report = await verified();
  expect(
    report.entries.map(({ table, differing, findings, waiting }) => [table, differing, findings, waiting]),
  ).toEqual(AUDITED.map((topic) => [CONSUMER_OF[topic].landing.table, 0, [], 0]));
  expect(report.ok).toBe(true);
});

describe.each(AUDITED)("of %s", (topic: Audited) => {
  const { landing } = CONSUMER_OF[topic];
  const { table } = landing;
  const id = landing.key.at(-1)!;
  const columns = landingColumns(landing);

  test("every column that is changed is named, with the row's id and both values", async () => {
    const ids = await tape.query<{ id: string }>(`SELECT ${id}::text AS id FROM public.${table} ORDER BY 1`);
    const changes = columns
      .filter(({ name }) => name !== id)
      .map(({ name, fits }, n) => {
        const value = OTHER_OF[`${table}.${name}`] ?? OTHER[Object.keys(fits)[0]!]!(`"${name}"`);
        return {
          id: ids[n]!.id,
          name,
          sql: `UPDATE public.${table} SET "${name}" = ${value} WHERE ${id} = '${ids[n]!.id}'`,
        };
      });
    const places = changes.filter(({ name }) => landing.repeats === "first" && name.startsWith("source_"));
    const report = await tampered(`public.${table}`, changes.map(({ sql }) => sql).join(";\n"));
    expect(report.ok).toBe(false);
    const found = findingsIn(report, table);
    for (const change of changes) {
      const own = found.filter((finding) => finding.id === change.id);
      if (places.includes(change)) expect(own.map(({ kind }) => kind).sort()).toEqual(["added", "removed"]);
      else expect(own).toMatchObject([{ kind: "changed", columns: [{ column: change.name }] }]);
      if (!places.includes(change)) expect(own[0]!.columns[0]!.table).not.toBe(own[0]!.columns[0]!.log);
    }
    expect(found).toHaveLength(changes.length + places.length);
    expect(report.entries.filter(({ differing }) => differing > 0).map((one) => one.table)).toEqual([table]);
  });

  test("a row that is removed, one that is added and one whose id is another are named", async () => {
    const [gone, copied, renamed] = await tape.query<{ id: string }>(
      `SELECT ${id}::text AS id FROM public.${table} ORDER BY 1 LIMIT 3`,
    );
    const [added, other] = [idOf("added"), idOf("other")];
    const copy = `jsonb_populate_record(t, jsonb_build_object('${id}', '${added}'))`;
    const report = await tampered(
      `public.${table}`,
      `INSERT INTO public.${table} SELECT (${copy}).* FROM public.${table} t WHERE ${id} = '${copied!.id}';
       DELETE FROM public.${table} WHERE ${id} = '${gone!.id}';
       UPDATE public.${table} SET ${id} = '${other}' WHERE ${id} = '${renamed!.id}'`,
    );
    const found = findingsIn(report, table).map((finding) => `${finding.kind} ${finding.id}`);
    expect(found.sort()).toEqual(
      [`added ${added}`, `added ${other}`, `removed ${gone!.id}`, `removed ${renamed!.id}`].sort(),
    );
  });
});

test("audit verify --tables and verify --full say so with exit code 1, as text and JSON", async () => {
  const env = environmentOf(tape.config);
  const sql = `UPDATE public.trade_execution SET executed_price = 2 WHERE execution_id = '${idOf("fill 2")}'`;
  expect((await tradetape(["audit", "verify", "--tables"], env)).code).toBe(0);
  await tape.query(`BEGIN; SET LOCAL session_replication_role = replica; ${sql}; COMMIT`);
  const [text, json, full] = await Promise.all([
    tradetape(["audit", "verify", "--tables"], env),
    tradetape(["audit", "verify", "--tables", "--json"], env),
    tradetape(["verify", "--full", "--json"], env),
  ]);
  expect([text.code, json.code, full.code]).toEqual([1, 1, 1]);
  for (const said of [idOf("fill 2"), "executed_price", "0.0000002"]) expect(text.stdout).toContain(said);
  for (const { stdout } of [json, full]) {
    const { ok, tables } = JSON.parse(stdout) as { ok: boolean; tables: TablesReport };
    expect(ok).toBe(false);
    const columns = [{ column: "executed_price", table: "2", log: "0.0000002" }];
    expect(findingsIn(tables, "trade_execution")).toMatchObject([{ id: idOf("fill 2"), columns }]);
  }
});
