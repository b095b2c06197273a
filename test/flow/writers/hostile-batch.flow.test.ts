import { afterAll, beforeAll, expect, test } from "vitest";
import { ledgerFaults } from "../../support/ledger.ts";
import { bar, tick } from "../../support/samples.ts";
import { COMPRESSION, openTapeWithSymbol, type TestTape } from "../../support/tape.ts";

const MIB = 1024 * 1024;
let tape: TestTape;

beforeAll(async () => {
  tape = await openTapeWithSymbol();
});
afterAll(() => tape.stop());

test("batches that grow far beyond what they are in the log are letters, and all else lands", async () => {
  const zeros = (mib: number) => [{ value: Buffer.alloc(mib * MIB) }];
  const good = async (n: number) => [{ value: await tape.encode("bars", bar(n)) }];
  await tape.raw("bars", await good(1));
  // Each takes less than 200 kB of the log. The first two may be read, and are too large for an event.
  for (const mib of [20, 40, 66, 66]) await tape.raw("bars", zeros(mib), COMPRESSION.gzip);
  await tape.raw("bars", [...zeros(33), ...zeros(33)], COMPRESSION.gzip);
  await tape.raw("bars", await good(2));
  await tape.publish("ticks", tick(1));
  await tape.land("ticks", "bars");
  const letters = await tape.query<{ offset: number; reason: string; bytes: number; detail: string }>(
    `SELECT "offset"::int, reason, coalesce(value_bytes, octet_length(value)) AS bytes, detail
     FROM tradetape.dead_letter ORDER BY "offset"`,
  );
  expect(letters.map(({ offset, reason, bytes }) => [offset, reason, bytes])).toEqual([
    [1, "too_large", 20 * MIB],
    [2, "too_large", 40 * MIB],
    [3, "unreadable_batch", null],
    [4, "unreadable_batch", null],
    [6, "unreadable_batch", null],
  ]);
  expect(letters.at(-1)!.detail).toMatch(/^offsets 5 to 6, \d+ bytes of sha256 [0-9a-f]{64}: /);
  expect(await tape.query("SELECT count(*)::int AS n FROM public.market_data_bar")).toEqual([{ n: 2 }]);
  expect(await tape.query("SELECT count(*)::int AS n FROM public.market_data_tick")).toEqual([{ n: 1 }]);
  await tape.land("audit");
  expect(await ledgerFaults(tape)).toEqual([]);
});
