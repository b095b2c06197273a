/**
 * Holds what docs/operations.md says of PgBouncer against a real one: `npm run pgbouncer-proof`, with `pgbouncer` on the PATH or
 * in PGBOUNCER. It uses the services that the environment names, or a stack of its own, and prints a line for each thing tried.
 */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";
import { readConfig } from "../../src/config.ts";
import { openLog } from "../../src/log.ts";
import { postgresUser } from "../../src/stack/machine.ts";
import { choosePorts } from "../../src/stack/ports.ts";
import { migrate } from "../../src/table/migrate.ts";
import { createTopics } from "../../src/topic/create-topics.ts";
import { openKafka } from "../../src/topic/kafkajs/open-kafka.ts";
import { withAdmin } from "../../src/topic/log-client.ts";
import { connectTape } from "../../src/tradetape/connect-tape.ts";
import { environmentOf } from "../support/landing.ts";
import { bar, decision, fill, indicator, prediction, quote, symbol, tick } from "../support/samples.ts";
import { startTestStack } from "../support/services/stack.ts";
import { tradetape } from "../support/tradetape.ts";

const PROGRAM = process.env.PGBOUNCER ?? "pgbouncer";
const version = spawnSync(PROGRAM, ["--version"], { encoding: "utf8" }).stdout?.split("\n")[0];
if (!version) throw new Error(`${PROGRAM} can't be run: install PgBouncer, or name it in PGBOUNCER`);

const EVENTS = 2000;
const stack = await startTestStack();
const folder = mkdtempSync(join(tmpdir(), "tradetape-pgbouncer-"));
chmodSync(folder, 0o755);
const wrong: string[] = [];

const say = (line: string) => void process.stdout.write(`${line}\n`);

function tell(what: string, isGood: boolean, found: unknown): void {
  say(`${isGood ? "good " : "WRONG"}  ${what}: ${found}`);
  if (!isGood) wrong.push(what);
}

interface Bouncer {
  readonly url: string;
  end(): Promise<void>;
}

/** Root has it run as PostgreSQL's own user: it refuses root. */
async function startBouncer(target: URL, poolMode: string, poolSize: number): Promise<Bouncer> {
  const { postgres: port } = await choosePorts("random");
  const file = join(folder, `${poolMode}-${poolSize}.ini`);
  const login = `user=${target.username} password=${decodeURIComponent(target.password)}`;
  const database = target.pathname.slice(1);
  writeFileSync(
    file,
    `[databases]
${database} = host=${target.hostname} port=${target.port} dbname=${database} ${login}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${port}
unix_socket_dir =
auth_type = any
pool_mode = ${poolMode}
default_pool_size = ${poolSize}
query_wait_timeout = 5
`,
  );
  const program: ChildProcess = spawn(PROGRAM, ["-q", file], { stdio: "inherit", cwd: "/", ...(postgresUser() ?? {}) });
  const url = new URL(target);
  url.port = String(port);
  for (let tries = 0; tries < 100 && (await look(url.href, "SELECT 1").catch(() => [])).length === 0; tries++) {
    await sleep(100);
  }
  const end = async () => {
    program.kill("SIGTERM");
    await once(program, "exit");
  };
  return { url: url.href, end };
}

async function look(url: string, sql: string): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: url, application_name: "stranger" });
  client.on("error", () => {});
  await client.connect();
  return client
    .query(sql)
    .then(({ rows }) => rows)
    .finally(() => client.end());
}

const SET_BY_SESSIONS = `SELECT (SELECT count(*)::int FROM pg_prepared_statements) AS prepared,
  (SELECT jsonb_object_agg(name, setting) FROM pg_settings WHERE source = 'session' AND name <> 'application_name') AS set`;
const OURS = `SELECT count(*)::int AS n FROM pg_stat_activity
  WHERE datname = current_database() AND application_name LIKE 'tradetape/%'`;

