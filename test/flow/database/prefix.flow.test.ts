import { readFileSync } from "node:fs";
import { join } from "node:path";
import pg from "pg";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { TradetapeError } from "../../../src/errors.ts";
import { namedBy, ROLES, type Role } from "../../../src/settings/role-names.ts";
import { Connection } from "../../../src/table/connection.ts";
import { ESTABLISHED, establishedBy, FACT_KINDS, readFacts } from "../../../src/table/established.ts";
import { migrate, requireMigrated } from "../../../src/table/migrate.ts";
import { hardenDatabase } from "../../../src/table/upkeep/harden.ts";
import { repairDatabase } from "../../../src/table/upkeep/repair.ts";
import { environmentOf, landBy } from "../../support/landing.ts";
import { tick } from "../../support/samples.ts";
import { type Cluster, startCluster } from "../../support/services/cluster.ts";
import { ROOT } from "../../support/source-tree.ts";
import { openTestTape, type TestTape } from "../../support/tape.ts";
import { tradetape } from "../../support/tradetape.ts";

/** Two databases of one cluster, one without a prefix and one with: each by ops/sql/roles.sql, so by another owner. */
const ROLES_SQL = readFileSync(join(ROOT, "ops/sql/roles.sql"), "utf8");
const PREFIX = { live: "", paper: "paper_" } as const;
type Base = keyof typeof PREFIX;
const BASES = ["live", "paper"] as const;
const LOGINS = ["migrator", "lander", "reader", "ops"] as const;

let server: Cluster;
let tape: TestTape;

beforeAll(async () => {
  server = await startCluster();
  tape = await openTestTape();
  for (const base of BASES) await makeBase(base);
  await tape.publish("ticks", tick(1));
});
afterAll(async () => {
  await tape.stop();
  await server.stop();
});

/** A database as one of the logins, with the roles called by a prefix. */
const urlOf = (base: string, login: string, rolePrefix: string) =>
  `${server.urlOf(base, login)}?role_prefix=${rolePrefix}`;
const ownUrl = (base: Base, login: (typeof LOGINS)[number]) =>
  urlOf(base, `${PREFIX[base]}tape_${login}`, PREFIX[base]);

async function makeBase(base: Base): Promise<void> {
  const prefix = PREFIX[base];
  await server.run("postgres", `CREATE DATABASE ${base}`);
  await server.run(base, `SET tradetape.role_prefix = '${prefix}'; ${ROLES_SQL}`);
  const password = pg.escapeLiteral(decodeURIComponent(new URL(server.urlOf(base)).password));
  for (const login of LOGINS) await server.run(base, `ALTER ROLE ${prefix}tape_${login} PASSWORD ${password}`);
  // So that the tests see what a role may do, and not that it can't connect.
  await server.run(base, `GRANT CONNECT ON DATABASE ${base} TO PUBLIC`);
  expect((await migrate(ownUrl(base, "migrator"))).lost).toEqual([]);
}

async function on<R>(url: string, role: Role | undefined, ask: (connection: Connection) => Promise<R>): Promise<R> {
  const connection = await Connection.open(url, { name: "test", ...(role && { role }) });
  return ask(connection).finally(() => connection.close());
}

const factsOf = (base: Base) =>
  on(ownUrl(base, "migrator"), undefined, (connection) => readFacts(connection, FACT_KINDS));

const land = (url: string) => landBy({ ...tape.config, databaseUrl: url }, ["ticks"]);

/** What a call fails with. */
async function failure(call: Promise<unknown>): Promise<TradetapeError> {
  const error = await call.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(TradetapeError);
  return error as TradetapeError;
}

test("the migrations make the same, but for the roles' names", async () => {
  expect(await factsOf("live")).toEqual(ESTABLISHED);
  expect(await factsOf("paper")).toEqual(establishedBy("paper_"));
  expect(namedBy("paper_", namedBy("paper_", "tradetape_ops"))).toBe("paper_tradetape_ops");
});

test("a database is landed in, read and acted on by its own logins, as the commands do", async () => {
  for (const base of BASES) expect(await land(ownUrl(base, "lander"))).toMatchObject([{ written: 1 }]);
  const [login, TRADETAPE_ROLE_PREFIX] = ["paper_tape_reader", "paper_"];
  const environment = { ...environmentOf(tape.config), DATABASE_URL: server.urlOf("paper", login) };
  expect(await tradetape(["verify"], { ...environment, TRADETAPE_ROLE_PREFIX })).toMatchObject({ code: 0 });
  const without = await tradetape(["verify"], environment);
  expect([without.code, without.stderr]).toEqual([2, expect.stringContaining("Set TRADETAPE_ROLE_PREFIX=paper_.")]);
});

