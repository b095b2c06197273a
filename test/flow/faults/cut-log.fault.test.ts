import { type ChildProcess, spawn } from "node:child_process";
import { readFileSync, readlinkSync, rmSync } from "node:fs";
import { dirname } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";
import { afterAll, beforeAll, expect, test } from "vitest";
import { readConfig } from "../../../src/config.ts";
import { openLog } from "../../../src/log.ts";
import { readState } from "../../../src/stack/home.ts";
import { startStack, stopStack } from "../../../src/stack/stack.ts";
import { migrate } from "../../../src/table/migrate.ts";
import { createTopics } from "../../../src/topic/create-topics.ts";
import { openKafka } from "../../../src/topic/kafkajs/open-kafka.ts";
import { withAdmin } from "../../../src/topic/log-client.ts";
import { topicName } from "../../../src/topic/topics.ts";
import { connectTape } from "../../../src/tradetape/connect-tape.ts";
import { environmentOf, landBy } from "../../support/landing.ts";
import { idOf, symbol } from "../../support/samples.ts";
import { plainKafka, withPlainAdmin } from "../../support/services/plain-kafka.ts";
import { temporaryHome } from "../../support/services/stack.ts";
import type { TestTape } from "../../support/tape.ts";
import { tradetape } from "../../support/tradetape.ts";

/** The third broker keeps the majority of controllers, and none of the topic. */
const BROKERS = 3;
const KEEPERS = [1, 2] as const;
const WAIT = { timeout: 240_000, interval: 200 };

let home: string;
let config: TestTape["config"];
let pool: pg.Pool;
let tape: Awaited<ReturnType<typeof connectTape>>;
const again = new Map<number, ChildProcess>();
let published = 0;

/** A broker's process, and how it was started. */
const commands = new Map<number, { readonly command: string[]; readonly cwd: string }>();

beforeAll(async () => {
  home = temporaryHome();
  const options = { home, ports: "random", launcher: "processes", brokers: BROKERS, detached: false } as const;
  const { urls } = await startStack(options);
  for (const node of KEEPERS) {
    const { pid } = readState(home)!.programs.find(({ name }) => name === `kafka-${node}`)!;
    const command = readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0").slice(0, -1);
    commands.set(node, { command, cwd: readlinkSync(`/proc/${pid}/cwd`) });
  }
  config = readConfig({ ...urls, logLevel: "silent", historyCheckMs: "500" }, {}) as TestTape["config"];
  await migrate(config.databaseUrl);
  await makeTopics();
  pool = new pg.Pool({ connectionString: config.databaseUrl, max: 2 });
  tape = await connectTape(config, openLog(config));
});
afterAll(async () => {
  for (const child of again.values()) child.kill("SIGKILL");
  await tape.close();
  await pool.end();
  await stopStack(home, { purge: true });
  rmSync(home, { recursive: true, force: true });
});

const name = () => topicName(config.namespace, "symbols");

/** All topics, of which one takes a leader that lacks records rather than none. */
async function makeTopics(): Promise<void> {
  const client = openKafka(config, openLog(config));
  await withAdmin(client, (admin) => createTopics(admin, config));
  const settings = await withAdmin(client, (admin) => admin.fetchSettings([name()]));
  const kept = ["cleanup.policy", "message.timestamp.type", "retention.ms", "retention.bytes", "max.message.bytes"];
  const careless = { "min.insync.replicas": "1", "unclean.leader.election.enable": "true" };
  const entries = [...kept.map((key) => [key, settings.get(name())!.get(key)!] as const), ...Object.entries(careless)];
  await withPlainAdmin(plainKafka(config), async (admin) => {
    await admin.deleteTopics({ topics: [name()] });
    while ((await admin.listTopics()).includes(name())) await sleep(200);
    const configEntries = entries.map(([key, value]) => ({ name: key, value }));
    const replicaAssignment = [{ partition: 0, replicas: [...KEEPERS] }];
    await admin.createTopics({ topics: [{ topic: name(), replicaAssignment, configEntries }] });
  });
}

/** Who leads the topic's partition, who is in sync, and where its log ends. */
async function partition() {
  return withPlainAdmin(plainKafka(config), async (admin) => {
    const { topics } = await admin.fetchTopicMetadata({ topics: [name()] });
    const { leader, isr } = topics[0]!.partitions[0]!;
    return { leader, isr: [...isr].sort() };
  }).catch((error: Error) => error.message);
}
const end = async () =>
  (await withAdmin(openKafka(config, openLog(config)), (admin) => admin.fetchOffsets(name())))[0]!.high;

