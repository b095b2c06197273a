import { afterAll, beforeAll, expect, test } from "vitest";
import type { EventTopic } from "../../../src/event/schemas.ts";
import { type Consuming, environmentOf, startConsuming } from "../../support/landing.ts";
import { ledgerFaults } from "../../support/ledger.ts";
import { bar, idOf, prediction, quote, symbol, tick } from "../../support/samples.ts";
import { openTapeWithSymbol, type TestTape } from "../../support/tape.ts";
import { tradetape } from "../../support/tradetape.ts";

let tape: TestTape;
let consuming: Consuming;

beforeAll(async () => {
  tape = await openTapeWithSymbol();
  const impatient = { ...tape.config, parkDeadlineMs: 1 };
  consuming = await startConsuming(impatient, ["symbols", "ticks", "bars", "predictions", "audit"]);
});
afterAll(async () => {
  await consuming.stop();
  await tape.stop();
});

/** Words of a command line, where only "looked at" stands in quotation marks. */
const words = (command: string) => command.match(/"[^"]*"|\S+/g)!.map((word) => word.replaceAll('"', ""));

/** Runs the command of this name that the state's `next` says, word for word. */
async function follow({ next = "" }: { readonly next: string | undefined }, name: string): Promise<string> {
  const command = [...next.matchAll(/`([^`]*)`/g)].map(([, text]) => text!).find((text) => text.includes(` ${name} `));
  expect(command, next).toBeDefined();
  const [program, ...args] = words(command!);
  expect(program).toBe("tradetape");
  const ended = await tradetape(args, environmentOf(tape.config));
  expect([ended.code, ended.stderr]).toEqual([0, ""]);
  return ended.stdout;
}

const run = async (...args: string[]) => (await tradetape(args, environmentOf(tape.config))).stdout;
const stopped = (topic: EventTopic) => consuming.stopped(topic);
const runs = (topic: EventTopic) => consuming.runs(topic);
const count = async (what: string, ...values: unknown[]) =>
  Number((await tape.query(`SELECT count(*) AS n FROM ${what}`, values))[0]!.n);
const letters = (topic: EventTopic) => count("tradetape.dead_letter WHERE topic = $1", tape.name(topic));
const entries = async (type: string) =>
  (await tape.query("SELECT payload FROM audit_log WHERE event_type = $1", [type])).map(
    ({ payload }) => payload as Record<string, unknown>,
  );
const garbage = (n: number) => Array.from({ length: n }, (_, i) => ({ value: Buffer.from(`garbage ${i}`) }));

test("garbage stops its topic alone, is shown everywhere, and becomes letters by one command", async () => {
  await tape.raw("bars", garbage(1200));
  const state = await stopped("bars");
  await tape.publish("ticks", tick(1));
  await expect.poll(() => count("public.tick")).toBe(1);
  await runs("ticks");

  const name = tape.name("bars");
  const examples = [0, 1, 2].map((offset) => ({
    at: `${name}/0/${offset}`,
    column: null,
    detail: "begins with byte 103, not with 0",
  }));
  expect(state).toMatchObject({ code: "too_many_letters", letters: [{ reason: "not_avro", letters: 1200, examples }] });
  expect(await letters("bars")).toBe(0);
  const shown = async () => {
    const json = JSON.parse(await run("status", "--json")) as { topic: string; group: string; groups: object[] }[];
    return ["bars", "ticks", "fills"].map((topic) => json.find((row) => row.topic === tape.name(topic as EventTopic)));
  };
  await expect
    .poll(shown)
    .toMatchObject([
      { group: "stopped", groups: [{ code: "too_many_letters", isSilent: false }] },
      { group: "running" },
      { group: "none", groups: [] },
    ]);
  for (const command of [["status"], ["dead-letters", "list"]]) {
    await expect.poll(() => run(...command)).toContain("1,200 not_avro");
    await expect.poll(() => run(...command)).toContain(`${name}/0/2: begins with byte 103, not with 0`);
  }

  expect(JSON.parse(await run("dead-letters", "preview", "bars", "--json"))).toMatchObject({
    waiting: 1200,
    seen: 1200,
    counts: { read: 1200, written: 0, dead: 1200 },
    letters: [{ reason: "not_avro", letters: 1200, examples }],
  });
  expect(await run("dead-letters", "set-aside", "bars", "--reason-text", "x")).toContain("nothing was changed");
  expect(await letters("bars")).toBe(0);
  expect(await follow(state, "set-aside")).toContain("of 1,200 offsets");
  await tape.publish("bars", bar(1));
  await expect.poll(() => count("public.market_data_bar")).toBe(1);
  await runs("bars");
  expect(await letters("bars")).toBe(1200);
  await expect
    .poll(() => entries("SET_ASIDE"))
    .toMatchObject([{ from_offset: 0, next_offset: 1200, note: "looked at" }]);
  const told = `tradetape.group_state WHERE state = 'stopped' OR letters IS NOT NULL`;
  await expect.poll(() => count(told)).toBe(0);
});

test("what comes behind the offsets that were set aside stops it again", async () => {
  await tape.raw("bars", garbage(1000));
  const state = await stopped("bars");
  expect(await letters("bars")).toBe(1200);
  await follow(state, "set-aside");
  await expect.poll(() => letters("bars")).toBe(2200);
  await runs("bars");
});

test("events of a schema become letters from one command on, until another", async () => {
  const alien = (n: number) =>
    Array.from({ length: n }, () => ({ value: Buffer.from([0, 0x3b, 0x9a, 0xca, 0x00, 1, 2, 3]) }));
  await tape.raw("ticks", alien(1100));
  await follow(await stopped("ticks"), "skip-schema");
  await expect.poll(() => letters("ticks")).toBe(1100);
  await runs("ticks");
  await tape.raw("ticks", alien(1100));
  await expect.poll(() => letters("ticks")).toBe(2200);
  // Garbage of another kind isn't meant.
  await tape.raw("ticks", garbage(1000));
  await follow(await stopped("ticks"), "set-aside");
  await expect.poll(() => letters("ticks")).toBe(3200);
  await runs("ticks");
  // Nor is it beside what is meant.
  for (let round = 1; round <= 12; round++) {
    const mixed = garbage(90).flatMap((one) => [one, ...alien(1)]);
    await tape.raw(
      "ticks",
      mixed.map((one) => ({ ...one, partition: 0 })),
    );
    if (round < 12) await expect.poll(() => letters("ticks")).toBe(3200 + round * 180);
  }
  await follow(await stopped("ticks"), "set-aside");
  await expect.poll(() => letters("ticks")).toBe(3200 + 12 * 180);
  await runs("ticks");
  await run("dead-letters", "skip-schema", "ticks", "1000000000", "--reason-text", "mended", "--end", "--yes");
  await tape.raw("ticks", alien(1000));
  await follow(await stopped("ticks"), "skip-schema");
  await runs("ticks");
  await expect
    .poll(() => entries("SKIP_SCHEMA"))
    .toMatchObject([false, true, false].map((ended) => ({ schema_id: 1_000_000_000, ended })));
});

test("a cause that is mended needs no command", async () => {
  await tape.query("ALTER TABLE public.market_data_bar ADD CONSTRAINT none CHECK (volume < 0) NOT VALID");
  await tape.publishAll(
    "bars",
    Array.from({ length: 1200 }, (_, n) => bar(100 + n)),
  );
  expect(await stopped("bars")).toMatchObject({ letters: [{ reason: "refused" }] });
  await tape.query("ALTER TABLE public.market_data_bar DROP CONSTRAINT none");
  // Bars of four partitions: what came in small batches before there were too many are letters, also of a later try.
  const all = async () => (await count("public.market_data_bar")) + (await letters("bars"));
  await expect.poll(all).toBe(1201 + 2200);
  await runs("bars");
  expect((await letters("bars")) - 2200).toBeLessThan(1000);
});

test("events whose parents never come become letters by the same command", async () => {
  const stranger = idOf("nobody's");
  const events = Array.from({ length: 1200 }, (_, n) => prediction(n, { symbol_id: stranger }));
  const values = await Promise.all(events.map((event) => tape.encode("predictions", event)));
  // As one batch: they are overdue as soon as they are parked, and of fewer than 1,000 each would be a letter.
  await tape.raw(
    "predictions",
    values.map((value) => ({ value })),
  );
  const state = await stopped("predictions");
  expect(state).toMatchObject({ letters: [{ reason: "missing_parent" }] });
  expect(await letters("predictions")).toBe(0);
  await follow(state, "set-aside");
  await expect.poll(() => letters("predictions")).toBe(1200);
  await runs("predictions");
  await tape.publish("symbols", symbol({ symbol_id: stranger }));
  // The groups go on meanwhile: one look may find a row whose batch isn't in the ledger yet.
  await expect.poll(() => ledgerFaults(tape)).toEqual([]);
});

test("a preview says what would become of what waits, and lands nothing, not even a day", async () => {
  const quotes = Array.from({ length: 5 }, (_, n) => quote(n));
  await tape.publishAll("quotes", [...quotes, quote(4)]);
  await tape.raw("quotes", [{ value: Buffer.from("x"), partition: 0 }]);
  const days = () => count("pg_catalog.pg_inherits WHERE inhparent = 'public.quote'::regclass");
  const before = await days();
  expect(JSON.parse(await run("dead-letters", "preview", "quotes", "--json"))).toMatchObject({
    waiting: 7,
    seen: 7,
    counts: { read: 7, written: 5, duplicate: 1, dead: 1 },
    letters: [{ reason: "not_avro", letters: 1, examples: [{ at: `${tape.name("quotes")}/0/0` }] }],
  });
  expect(await run("dead-letters", "preview", "quotes", "--limit", "2")).toContain("of 7 that wait were looked at");
  expect([await count("public.quote"), await letters("quotes"), await days()]).toEqual([0, 0, before]);
  expect((await tape.land("quotes")).quotes).toMatchObject({ read: 7, written: 5, duplicate: 1, dead: 1 });
  expect(await run("dead-letters", "preview", "quotes")).toContain("nothing waits");
});
