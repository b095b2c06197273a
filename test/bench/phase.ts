/**
 * One measured phase in a process of its own, so that its peak of resident memory is its own, too. Called by bench.ts:
 * `phase.ts publish|land EVENTS ROUND`, settings from the environment; prints a PhaseResult as JSON.
 */
import { CONSUMERS } from "../../consumers/all.ts";
import { consume } from "../../src/batch/consume.ts";
import { openLandingServices } from "../../src/batch/landing-services.ts";
import { seededTicks } from "../../src/cli/demo-ticks.ts";
import { readConfig } from "../../src/config.ts";
import type { TickEvent } from "../../src/event/events.ts";
import { openLog } from "../../src/log.ts";
import { connectTape } from "../../src/tradetape.ts";

export interface PhaseResult {
  readonly events: number;
  readonly seconds: number;
  /** The process's peak, in MiB. */
  readonly residentMib: number;
}

const DAY_US = 86_400_000_000;
const FIRST_DAY_US = Date.UTC(2021, 0, 4, 14, 30) * 1000;
const EVENTS_PER_ARRAY = 2000;

const config = readConfig();
const log = openLog({ logLevel: "error" });

/** Each round has a day, and so a partition of the table, of its own: none finds the indexes of the last one full. */
function* tickArrays(events: number, round: number): Generator<TickEvent[]> {
  let some: TickEvent[] = [];
  for (const tick of seededTicks(events, round + 1, FIRST_DAY_US + round * DAY_US)) {
    if (some.push(tick) < EVENTS_PER_ARRAY) continue;
    yield some;
    some = [];
  }
  yield some;
}

/** From the first event made to the last one acknowledged: ids, checks, encoding and the broker included. */
async function publish(events: number, round: number): Promise<number> {
  const tape = await connectTape(config, log);
  const startedMs = performance.now();
  await tape.publishAll("ticks", tickArrays(events, round));
  const ms = performance.now() - startedMs;
  await tape.close();
  return ms;
}

/** From the groups' start to the last batch's commit: joining the group, fetching, decoding and COPY included. */
async function land(events: number): Promise<number> {
  const services = await openLandingServices(config, log);
  const ticks = CONSUMERS.filter(({ topic }) => topic === "ticks");
  const never = new AbortController().signal;
  let endedMs = 0;
  const startedMs = performance.now();
  const [tally] = await consume(services, ticks, {
    untilCaughtUp: true,
    stop: never,
    force: never,
    onProgress: ([now]) => {
      if (now?.landed === events && endedMs === 0) endedMs = performance.now();
    },
  });
  await services.close();
  if (tally?.written !== events) throw new Error(`${tally?.written} of ${events} ticks landed`);
  return endedMs - startedMs;
}

const [phase, events, round] = process.argv.slice(2);
const ms = phase === "publish" ? await publish(Number(events), Number(round)) : await land(Number(events));
const residentMib = Math.round(process.resourceUsage().maxRSS / 1024);
const result: PhaseResult = { events: Number(events), seconds: ms / 1000, residentMib };
process.stdout.write(`${JSON.stringify(result)}\n`);
