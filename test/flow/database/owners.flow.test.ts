import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { databaseShape } from "../../../scripts/shape.ts";
import { TradetapeError } from "../../../src/errors.ts";
import { Connection } from "../../../src/table/connection.ts";
import { migrate } from "../../../src/table/migrate.ts";
import { repairDatabase } from "../../../src/table/upkeep/repair.ts";
import { landBy } from "../../support/landing.ts";
import { symbol, tick } from "../../support/samples.ts";
import { type Cluster, startCluster } from "../../support/services/cluster.ts";
import { openTestTape, type TestTape } from "../../support/tape.ts";
import { restoredBy } from "./restored-by.ts";

/** A cluster whose roles are this file's own. */
let server: Cluster;
let tape: TestTape;
let isSince16 = true;
/** Of a database that a superuser migrated. */
let asMade = "";
beforeAll(async () => {
  server = await startCluster();
  tape = await openTestTape();
  const [row] = await server.run<{ version: number }>(
    "postgres",
    "SELECT current_setting('server_version_num')::int AS version",
  );
  isSince16 = row!.version >= 160_000;
  asMade = await shapeOf(tape.config.databaseUrl);
});
afterAll(async () => {
  await tape.stop();
  await server.stop();
});

const ROLES = ["owner", "lander", "reader", "ops"].map((name) => `tradetape_${name}`);

let made = 0;
let database = "";
let user = "";
/** A database of a user's own, neither of which was there before. */
async function ownDatabase(attributes = "", named = "user"): Promise<string> {
  made++;
  [database, user] = [`base${made}`, `${named}${made}`];
  await server.addUser(user, attributes);
  await server.run("postgres", `CREATE DATABASE ${database} OWNER "${user}"`);
  return server.urlOf(database, user);
}

/** What a call fails with. */
async function failure(call: Promise<unknown>): Promise<TradetapeError> {
  const error = await call.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(TradetapeError);
  return error as TradetapeError;
}

/** Has a superuser run what an error says, word for word. */
async function obey(error: TradetapeError): Promise<void> {
  const statements = error.facts!.statements as string[];
  for (const sql of statements) expect(error.next).toContain(`${sql};`);
  for (const sql of statements) await server.run(database, sql);
}

async function shapeOf(url: string): Promise<string> {
  const connection = await Connection.open(url, { name: "test" });
  return databaseShape(connection).finally(() => connection.close());
}

async function repairAs(url: string) {
  const connection = await Connection.open(url, { name: "test" });
  return repairDatabase(connection, url, async () => {}).finally(() => connection.close());
}

/** Takes the roles out of the cluster, with the databases that hold anything of theirs. */
async function dropRoles(): Promise<void> {
  const bases = await server.run<{ name: string }>(
    "postgres",
    "SELECT datname AS name FROM pg_database WHERE datname ~ '^base'",
  );
  for (const { name } of bases) await server.run("postgres", `DROP DATABASE ${name} WITH (FORCE)`);
  for (const role of ROLES) await server.run("postgres", `DROP ROLE IF EXISTS ${role}`);
}

describe("the first database of a cluster", () => {
  beforeEach(dropRoles);

  test("migrates for an owner who may make roles and is no superuser", async () => {
    const url = await ownDatabase("CREATEROLE");
    expect((await migrate(url)).lost).toEqual([]);
    expect(await shapeOf(url)).toBe(asMade);
  });

  test("migrates for an owner who may not, once a superuser has run what is said", async () => {
    const url = await ownDatabase();
    const error = await failure(migrate(url));
    expect([error.code, error.next]).toEqual([
      "permission_denied",
      expect.stringContaining("CREATE ROLE tradetape_ops"),
    ]);
    await obey(error);
    await migrate(url);
    expect(await shapeOf(url)).toBe(asMade);
  });
});

