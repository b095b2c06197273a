import { afterAll, beforeAll, expect, test } from "vitest";
import { CONSUMERS } from "../../../consumers/all.ts";
import { asReader } from "../../../src/cli/services.ts";
import { openLog } from "../../../src/log.ts";
import { inSnapshot } from "../../../src/table/checks/ledger-check.ts";
import { EventLog } from "../../../src/verify/rows/event-log.ts";
import { verifyTopics } from "../../../src/verify/topics/topics.ts";
import { environmentOf, landBy } from "../../support/landing.ts";
import { replayInto } from "../../support/replay.ts";
import { bar, fill, idOf, NOON, prediction, quote, session, symbol, tick } from "../../support/samples.ts";
import { openTapeWithSymbol, type TestTape } from "../../support/tape.ts";
import { tradetape } from "../../support/tradetape.ts";

/** What ordinary work leaves in a database is no finding: repeats, revisions, letters, what was filtered, removed or lost. */
let tape: TestTape;
let env: NodeJS.ProcessEnv;
const DAY_US = 86_400_000_000;
const DELETED = idOf("deleted");
const ALL = CONSUMERS.map(({ topic }) => topic);

beforeAll(async () => {
  tape = await openTapeWithSymbol();
  env = environmentOf(tape.config);
  await tape.publish("sessions", session());
  await tape.publish("sessions", session({ backtest_session_id: DELETED }));
  const own = { backtest_session_id: idOf("session") };
  const gone = { backtest_session_id: DELETED };
  await tape.publishAll("ticks", [tick(1), tick(2, gone), tick(3, own), tick(4, { timestamp: NOON - 9 * DAY_US })]);
  await tape.publishAll("ticks", [tick(1), tick(1, { close: 1 }), tick(3, own)]);
  await tape.raw("ticks", [{ value: null }, { value: Buffer.from("no event") }]);
  await tape.publishAll("quotes", [quote(1), quote(1), quote(2, gone)]);
  await tape.publishAll("bars", [bar(1), bar(1, { volume: 7, revised_at: NOON + DAY_US }), bar(1)]);
  await tape.publish("symbols", symbol({ exchange: "X", revised_at: Date.now() * 1000 }));
  await tape.publishAll("predictions", [prediction(1), prediction(1), prediction(2, gone)]);
  await tape.publish("predictions", prediction(3, { symbol_id: idOf("late") }));
  await tape.publish("predictions", prediction(4, { ...gone, symbol_id: idOf("never") }));
  await tape.publish("fills", fill(1));
  await tape.land();
  await tape.publish("symbols", symbol({ symbol_id: idOf("late"), ticker: "LATE" }));
  await tape.land();
  await tape.publish("sessions", session({ backtest_session_id: DELETED, status: "deleted" }));
  await tape.land("sessions");
  await runs(["sessions", "delete", DELETED, "--yes"]);
  await runs([
    "partitions",
    "drop",
    "--topic",
    "ticks",
    "--before",
    new Date(NOON / 1000 - 86_400_000).toISOString().slice(0, 10),
    "--yes",
  ]);
  await runs(["dead-letters", "discard", "--topic", "ticks", "--reason-text", "a test's", "--yes"]);
  await tape.publishAll("ticks", [tick(5, gone), tick(6, { timestamp: NOON - 9 * DAY_US }), tick(7)]);
  await tape.land();
  await tape.land("audit");
});
afterAll(() => tape.stop());

async function runs(command: readonly string[]): Promise<void> {
  const { code, stderr } = await tradetape(command, env);
  expect({ code, stderr }, command.join(" ")).toMatchObject({ code: 0 });
}

/** Deletes what a log has below an offset. */
const cut = (topic: string, partition: number, offset: number) =>
  tape.admin(async (admin) => {
    await admin.fetchTopicOffsets(topic);
    await admin.deleteTopicRecords({ topic, partitions: [{ partition, offset: String(offset) }] });
  });

