/**
 * What a replay promises, on a folder of real ticks (QuantConnect Lean's files): the same database again, also after
 * kills, as fast as it landed live, within a window, at a speed, and without a trace in the live one.
 * `npm run replay-proof -- FOLDER [--kills N] [--seed N] [--only whole,kills,beside,window,speed]`, on the environment's
 * services, else on a stack of its own. Prints its figures; ends with 1 at the first promise that doesn't hold.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { type ServedConfig, urlsOf } from "../../src/cli/services.ts";
import { readConfig } from "../../src/config.ts";
import { type StackUrls, startStack, stopStack } from "../../src/stack/stack.ts";
import { topicName } from "../../src/topic/topics.ts";
import { openDice } from "../chaos/dice.ts";
import { NOON, tick } from "../support/samples.ts";
import { startTradetape } from "../support/tradetape.ts";
import { type Bed, makeBed, tickFiles, timedReplay } from "./proof-bed.ts";
import { publishAgent, publishPoison } from "./proof-events.ts";

const PARTS = ["whole", "kills", "beside", "window", "speed"] as const;
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    kills: { type: "string", default: "5" },
    seed: { type: "string", default: "1" },
    only: { type: "string", default: PARTS.join(",") },
  },
});
const [folder] = positionals;
if (folder === undefined) throw new Error("name the folder of the tick files");
const dice = openDice(Number(values.seed));
const say = (line: string) => process.stderr.write(`${line}\n`);
const figure = (name: string, value: unknown) => process.stdout.write(`${name.padEnd(56)} ${value}\n`);
const rate = (events: number, seconds: number) =>
  `${Math.round(events / seconds).toLocaleString("en-US")}/s (${seconds.toFixed(1)} s)`;

function hold(what: string, holds: boolean, found: unknown = ""): void {
  figure(what, `${holds ? "holds" : "DOES NOT HOLD"} ${found}`);
  if (!holds) throw new Error(`${what}: ${String(found)}`);
}

interface Published {
  readonly ticks: number;
  readonly agent: number;
}

/** Everything is published, and landed in the live database. */
async function publish(bed: Bed): Promise<Published> {
  const { stdout } = await bed.must(0, "publish", "ticks", ...tickFiles(folder!), "--json");
  const ticks = (JSON.parse(stdout) as { sent: number }).sent;
  const agent = await publishAgent(bed);
  const poisoned = await publishPoison(bed);
  figure("published ticks, agent events, poisoned", [ticks, agent, poisoned].join(", "));
  return { ticks, agent };
}

const SMALL = "predictions,decisions,fills";
const equal = (bed: Bed, into: string) => bed.must(0, "verify", "--against", into, "--json");

async function whole(bed: Bed, { ticks, agent }: Published): Promise<void> {
  const live: Record<string, number> = {};
  await bed.must(0, "consume", "symbols", "sessions", "--until-caught-up");
  live.ticks = (await bed.must(0, "consume", "ticks", "--until-caught-up")).seconds;
  live.small = (await bed.must(0, "consume", ...SMALL.split(","), "--until-caught-up")).seconds;
  await bed.must(0, "consume", "--until-caught-up");
  const replayed = {
    ticks: await timedReplay(bed, await bed.fresh("ticks"), "--topics", "ticks"),
    small: await timedReplay(bed, await bed.fresh("small"), "--topics", SMALL),
  };
  figure("ticks live, process and all", rate(ticks, live.ticks));
  figure("ticks replayed, to the end of index building", rate(ticks, replayed.ticks));
  figure("  times as fast as live", (live.ticks / replayed.ticks).toFixed(2));
  figure("small tables live", rate(agent, live.small));
  figure("small tables replayed, to the end of index building", rate(agent, replayed.small));
  figure("  times as fast as live", (live.small / replayed.small).toFixed(2));
  const into = await bed.fresh("whole");
  figure("everything replayed, to the end of index building", `${(await timedReplay(bed, into)).toFixed(1)} s`);
  const { seconds, stdout } = await equal(bed, into);
  hold("verify --against is equal", (JSON.parse(stdout) as { ok: boolean }).ok, `(${seconds.toFixed(1)} s)`);
}

