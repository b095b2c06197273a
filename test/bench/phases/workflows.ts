/**
 * Agents' workflows at an even pace: a prediction, a decision that rests on it and a fill of the decision, published one
 * right behind the other without waiting for anybody. Of some of them it is measured when a reader of the database first sees
 * each row. The server does the looking, because a client that asked as often would take much of what it measures.
 */
import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";
import { readConfig, requireServices } from "../../../src/config.ts";
import { openLog } from "../../../src/log.ts";
import { connectTape } from "../../../src/tradetape/connect-tape.ts";
import { usageOf, usedSince } from "../usage.ts";
import { WorkflowMaker } from "../workflow-maker.ts";
import { argsOf, print } from "./measure.ts";
import { nowUs, paced } from "./pace.ts";

export interface WorkflowsArgs {
  /** Workflows, of three events each. */
  readonly perSecond: number;
  readonly seconds: number;
  /** Workflows whose rows aren't waited for: groups join and caches get warm meanwhile. */
  readonly uncounted: number;
  /** The process that lands. */
  readonly consumer: number;
}

export interface Workflows {
  readonly events: number;
  /** From due to seen, microseconds, by kind. */
  readonly visibleUs: Readonly<Record<Kind, readonly number[]>>;
  /** Rows that the ledger counts as parked at their first try. */
  readonly parked: number;
  /** Microseconds of the consumer, PostgreSQL and the broker while it was counted. */
  readonly usage: { readonly node: number; readonly postgres: number; readonly broker: number };
}

const KINDS = ["predictions", "decisions", "fills"] as const;
type Kind = (typeof KINDS)[number];

/** So many workflows a second are looked for; the others are company. */
const SEEN_PER_SECOND = 40;

const { perSecond, seconds, uncounted, consumer, pids } = argsOf<WorkflowsArgs>();
const config = requireServices(readConfig(), "databaseUrl");
const client = new pg.Client({ connectionString: config.databaseUrl });
await client.connect();
// Each statement of it sees what has committed by then. It gives up after some 6 ms, so that younger rows are asked for, too.
await client.query(`CREATE FUNCTION pg_temp.visible(p uuid[], d uuid[], f uuid[]) RETURNS uuid[] LANGUAGE plpgsql AS $$
  DECLARE found uuid[];
  BEGIN
    FOR n IN 1..3 LOOP
      SELECT array_agg(id) INTO found FROM (
        SELECT prediction_id AS id FROM model_prediction WHERE prediction_id = ANY (p)
        UNION ALL SELECT decision_id FROM trade_decision WHERE decision_id = ANY (d)
        UNION ALL SELECT execution_id FROM trade_execution WHERE execution_id = ANY (f)) rows;
      EXIT WHEN found IS NOT NULL;
      PERFORM pg_sleep(0.002);
    END LOOP;
    RETURN found;
  END $$`);

const tape = await connectTape(config, openLog({ logLevel: "error" }));
const maker = new WorkflowMaker();
await tape.publishAll("symbols", maker.symbols);
const acks: Promise<unknown>[] = [];
const dueUs = new Map<string, { kind: Kind; us: number }>();
const waiting = Object.fromEntries(KINDS.map((kind) => [kind, new Set<string>()])) as Record<Kind, Set<string>>;

function send(n: number): Readonly<Record<Kind, string>> {
  const { prediction, decision, fill } = maker.make(n + 1);
  acks.push(tape.publish("predictions", prediction), tape.publish("decisions", decision), tape.publish("fills", fill));
  return { predictions: prediction.prediction_id!, decisions: decision.decision_id!, fills: fill.execution_id! };
}

// What a process waits for once, its groups' joining above all, is no latency.
const landed = async () => {
  const { rows } = await client.query<{ n: number }>("SELECT count(*)::int AS n FROM trade_execution");
  return rows[0]!.n;
};
send(-1);
while ((await landed()) === 0) await sleep(100);

const visibleUs: Record<Kind, number[]> = { predictions: [], decisions: [], fills: [] };
let isSending = true;
const looking = (async () => {
  while (isSending || dueUs.size > 0) {
    const { rows } = await client.query<{ found: string[] | null }>({
      name: "visible",
      text: "SELECT pg_temp.visible($1, $2, $3) AS found",
      values: KINDS.map((kind) => [...waiting[kind]]),
    });
    const us = nowUs();
    for (const id of rows[0]!.found ?? []) {
      const due = dueUs.get(id)!;
      visibleUs[due.kind].push(us - due.us);
      waiting[due.kind].delete(id);
      dueUs.delete(id);
    }
  }
})();

const parkedSoFar = async () =>
  (
    await client.query<{ n: number }>(
      "SELECT coalesce(sum(parked), 0)::int AS n FROM tradetape.landed_batch WHERE parked > 0",
    )
  ).rows[0]!.n;
const every = Math.max(1, Math.round(perSecond / SEEN_PER_SECOND));
const all = { node: consumer, ...pids };
let before = usageOf(all);
await paced(perSecond, uncounted + perSecond * seconds, (n, due) => {
  if (n === uncounted) before = usageOf(all);
  const ids = send(n);
  if (n < uncounted || n % every !== 0) return;
  for (const kind of KINDS) {
    dueUs.set(ids[kind], { kind, us: due });
    waiting[kind].add(ids[kind]);
  }
});
await Promise.all(acks);
isSending = false;
await looking;
// What it costs, what was left to be landed included: else a group that is behind would seem to be cheap.
const usage = usedSince(before, usageOf(all));
await sleep(200);
const parked = await parkedSoFar();
await tape.close();
await client.end();
print({ events: 3 * perSecond * seconds, visibleUs, parked, usage } satisfies Workflows);