const verified = ({ config }: Pick<TestTape, "config">) =>
  asReader(config, "test", (connection) =>
    inSnapshot(connection, () =>
      verifyTopics(connection, CONSUMERS, new EventLog(config, openLog({ logLevel: "silent" }))),
    ),
  );
const GOOD = { ok: true, findings: [], notProvable: 0, missing: [] };
const entriesOf = async ({ query }: TestTape) => (await query("SELECT count(*) AS entries FROM public.audit_log"))[0]!;

test("nothing is found, and every entry is held against the topic", async () => {
  expect(await verified(tape)).toEqual({ ...GOOD, ...(await entriesOf(tape)) });
});

test("nothing is found in what replays made of the topics, of all and of a part", async () => {
  const whole = await tape.beside("whole");
  expect(await replayInto(tape, whole.config.databaseUrl)).toMatchObject({ ok: true });
  await whole.land("audit");
  expect(await verified(whole)).toEqual({ ...GOOD, ...(await entriesOf(whole)) });
  await whole.stop();
  const part = await tape.beside("part");
  await replayInto(tape, part.config.databaseUrl, { sessions: { only: idOf("session") }, topics: ["ticks"] });
  expect(await verified(part)).toMatchObject({ ok: true, findings: [] });
  await part.stop();
});

test("what a consumer is told not to serve is no finding for who is told so, too", async () => {
  const live = await tape.beside("live");
  const config = { ...live.config, sessionKinds: ["live" as const] };
  await landBy(config, ALL);
  await landBy(config, ["audit"]);
  expect(await verified({ config })).toMatchObject({ ok: true, findings: [] });
  const { ok } = await verified(live);
  expect(ok).toBe(false);
  await live.stop();
});

test("topics that can't be read are said not to be", async () => {
  const config = { ...tape.config, kafkaBrokers: undefined };
  expect(await verified({ config } as never)).toEqual({ ok: true, notRead: expect.stringContaining("KAFKA_BROKERS") });
});

test("a loss of what the log no longer has is no finding, and its entry is the deed of the login", async () => {
  const topic = tape.name("quotes");
  const at = await tape.raw("quotes", [{ value: await tape.encode("quotes", quote(9)), partition: 1 }]);
  const [from, to] = [at.get(1)!, at.get(1)! + 1];
  await cut(topic, 1, to);
  await runs([
    "consume",
    "quotes",
    "--until-caught-up",
    "--accept-loss",
    `quotes/1:${from}..${to}`,
    "--reason",
    "a test's",
  ]);
  await tape.land("audit");
  const [entry] = await tape.query(
    `SELECT actor = session_user AS own, payload ->> 'reason' AS reason, (payload ->> 'lost')::int AS lost FROM public.audit_log
     WHERE event_type = 'LOSS_ACCEPTED'`,
  );
  expect(entry).toEqual({ own: true, reason: "a test's", lost: 1 });
  expect(await verified(tape)).toMatchObject(GOOD);
});

test("of an audit topic that lost its beginning, what came before isn't provable, and what came behind is", async () => {
  const topic = tape.name("audit");
  const { entries } = (await entriesOf(tape)) as { entries: number };
  await tape.publish("predictions", prediction(20));
  const [standing] = await tape.query<{ next: number }>(
    "SELECT next_offset AS next FROM tradetape.landed_offset WHERE topic = $1",
    [topic],
  );
  await cut(topic, 0, standing!.next);
  await tape.land("predictions");
  await tape.land("audit");
  expect(await verified(tape)).toMatchObject({ ok: true, findings: [], entries: 1, notProvable: entries });
  await tape.queryAs(
    "tradetape_lander",
    `SELECT tradetape.link_entries(ARRAY[gen_random_uuid()], ARRAY[now()], '{TRADE_DECISION}', '{ceo}', '{"{}"}', '{true}',
       ARRAY[NULL::uuid], '{NULL}', '{NULL}', ARRAY[NULL::int], ARRAY[NULL::bigint], '{NULL}')`,
  );
  expect(await verified(tape)).toMatchObject({
    ok: false,
    findings: [{ subject: "audit_log", detail: expect.stringMatching(/^1 entries that no audit topic has/) }],
  });
});
