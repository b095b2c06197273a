import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { CONSUMERS } from "../../../consumers/all.ts";
import { discard } from "../../../src/dead-letter/discard.ts";
import { redrive } from "../../../src/dead-letter/redrive.ts";
import { awaitOutcome } from "../../../src/dead-letter/redrive-outcome.ts";
import type { EventTopic } from "../../../src/event/schemas.ts";
import { Connection } from "../../../src/table/connection.ts";
import { verify } from "../../../src/verify/verify.ts";
import { ledgerFaults } from "../../support/ledger.ts";
import { asOps, redriveAll } from "../../support/letters.ts";
import { bar, symbol, tick } from "../../support/samples.ts";
import { assertTestDatabase } from "../../support/services/isolation.ts";
import { micros, openTestTape, type RawEvent, type Row, type TestTape } from "../../support/tape.ts";

let tape: TestTape;
const never = new AbortController().signal;
/** Numbers of a test's own, so that one test's events are not another's repeats. */
let base = 0;

beforeAll(async () => {
  tape = await openTestTape();
  await assertTestDatabase(tape.config.databaseUrl);
  await tape.publish("symbols", symbol());
  await tape.land("symbols");
});
beforeEach(async () => {
  base += 1000;
  const topics = (await tape.query<{ topic: string }>("SELECT DISTINCT topic FROM tradetape.dead_letter")).map(
    (one) => one.topic,
  );
  await asOps(tape, (ops) =>
    discard(ops, { filter: { topics }, note: "of another test", lettersMax: 1e9, stop: never }),
  );
  await refuseNegative();
});
afterAll(() => tape.stop());

/** What makes an event with a negative volume a letter, and what a person may mend. */
const acceptNegative = () => tape.query("ALTER TABLE public.market_data DROP CONSTRAINT volume_not_negative");
async function refuseNegative() {
  await tape.query("ALTER TABLE public.market_data DROP CONSTRAINT IF EXISTS volume_not_negative");
  await tape.query(
    "ALTER TABLE public.market_data ADD CONSTRAINT volume_not_negative CHECK (volume >= 0 OR volume = -5) NOT VALID",
  );
}

const named = (topic: EventTopic) => ({ topics: [tape.name(topic)] });
const bad = (n: number) => tick(base + n, { volume: -1 });
const letters = (topic: EventTopic, state = "open") =>
  tape.query<Row & { offset: number; attempts: number; redriven_offset: number | null }>(
    `SELECT partition, "offset", reason, state, attempts, acted_by, redriven_offset FROM tradetape.dead_letter
     WHERE topic = $1 AND state = $2 ORDER BY partition, "offset"`,
    [tape.name(topic), state],
  );
const ticksOf = async (from: number) =>
  (
    await tape.query<{ n: number }>("SELECT count(*) AS n FROM public.tick WHERE trade_id = ANY($1)", [
      Array.from({ length: 100 }, (_, n) => `t${from + n}`),
    ])
  )[0]!.n;

async function landRaw(topic: EventTopic, events: readonly object[], change: Partial<RawEvent> = {}) {
  const values = await Promise.all(events.map((event) => tape.encode(topic, event)));
  const at = await tape.raw(
    topic,
    values.map((value) => ({ value, ...change })),
  );
  return { at, values, tally: (await tape.land(topic))[topic] };
}

async function outcome(redriven: Awaited<ReturnType<typeof redriveAll>>) {
  return asOps(tape, (ops) => awaitOutcome(ops.connection, redriven, 600_000, never));
}

/** Nothing waits, the ledger is whole, and `verify` agrees. */
async function expectWhole() {
  await tape.land();
  expect(await ledgerFaults(tape)).toEqual([]);
  const connection = await Connection.open(tape.config.databaseUrl, { name: "test", role: "tradetape_reader" });
  expect(await verify(connection, CONSUMERS, { quiet: true })).toMatchObject({ ok: true, problems: [] });
  await connection.close();
}

