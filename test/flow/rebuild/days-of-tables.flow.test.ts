import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import { CONSUMERS } from "../../../consumers/all.ts";
import type { Consumer } from "../../../src/batch/consumer.ts";
import { openLandingServices } from "../../../src/batch/run/landing-services.ts";
import { makeLandingPlan } from "../../../src/batch/run/make-landing-plan.ts";
import { DAY_US, dayOf, isoDate } from "../../../src/event/day.ts";
import { openLog } from "../../../src/log.ts";
import type { DayPartition } from "../../../src/table/upkeep/day-partitions.ts";
import { type Ended, runHere } from "../../support/commands/run-here.ts";
import { environmentOf } from "../../support/landing.ts";
import { ledgerFaults } from "../../support/ledger.ts";
import { replayInto } from "../../support/replay.ts";
import { idOf, indicator, NOON, performance, symbol, tick } from "../../support/samples.ts";
import { assertTestDatabase } from "../../support/services/isolation.ts";
import { openTestTape, type Row, type TestTape } from "../../support/tape.ts";

// The worker's modules were loaded without these kinds, and go on without them afterwards.
vi.hoisted(() => vi.resetModules());
afterAll(() => {
  vi.doUnmock("../../../consumers/all.ts");
  vi.unstubAllEnvs();
  vi.resetModules();
});

/**
 * Two kinds that land elsewhere in this file: in tables of its own, with a partition per day. One goes directly, as ticks do;
 * the other is staged, waits for its parents, and has its time in another column.
 */
vi.mock("../../../consumers/all.ts", async (original) => {
  const real = await original<typeof import("../../../consumers/all.ts")>();
  const tables = {
    indicators: { table: "indicator_by_day", key: ["symbol_id", "timestamp", "indicator_id"] },
    performance: { table: "performance_by_day", key: ["window_start", "performance_id"] },
  };
  const inDays = (consumer: Consumer) => {
    const own = tables[consumer.topic as keyof typeof tables];
    const landing = { ...consumer.landing, ...own, repeats: "first" };
    return own ? { ...consumer, landing, partitionedByDay: true } : consumer;
  };
  return { ...real, CONSUMERS: real.CONSUMERS.map(inDays) };
});

const TABLES = `
  CREATE TABLE public.indicator_by_day (LIKE public.technical_indicator INCLUDING DEFAULTS INCLUDING CONSTRAINTS)
    PARTITION BY RANGE ("timestamp");
  CREATE UNIQUE INDEX ON public.indicator_by_day (symbol_id, "timestamp", indicator_id);
  CREATE TABLE public.performance_by_day (LIKE public.strategy_performance INCLUDING DEFAULTS INCLUDING CONSTRAINTS)
    PARTITION BY RANGE (window_start);
  CREATE UNIQUE INDEX ON public.performance_by_day (window_start, performance_id);
  ALTER TABLE public.indicator_by_day ALTER revised_at DROP NOT NULL;
  ALTER TABLE public.performance_by_day ALTER revised_at DROP NOT NULL;
  GRANT SELECT ON public.indicator_by_day, public.performance_by_day TO tradetape_lander, tradetape_reader;
  GRANT INSERT, UPDATE ON public.indicator_by_day, public.performance_by_day TO tradetape_lander`;
const NAMED = "INSERT INTO tradetape.day_table (table_name) VALUES ('indicator_by_day'), ('performance_by_day')";
const PER_DAY = 5;

let tape: TestTape;
beforeAll(async () => {
  tape = await openTestTape({ daysAhead: "2", newDaysPerBatchMax: "1", parkDeadlineMs: "3600000" });
  for (const [name, value] of Object.entries(environmentOf(tape.config))) vi.stubEnv(name, value);
  // Each command line that runs in this process leaves a listener there.
  process.stdout.setMaxListeners(100);
  await assertTestDatabase(tape.config.databaseUrl);
  await tape.queryAs("tradetape_owner", TABLES);
});
afterEach(() => vi.restoreAllMocks());
afterAll(() => tape.stop());

