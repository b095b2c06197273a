import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { landBy } from "../../support/landing.ts";
import { ledgerFaults } from "../../support/ledger.ts";
import { replayInto } from "../../support/replay.ts";
import { decision, fill, idOf, prediction, session, symbol, tick } from "../../support/samples.ts";
import { openTestTape, type TestTape } from "../../support/tape.ts";

let tape: TestTape;
/** Between the runs, by the broker's clock. */
let middle: string;
let end: string;
const BACKTEST = idOf("a backtest");
const NONE = idOf("never published");

/** A moment that the broker's clock has passed when the call begins, and nothing is published before it ends. */
async function moment(): Promise<string> {
  await sleep(50);
  const now = new Date().toISOString();
  await sleep(50);
  return now;
}

beforeAll(async () => {
  tape = await openTestTape();
  await tape.publish("symbols", symbol());
  await tape.publishAll(
    "ticks",
    [0, 1, 2].map((n) => tick(n)),
  );
  await tape.publish("predictions", prediction(0));
  middle = await moment();
  await tape.publish("sessions", session({ backtest_session_id: BACKTEST }));
  const own = { backtest_session_id: BACKTEST };
  await tape.publishAll("ticks", [tick(3), tick(4, own), tick(5, own), tick(0)]);
  await tape.publish("predictions", prediction(1, own));
  await tape.publishAll("decisions", [decision(0), decision(1, own), decision(2, { model_reference: NONE })]);
  await tape.publishAll("fills", [fill(0), fill(1, own), fill(2)]);
  await tape.raw("ticks", [{ value: Buffer.from("no event") }]);
  end = await moment();
  await tape.publishAll("ticks", [tick(6)]);
});
afterAll(() => tape.stop());

const ids = async (of: TestTape, table: string, key: string) =>
  (await of.query<{ id: string }>(`SELECT ${key} AS id FROM public.${table} ORDER BY "timestamp"`)).map(({ id }) => id);
const idsOf = (kind: string, ...numbers: number[]) => numbers.map((n) => idOf(`${kind} ${n}`));

test("a whole replay makes letters of what has no parent in the end, and of its children", async () => {
  const target = await tape.beside("orphans");
  const result = await replayInto(tape, target.config.databaseUrl);
  expect(result).toMatchObject({ ok: true, whole: true, missingParent: 2, outsideWindow: 0 });
  const letters = await target.query(
    "SELECT topic, detail FROM tradetape.dead_letter WHERE reason = 'missing_parent' ORDER BY topic",
  );
  expect(letters).toEqual([
    { topic: tape.name("decisions"), detail: expect.stringContaining(NONE) },
    { topic: tape.name("fills"), detail: expect.stringContaining(idOf("decision 2")) },
  ]);
  expect(await ids(target, "trade_execution", "execution_id")).toEqual(idsOf("fill", 0, 1));
  expect(await ledgerFaults(target)).toEqual([]);
  await target.stop();
});

test("a window lands exactly the records of its time, and filters children whose parents lie outside", async () => {
  const target = await tape.beside("window");
  const result = await replayInto(tape, target.config.databaseUrl, { from: middle, until: end });
  expect(result).toMatchObject({ ok: true, whole: false, missingParent: 0, outsideWindow: 4 });
  expect(await ids(target, "tick", "market_data_id")).toEqual(idsOf("tick", 0, 3, 4, 5));
  // The prediction of decision 0 was published before the window, that of decision 2 never.
  expect(await ids(target, "trade_decision", "decision_id")).toEqual(idsOf("decision", 1));
  expect(await ids(target, "trade_execution", "execution_id")).toEqual(idsOf("fill", 1));
  expect(await target.query("SELECT reason FROM tradetape.dead_letter")).toEqual([{ reason: "not_avro" }]);
  expect(await ledgerFaults(target)).toEqual([]);
  // What it left out must not be passed over by live consumers; topics that it didn't read are none of its business.
  await expect(landBy(target.config, ["ticks"])).rejects.toMatchObject({ code: "replay_partial" });
  const again = [{ from: middle, until: end }, { add: true }, { topics: ["fills"], until: end, add: true }] as const;
  for (const flags of again) {
    await expect(replayInto(tape, target.config.databaseUrl, flags)).rejects.toMatchObject({ code: "replay_refused" });
  }
  await target.stop();
});

