import { afterAll, beforeAll, expect, test } from "vitest";
import { environmentOf, landBy } from "../../support/landing.ts";
import { redriveAll } from "../../support/letters.ts";
import { bar, idOf, NOON, performance, SYMBOL_ID, session, tick } from "../../support/samples.ts";
import { micros, openTapeWithSymbol, type TestTape } from "../../support/tape.ts";
import { tradetape } from "../../support/tradetape.ts";

let tape: TestTape;

beforeAll(async () => {
  tape = await openTapeWithSymbol();
});
afterAll(() => tape.stop());

const NOON_MS = NOON / 1000;

test("a time in milliseconds never lands in January 1970: the library refuses it", async () => {
  const refused = {
    code: "input_invalid",
    message: expect.stringContaining("as milliseconds it is 2024-03-05T14:30:00"),
  };
  const calls = [
    tape.publish("ticks", tick(1, { timestamp: NOON_MS })),
    tape.publish("ticks", tick(1, { received_at: NOON_MS })),
    tape.publish("sessions", session({ started_at: NOON_MS })),
    tape.publishAll("performance", [performance(1, { window_start: NOON_MS })]),
    tape
      .agent({ actor: "a", modelVersion: "m", strategyId: idOf("strategy") })
      .predict("1", { symbol_id: SYMBOL_ID, timestamp: NOON_MS }),
  ];
  for (const call of await Promise.allSettled(calls))
    expect(call).toMatchObject({ status: "rejected", reason: refused });
});

test("... `tradetape publish` rejects its line, and publishes the others", async () => {
  const lines = [tick(1, { timestamp: NOON_MS }), tick(2)].map((event) => JSON.stringify(event));
  const ran = await tradetape(["publish", "ticks", "-", "--json"], environmentOf(tape.config), `${lines.join("\n")}\n`);
  expect(ran.code).toBe(1);
  const [result] = ran.stdout.trimEnd().split("\n").slice(-1);
  expect(JSON.parse(result!)).toMatchObject({ sent: 1, rejected: 1 });
  expect(ran.stdout).toContain("as milliseconds it is 2024-03-05T14:30:00");
});

test("... and what another program writes is a letter that says the unit; where it is meant, it lands by a redrive", async () => {
  const values = [tick(3, { timestamp: NOON_MS }), tick(4, { received_at: NOON_MS }), tick(5)];
  for (const event of values) await tape.raw("ticks", [{ value: await tape.encode("ticks", event) }]);
  expect((await tape.land("ticks")).ticks).toMatchObject({ written: 2, dead: 2 });
  const letters = await tape.query(
    `SELECT reason, column_name AS field, detail FROM tradetape.dead_letter ORDER BY "offset"`,
  );
  const detail = expect.stringContaining("as milliseconds it is 2024-03-05T14:30:00");
  expect(letters).toEqual([
    { reason: "time_unit", field: "timestamp", detail },
    { reason: "time_unit", field: "received_at", detail },
  ]);
  expect(await tape.query("SELECT FROM public.market_data WHERE timestamp < '2001-01-01'")).toEqual([]);
  await redriveAll(tape, { topics: [tape.name("ticks")], reason: "time_unit" });
  const [tally] = await landBy({ ...tape.config, early1970: "allow" }, ["ticks"]);
  expect(tally).toMatchObject({ written: 2, dead: 0 });
});

test("events before 1970 land, in their day's partition, to the microsecond", async () => {
  const times = ["1962-01-02T00:00:00Z", "1969-12-31T23:59:59.999999Z", "1684-08-01T00:00:00Z"];
  const events = times.map((timestamp, n) => ({ ...tick(10 + n), timestamp }));
  await tape.publishAll("ticks", events);
  await tape.publish("bars", { ...bar(1), timestamp: times[0]! });
  const tallies = await tape.land("ticks", "bars");
  expect([tallies.ticks, tallies.bars]).toMatchObject([
    { written: 3, dead: 0 },
    { written: 1, dead: 0 },
  ]);
  const rows = await tape.query(
    `SELECT tableoid::regclass::text AS day, ${micros('"timestamp"')} FROM public.market_data WHERE "timestamp" < '1970-01-01'
     ORDER BY "timestamp", 1`,
  );
  const at = (text: string) => BigInt(Date.parse(text)) * 1000n;
  expect(rows).toEqual([
    { day: "market_data_tick_16840801", timestamp: Number(at(times[2]!)) },
    { day: "market_data_bar", timestamp: Number(at(times[0]!)) },
    { day: "market_data_tick_19620102", timestamp: Number(at(times[0]!)) },
    { day: "market_data_tick_19691231", timestamp: -1 },
  ]);
  const partitions = (...args: string[]) =>
    tradetape(["partitions", ...args, "--topic", "ticks", "--json"], environmentOf(tape.config));
  expect(await partitions("create", "1969-12-30", "--until", "1969-12-31")).toMatchObject({ code: 0 });
  const { stdout } = await partitions("list");
  for (const day of ["1684-08-01", "1962-01-02", "1969-12-30", "1969-12-31"]) expect(stdout).toContain(day);
  expect(await tradetape(["verify"], environmentOf(tape.config))).toMatchObject({ code: 0 });
});

test("a time three days ahead of the broker's is refused at the call", async () => {
  await tape.publish("ticks", tick(20));
  const ahead = tick(21, { timestamp: (Date.now() + 3 * 86_400_000) * 1000 });
  await expect(tape.publish("ticks", ahead)).rejects.toMatchObject({
    code: "input_invalid",
    message: expect.stringContaining("more than two days ahead of the broker's time"),
  });
});
