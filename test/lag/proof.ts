/**
 * Holds what `status` says of lag against a script that knows when each event was published: `npm run lag-proof -- --minutes 15`.
 * A steady rate, a burst, a consumer that stands still, one that joins and is killed, aborted transactions, no consumer at all,
 * and a replay of it all at a steady rate, by which the time until caught up is judged. Exit code 1 where a figure is wrong.
 */
import { parseArgs } from "node:util";
import type { PartitionRow } from "../../src/status/read-status.ts";
import { type Bed, makeBed } from "../replay/proof-bed.ts";
import { startTestStack } from "../support/services/stack.ts";
import { type Running, startTradetape } from "../support/tradetape.ts";
import { Published } from "./published.ts";

const { values } = parseArgs({ options: { minutes: { type: "string", default: "15" } } });
const TOTAL_MS = Number(values.minutes) * 60_000;
/** What status may be wrong by. */
const WRONG_SECONDS_MAX = 1;
const WRONG_SHARE_MAX = 0.2;
/** A steady rate has been seen for so long before its end is asked for. */
const STEADY_MS = 120_000;
/** Shorter ends aren't judged: the rates are those of a minute. */
const JUDGED_SECONDS_MIN = 15;

interface Sample {
  readonly phase: string;
  readonly wrongSeconds: number;
  readonly behindSeconds: number;
}

const say = (line: string) => void process.stdout.write(`${line}\n`);
const sleep = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));
const part = (share: number) => share * TOTAL_MS;

const samples: Sample[] = [];
const running = new Set<Running>();
let phase = "";

function start(bed: Bed, args: readonly string[], databaseUrl?: string): Running {
  const env = databaseUrl === undefined ? bed.env : { ...bed.env, DATABASE_URL: databaseUrl };
  const command = startTradetape(args, env);
  running.add(command);
  void command.ended.then(() => running.delete(command));
  return command;
}

/** Asks status every two seconds, and holds each answer against what was published. @param look is told each answer */
function watchLag(
  bed: Bed,
  published: Published,
  look: (rows: readonly PartitionRow[], nowMs: number) => void,
  at?: string,
) {
  const watching = start(bed, ["status", "--watch", "--json"], at);
  let rest = "";
  watching.process.stdout!.on("data", (text: string) => {
    const nowMs = Date.now();
    const lines = (rest + text).split("\n");
    rest = lines.pop()!;
    for (const line of lines) {
      const rows = (JSON.parse(line) as PartitionRow[]).filter(({ topic }) => topic === published.topic);
      for (const row of rows) sample(published, row, nowMs);
      look(rows, nowMs);
    }
  });
  return watching;
}

function sample(published: Published, { partition, landed, secondsBehind }: PartitionRow, nowMs: number): void {
  const [least, most] = published.waited(partition, landed ?? 0, nowMs) ?? [0, 0];
  // An event that was published while it looked may be in what it says, or not yet.
  const isNew = most < WRONG_SECONDS_MAX;
  const said = secondsBehind ?? Number.POSITIVE_INFINITY;
  const wrongSeconds = Math.max(0, (isNew ? 0 : least) - said, said - most);
  samples.push({ phase, wrongSeconds, behindSeconds: most });
}

async function publishFor(published: Published, ms: number, each: number): Promise<void> {
  const end = Date.now() + ms;
  while (Date.now() < end) {
    const next = Date.now() + 100;
    await published.publish(each);
    await sleep(Math.max(0, next - Date.now()));
  }
}

