import { setTimeout } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ledgerFaults } from "../../support/ledger.ts";
import { idOf, tick } from "../../support/samples.ts";
import { openTestTape, type TestTape } from "../../support/tape.ts";
import { startTradetape } from "../../support/tradetape.ts";

let tape: TestTape;
const COUNT = 50_000;
const SYMBOLS = Array.from({ length: 8 }, (_, n) => idOf(`symbol ${n}`));
let published = 0;

/** Little in hand, so that a stop comes in the middle: what is in hand lands before it. */
const SMALL = { fetchPartitionBytesMax: String(64 * 1024), landingBufferBytesMax: String(1024 * 1024) };

beforeAll(async () => {
  tape = await openTestTape(SMALL);
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

/** Consumes and asks for a stop as soon as the table holds so many more. */
async function landAbout(count: number): Promise<void> {
  const stop = new AbortController();
  const enough = (await rows()).n + count;
  const landing = tape.landWith(["ticks"], { stop: stop.signal, untilCaughtUp: false });
  while ((await rows()).n < enough) await setTimeout(5);
  stop.abort();
  await landing;
}

describe("50,000 ticks", () => {
  test("stopped and taken up again several times land once each", async () => {
    await publishTicks(COUNT);
    for (let n = 0; n < 3; n++) {
      await landAbout(COUNT / 10);
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
    const { config } = tape;
    await publishTicks(COUNT);
    const env = {
      DATABASE_URL: config.databaseUrl,
      KAFKA_BROKERS: config.kafkaBrokers!.join(","),
      SCHEMA_REGISTRY_URL: config.schemaRegistryUrl!,
      TRADETAPE_NAMESPACE: config.namespace,
      TRADETAPE_SESSION_TIMEOUT_MS: "6000",
      TRADETAPE_LOCK_TIMEOUT_MS: "1000",
      TRADETAPE_FETCH_PARTITION_BYTES_MAX: SMALL.fetchPartitionBytesMax,
      TRADETAPE_LANDING_BUFFER_BYTES_MAX: SMALL.landingBufferBytesMax,
    };
    for (let kill = 1; kill <= 2; kill++) {
      const before = (await rows()).n;
      const child = startTradetape(["consume", "ticks"], env);
      while ((await rows()).n < before + 3000) {
        if (child.process.exitCode !== null) throw new Error((await child.ended).stderr);
        await setTimeout(20);
      }
      child.process.kill("SIGKILL");
      await child.ended;
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
  const groupId = async () => {
    const [row] = await tape.query<{ id: string }>("SELECT database_id AS id FROM tradetape.database_id");
    return `tradetape.${tape.name("ticks")}.${row!.id}`;
  };
  const setOffsets = async (offset: string) => {
    const id = await groupId();
    const partitions = [0, 1, 2, 3].map((partition) => ({ partition, offset }));
    await tape.admin((admin) => admin.setOffsets({ groupId: id, topic: tape.name("ticks"), partitions }));
  };

  test("are written behind what has landed, for lag tools", async () => {
    const id = await groupId();
    const [offsets] = await tape.admin((admin) => admin.fetchOffsets({ groupId: id, topics: [tape.name("ticks")] }));
    const landed = await tape.query<{ partition: number; offset: string }>(
      `SELECT partition, next_offset::text AS "offset" FROM tradetape.landed_offset WHERE topic = $1 AND next_offset > 0
       ORDER BY 1`,
      [tape.name("ticks")],
    );
    const written = offsets!.partitions.filter(({ offset }) => Number(offset) > 0);
    expect(
      written.map(({ partition, offset }) => ({ partition, offset })).sort((a, b) => a.partition - b.partition),
    ).toEqual(landed);
  });

  test.each([
    ["deleted", async () => tape.admin(async (admin) => void (await admin.deleteGroups([await groupId()])))],
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
