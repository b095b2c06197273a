import { readFileSync } from "node:fs";
import { join } from "node:path";
import pg from "pg";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { environmentOf } from "../../support/landing.ts";
import { tick } from "../../support/samples.ts";
import { type Cluster, startCluster } from "../../support/services/cluster.ts";
import { ROOT } from "../../support/source-tree.ts";
import { openTestTape, type TestTape } from "../../support/tape.ts";
import { tradetape } from "../../support/tradetape.ts";

/** ops/sql/roles.sql on a cluster of its own: each login does its work with these rights alone. */
const ROLES_SQL = readFileSync(join(ROOT, "ops/sql/roles.sql"), "utf8");
const DATABASE = "tape";

let server: Cluster;
let tape: TestTape;

beforeAll(async () => {
  server = await startCluster();
  tape = await openTestTape();
  await server.run("postgres", `CREATE DATABASE ${DATABASE}`);
  await server.run(DATABASE, ROLES_SQL);
  await server.addUser("tape_bare");
  const password = pg.escapeLiteral(decodeURIComponent(new URL(server.urlOf(DATABASE)).password));
  for (const login of ["migrator", "lander", "reader", "ops"]) {
    await server.run(DATABASE, `ALTER ROLE tape_${login} PASSWORD ${password}`);
  }
  expect(await as("migrator", "migrate")).toMatchObject({ code: 0 });
  for (let n = 0; n < 20; n++) await tape.publish("ticks", tick(n));
  await tape.raw("ticks", [{ value: Buffer.from("no event") }]);
});
afterAll(async () => {
  await tape.stop();
  await server.stop();
});

/** A command by one of the logins. */
const as = (login: string, ...args: string[]) =>
  tradetape(args, { ...environmentOf(tape.config), DATABASE_URL: server.urlOf(DATABASE, `tape_${login}`) });

const LAND = ["consume", "ticks", "symbols", "--until-caught-up", "--fail-fast"];
const DISCARD = ["dead-letters", "discard", "--topic", "ticks", "--reason-text", "no event", "--yes"];

test("the file runs again over a migrated database, and changes nothing", async () => {
  const rights = `SELECT datacl::text, datdba::regrole::text FROM pg_database WHERE datname = '${DATABASE}'`;
  const before = await server.run(DATABASE, rights);
  await server.run(DATABASE, ROLES_SQL);
  expect(await server.run(DATABASE, rights)).toEqual(before);
});

describe("each login does its work", () => {
  test.each([
    ["lander", LAND],
    ["reader", ["status"]],
    ["reader", ["verify"]],
    ["reader", ["audit", "verify"]],
    ["reader", ["dead-letters", "list"]],
    ["reader", ["parked"]],
    ["reader", ["sessions", "list"]],
    ["reader", ["partitions", "list"]],
    ["ops", ["dead-letters", "list"]],
    ["ops", DISCARD],
    ["migrator", ["migrate"]],
    ["migrator", ["verify"]],
  ])("%s: %j", async (login, args) => {
    const { code, stderr } = await as(login, ...args);
    expect([code, stderr.includes("permission_denied")], stderr).toEqual([0, false]);
  });
});

describe("no login does another's", () => {
  test.each([
    ["lander", ["status"], "tradetape_reader"],
    ["lander", DISCARD, "tradetape_ops"],
    ["lander", ["sessions", "delete", "00000000-0000-5000-8000-000000000001", "--yes"], "tradetape_owner"],
    ["reader", LAND, "tradetape_lander"],
    ["reader", DISCARD, "tradetape_ops"],
    ["reader", ["migrate", "--repair"], "tape_reader"],
    ["ops", LAND, "tradetape_lander"],
    ["ops", ["migrate", "--repair"], "tape_ops"],
    ["bare", ["status"], 'permission denied for database "tape"'],
    ["bare", LAND, 'permission denied for database "tape"'],
  ])("%s: %j is refused, and %s named", async (login, args, named) => {
    const { code, stderr } = await as(login, ...args);
    expect([code, stderr], stderr).toEqual([2, expect.stringContaining("permission")]);
    expect(stderr).toContain(named);
  });
});

describe("a right that is taken away is named", () => {
  test.each([
    ["lander", LAND, "tradetape_lander", 'permission denied for database "tape"'],
    ["reader", ["status"], "tradetape_reader", 'permission denied for database "tape"'],
    ["ops", ["dead-letters", "list"], "tradetape_reader", "tape_ops may not switch to tradetape_reader"],
    ["ops", DISCARD, "tradetape_ops", "tape_ops may not switch to tradetape_ops"],
    ["migrator", ["migrate", "--repair"], "tradetape_owner", "GRANT tradetape_owner"],
  ])("of %s: %j without %s", async (login, args, role, named) => {
    await server.run(DATABASE, `REVOKE ${role} FROM tape_${login}`);
    const { code, stderr } = await as(login, ...args);
    await server.run(DATABASE, `GRANT ${role} TO tape_${login}`);
    // The role brings the right to connect as well, unless another of the login's does.
    expect([code, stderr], stderr).toEqual([2, expect.stringContaining(named)]);
  });
});
