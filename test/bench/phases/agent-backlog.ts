/**
 * Watches a backlog of agents' workflows land, from the first row to the last audit entry, once a second half: a consumer
 * starts and joins once and runs for days.
 */
import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";
import { readConfig, requireServices } from "../../../src/config.ts";
import { usageOf, usedSince } from "../usage.ts";
import { argsOf, print } from "./measure.ts";

export interface AgentBacklogArgs {
  readonly workflows: number;
  /** The process that lands. */
  readonly consumer: number;
}

export interface AgentBacklog {
  readonly seconds: number;
  readonly parked: number;
  /** Microseconds of the consumer, PostgreSQL and the broker meanwhile. */
  readonly usage: { readonly node: number; readonly postgres: number; readonly broker: number };
}

const LOOK_MS = 50;
/** Of a prediction, an approved decision and a fill. */
const ENTRIES = 4;

const { workflows, consumer, pids } = argsOf<AgentBacklogArgs>();
const config = requireServices(readConfig(), "databaseUrl");
const client = new pg.Client({ connectionString: config.databaseUrl });
await client.connect();
const numberOf = async (sql: string) => (await client.query<{ n: number }>(`SELECT ${sql} AS n`)).rows[0]!.n;
// By the ledger, not by counting rows: a look must not cost what is measured.
const agents = "topic ~ '(predictions|decisions|fills)$'";
const written = () => numberOf(`(SELECT coalesce(sum(written), 0)::int FROM tradetape.landed_batch WHERE ${agents})`);
const told = () =>
  numberOf("(SELECT coalesce(sum(written), 0)::int FROM tradetape.landed_batch WHERE topic ~ 'audit$')");
const entries = async () => (await told()) - beside;
let beside = 0;

while ((await written()) === 0) await sleep(LOOK_MS);
// The symbols' entries.
beside = await numberOf("(SELECT count(*)::int FROM symbol)");
const all = { node: consumer, ...pids };
const [before, startedMs] = [usageOf(all), performance.now()];
while ((await entries()) < ENTRIES * workflows) await sleep(LOOK_MS);
const seconds = (performance.now() - startedMs) / 1000;
const usage = usedSince(before, usageOf(all));
const parked = await numberOf(
  `(SELECT coalesce(sum(parked), 0)::int FROM tradetape.landed_batch WHERE parked > 0 AND ${agents})`,
);
await client.end();
print({ seconds, parked, usage } satisfies AgentBacklog);