describe("redriving", () => {
  test("sends key, value and headers again as they were, to the partition they came from, and says how often", async () => {
    const headers = { note: Buffer.from([0, 255, 10]), twice: ["a", "b"] };
    const { at, values } = await landRaw("ticks", [bad(1)], { key: Buffer.from([7, 0, 200]), headers, partition: 2 });
    const first = at.get(2)!;
    const [redriven] = await redriveAll(tape, named("ticks"));
    expect(redriven).toMatchObject({ topic: tape.name("ticks"), partition: 2, offsets: [first + 1] });
    const again = await tape.land("ticks");
    expect(again.ticks).toMatchObject({ read: 1, dead: 1 });
    const rows = await tape.query<Row & { headers: Record<string, string | string[]> }>(
      `SELECT "offset", key, value, headers, state, attempts, ${micros("published_at")} FROM tradetape.dead_letter
       WHERE topic = $1 AND partition = 2 AND "offset" >= $2 ORDER BY "offset"`,
      [tape.name("ticks"), first],
    );
    const [old, young] = rows;
    expect([old!.state, old!.attempts, young!.state, young!.attempts]).toEqual(["redriven", 1, "open", 1]);
    expect([young!.key, young!.value]).toEqual([Buffer.from([7, 0, 200]), values[0]]);
    const text = (data: unknown) => Buffer.from(String(data), "base64").toString();
    const { note, twice, ...own } = young!.headers;
    expect([note, twice]).toEqual([old!.headers.note, old!.headers.twice]);
    expect(Object.fromEntries(Object.entries(own).map(([name, value]) => [name, text(value)]))).toEqual({
      "tradetape-redrive": "1",
      "tradetape-redriven-from": `${tape.name("ticks")}/2/${first}`,
      "tradetape-revised-at": String(old!.published_at),
    });
    await expectWhole();
  });

  test("lands what has been mended, among good events, and says so of each", async () => {
    const events = Array.from({ length: 30 }, (_, n) => (n % 3 === 0 ? bad(n) : tick(base + n)));
    const { tally } = await landRaw("ticks", events);
    expect(tally).toMatchObject({ written: 20, dead: 10 });
    await acceptNegative();
    const redriven = await redriveAll(tape, named("ticks"));
    await tape.land("ticks");
    expect(await outcome(redriven)).toMatchObject({ written: 10, duplicate: 0, died: {}, onTheWay: 0 });
    expect(await ticksOf(base)).toBe(30);
    expect(await letters("ticks")).toEqual([]);
    await expectWhole();
  });

  test("tells those that die again by their reason, and what has not landed yet as being on the way", async () => {
    await landRaw("ticks", [bad(1), bad(2), tick(base + 3)]);
    await landRaw("ticks", [tick(base + 3, { close: 1 })]);
    const redriven = await redriveAll(tape, named("ticks"));
    const early = await asOps(tape, (ops) => awaitOutcome(ops.connection, redriven, 0, never));
    expect(early).toMatchObject({ onTheWay: 3, written: 0, died: {} });
    await tape.land("ticks");
    expect(await outcome(redriven)).toMatchObject({
      onTheWay: 0,
      written: 0,
      died: { rule_broken: 2, conflicting_duplicate: 1 },
    });
    await expectWhole();
  });

  test("sends only what the filter means, up to the limit, lowest offsets first", async () => {
    const [first] = (await landRaw("ticks", [bad(1), bad(2), bad(3)])).at.values();
    await tape.raw("ticks", [{ value: null }]);
    await tape.land("ticks");
    const [one] = await redriveAll(tape, { ...named("ticks"), reason: "null_value" });
    expect(one!.offsets).toHaveLength(1);
    await redriveAll(tape, { ...named("ticks"), until: "2020-01-01" });
    await redriveAll(tape, { ...named("ticks"), since: "2120-01-01" });
    await redriveAll(tape, named("bars"));
    expect((await letters("ticks")).map(({ offset }) => offset)).toEqual([first, first! + 1, first! + 2]);
    await redriveAll(tape, named("ticks"), { lettersMax: 2 });
    expect((await letters("ticks")).map(({ offset }) => offset)).toEqual([first! + 2]);
    await expectWhole();
  });

  test("counts attempts over all letters of an event, and leaves one alone that has died too often", async () => {
    await landRaw("ticks", [bad(1)]);
    for (const attempts of [1, 2, 3]) {
      await redriveAll(tape, named("ticks"));
      await tape.land("ticks");
      expect((await letters("ticks")).map((letter) => letter.attempts)).toEqual([attempts]);
    }
    const spared = await redriveAll(tape, named("ticks"));
    expect(spared.flatMap(({ offsets }) => offsets)).toEqual([]);
    await acceptNegative();
    const again = await redriveAll(tape, named("ticks"), { attemptsMax: Number.POSITIVE_INFINITY });
    await tape.land("ticks");
    expect(await outcome(again)).toMatchObject({ written: 1 });
    const generations = (await letters("ticks", "redriven")).slice(-5).map((letter) => letter.attempts);
    expect(generations).toContain(4);
    await expectWhole();
  });

  test("ends though its events become letters again while it runs", async () => {
    await landRaw(
      "ticks",
      Array.from({ length: 20 }, (_, n) => bad(n)),
    );
    const stop = new AbortController();
    const consuming = tape.landWith(["ticks"], { untilCaughtUp: false, stop: stop.signal });
    const redriven = await redriveAll(tape, named("ticks"), { perSecondMax: 40, attemptsMax: 1000 });
    expect(redriven.flatMap(({ offsets }) => offsets)).toHaveLength(20);
    expect(await outcome(redriven)).toMatchObject({ died: { rule_broken: 20 } });
    stop.abort();
    await consuming;
    await expectWhole();
  });
});