describe("the second database of a cluster", () => {
  beforeAll(async () => {
    await dropRoles();
    await migrate(await ownDatabase("CREATEROLE"));
  });

  /** What else is the matter with its owner, as what a superuser did before. */
  const OWNERS: readonly [what: string, attributes: string, before: (user: string, database: string) => string[]][] = [
    ["a plain one", "", () => []],
    ["one who may make roles, and didn't make these", "CREATEROLE", () => []],
    ["one who inherits nothing", "NOINHERIT", () => []],
    ["a member who inherits nothing", "NOINHERIT", (name) => [`GRANT ${ROLES.join(", ")} TO ${name}`]],
    ["a member of one role", "", (name) => [`GRANT tradetape_owner TO ${name}`]],
    [
      "a member who may not switch",
      "",
      (name) => (isSince16 ? [`GRANT ${ROLES.join(", ")} TO ${name} WITH SET FALSE`] : []),
    ],
    [
      "a member who only administers",
      "",
      (name) => (isSince16 ? [`GRANT ${ROLES.join(", ")} TO ${name} WITH ADMIN TRUE, INHERIT FALSE, SET FALSE`] : []),
    ],
    ["none: the database is somebody else's", "", (_, base) => [`ALTER DATABASE ${base} OWNER TO CURRENT_USER`]],
    ["one to whom the schema public is closed", "", () => ["ALTER SCHEMA public OWNER TO CURRENT_USER"]],
    ["one with capitals in its name", "", () => []],
  ];

  test.each(OWNERS)(
    "of %s migrates once a superuser has run what is said, and lands",
    async (what, attributes, before) => {
      const url = await ownDatabase(attributes, what.endsWith("name") ? "User With" : "user");
      for (const sql of before(user, database)) await server.run(database, sql);
      // Who administers the roles makes itself a member; up to PostgreSQL 15 that is who may make roles.
      if (isSince16 ? !what.includes("administers") : attributes !== "CREATEROLE") {
        const error = await failure(migrate(url));
        expect(error.code).toBe("permission_denied");
        await obey(error);
      }
      expect((await migrate(url)).lost).toEqual([]);
      expect(await shapeOf(url)).toBe(asMade);
      await tape.publish("symbols", symbol());
      await tape.publish("ticks", tick(made));
      const tallies = await landBy({ ...tape.config, databaseUrl: url }, ["symbols", "ticks"]);
      expect(tallies.every(({ written, dead }) => written > 0 && dead === 0)).toBe(true);
    },
  );

  test("says to who isn't asked to migrate which role to be made a member of, and works then", async () => {
    const url = await ownDatabase();
    await obey(await failure(migrate(url)));
    await migrate(url);
    await server.addUser("consumer");
    const consumer = server.urlOf(database, "consumer");
    const open = () => Connection.open(consumer, { name: "test", role: "tradetape_lander" });
    const { code, next } = await failure(open());
    expect(code).toBe("permission_denied");
    await server.run(database, /run: (GRANT .*)$/.exec(next!)![1]!);
    await (await open()).close();
  });
});

describe("a dump without owners, privileges and comments, restored where the roles don't exist", () => {
  let restored = "";
  beforeEach(async () => {
    await dropRoles();
    restored = await ownDatabase();
    const asSuperuser = server.urlOf(database);
    await migrate(asSuperuser);
    await server.run(database, restoredBy(user));
    for (const role of ROLES) await server.run(database, `DROP OWNED BY ${role}; DROP ROLE ${role}`);
  });

  test("is told by whoever wants to be one of them, and repaired by a superuser as that says", async () => {
    const open = (role: "tradetape_lander" | "tradetape_reader") =>
      Connection.open(server.urlOf(database), { name: "test", role });
    for (const role of ["tradetape_lander", "tradetape_reader"] as const) {
      expect(await failure(open(role))).toMatchObject({
        code: "permission_denied",
        next: expect.stringContaining("tradetape migrate --repair"),
      });
    }
    expect((await migrate(server.urlOf(database))).lost).toContain("role tradetape_lander isn't there");
    expect(await failure(migrate(server.urlOf(database), "restored"))).toMatchObject({
      code: "permission_denied",
      next: expect.stringContaining("tradetape migrate --repair --as restored"),
    });
    const { gone } = await repairAs(server.urlOf(database));
    expect(gone).toEqual([]);
    expect(await shapeOf(server.urlOf(database))).toBe(asMade);
    await (await open("tradetape_lander")).close();
  });

  test("is repaired by the user who restored it, once a superuser has run what is said", async () => {
    await obey(await failure(repairAs(restored)));
    await repairAs(restored);
    expect(await shapeOf(restored)).toBe(asMade);
  });

  test("is repaired by the user who restored it and may make roles, without anybody's help", async () => {
    await server.run(database, `ALTER ROLE ${user} CREATEROLE`);
    await repairAs(restored);
    expect(await shapeOf(restored)).toBe(asMade);
  });

  test("is not repaired by who doesn't own it, who is told who may", async () => {
    await repairAs(server.urlOf(database));
    await server.run(database, `ALTER TABLE public.symbol OWNER TO ${user}`);
    await server.addUser(`other${made}`);
    await server.run(database, `GRANT ${ROLES.join(", ")} TO other${made}`);
    const error = await failure(repairAs(server.urlOf(database, `other${made}`)));
    expect([error.code, error.next]).toEqual(["permission_denied", expect.stringContaining(`or as ${user}`)]);
    await repairAs(server.urlOf(database));
    expect(await shapeOf(server.urlOf(database))).toBe(asMade);
  });
});
