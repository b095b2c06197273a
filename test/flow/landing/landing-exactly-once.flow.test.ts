import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { emptyGroupOf, environmentOf, groupOf } from "../../support/landing.ts";
import { gateLandings } from "../../support/landing-gate.ts";
import { ledgerFaults } from "../../support/ledger.ts";
import { idOf, tick } from "../../support/samples.ts";
import { openTestTape, type TestTape } from "../../support/tape.ts";
import { startTradetape } from "../../support/tradetape.ts";

let tape: TestTape;
const COUNT = 50_000;
const SYMBOLS = Array.from({ length: 8 }, (_, n) => idOf(`symbol ${n}`));
let published = 0;

beforeAll(async () => {
  tape = await openTestTape({
    // Little in hand, so that a stop comes in the middle: what is in hand lands before it.
    fetchPartitionBytesMax: String(64 * 1024),
    landingBufferBytesMax: String(1024 * 1024),
    // Whoever comes behind a killed process waits for so long.
    sessionTimeoutMs: "6000",
  });
});
afterAll(() => tape.stop());

/** Ticks of eight symbols, which lie in all four partitions. */
async function publishTicks(count: number): Promise<void> {
  const events = Array.from({ length: count }, (_, n) =>
    tick(published + n, { symbol_id: SYMBOLS[n % SYMBOLS.length]! }),
  );
  await tape.publishAll("ticks", events);
  published += count;
}

const rows = async () =>
  (
    await tape.query<{ n: number; ids: number }>(
      "SELECT count(*) AS n, count(DISTINCT market_data_id) AS ids FROM public.market_data_tick",
    )
  )[0]!;

/** Consumes, and asks for a stop behind the first landing, in the midst of the second. */
async function landSome(): Promise<void> {
  const stop = new AbortController();
  const gate = await gateLandings(tape.config.databaseUrl, 1);
  const landing = tape.landWith(["ticks"], { stop: stop.signal, untilCaughtUp: false });
  await gate.holds();
  stop.abort();
  await gate.open();
  await landing;
}

describe("50,000 ticks", () => {
  test("stopped and taken up again several times land once each", async () => {
    await publishTicks(COUNT);
    for (let n = 0; n < 3; n++) {
      await landSome();
      const { n: landed, ids } = await rows();
      expect(landed).toBe(ids);
      expect(await ledgerFaults(tape)).toEqual([]);
    }
    expect((await rows()).n).toBeLessThan(COUNT);
    const { ticks } = await tape.land("ticks");
    expect(ticks.duplicate).toBe(0);
    expect(await rows()).toEqual({ n: COUNT, ids: COUNT });
    expect(await ledgerFaults(tape)).toEqual([]);
  });

  test("land once each when the process is killed in the middle, again and again", async () => {
    await publishTicks(COUNT);
    for (let kill = 1; kill <= 2; kill++) {
      const before = (await rows()).n;
      const gate = await gateLandings(tape.config.databaseUrl, 2);
      const child = startTradetape(["consume", "ticks"], environmentOf(tape.config));
      const ended = child.ended.then(({ stderr }) =>
        Promise.reject(new Error(`it ended before it was held: ${stderr}`)),
      );
      await Promise.race([gate.holds(), ended]);
      child.process.kill("SIGKILL");
      await child.ended;
      await gate.open();
      expect((await rows()).n).toBeGreaterThan(before);
      const now = await rows();
      expect(now.n).toBe(now.ids);
      expect(now.n).toBeLessThan(2 * COUNT);
    }
    const { ticks } = await tape.land("ticks");
    expect(ticks.duplicate).toBe(0);
    expect(await rows()).toEqual({ n: 2 * COUNT, ids: 2 * COUNT });
    await tape.land("audit");
    expect(await ledgerFaults(tape)).toEqual([]);
  });
});

describe("Kafka's own group offsets", () => {
  const setOffsets = async (offset: string) => {
    const groupId = await emptyGroupOf(tape, "ticks");
    const partitions = [0, 1, 2, 3].map((partition) => ({ partition, offset }));
    await tape.admin((admin) => admin.setOffsets({ groupId, topic: tape.name("ticks"), partitions }));
  };

  test("are written behind what has landed, for lag tools", async () => {
    const written = async () => {
      // Hints that a rebalance refused are left to the next writing.
      await tape.land("ticks");
      const groupId = await groupOf(tape, "ticks");
      const [offsets] = await tape.admin((admin) => admin.fetchOffsets({ groupId, topics: [tape.name("ticks")] }));
      return offsets!.partitions
        .map(({ partition, offset }) => ({ partition, offset }))
        .filter(({ offset }) => Number(offset) > 0)
        .sort((a, b) => a.partition - b.partition);
    };
    const landed = await tape.query<{ partition: number; offset: string }>(
      `SELECT partition, next_offset::text AS "offset" FROM tradetape.landed_offset WHERE topic = $1 AND next_offset > 0
       ORDER BY 1`,
      [tape.name("ticks")],
    );
    await expect.poll(written).toEqual(landed);
  });

  const deleteGroup = async () => {
    const groupId = await emptyGroupOf(tape, "ticks");
    await tape.admin((admin) => admin.deleteGroups([groupId]));
  };

  test.each([
    ["deleted", deleteGroup],
    ["rewound", () => setOffsets("0")],
    ["advanced beyond the end of the log", () => setOffsets("900000")],
  ])("%s between two runs change nothing", async (_, change) => {
    await change();
    await publishTicks(500);
    const { ticks } = await tape.land("ticks");
    expect(ticks).toMatchObject({ read: 500, written: 500, duplicate: 0 });
    expect(await rows()).toEqual({ n: published, ids: published });
  });
});

describe("several databases and processes", () => {
  test("two databases on the same topics get all rows each, in groups of their own", async () => {
    const other = await tape.beside("second");
    const { ticks } = await other.land("ticks");
    expect(ticks).toMatchObject({ read: published, written: published });
    await other.land("audit");
    expect(await ledgerFaults(other)).toEqual([]);
    await tape.land("audit");
    const receipts = "SELECT count(DISTINCT payload->>'database_id') AS n FROM public.audit_log";
    expect(await tape.query(receipts)).toEqual([{ n: 2 }]);
    const { groups } = await tape.admin((admin) => admin.listGroups());
    const ours = groups.filter(({ groupId: id }) => id.includes(`.${tape.name("ticks")}`));
    expect(ours.map(({ groupId: id }) => id)).toHaveLength(2);
    await other.stop();
  });

  test("two groups' members of one database share the partitions, and their sum is exact", async () => {
    await publishTicks(20_000);
    const [one, two] = await Promise.all([tape.landWith(["ticks"], {}), tape.landWith(["ticks"], {})]);
    expect(one.ticks.written + two.ticks.written).toBe(20_000);
    expect(one.ticks.duplicate + two.ticks.duplicate).toBe(0);
    expect(await rows()).toEqual({ n: published, ids: published });
    await tape.land("audit");
    expect(await ledgerFaults(tape)).toEqual([]);
  });
});
