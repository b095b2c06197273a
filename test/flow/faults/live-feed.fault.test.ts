import { createReadStream, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { readConfig, requireServices } from "../../../src/config.ts";
import { openLog } from "../../../src/log.ts";
import { readState } from "../../../src/stack/home.ts";
import { startStack, stopStack } from "../../../src/stack/stack.ts";
import { createTopics } from "../../../src/topic/create-topics.ts";
import { openKafka } from "../../../src/topic/kafkajs/open-kafka.ts";
import { withAdmin } from "../../../src/topic/log-client.ts";
import { environmentOf } from "../../support/landing.ts";
import { temporaryHome } from "../../support/services/stack.ts";
import { readLog } from "../../support/services/topic-log.ts";
import type { TestTape } from "../../support/tape.ts";
import { type Running, startTradetape } from "../../support/tradetape.ts";

const PER_SECOND = 500;
/** How long the feed runs, and for how long of it its broker is frozen: LIVE_FEED_SECONDS=600 LIVE_FEED_FROZEN_SECONDS=30 */
const SECONDS = Number(process.env.LIVE_FEED_SECONDS ?? 20);
const FROZEN_SECONDS = Number(process.env.LIVE_FEED_FROZEN_SECONDS ?? 10);
const LINES = PER_SECOND * SECONDS;
const folder = mkdtempSync(join(tmpdir(), "tradetape-live-"));
let home: string;
let config: TestTape["config"];

beforeAll(async () => {
  home = temporaryHome();
  const { urls } = await startStack({ home, ports: "random", launcher: "processes", detached: false });
  config = requireServices(readConfig({ ...urls, logLevel: "silent" }, {}), "databaseUrl");
  await withAdmin(openKafka(config, openLog(config)), (admin) => createTopics(admin, config));
});
afterAll(async () => {
  await stopStack(home, { purge: true });
  for (const made of [home, folder]) rmSync(made, { recursive: true, force: true });
});

const BAD = [
  (n: number) => `{"half": ${n}`,
  (n: number) => lineOf(n, { volume: -1 }),
  (n: number) => lineOf(n, { unheard_of: true }),
  (n: number) => lineOf(n, { timestamp: "2024-03-05 14:30:00" }),
];
const lineOf = (n: number, change: object = {}) =>
  JSON.stringify({
    ...{
      ticker: `T${n % 20}`,
      timestamp: "2024-03-05T14:30:00Z",
      close: 100,
      volume: 1,
      source: "desk",
      trade_id: `${n}`,
    },
    ...change,
  });
/** Every hundredth line is bad, each in another way. */
const textOf = (n: number) => (n % 100 === 0 ? BAD[(n / 100) % BAD.length]!(n) : lineOf(n));

/** Writes the lines as their time comes, and as fast as the pipe takes them where it is behind. */
async function write({ process: { stdin } }: Running, onHalf: () => void): Promise<void> {
  const startedMs = performance.now();
  for (let n = 1; n <= LINES; ) {
    const due = Math.min(LINES, Math.floor(((performance.now() - startedMs) * PER_SECOND) / 1000));
    let text = "";
    for (; n <= due; n++) {
      text += `${textOf(n)}\n`;
      if (n === LINES / 2) onHalf();
    }
    if (text !== "" && !stdin!.write(text)) await new Promise((resolve) => stdin!.once("drain", resolve));
    await sleep(20);
  }
}

interface Told {
  readonly event: string;
  readonly read?: number;
  readonly waiting?: number;
  readonly forMs?: number;
}

/** What the feed tells as events, as it tells them. */
function follow(running: Running): { readonly told: Told[]; until(is: (told: Told) => boolean): Promise<void> } {
  const told: Told[] = [];
  const lines = createInterface({ input: running.process.stdout! });
  lines.on("line", (text) => told.push(JSON.parse(text)));
  const until = async (is: (one: Told) => boolean) => {
    while (!told.some(is)) await sleep(100);
  };
  return { told, until };
}

async function rejectedLines(path: string): Promise<Map<number, string>> {
  const found = new Map<number, string>();
  for await (const text of createInterface({ input: createReadStream(path) })) {
    const { line, text: own } = JSON.parse(text);
    found.set(line, own);
  }
  return found;
}

const PATIENCE_MS = (SECONDS + 600) * 1000;

test("a live feed whose broker freezes tells of it, loses nothing, and keeps every rejected line", {
  timeout: PATIENCE_MS,
}, async () => {
  const path = join(folder, "rejects.jsonl");
  const args = ["publish", "ticks", "-", "--json", "--make-symbols", "--rejects", path];
  const running = startTradetape(args, environmentOf(config), null);
  const { told, until } = follow(running);
  const broker = readState(home)!.programs.find(({ name }) => name.startsWith("kafka"))!;
  let thawed: Promise<void> | undefined;
  await write(running, () => {
    process.kill(broker.pid, "SIGSTOP");
    thawed = until(({ event, forMs }) => event === "broker_silent" && forMs! >= FROZEN_SECONDS * 1000).then(() => {
      process.kill(broker.pid, "SIGCONT");
    });
  });
  await thawed;
  await until(({ event, read, waiting }) => event === "progress" && read === LINES && waiting === 0);
  running.process.kill("SIGTERM");
  const { code, stdout, stderr } = await running.ended;
  const result = JSON.parse(stdout.trimEnd().split("\n").at(-1)!);
  const bad = new Map(Array.from({ length: LINES / 100 }, (_, i) => [(i + 1) * 100, textOf((i + 1) * 100)]));
  const records = await readLog(config, "ticks");
  const inTopic = new Set(records.map(({ value }) => value!.subarray(6, 42).toString())).size;
  process.stdout.write(
    `${stderr}${told
      .filter(({ event }) => event.startsWith("broker"))
      .map((one) => JSON.stringify(one))
      .join("\n")}\n` +
      `${SECONDS} s at ${PER_SECOND}/s: read ${result.read}, sent ${result.sent}, rejected ${result.rejected}; ` +
      `${records.length} records of ${inTopic} events in the topic; exit code ${code}\n`,
  );
  expect([code, result.read, result.sent, result.rejected]).toEqual([0, LINES, LINES - bad.size, bad.size]);
  expect(inTopic).toBe(result.sent);
  expect(await rejectedLines(path)).toEqual(bad);
  expect(readFileSync(path, "utf8").trimEnd().split("\n").length).toBe(bad.size);
  expect(stderr).toMatch(/the broker hasn't answered for \d+ s: [\d,]+ events wait/);
  expect(told).toContainEqual(expect.objectContaining({ event: "broker_answers" }));
});