async function kills(bed: Bed): Promise<void> {
  await bed.must(0, "consume", "--until-caught-up");
  const probe = await timedReplay(bed, await bed.fresh("probe"));
  const into = await bed.fresh("killed");
  const seen: string[] = [];
  let resumes = 0;
  for (let killed = 0; killed < Number(values.kills); ) {
    const running = startTradetape(["replay", "--into", into, "--json", ...(resumes > 0 ? ["--resume"] : [])], bed.env);
    resumes++;
    // Each kill leaves something to do for the next.
    const afterMs = Math.round(1000 * (1.5 + (dice.next() * probe * 1.5) / Number(values.kills)));
    const outcome = await Promise.race([running.ended, sleep(afterMs, "killed" as const)]);
    if (outcome !== "killed") break;
    running.process.kill("SIGKILL");
    await running.ended;
    killed++;
    const [run] = await bed
      .query<{ state: string; landed: string }>(
        into,
        `SELECT state, (SELECT coalesce(sum(read), 0) FROM tradetape.landed_batch) AS landed FROM tradetape.replay_run`,
      )
      .catch(() => [{ state: "migrating", landed: "0" }]);
    seen.push(`${(afterMs / 1000).toFixed(1)} s: ${run?.state ?? "preparing"}, ${run?.landed ?? 0} landed`);
    // Killed before it had begun a run: there is none to resume.
    if (run === undefined || run.state === "migrating") resumes = 0;
  }
  const [unfinished] = await bed.query(into, "SELECT 1 FROM tradetape.replay_run WHERE state <> 'finished'");
  if (unfinished) await bed.must(0, "replay", "--into", into, "--json", "--resume");
  figure("killed with -9", seen.join("; "));
  hold("killed as often as asked for", seen.length === Number(values.kills));
  hold("after the kills, verify --against is equal", (await equal(bed, into)).code === 0);
}

/** Live consumers run on while the same topics are replayed. */
async function beside(bed: Bed): Promise<void> {
  await bed.must(0, "consume", "--until-caught-up");
  const look = async () => ({ offsets: await groupOffsets(bed), rows: await liveRows(bed) });
  const before = await look();
  await bed.must(0, "replay", "--into", await bed.fresh("stopped"), "--json");
  const after = await look();
  hold("live tables and group offsets, consumers stopped", JSON.stringify(before) === JSON.stringify(after));
  await bed.must(0, "consume", "--until-caught-up");
  const replays = "SELECT count(*)::int AS n FROM public.audit_log WHERE event_type = 'REPLAY'";
  const count = async () => (await bed.query<{ n: number }>(bed.env.DATABASE_URL!, replays))[0]!.n;
  const had = await count();
  const consumer = startTradetape(["consume"], bed.env);
  await consumer.says("consuming");
  await bed.must(0, "replay", "--into", await bed.fresh("running"), "--json");
  while ((await count()) === had) await sleep(200);
  consumer.process.kill("SIGTERM");
  await consumer.ended;
  hold("live verify, consumers running", (await bed.must(0, "verify", "--quiet", "--json")).code === 0);
  hold("REPLAY rows in the live audit_log", (await count()) === had + 1, (await count()) - had);
}

async function groupOffsets(bed: Bed): Promise<unknown> {
  const [row] = await bed.query<{ id: string }>(
    bed.env.DATABASE_URL!,
    "SELECT database_id AS id FROM tradetape.database_id",
  );
  const admin = bed.kafka().admin();
  await admin.connect();
  const topics = ["ticks", "fills", "audit"] as const;
  const found: unknown[] = [];
  for (const topic of topics) {
    const name = topicName(bed.config.namespace, topic);
    found.push(await admin.fetchOffsets({ groupId: `tradetape.${name}.${row!.id}`, topics: [name] }));
  }
  await admin.disconnect();
  return found;
}

const liveRows = (bed: Bed) =>
  bed.query(
    bed.env.DATABASE_URL!,
    `SELECT (SELECT count(*) FROM public.market_data) AS ticks, (SELECT count(*) FROM public.trade_execution) AS fills,
       (SELECT count(*) FROM public.audit_log) AS audit, (SELECT sum(next_offset) FROM tradetape.landed_offset) AS next`,
  );

