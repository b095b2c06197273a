import pg from "pg";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { CONSUMERS } from "../../../consumers/all.ts";
import { EVENT_TOPICS, type EventTopic } from "../../../src/event/schemas.ts";
import { SETTINGS } from "../../../src/settings.ts";
import { type Consuming, startConsuming } from "../../support/landing.ts";
import { ledgerFaults } from "../../support/ledger.ts";
import * as samples from "../../support/samples.ts";
import { type PoolRelay, startPoolRelay } from "../../support/services/pool-relay.ts";
import { openTapeWithSymbol, type TestTape } from "../../support/tape.ts";

const { idOf } = samples;

/** An event of each topic that is published here; the audit topic has what their landings tell. */
const EVENTS = {
  symbols: (n: number) => samples.symbol({ symbol_id: idOf(`counted ${n}`), ticker: `C${n}` }),
  sessions: (n: number) => samples.session({ backtest_session_id: idOf(`counted ${n}`) }),
  ticks: samples.tick,
  quotes: samples.quote,
  bars: samples.bar,
  indicators: samples.indicator,
  predictions: samples.prediction,
  decisions: samples.decision,
  fills: samples.fill,
  outcomes: samples.outcome,
  calls: samples.call,
  contents: samples.content,
  performance: samples.performance,
} satisfies { readonly [T in Exclude<EventTopic, "audit">]: (n: number) => object };
type Published = keyof typeof EVENTS;
const PUBLISHED = Object.keys(EVENTS) as readonly Published[];

let tape: TestTape;
let relay: PoolRelay;
let consuming: Consuming;
let published = 0;

beforeAll(async () => {
  tape = await openTapeWithSymbol();
  await tape.query("CREATE FUNCTION public.no() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'no'; END $$");
});
afterEach(async () => {
  await consuming.stop();
  await relay.close();
});
afterAll(() => tape.stop());

const PER_ROUND = 200;

/** Publishes some events to each topic, all at once, so that all groups have work at the same time. */
async function publishRound(): Promise<void> {
  const numbers = Array.from({ length: PER_ROUND }, (_, n) => published + n);
  published += PER_ROUND;
  await Promise.all(
    PUBLISHED.map((topic) => Promise.all(numbers.map((n) => tape.publish(topic, EVENTS[topic](n) as never)))),
  );
}

const tableOf = (topic: Published) => CONSUMERS.find((consumer) => consumer.topic === topic)!.landing.table;
async function rowsOf(topic: Published): Promise<number> {
  const [row] = await tape.query<{ n: number }>(`SELECT count(*) AS n FROM public.${tableOf(topic)}`);
  return row!.n;
}
/** The symbol of the tape's own start is in its table, too. */
const landed = (...topics: readonly Published[]) =>
  Promise.all(topics.map((topic) => expect.poll(() => rowsOf(topic)).toBe(published + (topic === "symbols" ? 1 : 0))));

/** Does something while a person's transaction holds a table. */
async function whileLocked(tables: readonly string[], work: () => Promise<void>): Promise<void> {
  const holder = new pg.Client({ connectionString: tape.config.databaseUrl });
  await holder.connect();
  await holder.query(`BEGIN; LOCK TABLE ${tables.join(", ")} IN ACCESS EXCLUSIVE MODE`);
  await work().finally(() => holder.query("ROLLBACK").then(() => holder.end()));
}

test.each([
  { most: SETTINGS.databaseSessionsMax.schema.parse(undefined), landingConnections: 2 },
  { most: 6, landingConnections: 1 },
])(
  "a process of all topics lands them, in trouble too, with $most sessions at most: a pool of so many is enough",
  async ({ most, landingConnections }) => {
    relay = await startPoolRelay(tape.config.databaseUrl, { mode: "session", size: 2 * most });
    const config = { ...tape.config, databaseUrl: relay.url, databaseSessionsMax: most, landingConnections };
    await publishRound();
    consuming = await startConsuming(config, EVENT_TOPICS);
    await landed(...PUBLISHED);

    // Groups that wait for locks, again and again, and whose watches look who holds them.
    await whileLocked(["public.market_data_bar", "public.trade_execution"], async () => {
      await publishRound();
      await landed("ticks", "quotes", "predictions", "decisions");
      await expect.poll(() => consuming.stateOf("bars")?.state).toBe("waiting");
    });
    await landed(...PUBLISHED);

    // A group that stops, and is opened anew now and then.
    await tape.query(
      "CREATE TRIGGER no BEFORE INSERT ON public.trade_execution FOR EACH ROW EXECUTE FUNCTION public.no()",
    );
    await publishRound();
    await expect.poll(() => consuming.stateOf("fills")?.state).toBe("stopped");
    await landed(...PUBLISHED.filter((topic) => topic !== "fills"));
    await tape.query("DROP TRIGGER no ON public.trade_execution");
    await landed("fills");

    // All sessions gone at once, and all groups at work.
    const publishing = publishRound();
    await tape.query(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
     WHERE datname = current_database() AND application_name LIKE 'tradetape/%'`,
    );
    await publishing;
    await landed(...PUBLISHED);

    const { tallies, failure } = await consuming.stop();
    expect(failure).toBeUndefined();
    expect(tallies.reduce((sum, { dead }) => sum + dead, 0)).toBe(0);
    await tape.land("audit");
    expect(await ledgerFaults(tape)).toEqual([]);
    expect(relay.clientsMost).toBeLessThanOrEqual(most);
  },
);
