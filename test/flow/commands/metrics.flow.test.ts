import { Registry } from "prom-client";
import { afterAll, beforeAll, expect, test } from "vitest";
import { METRICS } from "../../../src/metrics/declared.ts";
import { connect } from "../../../src/tradetape.ts";
import { environmentOf } from "../../support/landing.ts";
import { idOf, symbol } from "../../support/samples.ts";
import { startTcpProxy, type TcpProxy } from "../../support/services/tcp-proxy.ts";
import { openTestTape, type TestTape } from "../../support/tape.ts";
import { type Running, startTradetape, tradetape } from "../../support/tradetape.ts";

let tape: TestTape;
let env: NodeJS.ProcessEnv;
let topic: string;
let proxy: TcpProxy;
/** Through the proxy. */
let byProxy: NodeJS.ProcessEnv;
const running: Running[] = [];

beforeAll(async () => {
  tape = await openTestTape();
  env = environmentOf(tape.config);
  topic = tape.name("symbols");
  const url = new URL(tape.config.databaseUrl);
  proxy = await startTcpProxy(url.host);
  url.host = `127.0.0.1:${proxy.port}`;
  byProxy = { ...env, DATABASE_URL: url.href };
});
afterAll(async () => {
  for (const { process, ended } of running) {
    process.kill("SIGKILL");
    await ended;
  }
  await proxy.close();
  await tape.stop();
});

/** A command that is asked about itself. @returns it and where it says that it listens */
async function serve(args: readonly string[], by: NodeJS.ProcessEnv, stdin: string | null = "") {
  const command = startTradetape([...args, "--http", "127.0.0.1:0"], by, stdin);
  running.push(command);
  let said = "";
  command.process.stderr!.on("data", (text: string) => {
    said += text;
  });
  await command.says("/status");
  return { command, url: /serving (http:\S+)\/metrics/.exec(said)![1]! };
}
const get = async (url: string) => {
  const response = await fetch(url);
  return { code: response.status, text: await response.text() };
};

/** The samples of a scrape by name and labels, each line of which must be one, and of a metric that is declared. */
async function scrape(url: string): Promise<ReadonlyMap<string, number>> {
  const samples = new Map<string, number>();
  for (const line of (await get(`${url}/metrics`)).text.split("\n")) {
    if (line === "" || /^# (HELP|TYPE) tradetape_/.test(line)) continue;
    const [, name, labels = "", value] = /^([a-z_]+)(\{[^}]*\})? (\S+)$/.exec(line) ?? [];
    expect(value, line).toBeDefined();
    expect(Object.keys(METRICS), line).toContain(name!.replace(/_(bucket|sum|count)$/, ""));
    samples.set(`${name}${labels}`, value === "+Inf" ? Number.POSITIVE_INFINITY : Number(value));
  }
  return samples;
}
const symbols = (from: number, count: number) =>
  Array.from({ length: count }, (_, n) => symbol({ symbol_id: idOf(`METER${from + n}`), ticker: `METER${from + n}` }));
const one = (name: string, labels: string) => `${name}{${labels}}`;
const counted = (outcome: string) =>
  one("tradetape_landed_events_total", `topic="${topic}",partition="0",outcome="${outcome}"`);
const inPlace = (name: string) => one(name, `topic="${topic}",partition="0"`);

