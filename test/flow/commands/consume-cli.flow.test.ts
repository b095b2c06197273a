import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pg from "pg";
import { afterAll, beforeAll, expect, test } from "vitest";
import { demoSymbols, seededTicks } from "../../../src/cli/demo/demo-ticks.ts";
import { environmentOf } from "../../support/landing.ts";
import { gateLandings } from "../../support/landing-gate.ts";
import { isolate } from "../../support/services/isolation.ts";
import { errorsOf, startTradetape, tradetape } from "../../support/tradetape.ts";

const TICKS = 60_000;
const folder = mkdtempSync(join(tmpdir(), "tradetape-consume-"));
let env: NodeJS.ProcessEnv;
let database: pg.Client;

beforeAll(async () => {
  const own = await isolate();
  env = environmentOf(own);
  expect((await tradetape(["up", "--use-environment"], env)).code).toBe(0);
  database = new pg.Client({ connectionString: own.databaseUrl });
  await database.connect();
});

afterAll(async () => {
  await database.end();
  rmSync(folder, { recursive: true });
});

function jsonLines(name: string, events: Iterable<object>): string {
  const path = join(folder, name);
  writeFileSync(path, Array.from(events, (event) => `${JSON.stringify(event)}\n`).join(""));
  return path;
}

async function countTicks(): Promise<number> {
  const { rows } = await database.query<{ n: number }>("SELECT count(*)::int AS n FROM public.tick");
  return rows[0]!.n;
}

/** The row of one topic in what `consume --until-caught-up --json` prints. */
async function consumed(topic: string): Promise<Record<string, number>> {
  const ended = await tradetape(["consume", "--until-caught-up", "--json"], env);
  expect([ended.code, errorsOf(ended)]).toEqual([0, []]);
  return (JSON.parse(ended.stdout) as Record<string, number>[]).find((row) => row.topic === (topic as unknown))!;
}

test("a consumer that is stopped in the middle and started again lands every tick once", async () => {
  const files = [jsonLines("symbols.jsonl", demoSymbols()), jsonLines("ticks.jsonl", seededTicks(TICKS))];
  for (const [i, kind] of ["symbols", "ticks"].entries()) {
    const { code, stdout } = await tradetape(["publish", kind, files[i]!, "--json"], env);
    expect([code, JSON.parse(stdout).rejected]).toEqual([0, 0]);
  }
  // Small fetches and a small buffer: what is in hand at the signal is landed, and must not be all there is.
  const small = { TRADETAPE_FETCH_PARTITION_BYTES_MAX: "65536", TRADETAPE_LANDING_BUFFER_BYTES_MAX: "1048576" };
  const gate = await gateLandings(env.DATABASE_URL!, 1);
  const running = startTradetape(["consume", "ticks", "--until-caught-up", "--json"], { ...env, ...small });
  await gate.holds();
  running.process.kill("SIGTERM");
  await running.says("stopping in good order");
  await gate.open();
  const stopped = await running.ended;
  expect(stopped.code).toBe(130);
  const [before] = JSON.parse(stopped.stdout) as { topic: string; written: number }[];
  expect(before).toMatchObject({ topic: "ticks", written: await countTicks() });
  expect(before!.written).toBeLessThan(TICKS);
  const after = await consumed("ticks");
  expect(before!.written + after.written!).toBe(TICKS);
  expect(await countTicks()).toBe(TICKS);
});

test("the same file again lands nothing, and the ledger counts every duplicate", async () => {
  await tradetape(["publish", "ticks", join(folder, "ticks.jsonl")], env);
  expect(await consumed("ticks")).toMatchObject({ read: TICKS, written: 0, duplicate: TICKS, dead: 0 });
  expect(await countTicks()).toBe(TICKS);
});

test("status tells per partition that all has landed", async () => {
  const { code, stdout } = await tradetape(["status", "--json"], env);
  expect(code).toBe(0);
  const rows = JSON.parse(stdout) as { topic: string; landed: number; end: number; lag: number; outbox: number }[];
  expect(rows.map(({ lag, outbox }) => lag + outbox).filter((n) => n !== 0)).toEqual([]);
  const ticks = rows.filter(({ topic }) => topic === `${env.TRADETAPE_NAMESPACE}.ticks`);
  expect(ticks).toHaveLength(4);
  expect(ticks.reduce((sum, { landed }) => sum + landed, 0)).toBe(2 * TICKS);
});

test("a topic without a consumer group is refused with the list of those there are", async () => {
  const { code, stderr } = await tradetape(["consume", "tocks"], env);
  expect(code).toBe(2);
  expect(stderr).toContain("symbols, sessions, ticks");
});

test("a consumer without an end of its own is stopped by a signal, and that is good", async () => {
  const running = startTradetape(["consume", "symbols", "--json"], env);
  await running.says("Ctrl-C stops it");
  running.process.kill("SIGINT");
  const { code, stdout } = await running.ended;
  expect([code, JSON.parse(stdout)[0].topic]).toEqual([0, "symbols"]);
});
