import { afterAll, beforeAll, expect, test } from "vitest";
import { ledgerFaults } from "../support/ledger.ts";
import { environmentOf } from "../support/letters.ts";
import { tick } from "../support/samples.ts";
import { openTestTape, type TestTape } from "../support/tape.ts";
import { tradetape } from "../support/tradetape.ts";

let tape: TestTape;

beforeAll(async () => {
  tape = await openTestTape();
});
afterAll(() => tape.stop());

const publish = async (count: number, event: (n: number) => object) => {
  const values = await Promise.all(Array.from({ length: count }, (_, n) => tape.encode("ticks", event(n))));
  await tape.raw(
    "ticks",
    values.map((value) => ({ value })),
  );
};
const landed = () =>
  tape.query<{ rows: number; letters: number; next: number }>(
    `SELECT (SELECT count(*) FROM public.tick) AS rows, (SELECT count(*) FROM tradetape.dead_letter) AS letters,
       (SELECT next_offset FROM tradetape.landed_offset WHERE topic = $1 AND partition = 0) AS next`,
    [tape.name("ticks")],
  );

test("letters that are repeats with other content never stop a group", async () => {
  await publish(1500, (n) => tick(n));
  await tape.land("ticks");
  await publish(1500, (n) => tick(n, { close: 1 }));
  expect((await tape.land("ticks")).ticks).toMatchObject({ read: 1500, dead: 1500 });
  expect(await landed()).toEqual([{ rows: 1500, letters: 1500, next: 3000 }]);
});

test("many letters among more good events don't stop a group", async () => {
  await publish(3000, (n) => tick(10_000 + n, n % 5 < 2 ? { volume: -1 } : {}));
  expect((await tape.land("ticks")).ticks).toMatchObject({ written: 1800, dead: 1200 });
});

test("a topic that turns into letters stops its group, with its batch rolled back and the way out", async () => {
  const before = await landed();
  await publish(1500, (n) => tick(30_000 + n, n % 10 > 0 ? { close: Number.NaN } : {}));
  await expect(tape.land("ticks")).rejects.toMatchObject({
    code: "too_many_letters",
    canRetry: false,
    message: expect.stringContaining(tape.name("ticks")),
    next: expect.stringContaining("tradetape dead-letters list"),
  });
  expect(await landed()).toEqual(before);
});

test("and lands them as letters when it is told to", async () => {
  const env = { ...environmentOf(tape), TRADETAPE_LETTER_SHARE_MAX: "1" };
  const refused = await tradetape(["consume", "ticks", "--until-caught-up"], environmentOf(tape));
  expect([refused.code, refused.stderr]).toEqual([2, expect.stringContaining("TRADETAPE_LETTER_SHARE_MAX=1")]);
  const { code, stdout } = await tradetape(["consume", "--until-caught-up", "--json"], env);
  expect(code).toBe(0);
  const ticks = (JSON.parse(stdout) as { topic: string; dead: number }[]).find(({ topic }) => topic === "ticks");
  expect(ticks).toMatchObject({ read: 1500, written: 150, dead: 1350 });
  expect(await ledgerFaults(tape)).toEqual([]);
});
