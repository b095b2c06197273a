import { setTimeout } from "node:timers/promises";
import kafkajs from "kafkajs";
import { afterAll, beforeAll, expect, test } from "vitest";
import { landBy } from "../../support/landing.ts";
import { ledgerFaults } from "../../support/ledger.ts";
import { idOf, NOON, symbol } from "../../support/samples.ts";
import { readLog } from "../../support/services/topic-log.ts";
import { openTestTape, type TestTape } from "../../support/tape.ts";

const SYMBOLS = 5;
let tape: TestTape;
let revision = 0;

beforeAll(async () => {
  tape = await openTestTape({ compactedTopics: "land" });
});
afterAll(() => tape.stop());

/** So many revisions of each of five symbols, keyed by symbol as our producers do. */
async function publish(revisions: number): Promise<void> {
  for (let n = 0; n < revisions; n++) {
    revision++;
    const events = Array.from({ length: SYMBOLS }, (_, i) =>
      symbol({ symbol_id: idOf(`symbol ${i}`), ticker: `T${i}`, revised_at: NOON + revision }),
    );
    await tape.raw(
      "symbols",
      await Promise.all(
        events.map(async (event) => ({ key: event.symbol_id, value: await tape.encode("symbols", event) })),
      ),
    );
  }
}

/** What an operator may do to a topic. Segments this short let the broker's cleaner, which looks every 15 s, begin. */
async function compact(): Promise<void> {
  const settings = {
    "cleanup.policy": "compact",
    "message.timestamp.type": "LogAppendTime",
    "max.message.bytes": String(4 * 1024 * 1024),
    "retention.ms": "-1",
    "retention.bytes": "-1",
    "segment.ms": "100",
    "min.cleanable.dirty.ratio": "0.001",
  };
  const configEntries = Object.entries(settings).map(([name, value]) => ({ name, value }));
  const resources = [{ type: kafkajs.ConfigResourceTypes.TOPIC, name: tape.name("symbols"), configEntries }];
  await tape.admin((admin) => admin.alterConfigs({ validateOnly: false, resources }));
  await setTimeout(500);
}

const logged = async () => (await readLog(tape.config, tape.name("symbols"))).length;

test("a compacted topic starts nothing unless it is allowed to; then what is left lands, and the rest are holes", async () => {
  await publish(10);
  expect((await tape.land("symbols")).symbols).toMatchObject({ read: 10 * SYMBOLS });
  await publish(20);
  await compact();
  await publish(1);
  while ((await logged()) >= 31 * SYMBOLS) await setTimeout(1000);
  const strict = landBy({ ...tape.config, compactedTopics: "refuse" }, ["symbols"]);
  await expect(strict).rejects.toMatchObject({ code: "topic_misconfigured" });

  const { symbols } = await tape.land("symbols");
  expect(symbols.read).toBeGreaterThanOrEqual(SYMBOLS);
  expect(symbols.read).toBeLessThan(21 * SYMBOLS);
  const [ledger] = await tape.query<{ next: number; read: number; holes: number; lost: number }>(
    `SELECT max(next_offset)::int AS next, sum(read)::int AS read, sum(holes)::int AS holes, sum(lost)::int AS lost
     FROM tradetape.landed_batch WHERE topic = $1`,
    [tape.name("symbols")],
  );
  const all = 31 * SYMBOLS;
  expect(ledger).toEqual({ next: all, read: 10 * SYMBOLS + symbols.read, holes: 21 * SYMBOLS - symbols.read, lost: 0 });
  const revised = await tape.query("SELECT DISTINCT extract(epoch FROM revised_at) * 1000000 AS us FROM public.symbol");
  expect(revised.map(({ us }) => Number(us))).toEqual([31]);
  expect(await ledgerFaults(tape)).toEqual([]);
});
