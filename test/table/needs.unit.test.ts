import { describe, expect, test } from "vitest";
import { howFarAhead, neededBy, refuseAhead } from "../../src/table/login/needs.ts";
import { readMigrations } from "../../src/table/migrations.ts";
import { contractions } from "./contracts.ts";

const PLACE = "127.0.0.1:5432/tape";
const applied = (number: number, needs = 0) => ({ number, sha256: "", needs });

describe("a migration", () => {
  test("declares in its first lines which programs can go on, and nowhere else", () => {
    expect(neededBy("-- Takes a column away.\n-- needs: 0045\nSET ROLE x;\n")).toBe(45);
    expect(neededBy("-- Only adds.\nSET ROLE x;\n-- needs: 0045\n")).toBe(0);
    expect(neededBy("SELECT 1;\n")).toBe(0);
  });

  test("that takes, changes or forbids something says so, and none needs a program that isn't yet", () => {
    const all = readMigrations();
    const rule = all.find(({ name }) => name.endsWith("_needs.sql"))!;
    const since = all.filter(({ number }) => number >= rule.number);
    const silent = since.filter(({ sql }) => contractions(sql).length > 0 && neededBy(sql) === 0);
    expect(silent.map(({ name, sql }) => `${name}: ${contractions(sql).join(", ")}: add "-- needs: NNNN"`)).toEqual([]);
    expect(since.filter(({ number, sql }) => neededBy(sql) > number).map(({ name }) => name)).toEqual([]);
    // What is noted before the column is there could not be recorded.
    expect(all.filter(({ number, sql }) => number < rule.number && neededBy(sql) > 0)).toEqual([]);
  });

  test.each([
    ["ALTER TABLE public.fill DROP COLUMN venue", "drops something"],
    ["DROP FUNCTION tradetape.link_entries", "drops something"],
    ["ALTER TABLE public.fill RENAME COLUMN a TO b", "renames something"],
    ["ALTER TABLE public.fill ALTER COLUMN a TYPE bigint", "changes a type"],
    ["ALTER TABLE public.fill ALTER a SET NOT NULL", "takes nulls"],
    ["ALTER TABLE public.fill ADD COLUMN a text NOT NULL", "adds a column that has to be given"],
    ["ALTER TABLE public.fill ADD COLUMN a numeric(10, 2) NOT NULL", "adds a column that has to be given"],
    ["ALTER TABLE public.fill ADD COLUMN a numeric(10, 2) CHECK (a > 0)", "checks more of an existing table"],
    ["DO $$ BEGIN ALTER TABLE public.fill DROP COLUMN a; END $$", "drops something"],
    ["ALTER TABLE public.fill ADD COLUMN a text CHECK (a <> '')", "checks more of an existing table"],
    ["ALTER TABLE public.fill ADD CONSTRAINT c CHECK (a > 0)", "checks more of an existing table"],
    ["CREATE UNIQUE INDEX i ON public.fill (a)", "checks more of an existing table"],
    ["REVOKE SELECT ON public.fill FROM tradetape_reader", "takes rights"],
    ["REVOKE SELECT ON public.fill FROM PUBLIC", "takes rights"],
  ])("takes something by %s", (sql, what) => {
    expect(contractions(`SET LOCAL ROLE x;\n${sql};`)).toEqual([what]);
  });

  test.each([
    "ALTER TABLE public.fill ADD COLUMN a text",
    "ALTER TABLE public.fill ADD COLUMN a integer NOT NULL DEFAULT 0",
    "ALTER TABLE public.fill ALTER a DROP NOT NULL",
    "CREATE TABLE x.y (a text NOT NULL CHECK (a <> '')); ALTER TABLE x.y ADD CONSTRAINT c UNIQUE (a)",
    "CREATE INDEX i ON public.fill (a)",
    "REVOKE ALL ON FUNCTION x.f FROM PUBLIC",
    "CREATE FUNCTION x.f() RETURNS void AS $$ BEGIN DROP TABLE z; END $$",
    "-- DROP TABLE z\nCOMMENT ON TABLE z IS 'DROP it; or not'",
  ])("only adds by %s", (sql) => {
    expect(contractions(`${sql};`)).toEqual([]);
  });
});

describe("a program", () => {
  test("works with a database that has later migrations, while none of them needs a later program", () => {
    expect(howFarAhead([applied(44), applied(45), applied(46, 44)], 44, PLACE)).toEqual({ has: 46, knows: 44 });
    expect(howFarAhead([applied(44, 44)], 44, PLACE)).toBeUndefined();
    expect(howFarAhead([], 44, PLACE)).toBeUndefined();
  });

  test("refuses one that needs a later program, and says which", () => {
    expect(() => howFarAhead([applied(45, 45), applied(46)], 44, PLACE)).toThrow(
      "127.0.0.1:5432/tape has migration 46, this program knows 44: it needs one that knows 45",
    );
    expect(() => refuseAhead({ has: 46, knows: 44 }, PLACE)).toThrow("would give back what later ones changed");
    expect(refuseAhead(undefined, PLACE)).toBeUndefined();
  });
});
