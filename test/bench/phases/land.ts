/**
 * Lands what the ticks topic holds by the product's own consumer group, as `tradetape consume ticks` does. Measured from
 * the group's join (just before the first fetch) to the last batch's commit: a start is paid once, not per event.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { CONSUMERS } from "../../../consumers/all.ts";
import { openGroup, openLandingServices } from "../../../src/batch/landing-services.ts";
import { readConfig } from "../../../src/config.ts";
import { openLog } from "../../../src/log.ts";
import { argsOf, Measure, type Measured, print } from "./measure.ts";

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
const measure = new Measure(pids);
while (group.tally.read < events && !hasFailed) await sleep(LOOK_MS);
const measured = measure.end(events);
await Promise.race([group.settled(), group.failure]);
await group.stop();
await services.close();
const { read, written, duplicate } = group.tally;
if (read !== events || written + duplicate !== events) throw new Error(`${JSON.stringify(group.tally)} of ${events}`);
print({ ...measured, written, duplicate } satisfies Landed);
process.exit(0);
