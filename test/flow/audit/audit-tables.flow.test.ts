import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { CONSUMER_OF } from "../../../consumers/all.ts";
import { type LandingTable, landingColumns } from "../../../src/table/rows/landing-table.ts";
import type { NamedRows } from "../../../src/verify/rows/row-comparison.ts";
import type { TablesReport } from "../../../src/verify/tables.ts";
import { environmentOf } from "../../support/landing.ts";
import {
  bar,
  call,
  content,
  decision,
  fill,
  idOf,
  indicator,
  NOON,
  outcome,
  performance,
  prediction,
  quote,
  session,
  symbol,
  tick,
} from "../../support/samples.ts";
import { assertTestDatabase } from "../../support/services/isolation.ts";
import { openTapeWithSymbol, type TestTape } from "../../support/tape.ts";
import { tradetape } from "../../support/tradetape.ts";
import { OTHER, OTHER_OF, tamperedWith, verifiedTables } from "./tampering.ts";

let tape: TestTape;

/** More than any audited table has columns: each row is tampered with in one of them. */
const ROWS = 40;
const SESSION = idOf("session");
const AUDITED = [
  "symbols",
  "sessions",
  "predictions",
  "decisions",
  "fills",
  "performance",
  "outcomes",
  "calls",
] as const;
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
      tape.publish("outcomes", outcome(n, ownSession)),
      tape.publish("calls", call(n, ownSession)),
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
  await publishMarketData();
  await tape.land();
});
afterAll(() => tape.stop());

/** What an event of the same content may raise, without an entry. */
const isRaised = ({ repeats }: LandingTable, column: string): boolean =>
  repeats === "revised" && ["revised_at", "published_at"].includes(column);

const HOUR_US = 3_600_000_000;
const HOURS = 24;

/** A row an hour, some of them beside others of their hour; repeats, and letters of the checks and of other content. */
async function publishMarketData(): Promise<void> {
  const hours = Array.from({ length: HOURS }, (_, n) => n);
  const ofSession = (n: number) => (n % 5 === 0 ? { backtest_session_id: SESSION } : {});
  const at = (n: number) => ({ timestamp: NOON + n * HOUR_US, ...ofSession(n) });
  const ticks = hours.map((n) =>
    tick(n, { ...at(n), close: n === 0 ? -0 : 0.1 * n, conditions: n % 3 === 0 ? [] : ["@"] }),
  );
  await tape.publishAll("ticks", [
    ...ticks,
    tick(100, at(3)),
    tick(101, { ...at(3), trade_id: null, conditions: null }),
  ]);
  await tape.publishAll(
    "quotes",
    hours.map((n) => quote(n, at(n))),
  );
  await tape.publishAll(
    "bars",
    hours.map((n) => bar(n, at(n))),
  );
  const parameters = (n: number) => `{"slow": 26.0, "fast": ${n}e0, "é": ["\\u00e9"]}`;
  await tape.publishAll(
    "indicators",
    hours.map((n) => indicator(n, { ...at(n), parameters: parameters(n) })),
  );
  await tape.publishAll(
    "contents",
    hours.map((n) => content(n, at(n))),
  );
  await tape.land();
  // Behind them on the staged path: repeats beside new ones, and one with other content.
  await tape.publishAll("ticks", [ticks[1]!, { ...ticks[2]!, close: 5 }, tick(102, at(4)), tick(102, at(4))]);
  await tape.publishAll("quotes", [quote(1, at(1)), quote(103, at(4))]);
  await tape.publishAll("bars", [
    bar(1, at(1)),
    bar(103, at(4)),
    bar(2, { ...at(2), close: 1.75, revised_at: NOON + 9 }),
  ]);
  // Of one batch, revisions that replace one another, one that comes too late, and one that says the same again.
  const revised = [1.5, 1.6, 1.7].map((close, n) => bar(6, { ...at(6), close, revised_at: NOON + 20 + n }));
  await tape.publishAll("bars", [...revised, { ...revised[2]!, revised_at: NOON + 30 }, revised[0]!]);
  await tape.publishAll("indicators", [indicator(1, { ...at(1), parameters: parameters(1) }), indicator(103, at(4))]);
  await tape.publishAll("contents", [content(1, at(6)), content(103, at(4))]);
  const bad = await tape.encode("ticks", tick(104, { ...at(5), volume: -1 }));
  await tape.raw("ticks", [{ value: await tape.encode("ticks", tick(105, at(5))) }, { value: bad }]);
}

