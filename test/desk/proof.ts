/**
 * How long each of the twenty questions of docs/desk.md takes in a large database: `node test/desk/proof.ts`, with
 * DATABASE_URL naming an empty one, migrated or not; with --filled it is left as it is. Prints a line a command: seconds
 * with the program's own start, which the first line has alone.
 */
import { parseArgs } from "node:util";
import { readConfig, requireServices } from "../../src/config.ts";
import { Connection } from "../../src/table/connection.ts";
import { migrate } from "../../src/table/migrate.ts";
import { tradetape } from "../support/tradetape.ts";
import { fillTables } from "./fill-tables.ts";

const { values } = parseArgs({
  options: {
    ticks: { type: "string", default: "5000000" },
    decisions: { type: "string", default: "100000" },
    filled: { type: "boolean", default: false },
  },
});
const { databaseUrl } = requireServices(readConfig(), "databaseUrl");

const COMMANDS = [
  ...[
    "positions",
    "pnl",
    "exposure",
    "equity",
    "orders",
    "refused",
    "slippage",
    "latency",
    "hit-rate",
    "prediction-error",
  ],
  ...[
    "inputs",
    "gaps",
    "gaps --interval 1min",
    "gaps --kind ticks --interval 1h",
    "staleness",
    "feed-delay",
    "corrections",
  ],
  ...["refused --interval 1min --after 30", "hit-rate --interval 1min --after 30"],
];

if (!values.filled) {
  await migrate(databaseUrl);
  const connection = await Connection.open(databaseUrl, { name: "desk proof" });
  await fillTables(connection, { ticks: Number(values.ticks), decisions: Number(values.decisions) });
  await connection.close();
}
for (const args of [["--version"], ...COMMANDS.map((command) => ["desk", ...command.split(" "), "--json"])]) {
  const begun = performance.now();
  const { code, stderr } = await tradetape(args, { DATABASE_URL: databaseUrl });
  const seconds = ((performance.now() - begun) / 1000).toFixed(1);
  process.stdout.write(`${args.join(" ").padEnd(50)} ${seconds.padStart(6)} s  ${code === 0 ? "" : stderr}\n`);
}