test("offsets bound the partitions that they name; topics bound the rest", async () => {
  const target = await tape.beside("offsets");
  const [place] = await tape.admin(async (admin) =>
    (await admin.fetchTopicOffsets(tape.name("ticks"))).filter(({ high }) => Number(high) > 4),
  );
  const at = `ticks/${place!.partition}`;
  const flags = { topics: ["ticks"] as const, from: `${at}:1`, until: `${at}:3` };
  const result = await replayInto(tape, target.config.databaseUrl, flags);
  expect(result?.topics.map(({ topic, read }) => [topic, read])).toEqual([
    ["symbols", 1],
    ["sessions", 1],
    ["ticks", place!.partition === 0 ? 2 : 3],
  ]);
  expect(await ids(target, "tick", "market_data_id")).toEqual(idsOf("tick", 1, 2));
  const strange = replayInto(tape, target.config.databaseUrl, { add: true, from: "fills/99:1" });
  await expect(strange).rejects.toMatchObject({ code: "input_invalid" });
  for (const [from, until] of [
    [end, middle],
    [`${at}:3`, `${at}:1`],
  ] as const) {
    const backwards = replayInto(tape, target.config.databaseUrl, { add: true, from, until });
    await expect(backwards).rejects.toMatchObject({ code: "input_invalid" });
  }
  await target.stop();
});

test.each([
  { sessions: { only: BACKTEST }, others: "none" as const, ticks: [4, 5], decisions: [1] },
  { sessions: "none" as const, others: "all" as const, ticks: [0, 1, 2, 3, 6], decisions: [0] },
])("a replay of the events of $sessions lands these only, and the others not afterwards", async (part) => {
  const { sessions, others, ticks, decisions } = part;
  const target = await tape.beside(`session ${ticks.length}`);
  const result = await replayInto(tape, target.config.databaseUrl, { sessions });
  expect(result).toMatchObject({ ok: true, whole: false });
  expect(await ids(target, "tick", "market_data_id")).toEqual(idsOf("tick", ...ticks));
  expect(await ids(target, "trade_decision", "decision_id")).toEqual(idsOf("decision", ...decisions));
  expect(await ledgerFaults(target)).toEqual([]);
  const rest = replayInto(tape, target.config.databaseUrl, { sessions: others, topics: ["ticks"], add: true });
  await expect(rest).rejects.toMatchObject({
    code: "replay_refused",
    message: expect.stringContaining("left records"),
  });
  await target.stop();
});

test("a database that holds rows is refused, unless they are to be added to; a gap is refused even then", async () => {
  const target = await tape.beside("used");
  await landBy(target.config, ["symbols"]);
  const url = target.config.databaseUrl;
  await expect(replayInto(tape, url)).rejects.toMatchObject({ code: "replay_refused" });
  expect(await replayInto(tape, url, { topics: ["ticks"], until: "ticks/1:2", add: true })).toMatchObject({ ok: true });
  const gap = replayInto(tape, url, { topics: ["ticks"], from: "ticks/1:5", add: true });
  await expect(gap).rejects.toMatchObject({ code: "replay_refused", message: expect.stringContaining("ticks/1") });
  expect(await replayInto(tape, url, { add: true })).toMatchObject({ ok: true, whole: true });
  expect(await ids(target, "tick", "market_data_id")).toEqual(idsOf("tick", 0, 1, 2, 3, 4, 5, 6));
  expect(await ledgerFaults(target)).toEqual([]);
  await target.stop();
});