async function live(bed: Bed, published: Published): Promise<void> {
  const watching = watchLag(bed, published, () => {});
  const first = start(bed, ["consume", "ticks"]);
  const STEADY = 25;
  const during = async (name: string, share: number, each: number, act: () => Promise<unknown> = async () => {}) => {
    phase = name;
    await Promise.all([publishFor(published, part(share), each), act()]);
  };
  await during("steady", 0.1, STEADY);
  await during("burst", 0.03, 20 * STEADY);
  await during("behind the burst", 0.05, STEADY);
  await during("a consumer stands still", 0.1, STEADY, async () => {
    first.process.kill("SIGSTOP");
    await sleep(part(0.06));
    first.process.kill("SIGCONT");
  });
  await during("one joins and is killed", 0.1, STEADY, async () => {
    const second = start(bed, ["consume", "ticks"]);
    await sleep(part(0.05));
    second.process.kill("SIGKILL");
  });
  await during("transactions are aborted", 0.06, STEADY, async () => {
    const end = Date.now() + part(0.05);
    while (Date.now() < end) await published.abortAfter(3000);
  });
  await during("no consumer", 0.06, STEADY, async () => {
    first.process.kill("SIGTERM");
    await first.ended;
  });
  const again = start(bed, ["consume", "ticks"]);
  await during("a consumer again", 0.05, STEADY);
  for (const one of [again, watching]) {
    one.process.kill("SIGTERM");
    await one.ended;
  }
}

/** @returns how far the time until caught up was off, as a share of the true one, at each look that is judged */
async function replayed(bed: Bed, published: Published): Promise<number[]> {
  phase = "a replay";
  const into = await bed.fresh("replayed");
  const seconds = Math.max(part(0.4) / 1000, (STEADY_MS * 2) / 1000);
  const speed = Math.ceil(published.count / seconds);
  const looks: { readonly nowMs: number; readonly saidSeconds: number }[] = [];
  let beganMs: number | undefined;
  let endedMs: number | undefined;
  const { code, stderr } = await start(bed, ["migrate"], into).ended;
  if (code !== 0) throw new Error(`migrate ended with ${code}: ${stderr}`);
  const watching = watchLag(
    bed,
    published,
    (rows, nowMs) => {
      if (rows.every(({ landed }) => landed === null)) return;
      beganMs ??= nowMs;
      const { ofTopic } = rows[0]!;
      if (ofTopic.lag === 0) endedMs ??= nowMs;
      const said = ofTopic.caughtUpIn.over60s;
      if (endedMs === undefined && nowMs - beganMs >= STEADY_MS) {
        looks.push({ nowMs, saidSeconds: said === "never" ? Number.POSITIVE_INFINITY : said });
      }
    },
    into,
  );
  await bed.must(0, "replay", "--into", into, "--topics", "ticks", "--speed", `${speed}/s`, "--json");
  await sleep(4000);
  watching.process.kill("SIGTERM");
  await watching.ended;
  const judged = looks.map(({ nowMs, saidSeconds }) => ({ trueSeconds: (endedMs! - nowMs) / 1000, saidSeconds }));
  return judged
    .filter(({ trueSeconds }) => trueSeconds >= JUDGED_SECONDS_MIN)
    .map(({ trueSeconds, saidSeconds }) => Math.abs(saidSeconds - trueSeconds) / trueSeconds);
}

function tell(offs: readonly number[]): boolean {
  for (const [name, of] of Map.groupBy(samples, (one) => one.phase)) {
    const worst = Math.max(...of.map(({ wrongSeconds }) => wrongSeconds));
    const late = Math.max(...of.map(({ behindSeconds }) => behindSeconds));
    say(`${name}: ${of.length} looks, up to ${late.toFixed(1)} s behind, wrong by ${worst.toFixed(3)} s at most`);
  }
  const worst = Math.max(...samples.map(({ wrongSeconds }) => wrongSeconds));
  const worstShare = Math.max(...offs);
  say(`seconds behind: ${samples.length} looks, wrong by ${worst.toFixed(3)} s at most (${WRONG_SECONDS_MAX} allowed)`);
  say(`caught up in: ${offs.length} looks, off by ${(100 * worstShare).toFixed(1)} % at most (20 % allowed)`);
  return worst <= WRONG_SECONDS_MAX && offs.length > 0 && worstShare <= WRONG_SHARE_MAX;
}

const stack = await startTestStack();
const bed = await makeBed(stack.urls, say);
try {
  const published = await Published.open(bed.config, bed.kafka());
  await live(bed, published);
  say(`${published.count} ticks were published; they are replayed`);
  const offs = await replayed(bed, published);
  await published.close();
  process.exitCode = tell(offs) ? 0 : 1;
} finally {
  for (const { process: one, ended } of running) {
    one.kill("SIGKILL");
    await ended;
  }
  await bed.end();
  await stack.end();
}
