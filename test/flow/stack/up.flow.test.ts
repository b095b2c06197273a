import { execFile } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pg from "pg";
import { afterAll, expect, test } from "vitest";
import { CONSUMERS } from "../../../consumers/all.ts";
import { readConfig } from "../../../src/config.ts";
import { topicName } from "../../../src/topic/topics.ts";
import { environmentOf } from "../../support/landing.ts";
import { type Isolation, isolate } from "../../support/services/isolation.ts";
import { plainKafka, withPlainAdmin } from "../../support/services/plain-kafka.ts";
import { temporaryHome } from "../../support/services/stack.ts";
import { ROOT } from "../../support/source-tree.ts";
import { startTradetape, tradetape } from "../../support/tradetape.ts";

const home = temporaryHome();
afterAll(async () => {
  await tradetape(["down", "--purge"], { TRADETAPE_HOME: home });
  rmSync(home, { recursive: true, force: true });
});

/** What people have in their environment: services of somebody else, the way into them, and other programs' settings. */
const others = (foreign: Isolation): NodeJS.ProcessEnv => ({
  ...environmentOf(foreign),
  KAFKA_SSL_ENABLED: "true",
  KAFKA_SSL_CA_FILE: "nowhere.pem",
  KAFKA_SASL_MECHANISM: "plain",
  DATABASE_URL_FILE: "nowhere",
  PGSSLMODE: "require",
  PGDATESTYLE: "no style",
  QUARKUS_HTTP_PORT: "1",
});

/** What there is of tradetape's on services where nobody asked for any. */
async function traces({ databaseUrl, kafkaBrokers, namespace }: Isolation): Promise<unknown> {
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  const { rows } = await client.query("SELECT to_regnamespace('tradetape') AS made").finally(() => client.end());
  const topics = await withPlainAdmin(plainKafka(readConfig({ kafkaBrokers }, {})), (admin) => admin.listTopics());
  const own = CONSUMERS.map(({ topic }) => topicName(namespace, topic));
  return { schema: rows[0].made, topics: topics.filter((name) => own.includes(name)) };
}
const NONE = { schema: null, topics: [] };

/** A reader's shell, in which `tradetape` is a command. */
function shell(script: string, env: NodeJS.ProcessEnv): Promise<string> {
  const bin = join(home, "bin");
  mkdirSync(bin, { recursive: true });
  const program = `#!/bin/sh\nexec "${process.execPath}" "${ROOT}/src/cli/main.ts" "$@"\n`;
  writeFileSync(join(bin, "tradetape"), program, { mode: 0o755 });
  const all = { ...process.env, ...env, TRADETAPE_HOME: home, PATH: `${bin}:${process.env.PATH}` };
  return new Promise((resolve, reject) => {
    execFile("bash", ["-euc", script], { env: all }, (error, stdout, stderr) =>
      error ? reject(new Error(`${stdout}\n${stderr}`)) : resolve(stdout),
    );
  });
}

test("up starts its own stack beside the environment's services, and the shell's commands go to the stack", async () => {
  const foreign = await isolate("up");
  const script = `eval "$(tradetape up --detach --random-ports 2> "$TRADETAPE_HOME/said")"
    echo "$DATABASE_URL" > "$TRADETAPE_HOME/url"; tradetape topics --json`;
  expect(JSON.parse(await shell(script, others(foreign)))).toMatchObject({ ok: true });
  const url = new URL(readFileSync(join(home, "url"), "utf8"));
  const said = readFileSync(join(home, "said"), "utf8");
  expect(said).toContain(`local stack in ${home}: ${url.host}`);
  expect(said).toContain("DATABASE_URL, KAFKA_BROKERS, SCHEMA_REGISTRY_URL had other services here");
  expect(await traces(foreign)).toEqual(NONE);
});

test("up, down and up in one shell is the same stack, and down says how the shell forgets it", async () => {
  const script = `eval "$(tradetape up --detach --random-ports)"; first=$DATABASE_URL
    tradetape down > "$TRADETAPE_HOME/said"
    eval "$(tradetape up --detach --random-ports)"; test "$first" = "$DATABASE_URL"; tradetape status --json > /dev/null
    tradetape down > /dev/null; eval "$(grep -o 'unset .*' "$TRADETAPE_HOME/said")"
    echo "\${DATABASE_URL-none} \${KAFKA_BROKERS-none} \${SCHEMA_REGISTRY_URL-none}"`;
  expect(await shell(script, {})).toBe("none none none\n");
  expect(readFileSync(join(home, "said"), "utf8")).toContain(`stopped; data stay in ${home}`);
});

test("a shell that evaluates an up that fails, fails", async () => {
  const script = 'eval "$(tradetape up --detach --launcher processes)"; echo went on';
  await expect(shell(script, { TRADETAPE_HOMES: "elsewhere" })).rejects.toThrow(/TRADETAPE_HOME is meant/);
});

test("demo runs on a stack of its own whatever the environment holds, and removes it", async () => {
  const foreign = await isolate("demo");
  const before = new Set(readdirSync(tmpdir()));
  const demo = startTradetape(["demo"], { ...others(foreign), TRADETAPE_SESSION_KINDS: "none of them" });
  await demo.says("database: 127.0.0.1");
  demo.process.kill("SIGINT");
  const { code, stderr } = await demo.ended;
  const [, its] = /a stack of its own in (\S+),/.exec(stderr)!;
  expect([code, before.has(its!), existsSync(its!)]).toEqual([130, false, false]);
  expect(await traces(foreign)).toEqual(NONE);
});

test.each([
  [["demo", "--use-environment"], /demo writes .* Leave --use-environment away/s],
  [["demo", "--database-url", "postgres://a@b/c"], /--database-url <url>: not for this command/],
  [["up", "--kafka-brokers", "a:1"], /--kafka-brokers <list>: not for this command/],
  [["down", "--namespace", "a"], /--namespace <name>: not for this command/],
])("%j is refused before anything is started", async (args, said) => {
  const nowhere = join(home, "nowhere");
  const { code, stderr } = await tradetape(args, { TRADETAPE_HOME: nowhere });
  expect([code, existsSync(nowhere)]).toEqual([2, false]);
  expect(stderr).toMatch(said);
});

test("down heeds nothing of the environment but where the stack is", async () => {
  const env = { ...others(await isolate("down")), TRADETAPE_HOME: join(home, "nowhere"), DATABASE_URL: "mysql://a" };
  const { code, stdout } = await tradetape(["down"], env);
  expect(code).toBe(0);
  expect(stdout).toContain(`nothing ran; there are no data in ${join(home, "nowhere")}`);
});
