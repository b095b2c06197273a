import { setTimeout } from "node:timers/promises";
import pg from "pg";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { CONSUMERS } from "../../../consumers/all.ts";
import type { EventTopic } from "../../../src/event/schemas.ts";
import { Connection } from "../../../src/table/connection.ts";
import { readLetterRecords } from "../../../src/table/letters/letter-actions.ts";
import { withAdmin } from "../../../src/topic/log-client.ts";
import { verify } from "../../../src/verify/verify.ts";
import { endsOf, environmentOf, groupOf, landBy } from "../../support/landing.ts";
import { ledgerFaults } from "../../support/ledger.ts";
import { bar, idOf, quote, symbol, tick } from "../../support/samples.ts";
import { plainKafka } from "../../support/services/plain-kafka.ts";
import { openTestTape, type TestTape } from "../../support/tape.ts";
import { tradetape } from "../../support/tradetape.ts";

let tape: TestTape;
let published = 0;
const stops: AbortController[] = [];

/** Little in hand, so that a consumer can be behind; looks at the log twice a second. */
const SMALL = {
  fetchPartitionBytesMax: String(64 * 1024),
  landingBufferBytesMax: String(1024 * 1024),
  historyCheckMs: "500",
};

beforeAll(async () => {
  tape = await openTestTape(SMALL);
});
afterEach(() => {
  for (const stop of stops.splice(0)) stop.abort();
});
afterAll(() => tape.stop());

/** Lands until the test ends. @returns how it ended: with nothing, or with what stopped it */
function landing(topic: EventTopic, config = tape.config) {
  const stop = new AbortController();
  stops.push(stop);
  const ended = landBy(config, [topic], { untilCaughtUp: false, stop: stop.signal }).then(
    () => undefined,
    (error: { code: string; message: string }) => error,
  );
  return { stop, ended };
}

/** Ticks of as many symbols, hence of some of the four partitions or of one. */
async function publishTicks(count: number, symbols = 8): Promise<void> {
  const events = Array.from({ length: count }, (_, n) =>
    tick(published + n, { symbol_id: idOf(`symbol ${n % symbols}`) }),
  );
  await tape.publishAll("ticks", events);
  published += count;
}

const count = async (table: string) =>
  (await tape.query<{ n: number }>(`SELECT count(*) AS n FROM public.${table}`))[0]!.n;
const ticksReach = (rows: number) => expect.poll(() => count("market_data_tick")).toBeGreaterThanOrEqual(rows);

const groupId = () => groupOf(tape, "ticks");

describe("Kafka's group offsets, written by another member while the group runs", () => {
  /** Only members may write the offsets of a group that runs; what is written is what the others begin at next. */
  async function writeOffsets(offsetOf: (partition: number) => number, meanwhile: () => Promise<void>): Promise<void> {
    const consumer = plainKafka(tape.config).consumer({ groupId: await groupId() });
    const joined = new Promise<void>((resolve) => consumer.on(consumer.events.GROUP_JOIN, () => resolve()));
    await consumer.connect();
    await consumer.subscribe({ topic: tape.name("ticks"), fromBeginning: true });
    await consumer.run({ autoCommit: false, eachBatchAutoResolve: false, eachBatch: async () => {} });
    await joined;
    const offsets = [0, 1, 2, 3].map((partition) => ({
      topic: tape.name("ticks"),
      partition,
      offset: String(offsetOf(partition)),
    }));
    // A group takes none while its members join again.
    const write = () =>
      consumer.commitOffsets(offsets).then(
        () => true,
        () => false,
      );
    await expect.poll(write).toBe(true);
    await meanwhile();
    await consumer.disconnect();
  }

  test("rewound and advanced, change nothing of what lands", async () => {
    await publishTicks(1000);
    const { stop, ended } = landing("ticks");
    await ticksReach(published);
    // Its own partitions it reads and lands nothing of; they come back with its offsets when it leaves.
    const fates: ((end: number) => number)[] = [() => 0, (end) => end + 20, () => 900_000];
    for (const fate of fates) {
      const ends = await tape.admin((admin) => admin.fetchTopicOffsets(tape.name("ticks")));
      const endOf = (wanted: number) => Number(ends.find(({ partition }) => partition === wanted)!.high);
      await writeOffsets(
        (partition) => fate(endOf(partition)),
        () => publishTicks(1000),
      );
      await ticksReach(published);
    }
    stop.abort();
    expect(await ended).toBeUndefined();
    expect(await count("market_data_tick")).toBe(published);
    const [sums] = await tape.query(
      "SELECT sum(written)::int AS written, sum(duplicate)::int AS duplicate FROM tradetape.landed_batch",
    );
    expect(sums).toEqual({ written: published, duplicate: 0 });
    await tape.land("audit");
    expect(await ledgerFaults(tape)).toEqual([]);
  });
});

