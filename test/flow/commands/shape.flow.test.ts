import { readFileSync } from "node:fs";
import { beforeAll, describe, expect, test } from "vitest";
import { CONSUMERS } from "../../../consumers/all.ts";
import { withCatalog } from "../../../scripts/catalog.ts";
import {
  commentedColumns,
  commentedFunctions,
  commentedRelations,
  unitOf,
} from "../../../scripts/docs/tables-reference.ts";
import { databaseShape } from "../../../scripts/shape.ts";
import { dayOf } from "../../../src/event/day.ts";
import { EVENT_BY_TOPIC, EVENT_SCHEMAS } from "../../../src/event/schemas.ts";
import { Connection } from "../../../src/table/connection.ts";
import { FACT_KINDS, factLines, readFacts } from "../../../src/table/established.ts";
import { makeDays } from "../../../src/table/landing/days.ts";
import { migrate } from "../../../src/table/migrate.ts";
import { readMigrations } from "../../../src/table/migrations.ts";
import { keptFrom, listDays } from "../../../src/table/upkeep/day-partitions.ts";
import { assertTestDatabase, isolate } from "../../support/services/isolation.ts";

let databaseUrl = "";
const names = readMigrations().map(({ name }) => name);

beforeAll(async () => {
  ({ databaseUrl } = await isolate());
});

async function withConnection<T>(url: string, use: (connection: Connection) => Promise<T>): Promise<T> {
  const connection = await Connection.open(url, { name: "test" });
  try {
    return await use(connection);
  } finally {
    await connection.close();
  }
}

/** Applies the first migrations, as a program did that knew no more. */
async function applyFirst(connection: Connection, count: number): Promise<void> {
  const migrations = readMigrations().slice(0, count);
  for (const [index, { sql }] of migrations.entries()) {
    await connection.query("BEGIN");
    await connection.query(sql);
    // The first file makes the schema that the table of migrations lies in, the second one that table.
    const noted = index === 0 ? [] : migrations.slice(index === 1 ? 0 : index, index + 1);
    for (const { number, name, sha256 } of noted) {
      await connection.query("INSERT INTO tradetape.migration (number, name, sha256) VALUES ($1, $2, $3)", [
        number,
        name,
        sha256,
      ]);
    }
    await connection.query("COMMIT");
  }
}

describe("migrating", () => {
  test("a fresh database gives the shape that shape.txt and established.jsonl state", async () => {
    expect((await migrate(databaseUrl)).applied).toEqual(names);
    const shape = await withConnection(databaseUrl, databaseShape);
    expect(shape).toBe(readFileSync("schemas/catalog/shape.txt", "utf8"));
    const facts = await withConnection(databaseUrl, (connection) => readFacts(connection, FACT_KINDS));
    expect(factLines(facts)).toBe(readFileSync("schemas/catalog/established.jsonl", "utf8"));
  });

  test("again changes nothing", async () => {
    expect(await migrate(databaseUrl)).toMatchObject({ applied: [], already: names.length });
    expect(await withConnection(databaseUrl, databaseShape)).toBe(readFileSync("schemas/catalog/shape.txt", "utf8"));
  });

  test("the same database by two programs at once applies each file once", async () => {
    const { databaseUrl: url } = await isolate("twice");
    const reports = await Promise.all([migrate(url), migrate(url), migrate(url)]);
    expect(reports.flatMap(({ applied }) => applied).sort()).toEqual(names);
  });

  test("two databases of one server at once doesn't clash over their common roles", async () => {
    const urls = await Promise.all(["left", "right"].map(async (part) => (await isolate(part)).databaseUrl));
    for (const { applied } of await Promise.all(urls.map((url) => migrate(url)))) expect(applied).toEqual(names);
  });

  test("goes on where it was broken off: after the first file, which leaves no trace, and after any other", async () => {
    const { databaseUrl: url } = await isolate("broken off");
    await withConnection(url, (connection) => applyFirst(connection, 1));
    expect((await migrate(url)).applied).toEqual(names);
    const { databaseUrl: other } = await isolate("broken off later");
    await withConnection(other, (connection) => applyFirst(connection, 3));
    expect(await migrate(other)).toMatchObject({ applied: names.slice(3), already: 3 });
    expect(await withConnection(other, databaseShape)).toBe(readFileSync("schemas/catalog/shape.txt", "utf8"));
  });

  test.each([
    ["a first day that is kept", "INSERT INTO tradetape.tick_horizon (horizon, moved_by) VALUES ('2024-03-05', 'me')"],
    ["every day kept", "SELECT 1"],
  ])("a database with days of ticks and %s keeps both", async (what, horizon) => {
    const { databaseUrl: url } = await isolate(`with days and ${what}`);
    await withConnection(url, async (connection) => {
      await applyFirst(connection, 12);
      await connection.query(`SELECT tradetape.make_tick_day('2024-03-05')`);
      await connection.query(
        `INSERT INTO market_data (market_data_id, symbol_id, "timestamp", close, volume, "interval", source)
         VALUES (gen_random_uuid(), gen_random_uuid(), '2024-03-05T12:00Z', 1, 1, 'tick', 'test')`,
      );
      await connection.query(horizon);
    });
    expect((await migrate(url)).applied).toEqual(names.slice(12));
    await withConnection(url, async (connection) => {
      const isKept = horizon.startsWith("INSERT");
      expect(await keptFrom(connection, "market_data_tick")).toBe(isKept ? "2024-03-05" : undefined);
      expect(await listDays(connection, "market_data_tick")).toMatchObject([{ day: "2024-03-05", state: "attached" }]);
      expect(await connection.query("SELECT count(*) AS n FROM market_data_tick_20240305")).toEqual([{ n: 1 }]);
      const days = [dayOf(Date.UTC(2024, 2, 4) * 1000), dayOf(Date.UTC(2024, 2, 5) * 1000)];
      expect(await makeDays(connection, "market_data_tick", days)).toEqual(isKept ? [days[0]] : []);
      expect(await databaseShape(connection)).toBe(readFileSync("schemas/catalog/shape.txt", "utf8"));
    });
  });

  test("a database that was made with another text of an applied file is refused, by the file's name", async () => {
    await assertTestDatabase(databaseUrl);
    const change = (sha256: string) =>
      withConnection(databaseUrl, (connection) =>
        connection.query("UPDATE tradetape.migration SET sha256 = $1 WHERE number = 3 RETURNING sha256", [sha256]),
      );
    await change("0".repeat(64));
    await expect(migrate(databaseUrl)).rejects.toMatchObject({
      code: "not_migrated",
      message: expect.stringContaining(names[2]!),
    });
    await change(readMigrations()[2]!.sha256);
    expect((await migrate(databaseUrl)).applied).toEqual([]);
  });
});

