import pg from "pg";
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import { Connection } from "../../../src/table/connection.ts";
import { environmentOf } from "../../support/landing.ts";
import { tick } from "../../support/samples.ts";
import { type PoolRelay, type PoolRelayOptions, startPoolRelay } from "../../support/services/pool-relay.ts";
import { openTapeWithSymbol, type TestTape } from "../../support/tape.ts";
import { tradetape } from "../../support/tradetape.ts";

let tape: TestTape;
let relay: PoolRelay;

beforeAll(async () => {
  tape = await openTapeWithSymbol();
});
afterEach(() => relay.close());
afterAll(() => tape.stop());

async function pool(options: PoolRelayOptions): Promise<void> {
  relay = await startPoolRelay(tape.config.databaseUrl, options);
}

const LANDER = { name: "test", role: "tradetape_lander", lockTimeoutMs: 1000, keepsPlans: true } as const;

async function stranger(): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: relay.url, application_name: "stranger" });
  client.on("error", () => {});
  await client.connect();
  return client;
}

/** What other clients of the pool find on each of its sessions. */
async function leftBehind(size: number): Promise<unknown[]> {
  const clients = await Promise.all(Array.from({ length: size }, stranger));
  // As many transactions as there are sessions, so that each session is looked at.
  await Promise.all(clients.map((client) => client.query("BEGIN")));
  const found = await Promise.all(
    clients.map((client) =>
      client.query(
        `SELECT current_user AS "user",
           (SELECT jsonb_object_agg(name, setting) FROM pg_settings
            WHERE source = 'session' AND name <> 'application_name') AS settings,
           (SELECT count(*) FROM pg_prepared_statements WHERE name LIKE 'tradetape%') AS prepared,
           (SELECT count(*) FROM pg_locks WHERE pid = pg_backend_pid() AND locktype = 'advisory') AS locks`,
      ),
    ),
  );
  await Promise.all(clients.map((client) => client.query("ROLLBACK").then(() => client.end())));
  return found.map(({ rows }) => rows[0]);
}

/** Clients that ask one short question after the other, until they are told to stop. */
async function busy(clients: number): Promise<() => Promise<void>> {
  let isOver = false;
  const asking = Array.from({ length: clients }, async () => {
    const client = await stranger();
    while (!isOver) await client.query("SELECT pg_sleep(random() * 0.003)");
    await client.end();
  });
  return async () => {
    isOver = true;
    await Promise.all(asking);
  };
}

describe("a pooler that lends the server's session out between two transactions", () => {
  const pools = (["last", "first"] as const).flatMap((next) =>
    [1, 2, 3, 8].flatMap((size) => [0, 6].map((others) => ({ next, size, others }))),
  );

  test.each(pools)(
    "is refused by its name and finds nothing of ours: $size sessions, $next first, $others others",
    async ({ next, size, others }) => {
      await pool({ mode: "transaction", size, next });
      const before = await leftBehind(size);
      const rest = await busy(others);
      await expect(Connection.open(relay.url, LANDER)).rejects.toMatchObject({
        code: "pooler_transaction_mode",
        canRetry: false,
        message: expect.stringMatching(/is a pooler in transaction or statement mode/),
        next: expect.stringContaining("pool_mode = session"),
      });
      await rest();
      expect(await leftBehind(size)).toEqual(before);
      await expect.poll(() => relay.clients).toBe(0);
    },
  );

  test("is refused by the program, and lands once it pools by session", async () => {
    await pool({ mode: "transaction", size: 12 });
    await tape.publish("ticks", tick(1));
    const env = environmentOf({ ...tape.config, databaseUrl: relay.url });
    const refused = await tradetape(["consume", "ticks", "audit", "--until-caught-up", "--json"], env);
    expect([refused.code, refused.stderr]).toEqual([2, expect.stringContaining('"code":"pooler_transaction_mode"')]);
    relay.mode = "session";
    const landed = await tradetape(["consume", "ticks", "audit", "--until-caught-up"], env);
    expect(landed.code, landed.stderr).toBe(0);
    const [row] = await tape.query("SELECT count(*) AS n FROM public.market_data_tick");
    expect(row).toEqual({ n: 1 });
  });

  test("is refused when it begins to do so while we run: the next session that is opened finds it out", async () => {
    await pool({ mode: "session", size: 4 });
    const first = await Connection.open(relay.url, LANDER);
    relay.mode = "transaction";
    await first.query("SELECT 1");
    await expect(Connection.open(relay.url, LANDER)).rejects.toMatchObject({ code: "pooler_transaction_mode" });
    await first.close();
  });
});

describe("a pooler that gives each client a session to itself", () => {
  test.each(["last", "first"] as const)("is taken, and each session is what we rely on: %s first", async (next) => {
    await pool({ mode: "session", size: 3, next });
    const sessions = [await Connection.open(relay.url, LANDER), await Connection.open(relay.url, LANDER)];
    const settings = await Promise.all(
      sessions.map((session) =>
        session.query(
          `SELECT pg_backend_pid() AS pid, current_user AS "user", current_setting('enable_seqscan') AS scans,
             current_setting('lock_timeout') AS wait, current_setting('row_security') AS filter`,
        ),
      ),
    );
    expect(settings.flat()).toEqual(
      sessions.map(({ pid }) => ({ pid, user: "tradetape_lander", scans: "off", wait: "1s", filter: "off" })),
    );
    expect(new Set(sessions.map(({ pid }) => pid)).size).toBe(2);
    for (const session of sessions) await session.close();
  });

  test("and has no second one to ask by, is told as full when it keeps us waiting", async () => {
    await pool({ mode: "session", size: 1 });
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    const opening = Connection.open(relay.url, LANDER);
    opening.catch(() => undefined);
    while (relay.waiting === 0 || relay.clients < 2) await new Promise((resolve) => setImmediate(resolve));
    vi.advanceTimersByTime(20_000);
    vi.useRealTimers();
    await expect(opening).rejects.toMatchObject({
      code: "database_unreachable",
      canRetry: true,
      message: expect.stringContaining("is a pooler's last one taken?"),
    });
    await expect.poll(() => relay.clients).toBe(0);
  });

  test("holds one session for each of ours: the second one to ask by is given back", async () => {
    await pool({ mode: "session", size: 2 });
    const sessions = [await Connection.open(relay.url, LANDER), await Connection.open(relay.url, LANDER)];
    const third = expect(Connection.open(relay.url, LANDER)).rejects.toMatchObject({
      code: "database_unreachable",
      message: expect.stringContaining("query_wait_timeout"),
    });
    await expect.poll(() => relay.waiting).toBe(1);
    relay.refuseWaiting();
    await third;
    await sessions[0]!.close();
    const again = await Connection.open(relay.url, LANDER);
    for (const session of [again, sessions[1]!]) await session.close();
  });
});
