import pg from "pg";
import { afterAll, beforeAll, expect, test } from "vitest";
import { environmentOf } from "../../support/landing.ts";
import { type Cluster, startCluster } from "../../support/services/cluster.ts";
import { openTestTape, type TestTape } from "../../support/tape.ts";
import { tradetape } from "../../support/tradetape.ts";

/** What PostgreSQL says to a login that it doesn't take, and where each is sent; certificates are transport.flow's. */
let server: Cluster;
let tape: TestTape;

beforeAll(async () => {
  server = await startCluster();
  tape = await openTestTape();
  await server.run("postgres", "CREATE DATABASE tape");
  await server.run("postgres", "CREATE DATABASE closed");
  await server.run("postgres", "REVOKE CONNECT ON DATABASE closed FROM PUBLIC");
  for (const name of ["somebody", 'Mr "O"']) await server.addUser(name);
  await server.addUser("asleep");
  await server.run("postgres", "ALTER ROLE asleep NOLOGIN");
  expect(await as(server.urlOf("tape"), "migrate")).toMatchObject({ code: 0 });
});
afterAll(async () => {
  await tape.stop();
  await server.stop();
});

const as = (url: string, ...args: string[]) => tradetape(args, { ...environmentOf(tape.config), DATABASE_URL: url });

function urlOf(user: string, database: string, password?: string): string {
  const url = new URL(server.urlOf(database, user));
  if (password !== undefined) url.password = password;
  return url.href;
}

const LAND = ["consume", "ticks", "--until-caught-up"];

test.each<[string, () => string, readonly string[], string, RegExp]>([
  [
    "a wrong password",
    () => urlOf("somebody", "tape", "wrong"),
    ["status"],
    "login_refused",
    /the password in DATABASE_URL/,
  ],
  ["no password", () => urlOf("somebody", "tape", ""), ["status"], "login_refused", /the password in DATABASE_URL/],
  [
    "a user that isn't there",
    () => urlOf("nobody", "tape"),
    ["status"],
    "login_refused",
    /the password in DATABASE_URL/,
  ],
  ["a role that may not log in", () => urlOf("asleep", "tape"), ["status"], "login_refused", /and the role LOGIN/],
  [
    "a database that isn't there",
    () => urlOf("somebody", "nowhere"),
    ["status"],
    "database_unreachable",
    /CREATE DATABASE/,
  ],
  [
    "no right to connect",
    () => urlOf("somebody", "closed"),
    ["status"],
    "permission_denied",
    /GRANT CONNECT ON DATABASE "closed" TO "somebody"$/,
  ],
  [
    "no right to connect, by a name that has to be quoted",
    () => urlOf('Mr "O"', "closed"),
    ["status"],
    "permission_denied",
    /GRANT CONNECT ON DATABASE "closed" TO "Mr ""O"""$/,
  ],
  [
    "no membership of the role",
    () => urlOf("somebody", "tape"),
    LAND,
    "permission_denied",
    /GRANT tradetape_lander TO/,
  ],
])("%s: is told, with the next step, and isn't tried again", async (_, url, args, code, next) => {
  const { code: exit, stderr } = await as(url(), ...args, "--json");
  const line = stderr.split("\n").find((text) => text.startsWith('{"error"'));
  expect(exit, stderr).toBe(2);
  expect(JSON.parse(line!).error).toMatchObject({ code, next: expect.stringMatching(next), canRetry: false });
});

test("a right on a table that is missing ends a run that has an end", async () => {
  const lander = "tape_lander";
  await server.addUser(lander);
  await server.run("tape", `GRANT tradetape_lander TO ${pg.escapeIdentifier(lander)}`);
  await server.run("tape", "REVOKE INSERT ON public.symbol FROM tradetape_lander");
  const { code, stderr } = await as(urlOf(lander, "tape"), "consume", "symbols", "--until-caught-up");
  await server.run("tape", "GRANT INSERT ON public.symbol TO tradetape_lander");
  expect([code, stderr], stderr).toEqual([2, expect.stringContaining("permission_denied")]);
  expect(stderr).toContain("lacks insert of public.symbol");
  expect(await as(urlOf(lander, "tape"), "consume", "symbols", "--until-caught-up")).toMatchObject({ code: 0 });
});