/** Counts our sessions every few milliseconds until `work` is done. */
async function mostSessions(url: string, work: Promise<unknown>): Promise<number> {
  const counter = new pg.Client({ connectionString: url });
  await counter.connect();
  let isOver = false;
  const over = () => {
    isOver = true;
  };
  work.then(over, over);
  let most = 0;
  while (!isOver) {
    most = Math.max(most, (await counter.query<{ n: number }>(OURS)).rows[0]!.n);
    await sleep(5);
  }
  await counter.end();
  return most;
}

try {
  const direct = new URL(stack.urls.databaseUrl);
  await look(direct.href, "DROP DATABASE IF EXISTS tradetape_pgbouncer WITH (FORCE)");
  await look(direct.href, "CREATE DATABASE tradetape_pgbouncer");
  direct.pathname = "/tradetape_pgbouncer";
  const namespace = `bouncer-${Date.now().toString(36)}`;
  const config = readConfig({ ...stack.urls, databaseUrl: direct.href, namespace, logLevel: "warn" }, {});
  await migrate(direct.href);
  const log = openLog({ logLevel: "silent" });
  await withAdmin(openKafka(config, log), (admin) => createTopics(admin, config));
  const tape = await connectTape(config, log);
  await tape.publish("symbols", symbol());
  const numbers = Array.from({ length: EVENTS }, (_, n) => n);
  const [ticks, quotes, bars] = [numbers.map((n) => tick(n)), numbers.map((n) => quote(n)), numbers.map((n) => bar(n))];
  await Promise.all([
    tape.publishAll("ticks", ticks),
    tape.publishAll("quotes", quotes),
    tape.publishAll("bars", bars),
  ]);
  await tape.publishAll(
    "indicators",
    numbers.map((n) => indicator(n)),
  );
  await tape.publishAll(
    "predictions",
    numbers.map((n) => prediction(n)),
  );
  await tape.publishAll(
    "decisions",
    numbers.map((n) => decision(n)),
  );
  await tape.publishAll(
    "fills",
    numbers.map((n) => fill(n)),
  );
  await tape.close();
  const by = (databaseUrl: string) => environmentOf({ ...config, databaseUrl });
  say(version);

  for (const mode of ["transaction", "statement"]) {
    const bouncer = await startBouncer(direct, mode, 20);
    const before = JSON.stringify(await look(bouncer.url, SET_BY_SESSIONS));
    const { code, stderr } = await tradetape(["consume", "--until-caught-up", "--json"], by(bouncer.url));
    tell(
      `${mode} mode is refused`,
      code === 2 && stderr.includes("pooler_transaction_mode"),
      `${code} ${stderr.trim()}`,
    );
    const after = JSON.stringify(await look(bouncer.url, SET_BY_SESSIONS));
    tell(`${mode} mode: another client finds nothing of ours`, before === after, after);
    await bouncer.end();
  }
  const small = await startBouncer(direct, "session", 1);
  const refused = await tradetape(["status", "--json"], by(small.url));
  tell("a pool of one is too small, in words", refused.code === 2, refused.stderr.trim());
  await small.end();
  const pooled = await startBouncer(direct, "session", 12);
  const withOptions = await tradetape(["status", "--json"], by(`${pooled.url}&options=-c%20jit%3Doff`));
  tell("startup parameters are named", withOptions.stderr.includes("options"), withOptions.stderr.trim());
  const landing = tradetape(["consume", "--until-caught-up"], by(pooled.url));
  const most = await mostSessions(direct.href, landing);
  const landed = await landing;
  tell("session mode with a pool of 12 lands all topics", landed.code === 0, `${landed.code} ${landed.stderr.trim()}`);
  tell("sessions at the same time, at most", most <= 12, most);
  const verified = await tradetape(["verify"], by(pooled.url));
  tell("verify, through it", verified.code === 0, verified.stdout.trim().split("\n").at(-1));
  await pooled.end();
} finally {
  await stack.end();
  rmSync(folder, { recursive: true, force: true });
}
say(wrong.length === 0 ? "all good" : `wrong: ${wrong.join("; ")}`);
process.exit(wrong.length === 0 ? 0 : 1);
