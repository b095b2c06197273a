/**
 * Publishes ticks and waits for every acknowledgement. `prepared`: all events are made before the clock starts, so that
 * what is measured is the client (checks, encoding, batches) and the broker, and not whoever invents the events.
 */
import { readConfig } from "../../../src/config.ts";
import type { TickEvent } from "../../../src/event/events.ts";
import { openLog } from "../../../src/log.ts";
import { connectTape } from "../../../src/tradetape/connect-tape.ts";
import { type TickSource, tickArrays } from "../ticks.ts";
import { argsOf, Measure, print } from "./measure.ts";

export interface PublishArgs {
  readonly source: TickSource;
  readonly prepared: boolean;
  /** Without: the client makes them from the natural key. */
  readonly withIds: boolean;
}

const TELL_EVERY = 1_000_000;

/** A backlog of millions takes minutes, and whoever waits should see that it grows. */
async function* told(arrays: AsyncIterable<TickEvent[]>): AsyncGenerator<TickEvent[]> {
  let events = 0;
  for await (const some of arrays) {
    yield some;
    const before = Math.floor(events / TELL_EVERY);
    events += some.length;
    if (Math.floor(events / TELL_EVERY) > before) process.stderr.write(`${events.toLocaleString("en-US")} published\n`);
  }
}

const { source, prepared, withIds, pids } = argsOf<PublishArgs>();
const tape = await connectTape(readConfig(), openLog({ logLevel: "error" }));
if (prepared) {
  const ready: (TickEvent | Omit<TickEvent, "market_data_id">)[] = [];
  for await (const some of tickArrays(source)) {
    for (const { market_data_id, ...tick } of some) ready.push(withIds ? { market_data_id, ...tick } : tick);
  }
  const measure = new Measure(pids);
  const { sent } = await tape.publishAll("ticks", ready);
  print(measure.end(sent));
} else {
  const measure = new Measure(pids);
  const { sent } = await tape.publishAll("ticks", told(tickArrays(source)));
  print(measure.end(sent));
}
await tape.close();
