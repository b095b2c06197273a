import { afterAll, beforeAll, expect, test } from "vitest";
import { Reader } from "../../../src/console/reader.ts";
import { openTestTape, type Row, type TestTape } from "../../support/tape.ts";

let tape: TestTape;
let reader: Reader;

beforeAll(async () => {
  tape = await openTestTape();
  reader = new Reader(tape.config);
});
afterAll(async () => {
  await reader.close();
  await tape.stop();
});

const pid = () => reader.ask(async (connection) => connection.pid);

test("asks as who may only read, with a limit to each statement's time", async () => {
  const asked = reader.ask((connection) =>
    connection.query<Row>("SELECT current_user::text AS login, current_setting('statement_timeout') AS within"),
  );
  expect(await asked).toEqual([{ login: "tradetape_reader", within: "10s" }]);
  const written = reader.ask((connection) => connection.run("DELETE FROM public.symbol"));
  await expect(written).rejects.toMatchObject({ code: "permission_denied" });
});

test("says of a statement that took too long what to ask instead, and answers the next one", async () => {
  const tooMuch = reader.ask(async (connection) => {
    await connection.run("BEGIN; SET LOCAL statement_timeout = 1");
    await connection.run("SELECT pg_sleep(3600)").finally(() => connection.run("ROLLBACK"));
  });
  await expect(tooMuch).rejects.toMatchObject({ code: "input_invalid", next: expect.stringContaining("shorter time") });
  expect(await reader.ask((connection) => connection.query("SELECT 1 AS one"))).toEqual([{ one: 1 }]);
});

test("says that its session was ended, which no page takes for a bug, and opens another one", async () => {
  const before = await pid();
  const ended = reader.ask((connection) => connection.run("SELECT pg_sleep(3600)"));
  const isAsleep = "SELECT state FROM pg_stat_activity WHERE pid = $1 AND query LIKE '%pg_sleep%'";
  const end = expect
    .poll(() => tape.query(isAsleep, [before]))
    .toEqual([{ state: "active" }])
    .then(() => tape.query("SELECT pg_terminate_backend($1)", [before]));
  await expect(ended).rejects.toMatchObject({ code: "database_unreachable", canRetry: true });
  expect(await pid()).not.toBe(before);
  await end;
});
