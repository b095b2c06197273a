import { afterAll, beforeAll, expect, test } from "vitest";
import { CONSUMERS } from "../../../consumers/all.ts";
import { acceptLoss } from "../../../src/batch/run/accept-loss.ts";
import { openLandingServices } from "../../../src/batch/run/landing-services.ts";
import { asReader } from "../../../src/cli/services.ts";
import type { EventTopic } from "../../../src/event/schemas.ts";
import { openLog } from "../../../src/log.ts";
import { migrate } from "../../../src/table/migrate.ts";
import { verify } from "../../../src/verify/verify.ts";
import { environmentOf, landBy } from "../../support/landing.ts";
import { ledgerFaults } from "../../support/ledger.ts";
import {
  bar,
  call,
  content,
  decision,
  fill,
  idOf,
  indicator,
  outcome,
  performance,
  prediction,
  quote,
  session,
  symbol,
  tick,
} from "../../support/samples.ts";
import { isolate } from "../../support/services/isolation.ts";
import { openTestTape, type Row, type TestTape } from "../../support/tape.ts";
import { tradetape } from "../../support/tradetape.ts";
import { verifiedTables } from "../audit/tampering.ts";

const ALL = CONSUMERS.map(({ topic }) => topic);
const SESSION = idOf("a session that comes late");
const OF_SESSION = { backtest_session_id: SESSION };

let tape: TestTape;
/** The restored database: an older backup of the tape's own. */
let restored: TestTape["config"];
/** The partitions of ticks and quotes that nothing else comes by. */
const ALONE = 3;

const ask = <R extends Row>(config: TestTape["config"], sql: string, values: readonly unknown[] = []) =>
  asReader(config, "test", (connection) => connection.query<R>(sql, values));

const publish = (topic: EventTopic, ...events: object[]) => tape.publishAll(topic, events as never);
const land = (...topics: EventTopic[]) => landBy(tape.config, topics);

/** Where the log of a partition is to begin from now on. */
async function loseQuotes(): Promise<number> {
  const value = await tape.encode("quotes", quote(50));
  const first = await tape.raw("quotes", [
    { value, partition: ALONE },
    { value, partition: ALONE },
  ]);
  const offset = first.get(ALONE)! + 2;
  const partitions = [{ partition: ALONE, offset: String(offset) }];
  await tape.admin(async (admin) => {
    await admin.fetchTopicOffsets(tape.name("quotes"));
    await admin.deleteTopicRecords({ topic: tape.name("quotes"), partitions });
  });
  return offset;
}

async function accept(config: TestTape["config"], to: number, reason: string): Promise<void> {
  const services = await openLandingServices(config, openLog(config));
  const loss = { topic: "quotes", partition: ALONE, from: 0, to, reason, osUser: "ops" } as const;
  await acceptLoss(services, loss).finally(() => services.close());
}

beforeAll(async () => {
  tape = await openTestTape();
  await publish("symbols", symbol());
  await publish("predictions", prediction(1));
  await publish("decisions", decision(1));
  // Of these, the decisions come behind the backup.
  await publish("fills", fill(1), fill(2));
  await publish("ticks", tick(1), tick(2));
  await publish("quotes", quote(1));
  await publish("bars", bar(1));
  await publish("indicators", indicator(1));
  await land(...ALL);
  await land("audit");
  const { databaseUrl } = await isolate("restored", tape.config.databaseUrl);
  restored = { ...tape.config, databaseUrl };
});
afterAll(() => tape.stop());

/** Raw events of a topic: what a careless writer publishes, or one that chooses partitions by itself. */
async function raw(topic: EventTopic, partition: number, ...events: object[]): Promise<void> {
  const values = await Promise.all(events.map((event) => tape.encode(topic, event)));
  await tape.raw(
    topic,
    values.map((value) => ({ value, partition })),
  );
}

