import { fileURLToPath } from "node:url";
import { CONSUMERS } from "../../../consumers/all.ts";
import { bars as barsProducer } from "../../../producers/bars.ts";
import { type Consumed, type ConsumeProgress, consume } from "../../batch/run/consume.ts";
import { type LandingServices, openLandingServices } from "../../batch/run/landing-services.ts";
import type { Tally } from "../../batch/tally.ts";
import type { BarEvent, TickEvent } from "../../event/events.ts";
import type { EventTopic } from "../../event/schemas.ts";
import { connectTape } from "../../tradetape/connect-tape.ts";
import type { Tape } from "../../tradetape/tape.ts";
import type { Session } from "../command.ts";
import { topicBars } from "../flow/consume.ts";
import { agentPrograms } from "../programs/agent-programs.ts";
import { runPrograms } from "../programs/run.ts";
import { DEMO_RUN, demoSession } from "./demo-session.ts";
import { demoSymbols, seededTicks } from "./demo-ticks.ts";

export interface DemoRow {
  readonly topic: string;
  /** Acknowledged by the broker; of the audit topic, what the consumers told it. */
  readonly published: number;
  readonly landed: number;
  readonly duplicates: number;
  readonly deadLetters: number;
  /** Undefined where the rows were too few to take a measurable time. */
  readonly rowsPerSecond: number | undefined;
}

const TICKS = 200_000;
const TICKS_PER_ARRAY = 2000;

/** From bars to performance and outcomes; the bars themselves are real ones. */
const AGENT = ["indicators", "predictions", "decisions", "fills", "performance", "outcomes"];

/**
 * Publishes bars and ticks, and runs the agent's programs on them, while all consumer groups land everything; then
 * lands the rest. Publishing comes first by a little: most events meet groups that wait for them, as in life.
 */
export async function runPipeline(session: Session, barsFile: string): Promise<readonly DemoRow[]> {
  const { config, log, progress, signal, force } = session;
  const landing = await openLandingServices(config, log);
  const tape = await connectTape(config, log);
  const rates = new Rates();
  const bars = topicBars(progress);
  const onProgress = (now: readonly ConsumeProgress[]) => {
    rates.see(now);
    bars.show(now);
  };
  const published = new Map<EventTopic, number>();
  try {
    const stop = new AbortController();
    const options = { failFast: true, force, onProgress };
    const live = { ...options, untilCaughtUp: false, stop: AbortSignal.any([signal, stop.signal]) };
    const publishing = publishAll(session, tape, published, barsFile).finally(() => stop.abort());
    // Both to their ends, whichever fails: what is closed below, neither may use any more.
    const [running, sent] = await Promise.allSettled([consume(landing, CONSUMERS, live), publishing]);
    if (sent.status === "rejected") throw sent.reason;
    if (running.status === "rejected") throw running.reason;
    const first = landed(running.value);
    bars.end();
    const rest = landed(await consume(landing, CONSUMERS, { ...options, untilCaughtUp: true, stop: signal }));
    return rowsOf(published, [...first, ...rest], rates);
  } finally {
    bars.end();
    await closeAll(tape, landing);
  }
}

/** @throws what stopped a group */
function landed({ tallies, failure }: Consumed): readonly Tally[] {
  if (failure) throw failure;
  return tallies;
}

async function closeAll(tape: Tape, landing: LandingServices): Promise<void> {
  await tape.close();
  await landing.close();
}

async function publishAll(
  session: Session,
  tape: Tape,
  published: Map<EventTopic, number>,
  barsFile: string,
): Promise<void> {
  const send = async (topic: EventTopic, source: Parameters<Tape["publishAll"]>[1]) => {
    const { sent } = await tape.publishAll(topic, source as never);
    published.set(topic, (published.get(topic) ?? 0) + sent);
  };
  const feed = await barsProducer.open(barsFile, { symbol: "^GSPC", source: "ohlcv" });
  await send("symbols", [...feed.symbols, ...demoSymbols()]);
  const bars: BarEvent[] = [];
  for await (const { events } of feed.batches()) bars.push(...events);
  await send("sessions", [demoSession(bars)]);
  const barsAreThere = send("bars", bars);
  const ticks = send("ticks", tickArrays(session.signal));
  const programs = agentPrograms(AGENT, DEMO_RUN);
  const tallies = await runPrograms(session, tape, programs, DEMO_RUN.session, barsAreThere);
  for (const [program, tally] of Object.entries(tallies)) published.set(program as EventTopic, tally.published);
  await ticks;
}

/** In arrays: awaiting each tick would cost as much as publishing it. */
async function* tickArrays(signal: AbortSignal): AsyncGenerator<TickEvent[]> {
  let some: TickEvent[] = [];
  for (const tick of seededTicks(TICKS)) {
    some.push(tick);
    if (some.length < TICKS_PER_ARRAY) continue;
    yield some;
    some = [];
    if (signal.aborted) return;
  }
  yield some;
}

/** Real daily bars of the S&P 500, 2000 to 2020, from the npm package vega-datasets; undefined where that isn't installed. */
export function demoBars(): string | undefined {
  try {
    return fileURLToPath(new URL("../data/sp500-2000.csv", import.meta.resolve("vega-datasets")));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ERR_MODULE_NOT_FOUND") return undefined;
    throw error;
  }
}

function rowsOf(published: ReadonlyMap<EventTopic, number>, tallies: readonly Tally[], rates: Rates): DemoRow[] {
  return CONSUMERS.map(({ topic }) => {
    const own = tallies.filter((tally) => tally.topic === topic);
    const sum = (of: "read" | "written" | "duplicate" | "replaced" | "dead") =>
      own.reduce((all, tally) => all + tally[of], 0);
    return {
      topic,
      published: published.get(topic) ?? sum("read"),
      landed: sum("written"),
      duplicates: sum("duplicate") + sum("replaced"),
      deadLetters: sum("dead"),
      rowsPerSecond: rates.of(topic),
    };
  });
}

/** Fewer rows than this land in one go, between two looks. */
const RATED_FROM = 10_000;

/** Rows per second of each topic, from its first landed batch to its last. */
class Rates {
  readonly #seen = new Map<string, { firstMs: number; firstRows: number; lastMs: number; rows: number }>();

  see(now: readonly ConsumeProgress[]): void {
    const ms = performance.now();
    for (const { topic, landed } of now) {
      const before = this.#seen.get(topic);
      if (landed === 0 || before?.rows === landed) continue;
      if (before === undefined) this.#seen.set(topic, { firstMs: ms, firstRows: landed, lastMs: ms, rows: landed });
      else if (landed > before.rows) this.#seen.set(topic, { ...before, lastMs: ms, rows: landed });
    }
  }

  of(topic: string): number | undefined {
    const seen = this.#seen.get(topic);
    if (seen === undefined || seen.rows < RATED_FROM || seen.lastMs === seen.firstMs) return undefined;
    return Math.round(((seen.rows - seen.firstRows) * 1000) / (seen.lastMs - seen.firstMs));
  }
}
