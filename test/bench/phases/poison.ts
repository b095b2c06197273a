/**
 * What bad rows cost: the transaction of 10,000 ticks, clean, with 1 and with 100 of them that only PostgreSQL finds bad
 * (a negative size breaks a CHECK), on a partition that no consumer owns.
 */
import { ticks } from "../../../consumers/ticks.ts";
import { encodeBatch } from "../../../src/batch/encode/encode.ts";
import { landBatch } from "../../../src/batch/land/land.ts";
import { openLandingServices } from "../../../src/batch/run/landing-services.ts";
import { makeLandingPlan } from "../../../src/batch/run/make-landing-plan.ts";
import { seededTicks } from "../../../src/cli/demo/demo-ticks.ts";
import { readConfig } from "../../../src/config.ts";
import { encodeEvent } from "../../../src/event/codec.ts";
import { dayOf } from "../../../src/event/day.ts";
import { openLog } from "../../../src/log.ts";
import { Connection } from "../../../src/table/connection.ts";
import { makeDays } from "../../../src/table/landing/days.ts";
import { claimPartition } from "../../../src/table/landing/landed.ts";
import type { Records } from "../../../src/topic/fetch/records.ts";
import { argsOf, print } from "./measure.ts";

export interface PoisonResult {
  /** Milliseconds of each counted transaction, by how many of its ticks were bad. */
  readonly clean: readonly number[];
  readonly one: readonly number[];
  readonly hundred: readonly number[];
}

const TICKS = 10_000;
const DAY_US = 86_400_000_000;
const FIRST_DAY_US = Date.UTC(2020, 0, 6, 14, 30) * 1000;
/** Ledger and offsets are kept under this partition, which the topic doesn't have. */
const PARTITION = 1000;
const BAD = { clean: 0, one: 1, hundred: 100 } as const;

const { rounds } = argsOf<{ rounds: number }>();
const config = readConfig();
const services = await openLandingServices(config, openLog({ logLevel: "error" }));
const plan = await makeLandingPlan(services, ticks);
const schemaId = await services.registry.register(plan.topicName, "ticks");
await services.registry.fetch(schemaId);
const connection = await Connection.open(services.config.databaseUrl, { name: "poison", role: "tradetape_lander" });
await claimPartition(connection, plan.topicName, PARTITION, 0, services.clusterId);
let next = 0;

/** Ticks of a day of their own, `bad` of them with a negative size, spread evenly. */
function records(batch: number, bad: number): Records {
  const every = Math.floor(TICKS / Math.max(1, bad));
  const values: Buffer[] = [];
  for (const tick of seededTicks(TICKS, batch + 1, FIRST_DAY_US + batch * DAY_US)) {
    const isBad = bad > 0 && values.length % every === every >> 1;
    values.push(encodeEvent("ticks", schemaId, isBad ? { ...tick, volume: -1 } : tick));
  }
  const first = next;
  return {
    count: TICKS,
    offsetOf: (index) => first + index,
    publishedAtMs: () => Date.now(),
    locate: (index, place) => place.cover(values[index]!),
    headersOf: () => undefined,
    faultAt: () => undefined,
    record: (index) => ({ key: null, value: values[index]! }),
  };
}

async function landMs(batch: number, bad: number): Promise<number> {
  await makeDays(connection, "market_data_tick", [
    dayOf(FIRST_DAY_US + batch * DAY_US),
    dayOf(FIRST_DAY_US + (batch + 1) * DAY_US),
  ]);
  const range = { firstOffset: next, nextOffset: next + TICKS, from: 0 };
  const encoded = encodeBatch({ ...plan.encoder, newDaysPerBatchMax: 10 }, PARTITION, records(batch, bad), range);
  const startedMs = performance.now();
  const landing = await landBatch(connection, plan, encoded, false);
  const ms = performance.now() - startedMs;
  if (landing.kind !== "landed" || landing.ledger.dead !== bad || landing.ledger.written !== TICKS - bad) {
    throw new Error(`expected ${bad} letters of ${TICKS} ticks, the ledger says ${JSON.stringify(landing)}`);
  }
  next += TICKS;
  return ms;
}

const times = { clean: [] as number[], one: [] as number[], hundred: [] as number[] };
// The first round warms up and is not counted.
for (let round = 0, batch = 0; round <= rounds; round++) {
  for (const kind of ["clean", "one", "hundred"] as const) {
    const ms = await landMs(batch++, BAD[kind]);
    if (round > 0) times[kind].push(ms);
  }
}
await connection.close();
await services.close();
print(times satisfies PoisonResult);
