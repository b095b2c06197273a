import pg from "pg";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { environmentOf, landBy } from "../../support/landing.ts";
import { ledgerFaults } from "../../support/ledger.ts";
import { idOf, prediction, symbol, tick } from "../../support/samples.ts";
import { type Deed, type Moment, type PgProxy, startPgProxy } from "../../support/services/pg-proxy.ts";
import { openTestTape, type TestTape } from "../../support/tape.ts";
import { type Running, startTradetape } from "../../support/tradetape.ts";

let tape: TestTape;
let proxy: PgProxy;
let published = 0;
let child: Running | undefined;

beforeAll(async () => {
  // Whoever comes behind a process that is gone waits for so long.
  tape = await openTestTape({ sessionTimeoutMs: "6000" });
  proxy = await startPgProxy(tape.config.databaseUrl);
  await tape.publish("symbols", symbol());
  await tape.land("symbols", "audit");
});
afterEach(async () => {
  child?.process.kill("SIGKILL");
  await child?.ended;
  child = undefined;
});
afterAll(async () => {
  await proxy.close();
  await tape.stop();
});

const TOPICS = { ticks: "market_data_tick", predictions: "model_prediction" } as const;
type Topic = keyof typeof TOPICS;
const EVENTS = 20;

/** All of one symbol, hence of one partition, and one batch. */
async function publish(topic: Topic): Promise<void> {
  const numbers = Array.from({ length: EVENTS }, () => published++);
  if (topic === "ticks")
    await tape.publishAll(
      topic,
      numbers.map((n) => tick(n)),
    );
  else
    await tape.publishAll(
      topic,
      numbers.map((n) => prediction(n)),
    );
}

const rowsOf = async (topic: Topic) =>
  (await tape.query<{ n: number }>(`SELECT count(*) AS n FROM public.${TOPICS[topic]}`))[0]!.n;

/** Rows, ledger and audit trail, after everything has been told. */
async function expectLandedOnce(topic: Topic, rows: number): Promise<void> {
  expect(await rowsOf(topic)).toBe(rows);
  await tape.land("audit");
  expect(await ledgerFaults(tape)).toEqual([]);
  const audited = await tape.query<{ n: number }>(
    "SELECT count(*) AS n FROM public.audit_log WHERE source_topic = $1",
    [tape.name(topic)],
  );
  const receipts = await tape.query<{ n: number }>(
    "SELECT count(*) AS n FROM tradetape.landed_batch WHERE topic = $1",
    [tape.name(topic)],
  );
  expect(audited[0]!.n).toBe(topic === "ticks" ? receipts[0]!.n : rows);
}

describe("a connection to PostgreSQL that is cut", () => {
  const moments: readonly (readonly [what: string, moment: Moment])[] = [
    ["in the middle of COPY's data", "between rows"],
    ["when all of COPY's data have been sent", "copy done"],
    ["before the COMMIT reaches the server", "commit asked"],
    ["when the COMMIT is on its way", "commit sent"],
    ["when the server has committed, before anybody hears of it", "commit answered"],
  ];
  const topics: readonly Topic[] = ["ticks", "predictions"];

  test.each(moments.flatMap(([what, moment]) => topics.map((topic) => [what, topic, moment] as const)))(
    "%s lands every event of %s once, and the ledger says so",
    async (_, topic, moment) => {
      const before = await rowsOf(topic);
      await publish(topic);
      const done = proxy.arm(moment, "cut");
      const landing = landBy({ ...tape.config, databaseUrl: proxy.url }, [topic]);
      await Promise.race([done, landing.then(() => Promise.reject(new Error("it was never cut")))]);
      const [tally] = await landing;
      // A commit that nobody heard of is found in the ledger, not counted again.
      expect(tally).toMatchObject({ read: EVENTS, written: EVENTS, dead: 0, duplicate: 0, parked: 0 });
      await expectLandedOnce(topic, before + EVENTS);
    },
  );
});

test("a release of parked events whose COMMIT nobody heard of is counted as the ledger has it", async () => {
  const before = await rowsOf("predictions");
  const late = symbol({ symbol_id: idOf("late"), ticker: "LATE" });
  await tape.publish("predictions", prediction(published++, { symbol_id: late.symbol_id }));
  await tape.land("predictions");
  await tape.publish("symbols", late);
  await tape.land("symbols");
  const done = proxy.arm("commit answered", "cut");
  const [tally] = await landBy({ ...tape.config, databaseUrl: proxy.url }, ["predictions"]);
  await done;
  expect(tally).toMatchObject({ read: 0, written: 1, parked: -1 });
  await expectLandedOnce("predictions", before + 1);
});