test("a consumer's counters are what landed, its gauges what waits, and it is ready while all of it works", async () => {
  const { command, url } = await serve(["consume", "symbols"], byProxy);
  await expect.poll(() => get(`${url}/ready`)).toMatchObject({ code: 200, text: '{"ready":true,"faults":[]}\n' });
  expect(await get(`${url}/live`)).toMatchObject({ code: 200 });

  await tape.publishAll("symbols", symbols(0, 40));
  await tape.raw("symbols", [{ value: Buffer.from("no event") }]);
  await expect.poll(async () => (await scrape(url)).get(counted("written"))).toBe(40);
  await expect.poll(async () => (await scrape(url)).get(counted("dead"))).toBe(1);
  const samples = await scrape(url);
  const [ledger] = await tape.query(
    `SELECT sum(written)::int AS written, count(*)::int AS batches, extract(epoch FROM max(landed_at))::float8 AS at
     FROM tradetape.landed_batch WHERE topic = $1`,
    [topic],
  );
  expect(samples.get(inPlace("tradetape_landed_batches_total"))).toBe(ledger!.batches);
  expect(samples.get(one("tradetape_event_to_row_seconds_count", `topic="${topic}"`))).toBe(ledger!.batches);
  const processedAt = samples.get(inPlace("tradetape_last_record_processed_timestamp_seconds"))!;
  // The commit is told a moment after the database took its time.
  expect(processedAt).toBeGreaterThanOrEqual(Math.floor(ledger!.at as number));
  expect(samples.get(one("tradetape_group_state", `topic="${topic}",state="running"`))).toBe(1);
  await expect.poll(async () => (await scrape(url)).get(inPlace("tradetape_open_letters"))).toBe(1);
  expect((await scrape(url)).get(inPlace("tradetape_lag_offsets"))).toBe(0);
  const status = JSON.parse((await get(`${url}/status`)).text);
  expect(status).toMatchObject({
    groups: [{ topic: "symbols", landed: 41 }],
    partitions: [{ topic, landed: 41, lag: 0 }],
  });

  proxy.pause();
  const away = { code: 503, text: expect.stringContaining("database: ") };
  await expect.poll(() => get(`${url}/ready`)).toMatchObject(away);
  expect(await get(`${url}/live`)).toMatchObject({ code: 200 });
  proxy.resume();
  await expect.poll(() => get(`${url}/ready`)).toMatchObject({ code: 200 });
  command.process.kill("SIGTERM");
  expect((await command.ended).code).toBe(0);
});

test("a consumer that is started while the database is away is alive, and not ready", async () => {
  proxy.pause();
  const { command, url } = await serve(["consume", "symbols"], byProxy);
  expect(await get(`${url}/live`)).toMatchObject({ code: 200 });
  expect(await get(`${url}/ready`)).toMatchObject({ code: 503, text: expect.stringContaining("it is starting") });
  proxy.resume();
  await expect.poll(() => get(`${url}/ready`)).toMatchObject({ code: 200 });
  command.process.kill("SIGTERM");
  expect((await command.ended).code).toBe(0);
});

test("a publisher's counters are what the topic has got, one latency a batch", async () => {
  const { command, url } = await serve(["publish", "symbols", "-"], env, null);
  // What it publishes as is decided by its first line.
  expect(await get(`${url}/ready`)).toMatchObject({ code: 503, text: expect.stringContaining("it is starting") });
  const lines = symbols(100, 30).map((event) => `${JSON.stringify(event)}\n`);
  command.process.stdin!.write(lines.join(""));
  await expect.poll(() => get(`${url}/ready`)).toMatchObject({ code: 200 });
  const published = one("tradetape_published_events_total", `topic="${topic}"`);
  await expect.poll(async () => (await scrape(url)).get(published)).toBe(30);
  const samples = await scrape(url);
  const batches = samples.get(one("tradetape_publish_to_ack_seconds_count", `topic="${topic}"`))!;
  expect(batches).toBeGreaterThan(0);
  expect(samples.get(one("tradetape_publish_to_ack_seconds_bucket", `le="+Inf",topic="${topic}"`))).toBe(batches);
  command.process.stdin!.end();
  expect((await command.ended).code).toBe(0);
});

test("a program measures all its connections in a registry of its own", async () => {
  const registry = new Registry();
  const { kafkaBrokers, schemaRegistryUrl, namespace } = tape.config;
  const settings = { kafkaBrokers, schemaRegistryUrl, namespace };
  for (const from of [200, 210]) {
    await using connection = await connect(settings, { registry });
    for (const event of symbols(from, 10)) await connection.publish("symbols", event);
  }
  expect(await registry.metrics()).toContain(`tradetape_published_events_total{topic="${topic}"} 20\n`);
});

test("nothing listens without --http, and an address that can't be listened at ends the command with what to do", async () => {
  const command = startTradetape(["consume", "symbols"], env);
  running.push(command);
  await command.says("consuming symbols");
  command.process.kill("SIGTERM");
  const { code, stderr } = await command.ended;
  expect([code, stderr]).toEqual([0, expect.not.stringContaining("serving")]);
  const wrong = await tradetape(["consume", "symbols", "--http", "nowhere"], env);
  expect([wrong.code, wrong.stderr]).toEqual([2, expect.stringContaining("--http takes HOST:PORT, not nowhere")]);
});