const day = (n: number) => isoDate(dayOf(NOON) + n);
const publishDays = (...days: readonly number[]) =>
  tape.publishAll(
    "indicators",
    days.flatMap((n) =>
      Array.from({ length: PER_DAY }, (_, i) => indicator(n * 100 + i, { timestamp: NOON + n * DAY_US + i })),
    ),
  );
/** The performance of the n-th day, of a strategy on some symbol. */
function performanceOf(n: number, symbolId: string) {
  const window = { window_start: NOON + n * DAY_US, window_end: NOON + (n + 1) * DAY_US, as_of: null };
  return performance(n, { symbol_id: symbolId, ...window });
}

/** What one command line of `tradetape` comes to, in this process, whose consumers are this file's. */
const run = (...args: string[]): Promise<Ended> => runHere([...args, "--json"], process.env);
async function partitions<T = unknown>(...args: string[]): Promise<T> {
  const { code, stdout, stderr } = await run("partitions", ...args);
  expect([code, stderr.replaceAll(/^.*dropped\n/gm, "")]).toEqual([0, ""]);
  return JSON.parse(stdout) as T;
}
interface Listed {
  readonly tables: readonly { topic: string; table: string; keepFrom: string | null; days: DayPartition[] }[];
}
/** By topic, the first day that is kept and the days that are there. */
const listed = async (...args: string[]) =>
  Object.fromEntries(
    (await partitions<Listed>("list", ...args)).tables.map(({ topic, keepFrom, days }) => [
      topic,
      [keepFrom, days.map((of) => of.day)],
    ]),
  );
/** What `verify` finds wrong. */
const wrong = async () => (JSON.parse((await run("verify")).stdout) as { problems: Row[] }).problems;
const count = async (table: string) => (await tape.query<{ n: number }>(`SELECT count(*) AS n FROM ${table}`))[0]!.n;

