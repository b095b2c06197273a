import pg from "pg";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { asReader } from "../../../src/cli/services.ts";
import { Connection } from "../../../src/table/connection.ts";
import { migrate } from "../../../src/table/migrate.ts";
import { applyWithin } from "../../../src/table/migrations.ts";
import { environmentOf, landBy } from "../../support/landing.ts";
import { ledgerFaults } from "../../support/ledger.ts";
import { tick } from "../../support/samples.ts";
import { isolate } from "../../support/services/isolation.ts";
import { openTapeWithSymbol, type Row, type TestTape } from "../../support/tape.ts";
import { tradetape } from "../../support/tradetape.ts";
import { restoredBy } from "./restored-by.ts";

let tape: TestTape;
let copyUrl: string;

const nameOf = (url: string) => new URL(url).pathname.slice(1);

async function onServer(sql: string): Promise<void> {
  const url = new URL(tape.config.databaseUrl);
  url.pathname = "/postgres";
  const client = new pg.Client({ connectionString: url.href });
  await client.connect();
  await client.query(sql).finally(() => client.end());
}

async function ask(url: string, sql: string): Promise<Row[]> {
  const connection = await Connection.open(url, { name: "test" });
  return connection.query(sql).finally(() => connection.close());
}

const idIn = async (url: string) => (await ask(url, "SELECT database_id AS id FROM tradetape.database_id"))[0]!.id;

beforeAll(async () => {
  tape = await openTapeWithSymbol();
  await tape.publish("ticks", tick(0));
  await tape.land("ticks", "audit");
  copyUrl = (await isolate("copy", tape.config.databaseUrl)).databaseUrl;
});
afterAll(() => tape.stop());

describe("a copy of a database", () => {
  const land = () => landBy({ ...tape.config, databaseUrl: copyUrl }, ["ticks"]);
  const asked = { code: "database_copied", next: expect.stringContaining("--as restored") };

  test("lands nothing, and isn't migrated, before it is said whose it is", async () => {
    await expect(land()).rejects.toMatchObject(asked);
    await expect(migrate(copyUrl)).rejects.toMatchObject(asked);
    const looking = asReader({ ...tape.config, databaseUrl: copyUrl }, "test", async () => "looked");
    await expect(looking).rejects.toMatchObject(asked);
    await tape.publish("ticks", tick(1));
    await tape.land("ticks");
  });

  test("that was restored takes the original's place, with its id", async () => {
    expect(await migrate(copyUrl, "restored")).toMatchObject({ whose: "restored", lost: [] });
    expect(await idIn(copyUrl)).toBe(await idIn(tape.config.databaseUrl));
    expect(await land()).toMatchObject([{ topic: "ticks", written: 1 }]);
  });

  test("that is a second one gets an id of its own, and both land all there is", async () => {
    await migrate(copyUrl, "copy");
    expect(await idIn(copyUrl)).not.toBe(await idIn(tape.config.databaseUrl));
    await tape.publish("ticks", tick(2));
    const [, theirs] = await Promise.all([tape.land("ticks"), land()]);
    expect(theirs).toMatchObject([{ topic: "ticks", written: 1 }]);
    await tape.land("audit");
    expect(await ledgerFaults(tape)).toEqual([]);
  });
});

test("a dump without owners and privileges, restored elsewhere, is repaired, asked about, and lands as a copy", async () => {
  const env = environmentOf({ ...tape.config, databaseUrl: copyUrl });
  await ask(copyUrl, "UPDATE tradetape.database_id SET database_oid = 1");
  await ask(copyUrl, restoredBy("CURRENT_USER"));
  const asked = await tradetape(["migrate", "--repair"], env);
  expect([asked.code, asked.stdout]).toEqual([2, expect.stringMatching(/gave back \d+ owners, \d+ rights/)]);
  expect(asked.stderr).toContain("database_copied");
  await ask(copyUrl, restoredBy("CURRENT_USER"));
  const refused = await tradetape(["migrate", "--as", "copy"], env);
  expect([refused.code, refused.stderr]).toEqual([2, expect.stringContaining("tradetape migrate --repair --as copy")]);
  const settled = await tradetape(["migrate", "--repair", "--as", "copy", "--json"], env);
  expect([settled.code, JSON.parse(settled.stdout)]).toEqual([0, expect.objectContaining({ whose: "copy", gone: [] })]);
  await tape.publish("ticks", tick(3));
  expect(await landBy({ ...tape.config, databaseUrl: copyUrl }, ["ticks"])).toMatchObject([
    { topic: "ticks", written: 1 },
  ]);
});

describe("a database that this program can't work with", () => {
  test("is refused when a newer version migrated it, and took away what this one needs", async () => {
    const connection = await Connection.open(copyUrl, { name: "test" });
    await connection.query("BEGIN");
    await applyWithin(connection, {
      number: 9999,
      name: "9999_new.sql",
      sql: "-- needs: 9999\nSELECT 1;\n",
      sha256: "",
    });
    await connection.commit();
    await connection.close();
    const refusal = { code: "database_newer", message: expect.stringContaining("needs one that knows 9999") };
    await expect(migrate(copyUrl)).rejects.toMatchObject(refusal);
    await expect(landBy({ ...tape.config, databaseUrl: copyUrl }, ["ticks"])).rejects.toMatchObject(refusal);
    await ask(copyUrl, "DELETE FROM tradetape.migration WHERE number = 9999");
  });

  test("is none where a newer version only added to it: what ran before lands on, and leaves rights alone", async () => {
    await ask(copyUrl, "ALTER TABLE public.market_data ADD COLUMN of_later text");
    await ask(copyUrl, "INSERT INTO tradetape.migration (number, name, sha256) VALUES (9999, '9999_new.sql', '')");
    expect(await migrate(copyUrl)).toMatchObject({ applied: [], ahead: { has: 9999 }, lost: [] });
    await tape.publish("ticks", tick(4));
    expect(await landBy({ ...tape.config, databaseUrl: copyUrl }, ["ticks"])).toMatchObject([{ written: 1 }]);
    const env = environmentOf({ ...tape.config, databaseUrl: copyUrl });
    const [repair, doctor] = await Promise.all([tradetape(["migrate", "--repair"], env), tradetape(["doctor"], env)]);
    expect([repair.code, repair.stderr]).toEqual([2, expect.stringContaining("give back what later ones changed")]);
    expect(doctor.stdout).toContain("the database has migration 9999");
    await ask(copyUrl, "DELETE FROM tradetape.migration WHERE number = 9999");
    await ask(copyUrl, "ALTER TABLE public.market_data DROP COLUMN of_later");
  });

  test.each(["LATIN1", "SQL_ASCII"])("is refused when its encoding is %s", async (encoding) => {
    const { databaseUrl } = await isolate(encoding);
    const name = nameOf(databaseUrl);
    await onServer(`DROP DATABASE ${name}`);
    await onServer(
      `CREATE DATABASE ${name} ENCODING '${encoding}' TEMPLATE template0 LOCALE_PROVIDER libc LC_COLLATE 'C' LC_CTYPE 'C'`,
    );
    const refusal = { code: "encoding_unfit", message: expect.stringContaining(encoding) };
    await expect(migrate(databaseUrl)).rejects.toMatchObject(refusal);
  });
});