describe("no login of one database does anything in the other", () => {
  const ROLE_OF: Readonly<Record<(typeof LOGINS)[number], Role>> = {
    migrator: "tradetape_owner",
    lander: "tradetape_lander",
    reader: "tradetape_reader",
    ops: "tradetape_ops",
  };
  const CASES = BASES.flatMap((base) => LOGINS.map((login) => ({ base, login })));

  test.each(CASES)("$login, in $base", async ({ base, login }) => {
    const other = PREFIX[base === "live" ? "paper" : "live"];
    const stranger = `${other}tape_${login}`;
    const enter = (url: string) => on(url, ROLE_OF[login], (connection) => requireMigrated(connection, url));
    // By this database's names it may be none of its roles; by its own names it is told what these are called.
    expect(await failure(enter(urlOf(base, stranger, PREFIX[base])))).toMatchObject({
      code: "permission_denied",
      canRetry: false,
      message: expect.stringContaining(`may not switch to ${PREFIX[base]}${ROLE_OF[login]}`),
    });
    expect(await failure(enter(urlOf(base, stranger, other)))).toMatchObject({
      code: "permission_denied",
      canRetry: false,
      message: expect.stringContaining(`belongs to ${PREFIX[base]}tradetape_owner`),
      next: expect.stringContaining("TRADETAPE_ROLE_PREFIX"),
    });
    expect((await failure(migrate(urlOf(base, stranger, other)))).next).toContain("TRADETAPE_ROLE_PREFIX");
  });

  test.each(BASES)("the lander, landing in %s", async (base) => {
    const other = PREFIX[base === "live" ? "paper" : "live"];
    for (const prefix of Object.values(PREFIX)) {
      expect(await failure(land(urlOf(base, `${other}tape_lander`, prefix)))).toMatchObject({
        code: "permission_denied",
        canRetry: false,
      });
    }
  });

  test.each(BASES)("even a superuser's repair in %s under the other's prefix", async (base) => {
    const url = `${server.urlOf(base)}?role_prefix=${PREFIX[base === "live" ? "paper" : "live"]}`;
    const repair = on(url, undefined, (connection) => repairDatabase(connection, url, async () => {}));
    expect((await failure(repair)).next).toContain("TRADETAPE_ROLE_PREFIX");
    expect(await factsOf(base)).toEqual(establishedBy(PREFIX[base]));
  });
});

test("rights that were taken away are named by their real names, and given back", async () => {
  await server.run("paper", "REVOKE INSERT ON public.market_data_tick FROM paper_tradetape_lander");
  const { code, message } = await failure(land(ownUrl("paper", "lander")));
  expect([code, message]).toEqual([
    "permission_denied",
    expect.stringContaining("paper_tradetape_lander lacks insert of public.market_data_tick"),
  ]);
  const url = ownUrl("paper", "migrator");
  await on(url, undefined, (connection) => repairDatabase(connection, url, async () => {}));
  expect(await factsOf("paper")).toEqual(establishedBy("paper_"));
});

/** What a role has been given in a database, of any kind. */
const rightsOf = (base: Base, role: string) =>
  server.run<{ n: string }>(
    base,
    `SELECT count(*) AS n FROM pg_class c, aclexplode(c.relacl) x WHERE x.grantee = '${role}'::regrole
       UNION ALL SELECT count(*) FROM pg_proc p, aclexplode(p.proacl) x WHERE x.grantee = '${role}'::regrole
       UNION ALL SELECT count(*) FROM pg_attribute a, aclexplode(a.attacl) x WHERE x.grantee = '${role}'::regrole
       UNION ALL SELECT count(*) FROM pg_namespace a, aclexplode(a.nspacl) x WHERE x.grantee = '${role}'::regrole
       UNION ALL SELECT count(*) FROM pg_database d, aclexplode(d.datacl) x
         WHERE x.grantee = '${role}'::regrole AND d.datname = current_database()`,
  );

