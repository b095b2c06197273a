/**
 * An agent that predicts and decides, paced: half predictions, half decisions that each rest on the prediction before.
 * Twice a second it notes how far the database is behind what the broker has acknowledged.
 */
import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";
import { demoSymbols } from "../../../src/cli/demo/demo-ticks.ts";
import { readConfig, requireServices } from "../../../src/config.ts";
import { eventId } from "../../../src/event/identity.ts";
import { openLog } from "../../../src/log.ts";
import { topicName } from "../../../src/topic/topics.ts";
import { connectTape } from "../../../src/tradetape/connect-tape.ts";
import { usageOf, usedSince } from "../usage.ts";
import { argsOf, print } from "./measure.ts";
import { paced } from "./pace.ts";

export interface PacedSmallArgs {
  readonly perSecond: number;
  readonly seconds: number;
  /** The process that lands. */
  readonly consumer: number;
}

export interface PacedSmall {
  readonly acked: number;
  readonly seconds: number;
  /** Acknowledged and not yet landed, every half a second. */
  readonly lags: readonly number[];
  /** When the last one was acknowledged. */
  readonly lagLast: number;
  readonly landedAfterMs: number;
  /** Microseconds of the consumer, PostgreSQL and the broker. */
  readonly usage: { readonly node: number; readonly postgres: number; readonly broker: number };
}

const LOOK_MS = 500;
const LANDED_LOOK_MS = 5;
const STEP_US = 1000;

const { perSecond, seconds, consumer, pids } = argsOf<PacedSmallArgs>();
const config = requireServices(readConfig(), "databaseUrl");
const client = new pg.Client({ connectionString: config.databaseUrl });
await client.connect();
const topics = (["predictions", "decisions"] as const).map((topic) => topicName(config.namespace, topic));
const text = "SELECT coalesce(sum(next_offset), 0)::int AS landed FROM tradetape.landed_offset WHERE topic = ANY ($1)";
const landed = async () => (await client.query<{ landed: number }>(text, [topics])).rows[0]!.landed;

const tape = await connectTape(config, openLog({ logLevel: "error" }));
const symbols = demoSymbols();
await tape.publishAll("symbols", symbols);
const base = Date.now() * 1000;
const idOf = (kind: string, n: number) => eventId("audit", ["bench", kind, String(base), String(n)]);
let acked = 0;
const acks: Promise<void>[] = [];
const note = (ack: Promise<void>) => acks.push(ack.then(() => void acked++));

function send(n: number): void {
  const pair = n >> 1;
  const symbol_id = symbols[pair % symbols.length]!.symbol_id;
  const prediction_id = idOf("prediction", pair);
  const timestamp = base + pair * STEP_US;
  if (n % 2 === 0) {
    const model = { model_version: "bench-1", confidence_score: 0.5, backtest_session_id: null };
    const prices = { predicted_price: 100 + (pair % 50), probability_up: 0.5 };
    note(tape.publish("predictions", { prediction_id, symbol_id, timestamp, ...model, ...prices }));
    return;
  }
  const why = { strategy_id: idOf("strategy", 0), reason: "bench", predicted_roi: 0.01, backtest_session_id: null };
  const what = { action: "BUY" as const, size: 10, approved: pair % 4 === 0, model_reference: prediction_id };
  note(tape.publish("decisions", { decision_id: idOf("decision", pair), symbol_id, timestamp, ...what, ...why }));
}

// What a process waits for once, its groups' joining above all, is no lag.
const FIRST = 2;
for (let n = 0; n < FIRST; n++) send(n);
await Promise.all(acks);
while ((await landed()) < FIRST) await sleep(LANDED_LOOK_MS);
const all = { node: consumer, ...pids };
const before = usageOf(all);
const startedMs = performance.now();
const lags: number[] = [];
let isPacing = true;
const looking = (async () => {
  while (isPacing) {
    await sleep(LOOK_MS);
    // Acknowledged first: what lands between the two would make the lag negative, not longer.
    const known = acked;
    lags.push(Math.max(0, known - (await landed())));
  }
})();
await paced(perSecond, perSecond * seconds, (n) => send(FIRST + n));
await Promise.all(acks);
isPacing = false;
const ackedMs = performance.now();
const usage = usedSince(before, usageOf(all));
const lagLast = acked - (await landed());
while ((await landed()) < acked) await sleep(LANDED_LOOK_MS);
const landedAfterMs = performance.now() - ackedMs;
await looking;
const result = { acked, seconds: (ackedMs - startedMs) / 1000, lags, lagLast, landedAfterMs, usage };
await tape.close();
await client.end();
print(result satisfies PacedSmall);