describe("a table that somebody has locked for longer than the session", () => {
  async function group() {
    const { groups } = await tape.admin(async (admin) => admin.describeGroups([await groupId()]));
    const { state, members } = groups[0]!;
    return { isComplete: state === "Stable" && members.length === 2, members: members.map((m) => m.memberId).sort() };
  }

  test("stops nobody for good: two members wait, keep their places, and land each event once when it is free", async () => {
    // Longer than a member that sends its heartbeats is ever silent, on a busy machine, too.
    const config = { ...tape.config, sessionTimeoutMs: 12_000 };
    const first = landing("ticks", config);
    const second = landing("ticks", config);
    await publishTicks(500);
    await ticksReach(published);
    await expect.poll(async () => (await group()).isComplete).toBe(true);
    const before = await group();
    const locker = new pg.Client({ connectionString: tape.config.databaseUrl });
    await locker.connect();
    await locker.query("BEGIN");
    await locker.query("LOCK TABLE public.market_data_tick IN ACCESS EXCLUSIVE MODE");
    await publishTicks(2000);
    // Members that don't send heartbeats while they wait are gone by then.
    await setTimeout(1.25 * config.sessionTimeoutMs);
    await locker.query("COMMIT");
    await locker.end();
    await ticksReach(published);
    // Who was thrown out has joined again under another id.
    expect((await group()).members).toEqual(before.members);
    for (const { stop } of [first, second]) stop.abort();
    expect([await first.ended, await second.ended]).toEqual([undefined, undefined]);
    expect(await count("market_data_tick")).toBe(published);
    await tape.land("audit");
    expect(await ledgerFaults(tape)).toEqual([]);
  });
});

describe("transactions of other producers", () => {
  test("committed and aborted, with nothing but markers at the end: all of it lands, lag is 0, verify is good", async () => {
    const producer = plainKafka(tape.config).producer({
      transactionalId: `${tape.name("bars")}.agent`,
      idempotent: true,
      maxInFlightRequests: 1,
    });
    await producer.connect();
    const send = async (numbers: readonly number[], end: "commit" | "abort") => {
      const transaction = await producer.transaction();
      for (const n of numbers) {
        const value = await tape.encode("bars", bar(n));
        await transaction.send({ topic: tape.name("bars"), messages: [{ key: "k", value, partition: 0 }] });
      }
      await transaction[end]();
    };
    await send([1, 2, 3], "commit");
    await send([4, 5], "abort");
    await send([6], "commit");
    const { bars } = await tape.land("bars");
    expect(bars).toMatchObject({ read: 4, written: 4, dead: 0 });
    // A consumer that is at the end gets fetches of nothing but these, which never come to the handler of batches.
    const { stop, ended } = landing("bars");
    await send([7], "commit");
    await expect.poll(() => count("market_data_bar")).toBe(5);
    await send([8, 9], "abort");
    await send([10], "abort");
    await producer.disconnect();
    // 10 records and a marker for each of six transactions, which the broker writes behind its answer.
    const end = 10 + 6;
    await expect.poll(async () => (await endsOf(tape, "bars")).landed).toBe(end);
    stop.abort();
    expect(await ended).toBeUndefined();
    expect((await tape.land("bars")).bars).toMatchObject({ read: 0, dead: 0 });
    const [landed] = await tape.query<{ next: number; holes: number }>(
      `SELECT max(next_offset) AS next, sum(holes)::int AS holes FROM tradetape.landed_batch
       WHERE topic = $1 AND partition = 0`,
      [tape.name("bars")],
    );
    expect(landed).toEqual({ next: end, holes: end - 5 });
    await tape.land("audit");
    expect(await ledgerFaults(tape)).toEqual([]);
    const connection = await Connection.open(tape.config.databaseUrl, { name: "verify", role: "tradetape_reader" });
    const verified = await verify(connection, CONSUMERS, { quiet: true });
    await connection.close();
    expect(verified.problems).toEqual([]);
  });
});