function kill(node: number): void {
  const child = again.get(node);
  const pid = child?.pid ?? readState(home)!.programs.find((program) => program.name === `kafka-${node}`)!.pid;
  process.kill(pid, "SIGKILL");
}

function start(node: number): void {
  const { command, cwd } = commands.get(node)!;
  const [program, ...args] = command;
  expect(dirname(cwd)).toContain(home);
  again.set(node, spawn(program!, args, { cwd, stdio: "ignore" }));
}

async function publish(count: number): Promise<void> {
  const events = Array.from({ length: count }, () => {
    const n = published++;
    return symbol({ symbol_id: idOf(`s${n}`), ticker: `S${n}` });
  });
  await tape.publishAll("symbols", events);
}

const rows = async () => Number((await pool.query("SELECT count(*) AS n FROM public.symbol")).rows[0].n);
const run = (...args: string[]) => tradetape(args, environmentOf(config));

/** What is in sync lands; then the leader dies with records that the other keeper never had, which is elected. */
async function lose(leader: number, other: number, lost: number): Promise<void> {
  kill(other);
  await expect.poll(partition, WAIT).toEqual({ leader, isr: [leader] });
  await publish(lost);
  await landBy(config, ["symbols"]);
  expect(await rows()).toBe(published);
  kill(leader);
  start(other);
  await expect.poll(partition, WAIT).toEqual({ leader: other, isr: [other] });
}

async function leadBy(leader: number, other: number): Promise<void> {
  await expect.poll(partition, WAIT).toMatchObject({ isr: [...KEEPERS] });
  const { leader: now } = (await partition()) as { leader: number };
  expect([leader, other]).toContain(now);
}

test("a log that an election cut below what has landed goes on in the same database, from the cut", async () => {
  await publish(10);
  await landBy(config, ["symbols"]);
  await leadBy(1, 2);
  const { leader } = (await partition()) as { leader: number };
  const other = 3 - leader;
  await lose(leader, other, 10);
  await expect.poll(end, WAIT).toBe(10);

  const status = await run("status", "--json");
  const row = (JSON.parse(status.stdout) as { topic: string; breach: string }[]).find(({ topic }) => topic === name());
  expect([status.code, row]).toMatchObject([1, { breach: "cut", landed: 20, end: 10 }]);
  const stopped = await run("consume", "symbols", "--until-caught-up");
  expect([stopped.code, stopped.stderr]).toEqual([2, expect.stringContaining("tradetape rewind symbols --reason WHY")]);
  const plan = await run("rewind", "symbols", "--dry-run", "--json");
  expect(JSON.parse(plan.stdout)).toMatchObject({ partitions: [{ breach: "cut", commonEnd: 10, to: 10, rows: 10 }] });
  expect((await run("rewind", "symbols", "--reason", "unclean election")).code).toBe(0);
  await publish(5);
  const [tally] = await landBy(config, ["symbols"]);
  expect(tally).toMatchObject({ read: 5, written: 5, duplicate: 0 });
  expect(await rows()).toBe(published);
  await landBy(config, ["audit"]);
  const verified = await run("verify", "--full");
  expect([verified.code, verified.stdout]).toEqual([0, expect.stringContaining("a log that was cut at offset 10")]);
});

test("a log that was cut and has grown beyond what has landed is known for another one, and goes on from the cut", async () => {
  for (const node of KEEPERS) if (!again.has(node)) start(node);
  await leadBy(1, 2);
  const { leader } = (await partition()) as { leader: number };
  const before = await end();
  const rowsBefore = await rows();
  await lose(leader, 3 - leader, 10);
  await expect.poll(end, WAIT).toBe(before);
  await publish(25);
  await expect.poll(end, WAIT).toBe(before + 25);

  const status = await run("status", "--json");
  const row = (JSON.parse(status.stdout) as { topic: string; breach: string }[]).find(({ topic }) => topic === name());
  expect([status.code, row]).toMatchObject([1, { breach: "cut", landed: before + 10, end: before + 25 }]);
  await expect(landBy(config, ["symbols"])).rejects.toMatchObject({
    code: "history_lost",
    message: expect.stringContaining(`ends at ${before}`),
  });
  expect(await rows()).toBe(rowsBefore + 10);
  expect((await run("rewind", "symbols", "--reason", "unclean election")).code).toBe(0);
  const [tally] = await landBy(config, ["symbols"]);
  expect(tally).toMatchObject({ read: 25, written: 25, duplicate: 0 });
  expect(await rows()).toBe(rowsBefore + 10 + 25);
  await landBy(config, ["audit"]);
  const verified = await run("verify", "--full");
  expect(verified.code, verified.stdout).toBe(0);
});