const verified = () => verifiedTables(tape);
const tampered = (table: string, sql: string) => tamperedWith(tape, table, sql, verified);

const findingsIn = ({ entries }: TablesReport, table: string) => entries.find((one) => one.table === table)!.findings;

test("an untouched database is what its log says, and revisions, repeats and letters are no difference", async () => {
  const report = await verified();
  expect(
    report.entries.map(({ table, differing, findings, waiting }) => [table, differing, findings, waiting]),
  ).toEqual(AUDITED.map((topic) => [CONSUMER_OF[topic].landing.table, 0, [], 0]));
  expect(
    report.sums.map(({ table, rows, landed, differing, claims }) => [table, rows, landed, differing, claims]),
  ).toEqual([
    ["market_data_tick", HOURS + 4, HOURS + 4, 0, []],
    ["quote", HOURS + 1, HOURS + 1, 0, []],
    ["market_data_bar", HOURS + 5, HOURS + 5, 0, []],
    ["technical_indicator", HOURS + 1, HOURS + 1, 0, []],
    ["agent_content", HOURS + 1, HOURS + 1, 0, []],
  ]);
  for (const { withoutReceipt, notProvable } of report.sums) {
    expect([withoutReceipt, notProvable]).toEqual([
      { batches: 0, rows: 0 },
      { rows: 0, removed: 0, parts: [] },
    ]);
  }
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
      .filter(({ name }) => name !== id && !isRaised(landing, name))
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
      // Where the row's batch found a duplicate, too, its entry is excused: the id may have come by another partition.
      if (places.includes(change))
        expect(["added", "added removed"]).toContain(
          own
            .map(({ kind }) => kind)
            .sort()
            .join(" "),
        );
      else expect(own).toMatchObject([{ kind: "changed", columns: [{ column: change.name }] }]);
      if (!places.includes(change)) expect(own[0]!.columns[0]!.table).not.toBe(own[0]!.columns[0]!.log);
    }
    const removed = found.filter(({ kind }) => kind === "removed").length;
    expect(found).toHaveLength(changes.length + removed);
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

const HASHED = ["ticks", "quotes", "bars", "indicators", "contents"] as const;

describe.each(HASHED)("of %s", (topic) => {
  const { landing } = CONSUMER_OF[topic];
  const { table } = landing;
  const id = landing.key.at(-1)!;
  const hourOf = (n: number) => new Date(NOON / 1000 + n * 3_600_000).toISOString().slice(0, 13);
  const sumsIn = ({ sums }: TablesReport) => sums.find((one) => one.table === table)!;

  test("every hour in which one column of one row was changed is named, its batches, and the row with the column", async () => {
    const columns = landingColumns(landing).filter(
      ({ name }) => name !== "timestamp" && name !== "interval" && !isRaised(landing, name),
    );
    const changes = columns.map(({ name, fits }, n) => {
      const value = OTHER[Object.keys(fits)[0]!]!(`"${name}"`);
      const when = `timestamp '${hourOf(n).replace("T", " ")}:00' AT TIME ZONE 'UTC'`;
      const one = `SELECT t.${id} FROM public.${table} t WHERE date_trunc('hour', t.timestamp) = ${when} LIMIT 1`;
      return `UPDATE public.${table} SET "${name}" = ${value} WHERE ${id} IN (${one})`;
    });
    expect(changes.length).toBeLessThan(HOURS);
    const report = await tampered(`public.${table}`, changes.join(";\n"));
    const { parts, differing, named } = sumsIn(report);
    expect(report.ok).toBe(false);
    expect(parts.map(({ part }) => part)).toEqual(columns.map((_, n) => hourOf(n)));
    expect(differing).toBe(columns.length);
    for (const { rows, landed, batches } of parts) {
      expect(rows).toBe(landed);
      expect(batches.length).toBeGreaterThan(0);
      for (const { partition } of batches) expect(partition).toContain(`${topic}/`);
    }
    const { rows, ...others } = named as NamedRows;
    const own = (n: number) =>
      rows.filter(({ hour }) => hour === hourOf(n)).map(({ kind, columns }) => [kind, columns]);
    for (const [n, { name }] of columns.entries())
      expect(own(n).sort(), name).toEqual(
        name === id
          ? [
              ["added", []],
              ["removed", []],
            ]
          : [["changed", [name]]],
      );
    expect(others).toEqual({ differing: columns.length + 1, gone: [], untold: 0, unsure: [] });
  });

  test("the hours of a row that was removed, of one that was added and of one that was moved are named", async () => {
    const at = (n: number) =>
      `date_trunc('hour', timestamp) = timestamp '${hourOf(n).replace("T", " ")}:00' AT TIME ZONE 'UTC'`;
    const copy = `jsonb_populate_record(t, jsonb_build_object('${id}', '${idOf("added")}'))`;
    const beyondTime = topic !== "ticks" && topic !== "quotes";
    const report = await tampered(
      `public.${table}`,
      `INSERT INTO public.${table} SELECT (${copy}).* FROM public.${table} t WHERE ${at(7)};
       DELETE FROM public.${table} WHERE ${at(9)};
       UPDATE public.${table} SET timestamp = timestamp + interval '1 hour' WHERE ${at(11)};
       UPDATE public.${table} SET timestamp = 'infinity' WHERE ${at(14)} AND ${beyondTime}`,
    );
    const { parts, named } = sumsIn(report);
    const kinds = (named as NamedRows).rows.map(({ kind, hour, columns }) => `${hour} ${kind} ${columns}`);
    const moved = beyondTime ? [`${hourOf(14)} changed timestamp`] : [];
    expect(kinds).toEqual([
      `${hourOf(7)} added `,
      `${hourOf(9)} removed `,
      `${hourOf(11)} changed timestamp`,
      ...moved,
    ]);
    const found = parts.map(({ part, rows, landed }) => `${part} ${rows - landed}`);
    const beyond = beyondTime ? [`${hourOf(14)} -1`, "beyond all time 1"] : [];
    expect(found).toEqual([`${hourOf(7)} 1`, `${hourOf(9)} -1`, `${hourOf(11)} -1`, `${hourOf(12)} 1`, ...beyond]);
  });
});

test("a ledger that was changed along with its table is named by the receipt, and so is a removed batch", async () => {
  const topic = tape.name("ticks");
  const changed = await tampered(
    "tradetape.landed_batch",
    `UPDATE tradetape.landed_batch SET detail = jsonb_set(detail, '{row_sums}', '{}') WHERE topic = '${topic}'`,
  );
  const [sums] = changed.sums;
  expect(sums!.claims.length).toBeGreaterThan(0);
  for (const { detail, logId } of sums!.claims) {
    expect([detail, logId]).toEqual([expect.stringContaining("other rows than the receipt"), expect.any(String)]);
  }
  expect(sums!.differing).toBe(0);
  const gone = await tampered("tradetape.landed_batch", `DELETE FROM tradetape.landed_batch WHERE topic = '${topic}'`);
  expect(gone.sums[0]!.claims.map(({ detail }) => detail)).toContainEqual(
    expect.stringContaining("ledger doesn't have"),
  );
  expect(gone.ok).toBe(false);
});

test("rows of before there were sums are counted as not provable, and never hide a row that is gone", async () => {
  const older = `UPDATE tradetape.landed_batch SET detail = NULL WHERE topic = '${tape.name("ticks")}';
    UPDATE public.audit_log SET payload = payload - 'row_sums' WHERE source_topic = '${tape.name("ticks")}'`;
  await tape.query("CREATE TABLE public.kept_log AS SELECT * FROM public.audit_log");
  const report = await tampered("tradetape.landed_batch", older);
  await tape.query(`BEGIN; SET LOCAL session_replication_role = replica; DELETE FROM public.audit_log;
    INSERT INTO public.audit_log SELECT * FROM public.kept_log; DROP TABLE public.kept_log; COMMIT`);
  expect(report.ok).toBe(true);
  expect(report.sums[0]).toMatchObject({ landed: 0, differing: 0, claims: [], notProvable: { rows: HOURS + 4 } });
  expect(report.sums[0]!.notProvable.parts).toHaveLength(HOURS);
});

test("audit verify --tables and verify --full say so with exit code 1, as text and JSON", async () => {
  const env = environmentOf(tape.config);
  const sql = `UPDATE public.trade_execution SET executed_price = 2 WHERE execution_id = '${idOf("fill 2")}'`;
  const before = await tradetape(["audit", "verify", "--tables"], env);
  expect([before.code, before.stdout]).toEqual([0, expect.stringContaining("the tables are what the log says")]);
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