/** Starts `consume` in a process of its own, through the proxy, and waits until it is held at that moment. */
async function holdChild(topic: Topic, moment: Moment, deed: Deed = "hold"): Promise<Running> {
  const done = proxy.arm(moment, deed);
  child = startTradetape(
    ["consume", topic],
    environmentOf({ ...tape.config, logLevel: "warn", databaseUrl: proxy.url }),
  );
  await Promise.race([
    done,
    child.ended.then(({ stderr }) => {
      throw new Error(`it ended before it was held:\n${stderr}`);
    }),
  ]);
  return child;
}

async function connectAs(name: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: tape.config.databaseUrl, application_name: name });
  client.on("error", () => {});
  await client.connect();
  return client;
}

const sessionsLike = async (pattern: string) =>
  (
    await tape.query<{ n: number }>(
      "SELECT count(*) AS n FROM pg_stat_activity WHERE datname = current_database() AND application_name LIKE $1",
      [pattern],
    )
  )[0]!.n;

test("a COMMIT that isn't answered is logged, and lands once it is", async () => {
  const before = await rowsOf("ticks");
  await publish("ticks");
  const waiting = await holdChild("ticks", "commit sent");
  await waiting.says("PostgreSQL hasn't answered COMMIT");
  proxy.release();
  await expect.poll(() => rowsOf("ticks")).toBe(before + EVENTS);
  waiting.process.kill("SIGTERM");
  expect((await waiting.ended).code).toBe(0);
  await expectLandedOnce("ticks", before + EVENTS);
});

describe("an owner that holds a partition's lock and is gone", () => {
  test("frozen between COPY and COMMIT beyond its session: the next takes over, and awake again it lands nothing", async () => {
    const before = await rowsOf("ticks");
    await publish("ticks");
    const zombie = await holdChild("ticks", "commit asked");
    zombie.process.kill("SIGSTOP");
    // More than what the frozen one has in hand: should it write its own next offset, it would set the partition back.
    await publish("ticks");
    await tape.land("ticks");
    expect(await rowsOf("ticks")).toBe(before + 2 * EVENTS);
    const [ended] = await tape.query<{ next: number }>(
      "SELECT max(next_offset) AS next FROM tradetape.landed_offset WHERE topic = $1",
      [tape.name("ticks")],
    );
    zombie.process.kill("SIGCONT");
    proxy.release();
    // It finds its session ended, asks again where the partition stands, and drops what it had in hand.
    await publish("ticks");
    await expect.poll(() => rowsOf("ticks")).toBe(before + 3 * EVENTS);
    const [now] = await tape.query<{ next: number }>(
      "SELECT max(next_offset) AS next FROM tradetape.landed_offset WHERE topic = $1",
      [tape.name("ticks")],
    );
    expect(now!.next).toBe(ended!.next + EVENTS);
    zombie.process.kill("SIGTERM");
    expect((await zombie.ended).code).toBe(0);
    await expectLandedOnce("ticks", before + 3 * EVENTS);
  });

  test("cut off half-open in the middle of its COPY: its session is ended, and those of other programs are not", async () => {
    const before = await rowsOf("ticks");
    await publish("ticks");
    const gone = await holdChild("ticks", "between rows");
    gone.process.kill("SIGKILL");
    await gone.ended;
    // The server sees the end of the other ones in a moment, and not of the one that it can't hear of.
    await expect.poll(() => sessionsLike("tradetape/%landing%")).toBe(1);
    const idle = await connectAs("tradetape/00000000 somebody");
    await idle.query("BEGIN");
    await idle.query("SELECT count(*) FROM tradetape.landed_offset");
    // It waits for the very lock, ahead of the next owner, who is kept waiting by both.
    const waiting = await connectAs("nightly report");
    await waiting.query("BEGIN");
    const got = waiting.query("SELECT 1 FROM tradetape.landed_offset WHERE topic = $1 FOR UPDATE", [
      tape.name("ticks"),
    ]);
    const landing = tape.land("ticks");
    await got;
    await waiting.query("COMMIT");
    await landing;
    await idle.query("COMMIT");
    await Promise.all([idle.end(), waiting.end()]);
    proxy.release();
    await expectLandedOnce("ticks", before + EVENTS);
  });
});
