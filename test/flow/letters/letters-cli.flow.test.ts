import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { environmentOf } from "../../support/landing.ts";
import { ledgerFaults } from "../../support/ledger.ts";
import { decision, fill, idOf, symbol, tick } from "../../support/samples.ts";
import { openTestTape, type Row, type TestTape } from "../../support/tape.ts";
import { tradetape } from "../../support/tradetape.ts";

let tape: TestTape;
let env: NodeJS.ProcessEnv;
/** A tick that ends after its first byte. Other files' schemas have the small ids, and may be wrong in another way. */
let cut: Buffer;

beforeAll(async () => {
  tape = await openTestTape();
  env = environmentOf(tape.config);
  // Parked before its symbol has come, which `parked` must not go on to call missing.
  await tape.publish("fills", fill(1));
  await tape.land("fills");
  await tape.publish("symbols", symbol());
  const wrong = await tape.encode("ticks", tick(1, { close: Number.NaN, source: "s\u001b[31m" }));
  const early = await tape.encode("ticks", tick(2, { timestamp: 6.2e18 / 1000 }));
  const refused = await tape.encode("ticks", tick(3, { volume: -1 }));
  cut = refused.subarray(0, 6);
  await tape.raw("ticks", [
    { value: wrong, key: "k\u0007", headers: { note: "by hand" } },
    { value: early },
    { value: cut },
    { value: null },
    { value: refused },
    { value: refused },
  ]);
  await tape.publish("ticks", tick(4));
  await tape.publish("decisions", decision(2, { model_reference: null, symbol_id: idOf("another") }));
  await tape.land();
});
afterAll(() => tape.stop());

async function json<T>(...args: string[]): Promise<T> {
  const { code, stdout, stderr } = await tradetape([...args, "--json"], env);
  expect([code, stderr]).toEqual([0, ""]);
  return JSON.parse(stdout) as T;
}
const letterOf = (offset: number) => `ticks/0/${offset}`;
const open = () => tape.query("SELECT FROM tradetape.dead_letter WHERE state = 'open'");

describe("dead-letters list", () => {
  test("groups open letters by topic and reason, with an example of each", async () => {
    const groups = await json<Row[]>("dead-letters", "list");
    expect(groups.map(({ reason, letters }) => [reason, letters])).toEqual([
      ["rule_broken", 2],
      ["invalid", 1],
      ["null_value", 1],
      ["time_out_of_range", 1],
      ["undecodable", 1],
    ]);
    const name = tape.name("ticks");
    expect(groups[0]).toMatchObject({ topic: name, example: `${name}/0/4` });
    expect(Date.parse(String(groups[0]!.firstAt))).toBeLessThanOrEqual(Date.parse(String(groups[0]!.lastAt)));
    expect(await json("dead-letters", "list", "--reason", "invalid", "--topic", name)).toHaveLength(1);
    expect(await json("dead-letters", "list", "--topic", "bars")).toEqual([]);
    expect(await json("dead-letters", "list", "--since", "2120-01-01")).toEqual([]);
    const { stdout } = await tradetape(["dead-letters", "list"], env);
    expect(stdout).toContain("6 letters");
  });

  test("refuses a reason, a topic or a time that can't be, and says what can", async () => {
    for (const flags of [
      ["--reason", "bad"],
      ["--topic", "tocks"],
      ["--since", "yesterday"],
    ]) {
      const { code, stderr } = await tradetape(["dead-letters", "list", ...flags], env);
      expect([code, stderr]).toEqual([2, expect.stringContaining("It can be:")]);
    }
  });
});