describe("a redriven event", () => {
  const revised = (change: object) => bar(base, { revised_at: null, ...change });
  const stored = () =>
    tape.query<{ close: number; revised_at: number }>(
      `SELECT close, ${micros("revised_at")} FROM public.market_data_bar WHERE market_data_id = $1`,
      [bar(base).market_data_id],
    );

  test("keeps the time it had first, also when it has died twice", async () => {
    await landRaw("bars", [revised({ volume: -1 })]);
    const [first] = await tape.query<{ at: number }>(
      `SELECT (extract(epoch FROM published_at) * 1000000)::bigint AS at FROM tradetape.dead_letter
       WHERE topic = $1 AND state = 'open'`,
      [tape.name("bars")],
    );
    await redriveAll(tape, named("bars"));
    await tape.land("bars");
    expect(await letters("bars")).toMatchObject([{ attempts: 1 }]);
    await acceptNegative();
    await redriveAll(tape, named("bars"));
    await tape.land("bars");
    expect(await stored()).toMatchObject([{ revised_at: first!.at }]);
    await expectWhole();
  });

  test("doesn't overwrite a revision that was published after it", async () => {
    await landRaw("bars", [revised({ volume: -1, close: 1 })]);
    await landRaw("bars", [revised({ close: 2 })]);
    await acceptNegative();
    const redriven = await redriveAll(tape, named("bars"));
    await tape.land("bars");
    expect(await outcome(redriven)).toMatchObject({ replaced: 1, written: 0 });
    expect(await stored()).toMatchObject([{ close: 2 }]);
    await expectWhole();
  });
});

describe("a redrive that is broken off", () => {
  test("by a stop has recorded what it sent, and sends the rest when it is called again", async () => {
    await landRaw(
      "ticks",
      Array.from({ length: 10 }, (_, n) => bad(n)),
    );
    await acceptNegative();
    const stop = new AbortController();
    const sent = await asOps(tape, (ops, publisher) => {
      const publish = publisher.publishToPartition.bind(publisher);
      let calls = 0;
      publisher.publishToPartition = async (messages) => {
        if (++calls === 3) stop.abort();
        return publish(messages);
      };
      const options = { attemptsMax: 3, lettersMax: 1000, perSecondMax: 20, stop: stop.signal };
      return redrive(ops, publisher, tape, { ...options, filter: named("ticks") });
    });
    expect(sent.flatMap(({ offsets }) => offsets)).toHaveLength(6);
    expect(await letters("ticks")).toHaveLength(4);
    const rest = await redriveAll(tape, named("ticks"));
    expect(rest.flatMap(({ offsets }) => offsets)).toHaveLength(4);
    expect((await tape.land("ticks")).ticks).toMatchObject({ read: 10, written: 10 });
    await expectWhole();
  });

  test("by the broker has recorded what was acknowledged, and no more", async () => {
    await landRaw(
      "ticks",
      Array.from({ length: 10 }, (_, n) => bad(n)),
    );
    const failing = asOps(tape, (ops, publisher) => {
      const publish = publisher.publishToPartition.bind(publisher);
      let calls = 0;
      publisher.publishToPartition = async (messages) => {
        if (++calls === 3) throw new Error("the broker is away");
        return publish(messages);
      };
      const options = { attemptsMax: 3, lettersMax: 1000, perSecondMax: 20, stop: never };
      return redrive(ops, publisher, tape, { ...options, filter: named("ticks") });
    });
    await expect(failing).rejects.toThrow("the broker is away");
    expect([(await letters("ticks")).length, (await letters("ticks", "open"))[0]!.attempts]).toEqual([6, 0]);
    await expectWhole();
  });

  test("between acknowledgement and state sends twice, and lands once", async () => {
    await landRaw("ticks", [bad(1), bad(2)]);
    await acceptNegative();
    await tape.query(
      `CREATE FUNCTION public.refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'refused by a test'; END $$;
       CREATE TRIGGER refuse BEFORE INSERT ON tradetape.outbox FOR EACH STATEMENT EXECUTE FUNCTION public.refuse()`,
    );
    await expect(redriveAll(tape, named("ticks"))).rejects.toThrow("refused by a test");
    await tape.query("DROP FUNCTION public.refuse CASCADE");
    expect(await letters("ticks")).toMatchObject([{ attempts: 0 }, { attempts: 0 }]);
    const redriven = await redriveAll(tape, named("ticks"));
    expect((await tape.land("ticks")).ticks).toMatchObject({ read: 4, written: 2, duplicate: 2 });
    expect(await outcome(redriven)).toMatchObject({ written: 0, landedAmongOthers: 2 });
    expect(await ticksOf(base)).toBe(2);
    await expectWhole();
  });

  test("or done by two people at once sends each letter once", async () => {
    await landRaw(
      "ticks",
      Array.from({ length: 20 }, (_, n) => bad(n)),
    );
    await acceptNegative();
    const slow = { perSecondMax: 100 };
    const both = await Promise.all([1, 2, 3].map(() => redriveAll(tape, named("ticks"), slow)));
    expect(both.flat().flatMap(({ offsets }) => offsets)).toHaveLength(20);
    expect((await tape.land("ticks")).ticks).toMatchObject({ read: 20, written: 20 });
    await expectWhole();
  });
});