/** Three runs five seconds apart; a plain consumer counts which records carry a time of the second's window. */
async function windowed(bed: Bed): Promise<void> {
  const each = 5000;
  const edges: number[] = [];
  for (let run = 0; run < 3; run++) {
    await bed.tape((tape) =>
      tape.publishAll(
        "ticks",
        Array.from({ length: each }, (_, n) => tick(1e6 + run * each + n)),
      ),
    );
    await sleep(2500);
    edges.push(Date.now());
    await sleep(2500);
  }
  const [from, until] = edges as [number, number, number];
  const into = await bed.fresh("window");
  const flags = ["--topics", "ticks", "--from", new Date(from).toISOString(), "--until", new Date(until).toISOString()];
  await bed.must(0, "replay", "--into", into, "--json", ...flags);
  const [rows] = await bed.query<{ n: number }>(into, "SELECT count(*)::int AS n FROM public.tick");
  const inTopic = await recordsBetween(bed, from, until);
  hold(
    "rows of the window, records of its time, published",
    rows!.n === inTopic && inTopic === each,
    [rows!.n, inTopic, each].join(", "),
  );
}

async function recordsBetween(bed: Bed, fromMs: number, untilMs: number): Promise<number> {
  const topic = topicName(bed.config.namespace, "ticks");
  const admin = bed.kafka().admin();
  await admin.connect();
  const left = new Map((await admin.fetchTopicOffsets(topic)).map((p) => [p.partition, Number(p.high)]));
  await admin.disconnect();
  for (const [partition, high] of left) if (high === 0) left.delete(partition);
  const consumer = bed.kafka().consumer({ groupId: `${topic}.proof` });
  await consumer.connect();
  await consumer.subscribe({ topic, fromBeginning: true });
  let found = 0;
  await new Promise<void>((resolve) => {
    void consumer.run({
      autoCommit: false,
      eachBatch: async ({ batch }) => {
        for (const { timestamp } of batch.messages)
          if (Number(timestamp) >= fromMs && Number(timestamp) < untilMs) found++;
        if (Number(batch.lastOffset()) + 1 >= (left.get(batch.partition) ?? 0)) left.delete(batch.partition);
        if (left.size === 0) resolve();
      },
    });
  });
  await consumer.disconnect();
  return found;
}

/** Ten minutes of events, ten times as fast. */
async function speed(urls: StackUrls): Promise<void> {
  const bed = await makeBed(urls, say);
  try {
    await publishAgent(bed);
    const seconds = 600;
    const ticks = Array.from({ length: 6000 }, (_, n) =>
      tick(n, { timestamp: NOON + Math.round((n * seconds * 1e6) / 5999) }),
    );
    await bed.tape((tape) => tape.publishAll("ticks", ticks));
    const into = await bed.fresh("speed");
    const running = startTradetape(
      ["replay", "--into", into, "--json", "--topics", "ticks", "--speed", "10x"],
      bed.env,
    );
    const landed = async () =>
      (await bed.query<{ n: number }>(into, "SELECT count(*)::int AS n FROM public.tick"))[0]!.n;
    await running.says('"state":"loading"');
    while ((await landed()) === 0) await sleep(20);
    const started = performance.now();
    await running.says('"state":"settling"');
    const took = (performance.now() - started) / 1000;
    if ((await running.ended).code !== 0) throw new Error("the paced replay failed");
    hold("--speed 10x over 600 s of event time, seconds", Math.abs(took - 60) <= 3, took.toFixed(1));
  } finally {
    await bed.end();
  }
}

async function main(urls: StackUrls): Promise<void> {
  figure("load before", loadavg()[0]!.toFixed(1));
  const parts = values.only.split(",");
  const bed = await makeBed(urls, say);
  try {
    const published = parts.some((part) => part !== "speed") ? await publish(bed) : { ticks: 0, agent: 0 };
    if (parts.includes("whole")) await whole(bed, published);
    if (parts.includes("kills")) await kills(bed);
    if (parts.includes("beside")) await beside(bed);
    if (parts.includes("window")) await windowed(bed);
  } finally {
    await bed.end();
  }
  if (parts.includes("speed")) await speed(urls);
}

const config = readConfig();
if (config.databaseUrl && config.kafkaBrokers && config.schemaRegistryUrl) {
  await main(urlsOf(config as ServedConfig));
} else {
  const home = mkdtempSync(join(tmpdir(), "tradetape-replay-proof-"));
  const stack = await startStack({ home, ports: "random", detached: false, onProgress: say });
  try {
    await main(stack.urls);
  } finally {
    await stopStack(home, { purge: true });
    rmSync(home, { recursive: true, force: true });
  }
}