describe("dead-letters show", () => {
  test("tells coordinates, error, key, headers, and the event with the wrong field marked", async () => {
    const { code, stdout } = await tradetape(["dead-letters", "show", letterOf(0)], env);
    expect(code).toBe(0);
    expect(stdout).toMatch(/reason +invalid/);
    expect(stdout).toMatch(/header note +by hand/);
    expect(stdout).toMatch(/state +open/);
    expect(stdout).toMatch(/> close +NaN/);
    expect(stdout).toMatch(/ {2}source +s\\x1b\[31m/);
    expect(stdout).toMatch(/key +0x6b07/);
  });

  test("shows a time that no calendar has, and SQLSTATE where PostgreSQL refused", async () => {
    expect((await tradetape(["dead-letters", "show", letterOf(1)], env)).stdout).toMatch(
      /> timestamp +6200000000000000/,
    );
    expect(await json("dead-letters", "show", letterOf(4))).toMatchObject({
      reason: "rule_broken",
      sqlstate: "23514",
      event: { volume: -1, market_data_id: tick(3).market_data_id },
    });
  });

  test("gives the bytes where the event can't be read, and says so when only the registry is away", async () => {
    expect(await json("dead-letters", "show", letterOf(2))).toMatchObject({
      valueHex: cut.toString("hex"),
      valueBytes: 6,
    });
    expect(await json("dead-letters", "show", letterOf(3))).toMatchObject({ valueHex: null, valueBytes: null });
    const away = { ...env, SCHEMA_REGISTRY_URL: "http://127.0.0.1:1/" };
    const { code, stdout } = await tradetape(["dead-letters", "show", letterOf(4)], away);
    expect(code).toBe(0);
    expect(stdout).toContain("the registry that has its schema is away");
    expect(stdout).toMatch(/its \d+ bytes: 00/);
  });

  test("says what isn't a letter", async () => {
    for (const place of [letterOf(6), "ticks/0", "tocks/0/1"]) {
      expect((await tradetape(["dead-letters", "show", place], env)).code).toBe(2);
    }
  });
});

describe("dead-letters redrive", () => {
  test("without --yes says what it would send, and sends nothing", async () => {
    const end = () => tape.admin((admin) => admin.fetchTopicOffsets(tape.name("ticks")));
    const before = await end();
    expect(await json("dead-letters", "redrive", "--reason", "rule_broken", "--limit", "1")).toMatchObject({
      dryRun: true,
      wouldSend: 1,
      letters: [{ topic: tape.name("ticks"), partition: 0, reason: "rule_broken", letters: 2 }],
    });
    expect(await end()).toEqual(before);
    expect(await open()).toHaveLength(6);
  });

  test("with --yes sends, waits for the consumers, tells what came of it, and is in the audit log", async () => {
    await tape.query("ALTER TABLE public.market_data DROP CONSTRAINT volume_not_negative");
    const stop = new AbortController();
    const consuming = tape.landWith(["ticks", "audit"], { untilCaughtUp: false, stop: stop.signal });
    const { code, stdout } = await tradetape(["dead-letters", "redrive", "--yes", "--wait", "600", "--json"], env);
    // Four of six are as wrong as they were.
    expect(code).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({
      dryRun: false,
      sent: 6,
      died: { invalid: 1, null_value: 1, time_out_of_range: 1, undecodable: 1 },
      onTheWay: 0,
    });
    const told = () =>
      tape.query<Row & { payload: Row }>("SELECT * FROM public.audit_log WHERE event_type = 'REDRIVE'");
    await expect.poll(told).not.toEqual([]);
    const [entry] = await told();
    expect(entry).toMatchObject({ source_topic: tape.name("ticks"), source_partition: 0, source_offset: 0 });
    expect(entry!.payload).toMatchObject({ letters: 6, offsets: [0, 1, 2, 3, 4, 5], reasons: { rule_broken: 2 } });
    expect(String(entry!.actor)).not.toBe("");
    stop.abort();
    await consuming;
    expect(await tape.query("SELECT FROM public.tick WHERE size = -1")).toHaveLength(1);
  });
});

describe("dead-letters discard", () => {
  test("wants a reason, and without --yes changes nothing", async () => {
    expect((await tradetape(["dead-letters", "discard", "--yes"], env)).code).toBe(2);
    expect((await tradetape(["dead-letters", "discard", "--reason-text", " ", "--yes"], env)).code).toBe(2);
    const before = (await open()).length;
    const dry = await json("dead-letters", "discard", "--reason-text", "a test");
    expect(dry).toMatchObject({ dryRun: true, wouldDiscard: before });
    expect(await open()).toHaveLength(before);
  });

  test("gives letters up without deleting them, and a consumer that has nothing to land tells the audit log", async () => {
    const all = () => tape.query("SELECT FROM tradetape.dead_letter");
    const before = await all();
    const stillOpen = (await open()).length - 1;
    const stop = new AbortController();
    const consuming = tape.landWith(["ticks", "audit"], { untilCaughtUp: false, stop: stop.signal });
    // Its group has its partitions, and has published what was left: from here on nothing but a look can find more.
    await tape.publish("ticks", tick(50));
    await expect.poll(() => tape.query("SELECT FROM public.tick WHERE trade_id = 't50'")).toHaveLength(1);
    await expect.poll(() => tape.query("SELECT FROM tradetape.outbox")).toEqual([]);
    const flags = ["--reason", "null_value", "--reason-text", "a test feed"];
    expect(await json("dead-letters", "discard", ...flags, "--yes")).toMatchObject({ discarded: 1 });
    const told = () =>
      tape.query<Row & { payload: Row }>("SELECT * FROM public.audit_log WHERE event_type = 'DISCARD'");
    await expect.poll(told).not.toEqual([]);
    expect((await told())[0]!.payload).toMatchObject({
      note: "a test feed",
      letters: 1,
      filter: { reason: "null_value" },
    });
    stop.abort();
    await consuming;
    expect(await all()).toHaveLength(before.length);
    expect(await open()).toHaveLength(stillOpen);
    const groups = await json<Row[]>("dead-letters", "list", "--all", "--reason", "null_value");
    expect(groups).toMatchObject([{ open: 0, discarded: 1 }]);
  });

  test("leaves everything as `verify` wants it", async () => {
    await tape.land();
    expect(await ledgerFaults(tape)).toEqual([]);
    expect(await json("verify", "--quiet")).toMatchObject({ ok: true });
  });
});

test("parked tells by topic and missing parent how many wait, since when, and for what", async () => {
  const { events, groups } = await json<{ events: number; groups: Row[] }>("parked");
  expect(events).toBe(2);
  expect(groups.map(({ topic, missing, events }) => [topic, missing, events])).toEqual([
    [tape.name("decisions"), "symbol_id", 1],
    [tape.name("fills"), "decision_id", 1],
  ]);
  expect(groups[1]).toMatchObject({ eventId: idOf("fill 1"), parentId: idOf("decision 1") });
  const { stdout } = await tradetape(["parked", "--topic", "fills"], env);
  expect(stdout).toContain("1 events are parked");
  expect((await tradetape(["parked", "--topic", "bars"], env)).stdout).toBe("nothing is parked\n");
});
