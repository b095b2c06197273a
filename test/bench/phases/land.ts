/**
 * Lands what the ticks topic holds by the product's own consumer group, as `tradetape consume ticks` does. Measured from
 * a quarter of it to the last batch's commit: a consumer starts, connects and compiles once and runs for days.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { CONSUMERS } from "../../../consumers/all.ts";
import { openLandingServices } from "../../../src/batch/run/landing-services.ts";
import { openGroup } from "../../../src/batch/run/open-group.ts";
import { readConfig } from "../../../src/config.ts";
import { openLog } from "../../../src/log.ts";
import { argsOf, Measure, type Measured, print, WARM_SHARE } from "./measure.ts";

export interface LandArgs {
  /** How many records there are. */
  readonly events: number;
}

export interface Landed extends Measured {
  readonly written: number;
  readonly duplicate: number;
}

/** Half a per cent of a run of two seconds; looking more often would itself be seen in Node's time. */
const LOOK_MS = 10;

const { events, pids } = argsOf<LandArgs>();
const services = await openLandingServices(readConfig(), openLog({ logLevel: "error" }));
const group = await openGroup(services, CONSUMERS.find(({ topic }) => topic === "ticks")!);
let hasFailed = false;
group.failure.catch(() => {
  hasFailed = true;
});
await group.start();
const read = async (count: number): Promise<number> => {
  while (group.tally.read < count && !hasFailed) await sleep(LOOK_MS);
  return group.tally.read;
};
const warm = await read(events * WARM_SHARE);
const measure = new Measure(pids);
const measured = measure.end((await read(events)) - warm, events);
await Promise.race([group.settled(), group.failure]);
await group.stop();
await services.close();
const { written, duplicate } = group.tally;
if (group.tally.read !== events || written + duplicate !== events)
  throw new Error(`${JSON.stringify(group.tally)} of ${events}`);
print({ ...measured, written, duplicate } satisfies Landed);
process.exit(0);
