import { CONSUMERS } from "../../../consumers/all.ts";
import { asReader } from "../../../src/cli/services.ts";
import { openLog } from "../../../src/log.ts";
import { inSnapshot } from "../../../src/table/checks/ledger-check.ts";
import { EventLog } from "../../../src/verify/rows/event-log.ts";
import { type TablesReport, verifyTables } from "../../../src/verify/tables.ts";
import { idOf } from "../../support/samples.ts";
import type { TestTape } from "../../support/tape.ts";

const SESSION = idOf("session");

/** What `audit verify --tables` finds. @param rowsAtOnce how many rows of the log are in memory at a time */
export const verifiedTables = ({ config }: Pick<TestTape, "config">, rowsAtOnce?: number): Promise<TablesReport> =>
  asReader(config, "test", (connection) =>
    inSnapshot(connection, () =>
      verifyTables(connection, CONSUMERS, new EventLog(config, openLog({ logLevel: "silent" }), rowsAtOnce), () => {}),
    ),
  );

/** As a superuser who knows what he is doing: no trigger fires, and no rule stands in the way. Undone behind `look`. */
export async function tamperedWith<T>(tape: TestTape, table: string, sql: string, look: () => Promise<T>): Promise<T> {
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
    return await look();
  } finally {
    const filled = `DELETE FROM ${table}; INSERT INTO ${table} SELECT * FROM public.kept; DROP TABLE public.kept`;
    await asSuperuser(`${filled}; ${made}`);
  }
}

/** SQL; another value of a column's type, that the table's checks allow. */
export const OTHER: Readonly<Record<string, (column: string) => string>> = {
  uuid: (c) => `overlay(coalesce(${c}, '${SESSION}')::text placing '0123' from 10)::uuid`,
  timestamptz: (c) => `coalesce(${c}, 'epoch') + interval '1 microsecond'`,
  jsonb: (c) => `jsonb_build_object('was', ${c})`,
  text: (c) => `coalesce(${c}, '') || ' '`,
  float8: (c) => `coalesce(${c}, 0) * (1 - 2e-16) + 5e-324`,
  _text: (c) => `coalesce(${c}, '{}') || '{x}'`,
  int2: (c) => `(${c} + 1) % 1000`,
  // No other row is in such a partition.
  int4: (c) => `${c} + ${c.includes("partition") ? 1000 : 1}`,
  int8: (c) => `${c} + 1000000`,
  bool: (c) => `NOT ${c}`,
};
/** Of columns that have few values. */
export const OTHER_OF: Readonly<Record<string, string>> = {
  "trade_decision.action": "'SELL'",
  "trade_execution.status": "'CANCELED'",
  "agent_call.kind": "'TOOL'",
  "backtest_session.kind": "'live'",
  "backtest_session.status": "'failed'",
};