/** What lands behind the backup, batch by batch. @returns where the quotes' log begins that lost some */
async function landTheTail(): Promise<number> {
  // A letter, because its session isn't there; in the restored database a row, of a batch of the same cut.
  await raw("ticks", ALONE, tick(10, OF_SESSION));
  await land("ticks");
  await publish("sessions", session(OF_SESSION));
  await land("sessions");
  // Batches with letters, a repeat and other content of an id; in the restored database they are one batch.
  for (const n of [3, 4, 5]) {
    await raw("ticks", 0, tick(n), tick(n + 100, { volume: -1 }), tick(n), tick(n, { close: 9 }));
    await land("ticks");
  }
  for (const n of [3, 4]) {
    await publish("quotes", quote(n));
    await publish("bars", bar(n), bar(1, { close: 1.5 + n / 10, revised_at: 2_000_000_000_000_000 + n }));
    await publish("indicators", indicator(n));
    await land("quotes", "bars", "indicators");
  }
  // A parked event of the backup is released here, and one that parks here.
  await publish("fills", fill(3));
  await land("fills");
  await publish("predictions", prediction(2), prediction(3));
  await publish("decisions", decision(2), decision(3));
  await land("predictions", "decisions", "fills");
  // Letters of parents that never came; they come later: one is found then, the other is of another session.
  await publish("fills", fill(4), fill(5), fill(1, { executed_price: 7 }));
  await landBy({ ...tape.config, parkDeadlineMs: 1 }, ["decisions", "predictions", "fills"]);
  await publish("predictions", prediction(4), prediction(5, OF_SESSION));
  await publish("decisions", decision(4), decision(5, OF_SESSION));
  await publish("outcomes", outcome(1));
  await publish("calls", call(1));
  await publish("contents", content(1), content(1));
  await publish("performance", performance(1), performance(1, { total_trades: 13, revised_at: 2_000_000_000_000_000 }));
  const begins = await loseQuotes();
  await accept(tape.config, begins, "retention was too short");
  await land(...ALL);
  await land("audit");
  return begins;
}

const LETTERS = "SELECT topic, reason, count(*) AS n FROM tradetape.dead_letter GROUP BY 1, 2 ORDER BY 1, 2";
const lettersIn = async (config: TestTape["config"]) =>
  (await ask<{ topic: string; reason: string; n: number }>(config, LETTERS)).map(
    ({ topic, reason, n }) => `${topic.split(".").at(-1)}: ${n} ${reason}`,
  );
const entriesOf = (type: string) =>
  ask<{ said: string }>(
    restored,
    "SELECT payload ->> 'reason' AS said FROM public.audit_log WHERE event_type = $1 ORDER BY seq",
    [type],
  );

test("a restored backup goes on without a letter about what it tells again, and all checks are good", async () => {
  const begins = await landTheTail();
  const before = await lettersIn(tape.config);
  expect(before).toEqual([
    "fills: 1 conflicting_duplicate",
    "fills: 2 missing_parent",
    "ticks: 3 conflicting_duplicate",
    "ticks: 3 rule_broken",
    "ticks: 1 unknown_session",
  ]);
  await migrate(restored.databaseUrl, "restored");
  await accept(restored, begins, "as before");
  await publish("ticks", tick(6));
  await landBy(restored, ALL);
  await landBy(restored, ["audit"]);

  expect(await lettersIn(restored)).toEqual([
    "fills: 1 conflicting_duplicate",
    "fills: 1 session_mismatch",
    "ticks: 3 conflicting_duplicate",
    "ticks: 3 rule_broken",
  ]);
  expect((await entriesOf("LOSS_ACCEPTED")).map(({ said }) => said)).toEqual(["retention was too short", "as before"]);
  const deadLetters = (await entriesOf("DEAD_LETTER")).map(({ said }) => said);
  expect(deadLetters.toSorted()).toEqual([
    "conflicting_duplicate",
    "missing_parent",
    "missing_parent",
    "session_mismatch",
  ]);
  await expectGood();
});

async function expectGood(): Promise<void> {
  const ofRestored = {
    query: (sql: string, values: readonly unknown[] = []) => ask(restored, sql, values),
    admin: tape.admin,
    name: tape.name,
  } as Parameters<typeof ledgerFaults>[0];
  expect(await ledgerFaults(ofRestored)).toEqual([]);
  const verified = await asReader(restored, "test", (connection) => verify(connection, CONSUMERS, { quiet: true }));
  expect(verified.problems).toEqual([]);
  const { ok, sums, entries } = await verifiedTables({ config: restored });
  expect(entries.flatMap(({ findings }) => findings)).toEqual([]);
  expect(sums.flatMap(({ claims, parts }) => [...claims, ...parts])).toEqual([]);
  expect(ok).toBe(true);
  const again = Object.fromEntries(
    sums.map(({ table, toldAgain, contradicting }) => [table, [toldAgain, contradicting]]),
  );
  // Three batches of ticks that became one, and one that was judged otherwise.
  expect(again).toMatchObject({ market_data_tick: [4, 1] });
  const [named, ...more] = sums.flatMap(({ contradictions }) => contradictions);
  expect([named, more]).toMatchObject([{ partition: `${tape.name("ticks")}/${ALONE}`, from: 0, to: 1 }, []]);
  // It tells of no row, because its event was a letter then.
  const of = "SELECT payload ->> 'written' AS written, source_offset AS at FROM public.audit_log WHERE log_id = $1";
  expect(await ask(restored, of, [named!.logId])).toEqual([{ written: "0", at: 0 }]);
  const { stdout } = await tradetape(["audit", "verify", "--tables"], environmentOf(restored));
  expect(stdout).toMatch(new RegExp(`${named!.logId} +${named!.partition} +0 to 1`));
}