describe("a log that changes under a running consumer", () => {
  const symbols = (name: string, n: number) =>
    Promise.all(
      Array.from({ length: n }, async (_, i) => ({
        value: await tape.encode("symbols", symbol({ symbol_id: idOf(`${name} ${i}`), ticker: `${name}${i}` })),
      })),
    );
  const publishSymbols = async (name: string, n: number) => tape.raw("symbols", await symbols(name, n));

  test("told to take its producers' times: it stops loudly; once mended, what came are letters", async () => {
    const set = (type: string) =>
      withAdmin(tape.client, (admin) => admin.changeSettings(tape.name("quotes"), { "message.timestamp.type": type }));
    const publish = async (n: number) => tape.rawStamped("quotes", await tape.encode("quotes", quote(n)));
    // The broker tells a setting before its log keeps it: quote 0 is published again until it does.
    let again = 0;
    const publishUntil = async (isStamped: boolean) => {
      while ((await publish(0)) !== isStamped) again++;
    };
    const { ended } = landing("quotes");
    await publish(0);
    await expect.poll(() => count("quote")).toBe(1);
    await set("CreateTime");
    expect(await ended).toMatchObject({ code: "topic_misconfigured", next: expect.stringContaining("LogAppendTime") });
    await publishUntil(false);
    const stamped = again;
    await expect(tape.land("quotes")).rejects.toMatchObject({ code: "topic_misconfigured" });
    await set("LogAppendTime");
    await publishUntil(true);
    const unstamped = 1 + again - stamped;
    await publish(1);
    const landed = (await tape.land("quotes")).quotes;
    expect(landed).toMatchObject({ written: 1, dead: unstamped, duplicate: stamped + 1 });
    const letters = await tape.query(
      "SELECT DISTINCT reason, published_at = 'epoch' AS untold FROM tradetape.dead_letter",
    );
    expect(letters).toEqual([{ reason: "producer_time", untold: true }]);
    const connection = await Connection.open(tape.config.databaseUrl, { name: "letters", role: "tradetape_ops" });
    const place = { topic: tape.name("quotes"), partition: 0, rewind: 0 };
    const [record] = await readLetterRecords(connection, place, [1 + stamped], 1000);
    await connection.close();
    // A redrive says that it is as old as the letter, because nothing tells how old the record is.
    expect(record!.publishedAtMs).toBeGreaterThan(Date.UTC(2020, 0));
  });

  test("made again and shorter than what has landed: it stops loudly, and lands nothing of the new one", async () => {
    await publishSymbols("old", 10);
    const { ended } = landing("symbols");
    await expect.poll(() => count("symbol")).toBe(10);
    await tape.remake("symbols");
    await publishSymbols("new", 3);
    const error = await ended;
    // By what it sees first: no topic, another one, or kafkajs's own end.
    expect(["topic_missing", "history_lost", "group_crashed"]).toContain(error?.code);
    expect(await count("symbol")).toBe(10);
    const { code, stdout } = await tradetape(
      ["status", "--json", "--stalled-after", "3600"],
      environmentOf(tape.config),
    );
    const cut = (JSON.parse(stdout) as { topic: string; cut: boolean }[]).filter((row) => row.cut);
    expect([code, cut]).toMatchObject([1, [{ topic: tape.name("symbols"), landed: 10, end: 3, lag: 0 }]]);
  });

  /** As an older version left it, or with brokers that tell neither ids nor epochs. */
  const forgetLog = () =>
    tape.query("UPDATE tradetape.landed_offset SET topic_id = NULL, leader_epoch = NULL WHERE topic = $1", [
      tape.name("symbols"),
    ]);

  test("made again and longer: the next claim knows it by the topic's id or the last record that landed", async () => {
    await publishSymbols("more", 17);
    const byId = await landing("symbols").ended;
    expect(byId).toMatchObject({ code: "history_lost", message: expect.stringContaining("the topic was made again") });
    await forgetLog();
    const byRecord = await landing("symbols").ended;
    expect(byRecord).toMatchObject({ code: "history_lost", message: expect.stringContaining("another record") });
    expect(await count("symbol")).toBe(10);
  });

  test("made again and exactly as long: also a call that finds nothing to land looks whose log it is", async () => {
    await tape.remake("symbols");
    await publishSymbols("same", 10);
    await forgetLog();
    await expect(tape.land("symbols")).rejects.toMatchObject({ code: "history_lost" });
    expect(await count("symbol")).toBe(10);
  });

  test("with records deleted before they were read: it stops, says what it expected and found, and skips nothing", async () => {
    const { ended } = landing("ticks");
    await publishTicks(100, 1);
    await ticksReach(published);
    const landed = published;
    // Nothing lands, and less than what comes is taken in: the consumer is behind.
    const locker = new pg.Client({ connectionString: tape.config.databaseUrl });
    await locker.connect();
    await locker.query("BEGIN");
    await locker.query("SELECT 1 FROM tradetape.landed_offset FOR UPDATE");
    await publishTicks(40_000, 1);
    const waiting = "FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
    await expect.poll(() => tape.query(`SELECT pid ${waiting}`)).not.toEqual([]);
    const topic = tape.name("ticks");
    const [place] = await tape.query<{ partition: number; next: number }>(
      "SELECT partition, next_offset AS next FROM tradetape.landed_offset WHERE topic = $1 ORDER BY next_offset DESC LIMIT 1",
      [topic],
    );
    const { partition, next } = place!;
    const end = String(next + 40_000);
    await tape.admin(async (admin) => {
      await admin.fetchTopicMetadata({ topics: [topic] });
      await admin.deleteTopicRecords({ topic, partitions: [{ partition, offset: end }] });
    });
    await locker.query("COMMIT");
    await locker.end();
    const error = await ended;
    expect(error?.code).toBe("history_lost");
    for (const part of [`${topic}/${partition}`, end]) expect(error!.message).toContain(part);
    const rows = await count("market_data_tick");
    expect(rows).toBeGreaterThanOrEqual(landed);
    expect(rows).toBeLessThan(published);
    const [after] = await tape.query<{ next: number }>(
      "SELECT next_offset AS next FROM tradetape.landed_offset WHERE topic = $1 AND partition = $2",
      [topic, partition],
    );
    // What was being landed has landed, without a gap: nothing, where the group paused between two waits for the lock.
    expect(after!.next - next).toBe(rows - landed);
    expect(error!.message).toContain(String(after!.next));
  });
});
