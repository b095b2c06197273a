/** Which rows of market data `audit verify --tables` names, by what the log still holds. */
import { afterAll, beforeAll, expect, test } from "vitest";
import type { EventTopic } from "../../../src/event/schemas.ts";
import { withAdmin } from "../../../src/topic/log-client.ts";
import type { NamedRows } from "../../../src/verify/rows/row-comparison.ts";
import type { TablesReport } from "../../../src/verify/tables.ts";
import { environmentOf } from "../../support/landing.ts";
import { bar, idOf, NOON, session, tick } from "../../support/samples.ts";
import { assertTestDatabase } from "../../support/services/isolation.ts";
import { openTapeWithSymbol, type TestTape } from "../../support/tape.ts";
import { tradetape } from "../../support/tradetape.ts";
import { tamperedWith, verifiedTables } from "./tampering.ts";

let tape: TestTape;

const TICKS = 40;
const SESSION = idOf("session");
const EARLY = NOON - 86_400_000_000;
const TICK = "public.market_data_tick";
const BAR = "public.market_data_bar";

beforeAll(async () => {
  tape = await openTapeWithSymbol();
  await assertTestDatabase(tape.config.databaseUrl);
  await tape.publish("sessions", session());
  await tape.publish("ticks", tick(200, { timestamp: EARLY }));
  await tape.land();
  const ticks = Array.from({ length: TICKS }, (_, n) => tick(n));
  // Beside them what never became a row: repeats, other content, what is invalid, and what is removed with its session.
  await tape.publishAll("ticks", [...ticks, ticks[1]!, { ...ticks[2]!, close: 5 }]);
  const [landed] = await tape.query<{ partition: number }>(
    "SELECT partition FROM tradetape.landed_batch WHERE topic = $1",
    [tape.name("ticks")],
  );
  await tape.raw("ticks", [{ ...landed, value: await tape.encode("ticks", tick(104, { volume: -1 })) }]);
  await tape.publish("ticks", tick(105, { backtest_session_id: SESSION }));
  for (const [n, close] of [1.5, 1.6, 1.6, 1.7].entries())
    await tape.publish("bars", bar(6, { close, revised_at: NOON + 20 + n, received_at: NOON + n }));
  await tape.publish("bars", bar(6, { close: 1.9, revised_at: NOON + 1 }));
  await tape.land();
  // The command publishes the deletion and waits for it to land: no consumer runs, so it is asked a second time.
  const remove = () => tradetape(["sessions", "delete", SESSION, "--yes", "--wait", "0"], environmentOf(tape.config));
  expect((await remove()).code).toBe(2);
  await tape.land();
  expect((await remove()).code).toBe(0);
  await tape.land();
});
afterAll(() => tape.stop());

const namedIn = ({ sums }: TablesReport, table: string) =>
  sums.find((one) => `public.${one.table}` === table)!.named as NamedRows;
const changesIn = (named: NamedRows) => named.rows.map(({ kind, id, columns }) => [kind, id, columns.join()]);
const is = (n: number) => `market_data_id = '${idOf(`tick ${n}`)}'`;

const TAMPERING = `UPDATE ${TICK} SET close = close + 0.01 WHERE ${is(3)}; UPDATE ${TICK} SET volume = 101 WHERE ${is(4)};
  DELETE FROM ${TICK} WHERE ${is(5)}; INSERT INTO ${TICK}
    SELECT (jsonb_populate_record(t, jsonb_build_object('market_data_id', '${idOf("added")}'))).* FROM ${TICK} t WHERE ${is(6)}`;
const FOUND = [
  ["changed", idOf("tick 3"), "close"],
  ["changed", idOf("tick 4"), "volume"],
  ["removed", idOf("tick 5"), ""],
  ["added", idOf("added"), ""],
];

test.each([undefined, 7, 1])(
  "a changed close and size, a removed and an added row are named, %s at once",
  async (atOnce) => {
    const report = await tamperedWith(tape, TICK, TAMPERING, () => verifiedTables(tape, atOnce));
    const named = namedIn(report, TICK);
    expect(changesIn(named).sort()).toEqual(FOUND.toSorted());
    expect(named).toMatchObject({ differing: 4, gone: [], untold: 0, unsure: [] });
    const topic = tape.name("ticks");
    for (const { kind, place } of named.rows) {
      if (kind === "added") expect(place).toBe(null);
      else expect(place).toMatch(new RegExp(`^${topic}/\\d@\\d+$`));
    }
  },
);

