/** A shown command, or the first line of a shown block, that another test runs. */
export interface Elsewhere {
  readonly shown: string;
  /** The file that runs it. */
  readonly by: string;
  /** Text of that file, so that the entry fails when the test is gone. */
  readonly has: string;
}

const COMMANDS = "test/flow/commands";
const OWN_PROGRAM = "test/flow/agents/own-program.flow.test.ts";
const STACK = "test/flow/stack";

/** Commands that start a stack, install something or run until they are stopped. An entry nobody shows any more fails. */
export const ELSEWHERE: readonly Elsewhere[] = [
  { shown: "npm ci && npm test", by: ".ci/run", has: "npm ci && npm test" },
  { shown: "npm ci && npm run demo", by: `${STACK}/up.flow.test.ts`, has: 'startTradetape(["demo"]' },
  { shown: 'alias tradetape="npx node src/cli/main.ts"', by: "test/support/tradetape.ts", has: '["src/cli/main.ts"' },
  { shown: 'eval "$(tradetape up --detach)"', by: `${STACK}/up.flow.test.ts`, has: 'eval "$(tradetape up --detach' },
  { shown: "npm run image", by: "test/image/proof.ts", has: 'compose("up", "-d", "--build"' },
  { shown: "docker compose --profile app up -d --build", by: "test/image/proof.ts", has: '"--profile", "app"' },
  { shown: "docker compose logs console", by: "test/image/proof.ts", has: 'compose("logs", "--no-color", "console")' },
  { shown: "docker compose --profile app down -v", by: "test/image/proof.ts", has: 'compose("down", "-v"' },
  { shown: "tradetape consume", by: `${COMMANDS}/consume-cli.flow.test.ts`, has: 'startTradetape(["consume"' },
  { shown: "tradetape tail ticks --follow", by: `${COMMANDS}/tail.flow.test.ts`, has: '"--follow"' },
  { shown: "tradetape console", by: "test/flow/console/console-cli.flow.test.ts", has: 'startTradetape(["console"' },
  { shown: "tradetape mcp", by: `${COMMANDS}/mcp.flow.test.ts`, has: '/src/cli/main.ts`, "mcp"]' },
  { shown: "tradetape run ./momentum.ts", by: OWN_PROGRAM, has: '["run", "./momentum.ts"' },
  {
    shown: 'tradetape run bars indicators ./momentum.ts fills performance --session "$paper"',
    by: OWN_PROGRAM,
    has: '["run", "bars", "indicators", "./momentum.ts", "fills", "performance"',
  },
  {
    shown: 'import { deepStrictEqual } from "node:assert";',
    by: OWN_PROGRAM,
    has: "blockOf('import { deepStrictEqual } from",
  },
  { shown: "pip install ./python", by: "test/support/python.ts", has: '"-m", "pip", "install"' },
  {
    shown: "python -m tradetape.agent AAPL NASDAQ",
    by: "test/flow/agents/python.flow.test.ts",
    has: 'run(["tradetape.agent", TICKER, "NASDAQ"])',
  },
  {
    shown: "tradetape desk inputs 834d16df-9de2-56f5-aa44-eb250c9bac4b",
    by: `${COMMANDS}/desk.flow.test.ts`,
    has: "shownIn(documents()",
  },
  {
    shown: 'SELECT "timestamp", close, published_at',
    by: "test/flow/revisions/as-of.flow.test.ts",
    has: "_as_of('2024-03-05 15:00:00+00')",
  },
  {
    shown: 'SELECT d.decision_id, b."timestamp", b.close AS close_then, now.close AS close_now',
    by: "test/flow/revisions/as-of.flow.test.ts",
    has: "_as_of(d.published_at)",
  },
  {
    shown: "REASSIGN OWNED BY tradetape_owner TO paper_tradetape_owner;",
    by: "test/flow/database/prefix.flow.test.ts",
    has: '"REASSIGN OWNED BY tradetape_owner TO ',
  },
  {
    shown: "TRADETAPE_ROLE_PREFIX=paper_ tradetape migrate --repair",
    by: "test/flow/database/prefix.flow.test.ts",
    has: "repairDatabase(connection, url",
  },
  {
    shown: "TRADETAPE_ROLE_PREFIX=paper_ tradetape migrate --harden",
    by: "test/flow/database/prefix.flow.test.ts",
    has: 'tradetape(["migrate", "--harden"]',
  },
  { shown: "npm run bench", by: "test/bench/bench.unit.test.ts", has: "a resumed bench measures only what is missing" },
  {
    shown: "import hashlib, json, struct, sys",
    by: "test/flow/audit/audit.flow.test.ts",
    has: 'readFileSync("docs/audit.md"',
  },
];
