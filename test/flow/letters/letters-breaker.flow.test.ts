import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { CONSUMERS } from "../../../consumers/all.ts";
import { consume } from "../../../src/batch/run/consume.ts";
import { openLandingServices } from "../../../src/batch/run/landing-services.ts";
import { type Clock, SYSTEM_CLOCK } from "../../../src/clock.ts";
import { openLog } from "../../../src/log.ts";
import { environmentOf, landBy } from "../../support/landing.ts";
import { ledgerFaults } from "../../support/ledger.ts";
import { idOf, prediction, symbol, tick } from "../../support/samples.ts";
import { openTestTape, type TestTape } from "../../support/tape.ts";
import { tradetape } from "../../support/tradetape.ts";

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
    next: expect.stringContaining("tradetape dead-letters set-aside ticks"),
  });
  expect(await landed()).toEqual(before);
});

test("what waits for the topic's end waits no longer when its group has stopped", async () => {
  const services = await openLandingServices(tape.config, openLog(tape.config));
  let waiting = 0;
  const sleep: Clock["sleep"] = (ms, signal) => {
    waiting++;
    return SYSTEM_CLOCK.sleep(ms, signal).finally(() => {
      waiting--;
    });
  };
  const never = new AbortController().signal;
  const options = { untilCaughtUp: true, stop: never, force: never };
  const consumers = CONSUMERS.filter(({ topic }) => topic === "ticks");
  const landing = consume({ ...services, clock: { ...SYSTEM_CLOCK, sleep } }, consumers, options);
  expect(await landing).toMatchObject({ tallies: [{ topic: "ticks" }], failure: { code: "too_many_letters" } });
  await SYSTEM_CLOCK.turn();
  expect(waiting).toBe(0);
  await services.close();
});

test("and lands them as letters when it is told to", async () => {
  const refused = await tradetape(["consume", "ticks", "--until-caught-up", "--json"], environmentOf(tape.config));
  expect(refused.code).toBe(2);
  // By reason, with the first of them: the way out begins with what they have in common.
  expect(JSON.parse(refused.stderr.trim().split("\n").at(-1)!).error).toMatchObject({
    code: "too_many_letters",
    letters: [
      {
        reason: "invalid",
        letters: 1350,
        examples: [1, 2, 3].map((n) => ({
          at: `${tape.name("ticks")}/0/${6000 + n}`,
          column: "close",
          detail: expect.stringContaining("NaN"),
        })),
      },
    ],
  });
  const env = { ...environmentOf(tape.config), TRADETAPE_LETTER_SHARE_MAX: "1" };
  const { code, stdout } = await tradetape(["consume", "--until-caught-up", "--json"], env);
  expect(code).toBe(0);
  const ticks = (JSON.parse(stdout) as { topic: string; dead: number }[]).find(({ topic }) => topic === "ticks");
  expect(ticks).toMatchObject({ read: 1500, written: 150, dead: 1350 });
  expect(await ledgerFaults(tape)).toEqual([]);
});

/**
 * Lands until the group ends by itself, or until `isDone`. What parked before is overdue at once, all of it together.
 * @returns what ended it
 */
async function landUntil(topic: "ticks" | "predictions", isDone: () => Promise<boolean>): Promise<unknown> {
  const stop = new AbortController();
  const impatient = { ...tape.config, parkDeadlineMs: 1 };
  const ended = landBy(impatient, [topic], { untilCaughtUp: false, stop: stop.signal }).catch((error) => error);
  let isOver = false;
  void ended.then(() => {
    isOver = true;
  });
  await expect.poll(async () => isOver || (await isDone())).toBe(true);
  stop.abort();
  return ended;
}

test("bad events that come a few at a time stop it, too, at the 1,000th", async () => {
  const [before] = await landed();
  const ended = landUntil("ticks", async () => false);
  const letters = async () => (await landed())[0]!.letters - before!.letters;
  const publishBad = (from: number) => publish(100, (n) => tick(50_000 + from + n, { close: Number.NaN }));
  for (let count = 0; count < 900; count += 100) {
    await publishBad(count);
    await expect.poll(letters).toBe(count + 100);
  }
  await publishBad(900);
  expect(await ended).toMatchObject({ code: "too_many_letters" });
  // What tripped it was rolled back: it is still to come.
  expect([await letters(), (await landed())[0]!.next - before!.next]).toEqual([900, 900]);
});

describe("children whose parents never come", () => {
  const STRANGER = idOf("a symbol that nobody published");
  const orphans = (from: number, count: number) =>
    Array.from({ length: count }, (_, n) => prediction(from + n, { symbol_id: STRANGER }));
  const counts = async () =>
    (
      await tape.query<{ parked: number; rows: number; letters: number }>(
        `SELECT (SELECT count(*) FROM tradetape.parked_event) AS parked, (SELECT count(*) FROM public.model_prediction) AS rows,
           (SELECT count(*) FROM tradetape.dead_letter WHERE topic = $1) AS letters`,
        [tape.name("predictions")],
      )
    )[0]!;

  test("stop the group when they are most of a topic, and stay parked until they come after all", async () => {
    await tape.publishAll("predictions", orphans(0, 1200));
    expect((await tape.land("predictions")).predictions).toMatchObject({ parked: 1200 });
    const error = await landUntil("predictions", async () => false);
    expect(error).toMatchObject({
      code: "too_many_letters",
      message: expect.stringContaining("the parents of 1,000 of 1,200 events never came"),
      next: expect.stringContaining("tradetape dead-letters set-aside predictions"),
    });
    expect(await counts()).toEqual({ parked: 1200, rows: 0, letters: 0 });
    await tape.publish("symbols", symbol({ symbol_id: STRANGER }));
    await tape.land("symbols", "predictions");
    expect(await counts()).toEqual({ parked: 0, rows: 1200, letters: 0 });
  });

  test("become letters when they are strays among others, however many come due at once", async () => {
    const stranger = idOf("another");
    const strays = Array.from({ length: 2600 }, (_, n) =>
      prediction(2000 + n, { symbol_id: n % 5 < 2 ? stranger : STRANGER }),
    );
    await tape.publishAll("predictions", strays);
    expect((await tape.land("predictions")).predictions).toMatchObject({ written: 1560, parked: 1040 });
    const error = await landUntil("predictions", async () => (await counts()).letters === 1040);
    expect(error).not.toBeInstanceOf(Error);
    expect(await counts()).toEqual({ parked: 0, rows: 2760, letters: 1040 });
    await tape.land("audit");
    expect(await ledgerFaults(tape)).toEqual([]);
  });

  test("and those that only wait for one are no letters: two bad in five don't stop their group", async () => {
    const late = idOf("a symbol that comes later");
    const event = (n: number) =>
      prediction(10_000 + n, { symbol_id: late, ...(n % 5 < 2 ? { probability_up: 1.5 } : {}) });
    const before = await counts();
    const values = await Promise.all(Array.from({ length: 2600 }, (_, n) => tape.encode("predictions", event(n))));
    await tape.raw(
      "predictions",
      values.map((value) => ({ value })),
    );
    expect((await tape.land("predictions")).predictions).toMatchObject({ dead: 1040, parked: 1560 });
    await tape.publish("symbols", symbol({ symbol_id: late }));
    await tape.land("symbols", "predictions");
    expect(await counts()).toEqual({ parked: 0, rows: before.rows + 1560, letters: before.letters + 1040 });
  });
});
