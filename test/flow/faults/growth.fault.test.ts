import { afterAll, beforeAll, expect, test } from "vitest";
import { ledgerFaults } from "../../support/ledger.ts";
import { idOf, tick } from "../../support/samples.ts";
import { openTestTape, type TestTape } from "../../support/tape.ts";

const SYMBOLS = 64;
const WAIT = { timeout: 240_000, interval: 500 };
let tape: TestTape;
let published = 0;

beforeAll(async () => {
  tape = await openTestTape();
});
afterAll(() => tape.stop());

async function publish(): Promise<void> {
  const events = Array.from({ length: 500 }, () => {
    const n = published++;
    return tick(n, { symbol_id: idOf(`symbol ${n % SYMBOLS}`) });
  });
  await tape.publishAll("ticks", events);
}

const rows = async () => (await tape.query<{ n: number }>("SELECT count(*) AS n FROM public.market_data_tick"))[0]!.n;

async function landedPartitions(): Promise<number> {
  const sql = "SELECT count(*) AS n FROM tradetape.landed_offset WHERE topic = $1 AND next_offset > 0";
  return (await tape.query<{ n: number }>(sql, [tape.name("ticks")]))[0]!.n;
}

test("a topic that gets more partitions, twice, under publisher and consumer: they find them, as does a start", async () => {
  const stop = new AbortController();
  const running = tape.landWith(["ticks"], { untilCaughtUp: false, stop: stop.signal });
  for (const partitions of [8, 16]) {
    await publish();
    await tape.admin((admin) =>
      admin.createPartitions({ topicPartitions: [{ topic: tape.name("ticks"), count: partitions }] }),
    );
    await expect.poll(() => publish().then(landedPartitions), WAIT).toBe(partitions);
    await expect.poll(rows, WAIT).toBe(published);
  }
  stop.abort();
  await running;
  await publish();
  await tape.land("ticks", "audit");
  expect(await rows()).toBe(published);
  expect(await ledgerFaults(tape)).toEqual([]);
});