describe("the shape", () => {
  test("tells a column's type, a constraint, an index, a right, a function's guard and a role apart", async () => {
    const { databaseUrl: url } = await isolate("changed");
    await migrate(url);
    await assertTestDatabase(url);
    const before = await withConnection(url, databaseShape);
    const changes = [
      "ALTER TABLE public.symbol ALTER exchange SET NOT NULL",
      "ALTER TABLE public.symbol ALTER is_active SET DEFAULT true",
      "ALTER TABLE public.model_prediction DROP CONSTRAINT probability_up_in_range",
      "DROP INDEX public.symbol_ticker",
      "GRANT DELETE ON public.audit_log TO tradetape_lander",
      "ALTER FUNCTION tradetape.make_day(text, date) RESET search_path",
      "ALTER FUNCTION tradetape.make_day(text, date) SECURITY INVOKER",
      "GRANT EXECUTE ON FUNCTION tradetape.make_day(text, date) TO PUBLIC",
      "DROP VIEW public.tick",
      ...["owner", "lander", "reader", "ops"].map((role) => `ALTER ROLE tradetape_${role} CREATEDB`),
    ];
    for (const sql of changes) {
      const after = await withConnection(url, async (connection) => {
        await connection.query("BEGIN");
        await connection.query(sql);
        const shape = await databaseShape(connection);
        await connection.query("ROLLBACK");
        return shape;
      });
      expect(after, sql).not.toBe(before);
    }
    expect(await withConnection(url, databaseShape)).toBe(before);
  });
});

/** How the view `tick` names the fields of a tick that are a bar's first. */
const NAMED_IN_VIEW: Readonly<Record<string, string>> = { close: "price", volume: "size" };

test("the view tick has every field of a tick, and nothing else", async () => {
  const columns = await withConnection(databaseUrl, commentedColumns);
  const view = columns.filter(({ relation }) => relation === "public.tick").map(({ name }) => name);
  const fields = EVENT_SCHEMAS.tick.fields.map(({ name }) => NAMED_IN_VIEW[name] ?? name);
  expect(view.toSorted()).toEqual(fields.toSorted());
});

describe("the comments", () => {
  test("say what every table, view, column and function is", async () => {
    const bare = await withConnection(databaseUrl, async (connection) => [
      ...(await commentedRelations(connection)).map(({ schema, ...one }) => ({ relation: schema, ...one })),
      ...(await commentedColumns(connection)),
      ...(await commentedFunctions(connection)).map(({ schema, ...one }) => ({ relation: schema, ...one })),
    ]);
    expect(bare.length).toBeGreaterThan(200);
    expect(bare.filter(({ comment }) => comment === null).map(({ relation, name }) => `${relation}.${name}`)).toEqual(
      [],
    );
  });

  test("of an event's column are what the schema says of its field, or the first sentences of it", async () => {
    const columns = await withConnection(databaseUrl, commentedColumns);
    const wrong = CONSUMERS.flatMap(({ topic, landing: { table } }) =>
      EVENT_SCHEMAS[EVENT_BY_TOPIC[topic]].fields.flatMap(({ name, doc }) => {
        const column = columns.find((one) => one.relation === `public.${table}` && one.name === name);
        const { meaning } = unitOf(column?.comment ?? "nothing");
        return doc === meaning || doc.startsWith(`${meaning} `) ? [] : [`${table}.${name}: ${meaning}`];
      }),
    );
    expect(wrong).toEqual([]);
  });

  test("name a unit for every number of money, size, time or rate", async () => {
    const columns = await withConnection(databaseUrl, commentedColumns);
    const measured = columns.filter(({ type }) => type === "double precision" || type === "timestamptz");
    const bare = measured.filter(({ comment }) => unitOf(comment ?? "").unit === "" && !comment?.startsWith("Null: "));
    // The unit of an indicator's value depends on the indicator.
    expect(bare.map(({ relation, name }) => `${relation}.${name}`)).toEqual([
      "public.technical_indicator.indicator_value",
      "public.technical_indicator_revision.indicator_value",
    ]);
  });

  test("and the rest of the catalog are what docs/tables.md shows", async () => {
    const text = readFileSync("docs/tables.md", "utf8");
    expect(await withConnection(databaseUrl, (connection) => withCatalog(connection, text))).toBe(text);
  });
});
