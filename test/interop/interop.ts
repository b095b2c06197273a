/**
 * Proves that a Python agent's predictions land: `node test/interop/interop.ts PYTHON`, where PYTHON is an interpreter
 * with fastavro and confluent-kafka (`python3 -m venv venv && venv/bin/pip install fastavro confluent-kafka`). Needs
 * the services of `tradetape up`, named by the environment. It uses a fresh namespace each time, prints
 * what landed and exits with 1 when that isn't everything.
 */
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import pg from "pg";
import { tradetape } from "../support/tradetape.ts";

const PER_SYMBOL = 100;
const CODECS = ["zstd", "lz4"] as const;
/** Enough keys that all four partitions get some: one hashed otherwise would land elsewhere than ours. */
const TICKERS = ["ALPHA", "BRAVO", "CHARLIE", "DELTA", "ECHO", "FOXTROT", "GOLF", "HOTEL"];

const python = process.argv[2];
const { DATABASE_URL, KAFKA_BROKERS, SCHEMA_REGISTRY_URL } = process.env;
if (python === undefined || !DATABASE_URL || !KAFKA_BROKERS || !SCHEMA_REGISTRY_URL) {
  process.stderr.write("usage, after `tradetape up`: node test/interop/interop.ts PYTHON\n");
  process.exit(2);
}
const TRADETAPE_NAMESPACE = `interop-${Date.now().toString(36)}`;
const env = { DATABASE_URL, KAFKA_BROKERS, SCHEMA_REGISTRY_URL, TRADETAPE_NAMESPACE };

async function run(args: readonly string[], stdin = ""): Promise<string> {
  const { code, stdout, stderr } = await tradetape(args, env, stdin);
  if (code !== 0) throw new Error(`tradetape ${args.join(" ")} ended with ${code}:\n${stderr}`);
  return stdout;
}

const client = new pg.Client({ connectionString: DATABASE_URL });
await client.connect();
await run(["up", "--use-environment"]);
const symbols = TICKERS.map((ticker) => JSON.stringify({ ticker, exchange: TRADETAPE_NAMESPACE }));
await run(["publish", "symbols", "-"], symbols.join("\n"));
await run(["consume", "symbols", "--until-caught-up"]);
const { rows } = await client.query<{ id: string }>("SELECT symbol_id AS id FROM symbol WHERE exchange = $1", [
  TRADETAPE_NAMESPACE,
]);
const ids = rows.map(({ id }) => id);
if (ids.length !== TICKERS.length) throw new Error(`${ids.length} of ${TICKERS.length} symbols landed`);

const script = join(import.meta.dirname, "publish_predictions.py");
let failed = false;
for (const codec of CODECS) {
  process.stdout.write(execFileSync(python, [script, codec, ...ids], { env: { ...process.env, ...env } }));
  await run(["consume", "predictions", "--until-caught-up"]);
  const { rows: landed } = await client.query<{ n: number; partitions: number }>(
    `SELECT count(*)::int AS n, count(DISTINCT source_partition)::int AS partitions
     FROM model_prediction WHERE model_version = $1 AND symbol_id = ANY($2)`,
    [`interop-${codec}`, ids],
  );
  const { n, partitions } = landed[0]!;
  const wanted = PER_SYMBOL * ids.length;
  process.stdout.write(`${codec}: ${n} of ${wanted} landed, from ${partitions} partitions\n`);
  failed ||= n !== wanted;
}

// Our own client sends the same keys to the same partitions, or one symbol's events would be out of order.
const own = ids.map((symbol_id, i) =>
  JSON.stringify({
    prediction_id: `00000000-0000-4000-8000-00000000000${i}`.replace(/^0{8}/, Date.now().toString(16).slice(-8)),
    symbol_id,
    timestamp: 1_600_000_000_000_000,
    model_version: `own-${TRADETAPE_NAMESPACE}`,
  }),
);
await run(["publish", "predictions", "-"], own.join("\n"));
await run(["consume", "predictions", "--until-caught-up"]);
const { rows: split } = await client.query<{ n: number }>(
  `SELECT count(*)::int AS n FROM (SELECT FROM model_prediction WHERE symbol_id = ANY($1)
   GROUP BY symbol_id HAVING count(DISTINCT source_partition) > 1) symbol`,
  [ids],
);
process.stdout.write(`keys on another partition than ours: ${split[0]!.n}\n`);
failed ||= split[0]!.n !== 0;
await client.end();
process.exitCode = failed ? 1 : 0;