describe("a declaration", () => {
  test("of a table that no migration has named is refused before anything lands, and so is a name without one", async () => {
    await publishDays(0);
    await expect(tape.land("indicators")).rejects.toMatchObject({
      code: "catalog_mismatch",
      message: expect.stringMatching(/indicator_by_day: .*day_table doesn't name it/),
    });
    await tape.query(NAMED);
    await tape.query("INSERT INTO tradetape.day_table (table_name) VALUES ('trade_decision')");
    await expect(tape.land("decisions")).rejects.toMatchObject({
      code: "catalog_mismatch",
      message: expect.stringMatching(/trade_decision: .*isn't declared partitionedByDay/),
    });
    await tape.query("DELETE FROM tradetape.day_table WHERE table_name = 'trade_decision'");
  });

  test("by another column than the table's is refused", async () => {
    const of = CONSUMERS.find(({ topic }) => topic === "performance")!;
    Object.assign(of, { time: "window_end" });
    await expect(tape.land("performance")).rejects.toMatchObject({
      message: "performance_by_day: partitioned by RANGE (window_start), not by RANGE (window_end)",
    });
    Object.assign(of, { time: "window_start" });
  });

  test("lets a lander make days of the tables that are named, and of no other", async () => {
    const make = (table: string) =>
      tape.queryAs("tradetape_lander", `SELECT tradetape.make_day('${table}', '2031-01-01') AS made`);
    expect(await make("performance_by_day")).toEqual([{ made: true }]);
    expect(await make("performance_by_day")).toEqual([{ made: false }]);
    for (const table of ["trade_decision", "market_data", "PERFORMANCE_BY_DAY", "public.performance_by_day", ""]) {
      await expect(make(table), table).rejects.toMatchObject({ code: "42809" });
    }
    const insert = "INSERT INTO tradetape.day_table (table_name) VALUES ('trade_decision')";
    await expect(tape.queryAs("tradetape_lander", insert)).rejects.toMatchObject({ code: "42501" });
  });

  test("has a group begin with the days that are there", async () => {
    const services = await openLandingServices(tape.config, openLog(tape.config));
    const { encoder } = await makeLandingPlan(services, CONSUMERS.find(({ topic }) => topic === "performance")!);
    await services.close();
    const isThere = (isoDay: string) => encoder.days.isThere(dayOf(Date.parse(isoDay) * 1000));
    expect([isThere("2031-01-01"), isThere("2031-01-02")]).toEqual([true, false]);
  });
});

describe("days of two more tables", () => {
  test("are made as their events land, and ahead, each table its own", async () => {
    await publishDays(1, 2);
    await tape.publish("ticks", tick(0));
    expect((await tape.land("indicators", "ticks")).indicators).toMatchObject({ written: 3 * PER_DAY, dead: 0 });
    expect(await listed()).toEqual({
      ticks: [null, [day(0)]],
      quotes: [null, []],
      indicators: [null, [day(0), day(1), day(2)]],
      performance: [null, ["2031-01-01"]],
    });
    // Of tomorrow, so that its day isn't over when it lands, whenever that is.
    const timestamp = Date.now() * 1000 + DAY_US;
    await tape.publish("indicators", indicator(9000, { timestamp }));
    await tape.land("indicators");
    const [, days] = (await listed("--topic", "indicators")).indicators!;
    expect(days!.slice(3)).toEqual([0, 1, 2].map((n) => isoDate(dayOf(timestamp) + n)));
    expect(await wrong()).toEqual([]);
  });

  test("are made and dropped for one table at a time, which has to be named", async () => {
    for (const args of [["create"], ["drop", "--before", day(1)], ["retain", "--keep-days", "1"]]) {
      const { code, stderr } = await run("partitions", ...args);
      expect([code, stderr]).toEqual([2, expect.stringContaining("--topic: ticks, quotes, indicators, performance")]);
    }
    expect((await run("partitions", "list", "--topic", "bars")).code).toBe(2);
    expect(await partitions("create", "2030-01-01", "--topic", "performance")).toMatchObject({
      created: ["2030-01-01"],
    });
  });

  test("wait for their own topic to land, and no other", async () => {
    await tape.publish("ticks", tick(1));
    await publishDays(0);
    const { code, stderr } = await run(
      ...["partitions", "drop", "--topic", "indicators", "--before", day(1), "--yes", "--wait", "0"],
    );
    expect([code, stderr]).toEqual([2, expect.stringContaining(`${tape.name("indicators")}/`)]);
    expect(stderr).not.toContain(tape.name("ticks"));
    await tape.land("indicators");
  });

  test("are dropped with ledger and audit entry of their topic, and filtered afterwards; other tables keep theirs", async () => {
    const { dropped } = await partitions<{ dropped: Row[] }>(
      ...["drop", "--topic", "indicators", "--before", day(1), "--yes"],
    );
    expect(dropped).toEqual([{ day: day(0), rows: PER_DAY }]);
    expect(await listed()).toMatchObject({ ticks: [null, [day(0)]], indicators: [day(1), expect.anything()] });
    expect(
      await tape.query("SELECT topic, removed, detail FROM tradetape.landed_batch WHERE kind = 'removed'"),
    ).toMatchObject([
      {
        topic: tape.name("indicators"),
        removed: PER_DAY,
        detail: { table: "indicator_by_day", day: day(0), keep_from: day(1) },
      },
    ]);
    await publishDays(0);
    await tape.publish("indicators", indicator(9001, { timestamp: NOON + DAY_US }));
    const landed = await tape.land("indicators", "ticks", "audit");
    expect(landed.indicators).toMatchObject({ read: PER_DAY + 1, filtered: PER_DAY, written: 1 });
    expect(landed.ticks).toMatchObject({ filtered: 0, written: 1 });
    await tape.land("audit");
    expect(
      await tape.query("SELECT payload, source_topic FROM audit_log WHERE event_type = 'PARTITION_DROP'"),
    ).toMatchObject([{ payload: { table: "indicator_by_day", rows: PER_DAY }, source_topic: tape.name("indicators") }]);
    expect(await ledgerFaults(tape)).toEqual([]);
    expect(await wrong()).toEqual([]);
  });
});

/** What became of the performance that was parked. */
const released = async () =>
  (
    await tape.query(
      `SELECT sum(written)::int AS written, sum(filtered)::int AS filtered, sum(parked)::int AS parked
       FROM tradetape.landed_batch WHERE topic = $1 AND kind = 'release'`,
      [tape.name("performance")],
    )
  )[0];

describe("events that were parked", () => {
  test("land in their days when their parents come, over more days than one batch makes, but not in dropped ones", async () => {
    const symbolId = idOf("a later symbol");
    await tape.publishAll(
      "performance",
      [0, 1, 2, 3].map((n) => performanceOf(n, symbolId)),
    );
    expect((await tape.land("performance")).performance).toMatchObject({ read: 4, parked: 4 });
    expect((await listed()).performance![1]!.slice(0, 4)).toEqual([day(0), day(1), day(2), day(3)]);
    await partitions("drop", "--topic", "performance", "--before", day(1), "--yes");
    await tape.publish("symbols", symbol({ symbol_id: symbolId, ticker: "LATE" }));
    await tape.land("symbols", "performance", "audit");
    const ends = await tape.query(
      "SELECT to_char(window_start, 'YYYY-MM-DD') AS day FROM performance_by_day ORDER BY 1",
    );
    expect(ends.map((row) => row.day)).toEqual([day(1), day(2), day(3)]);
    expect(await released()).toEqual({ written: 3, filtered: 1, parked: -4 });
    expect(await ledgerFaults(tape)).toEqual([]);
    expect(await wrong()).toEqual([]);
  });

  test("are filtered by the group that parked them, too, which knew their day before it was dropped", async () => {
    const symbolId = idOf("a symbol later still");
    const stop = new AbortController();
    const landing = tape.landWith(["symbols", "performance", "audit"], { stop: stop.signal, untilCaughtUp: false });
    await tape.publish("performance", performanceOf(4, symbolId));
    await expect.poll(() => count("tradetape.parked_event")).toBe(1);
    await partitions("drop", "--topic", "performance", "--before", day(5), "--yes");
    await tape.publish("symbols", symbol({ symbol_id: symbolId, ticker: "LATER" }));
    await expect.poll(released).toEqual({ written: 3, filtered: 2, parked: -5 });
    stop.abort();
    await landing;
    await tape.land("performance", "audit");
    expect(await ledgerFaults(tape)).toEqual([]);
    expect(await wrong()).toEqual([]);
  });
});

test("a replay fills a database that keeps every day; a comparison leaves out the days that one of the two dropped", async () => {
  await tape.land();
  const other = await tape.beside("replayed");
  await other.queryAs("tradetape_owner", `${TABLES}; ${NAMED}`);
  expect(await replayInto(tape, other.config.databaseUrl)).toMatchObject({ ok: true, problems: [] });
  const [kept] = await other.query(`SELECT count(*) AS n FROM indicator_by_day WHERE "timestamp" < '${day(1)}'`);
  expect(kept).toEqual({ n: PER_DAY });
  const { code, stdout } = await run("verify", "--against", other.config.databaseUrl);
  const { against } = JSON.parse(stdout);
  expect([code, against.equal]).toEqual([0, true]);
  expect(against.dropped).toEqual([
    { topic: "indicators", table: "indicator_by_day", before: day(1), rowsHere: 0, rowsThere: PER_DAY },
    { topic: "performance", table: "performance_by_day", before: day(5), rowsHere: 0, rowsThere: 5 },
  ]);
  expect(await count("indicator_by_day")).toBe(2 * PER_DAY + 2);
  await other.stop();
});