test("hardened, a database lets in nobody but its own roles, and the second time there is nothing to take", async () => {
  for (const grant of [
    "CREATE ON SCHEMA public TO PUBLIC",
    "CONNECT ON DATABASE paper TO tradetape_ops",
    "USAGE ON SCHEMA tradetape TO tradetape_lander",
    "INSERT ON public.symbol TO tradetape_lander",
    "UPDATE (state) ON tradetape.dead_letter TO tradetape_ops",
    "EXECUTE ON FUNCTION tradetape.make_day TO tradetape_lander",
  ]) {
    await server.run("paper", `GRANT ${grant}`);
  }
  expect(await hardenDatabase(ownUrl("paper", "migrator"))).toEqual([
    "database paper: everybody had CONNECT",
    "database paper: tradetape_ops had CONNECT",
    expect.stringMatching(/^function tradetape\.make_day\(.*\): tradetape_lander had EXECUTE$/),
    "schema public: everybody had CREATE",
    "schema tradetape: tradetape_lander had USAGE",
    "table public.symbol: tradetape_lander had INSERT",
    "table tradetape.dead_letter: tradetape_ops had UPDATE",
  ]);
  for (const role of ROLES) expect((await rightsOf("paper", role)).map(({ n }) => Number(n))).toEqual([0, 0, 0, 0, 0]);
  expect(await factsOf("paper")).toEqual(establishedBy("paper_"));
  expect((await failure(land(urlOf("paper", "tape_lander", "")))).message).toContain('denied for database "paper"');
  expect(await land(ownUrl("paper", "lander"))).toHaveLength(1);
  const again = await tradetape(["migrate", "--harden"], {
    DATABASE_URL: server.urlOf("paper", "paper_tape_migrator"),
    TRADETAPE_ROLE_PREFIX: "paper_",
  });
  expect([again.code, again.stdout], again.stderr).toEqual([0, expect.stringContaining("closed already")]);
});

test("who may not harden is told what a superuser has to run, and nothing is taken", async () => {
  await server.run("live", "GRANT INSERT ON public.symbol TO paper_tradetape_lander");
  await server.run("live", "ALTER DATABASE live OWNER TO CURRENT_USER");
  const { code, next } = await failure(hardenDatabase(ownUrl("live", "migrator")));
  expect([code, next]).toEqual(["permission_denied", expect.stringContaining("REVOKE CONNECT ON DATABASE live FROM")]);
  expect(Number((await rightsOf("live", "paper_tradetape_lander"))[0]!.n)).toBe(1);
  for (const sql of next!.split("\n").slice(1)) await server.run("live", sql);
  expect(await hardenDatabase(ownUrl("live", "migrator"))).toEqual([
    "table public.symbol: paper_tradetape_lander had INSERT",
  ]);
});

test("a database that shares its roles with others gets a prefix by being given to roles of its own", async () => {
  await server.run("postgres", "CREATE DATABASE mixed OWNER tape_migrator");
  expect((await migrate(urlOf("mixed", "tape_migrator", ""))).lost).toEqual([]);
  await server.run("mixed", `SET tradetape.role_prefix = 'mixed_'; ${ROLES_SQL}`);
  await server.run("mixed", "REASSIGN OWNED BY tradetape_owner TO mixed_tradetape_owner");
  const url = `${server.urlOf("mixed")}?role_prefix=mixed_`;
  await on(url, undefined, (connection) => repairDatabase(connection, url, async () => {}));
  expect((await hardenDatabase(url)).length).toBeGreaterThan(0);
  expect((await migrate(url)).lost).toEqual([]);
  const count = `SELECT count(*) AS n FROM pg_class c, aclexplode(c.relacl) x WHERE pg_get_userbyid(x.grantee) ~ '^tradetape_'`;
  expect((await server.run<{ n: string }>("mixed", count)).map(({ n }) => Number(n))).toEqual([0]);
});

test("a database that has a cluster to itself gets a prefix by renaming its roles", async () => {
  for (const role of ROLES) await server.run("live", `ALTER ROLE ${role} RENAME TO live_${role}`);
  expect((await failure(land(urlOf("live", "tape_lander", "")))).next).toBe("Set TRADETAPE_ROLE_PREFIX=live_.");
  expect(await land(urlOf("live", "tape_lander", "live_"))).toHaveLength(1);
  expect((await migrate(urlOf("live", "tape_migrator", "live_"))).lost).toEqual([]);
});