test("a change of what a revision replaced is named, and one that is gone", async () => {
  const revision = `${BAR}_revision`;
  const changed = await tamperedWith(tape, revision, `UPDATE ${revision} SET close = 9 WHERE close = 1.5`, () =>
    verifiedTables(tape),
  );
  expect(changesIn(namedIn(changed, BAR))).toEqual([["changed", idOf("bar 6"), "close"]]);
  const removed = await tamperedWith(tape, revision, `DELETE FROM ${revision} WHERE close = 1.6`, () =>
    verifiedTables(tape),
  );
  expect(changesIn(namedIn(removed, BAR))).toEqual([["removed", idOf("bar 6"), ""]]);
  expect(namedIn(removed, BAR).unsure).toEqual([]);
});

test("only the first ids are listed, and all are counted", async () => {
  const others = `INSERT INTO ${TICK} SELECT (jsonb_populate_record(t, jsonb_build_object('market_data_id', gen_random_uuid()))).*
    FROM ${TICK} t, generate_series(1, 3) WHERE "timestamp" >= '2024-03-05'`;
  const { rows, differing } = namedIn(await tamperedWith(tape, TICK, others, () => verifiedTables(tape)), TICK);
  expect([rows.length, differing]).toEqual([100, 3 * TICKS]);
});

test("the command says the ids, as text and JSON", async () => {
  const env = environmentOf(tape.config);
  const [text, json] = await tamperedWith(tape, TICK, TAMPERING, () =>
    Promise.all([
      tradetape(["audit", "verify", "--tables"], env),
      tradetape(["audit", "verify", "--tables", "--json"], env),
    ]),
  );
  expect([text.code, json.code]).toEqual([1, 1]);
  for (const [kind, id, columns] of FOUND) expect(text.stdout).toMatch(new RegExp(`${id} +${kind} +${columns}`));
  const { tables } = JSON.parse(json.stdout) as { tables: TablesReport };
  expect(changesIn(namedIn(tables, TICK)).sort()).toEqual(FOUND.toSorted());
});

test("where the log can't be read the hours are told, and why there are no ids", async () => {
  const config = { ...tape.config, kafkaBrokers: ["127.0.0.1:1"] };
  const { sums, ok } = await tamperedWith(tape, TICK, TAMPERING, () => verifiedTables({ config }));
  expect([ok, sums[0]!.differing, sums[0]!.named]).toEqual([
    false,
    1,
    { notRead: expect.stringContaining("127.0.0.1:1") },
  ]);
});

/** As retention does. */
async function cutFront(topic: EventTopic): Promise<void> {
  const topicName = tape.name(topic);
  const logs = await withAdmin(tape.client, (admin) => admin.fetchOffsets(topicName));
  const partitions = logs.map(({ partition, high }) => ({ partition, offset: String(high) }));
  await tape.admin(async (admin) => {
    await admin.fetchTopicOffsets(topicName);
    await admin.deleteTopicRecords({ topic: topicName, partitions });
  });
}

test("of offsets that the log no longer holds it says so, and names what came by others", async () => {
  await cutFront("ticks");
  await tape.publish("ticks", tick(300, { timestamp: NOON + 30 }));
  await tape.land();
  const sql = `${TAMPERING}; UPDATE ${TICK} SET close = 1 WHERE ${is(300)}`;
  const named = namedIn(await tamperedWith(tape, TICK, sql, () => verifiedTables(tape)), TICK);
  expect(changesIn(named)).toEqual([["changed", idOf("tick 300"), "close"]]);
  expect(named.gone.length).toBeGreaterThan(0);
  for (const { partition, from, to } of named.gone) {
    expect(partition).toContain("ticks/");
    expect(to).toBeGreaterThan(from);
  }
  expect(named).toMatchObject({ untold: TICKS, unsure: ["2024-03-05T14"] });
});
