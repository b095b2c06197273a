import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { ticks as tickFiles } from "../../producers/ticks.ts";
import { demoSymbols, seededTicks } from "../../src/cli/demo/demo-ticks.ts";
import type { TickEvent } from "../../src/event/events.ts";
import { symbolId, tickId } from "../../src/event/identity.ts";
import { Partitioning } from "../../src/topic/partition.ts";
import { TOPICS } from "../../src/topic/topics.ts";

/** Where a phase's ticks come from; whoever asks for the same gets the same. */
export type TickSource =
  | {
      readonly kind: "seeded";
      readonly events: number;
      readonly seed: number;
      /** They are spread evenly over so many days, from this one on (days since 1970): partitions of the table. */
      readonly firstDay: number;
      readonly days: number;
      /** How many of the topic's partitions get events. */
      readonly partitions: number;
      /** This share of the events comes a second time, at random places behind the first. */
      readonly repeated: number;
    }
  | { readonly kind: "files"; readonly folder: string };

export const EVENTS_PER_ARRAY = 2000;
const DAY_US = 86_400_000_000;
/** When trading opens in New York, in winter. */
const OPEN_US = 14.5 * 3600 * 1_000_000;

/** Two of eight symbols for each partition that gets events: what a test of speed calls an even load. */
function spreadSymbols(partitions: number): Map<string, string> {
  const partitioning = new Partitioning(TOPICS.ticks.partitions);
  const wanted = demoSymbols();
  const room = Array.from({ length: partitions }, () => wanted.length / partitions);
  const found: string[] = [];
  for (let n = 0; found.length < wanted.length; n++) {
    const id = symbolId(`BENCH${n}`, "BENCH");
    const { partition } = partitioning.place(id);
    if ((room[partition] ?? 0) === 0) continue;
    room[partition]!--;
    found.push(id);
  }
  return new Map(wanted.map(({ symbol_id }, i) => [symbol_id, found[i]!]));
}

/** The ticks in arrays, as a feed hands them over. */
export async function* tickArrays(source: TickSource): AsyncGenerator<TickEvent[]> {
  if (source.kind === "files") {
    for (const file of filesIn(source.folder)) {
      const feed = await tickFiles.open(file);
      for await (const { events } of feed.batches()) yield events;
    }
    return;
  }
  const symbols = spreadSymbols(source.partitions);
  const perDay = Math.ceil(source.events / source.days);
  for (let day = 0; day < source.days; day++) {
    const events = Math.min(perDay, source.events - day * perDay);
    yield* dayArrays(source, symbols, day, events);
  }
}

/** Every n-th event once more, one array later: within the reach of one fetch or just beyond it. */
function* dayArrays(
  source: TickSource & { kind: "seeded" },
  symbols: ReadonlyMap<string, string>,
  day: number,
  events: number,
): Generator<TickEvent[]> {
  const every = source.repeated > 0 ? Math.round(1 / source.repeated) : 0;
  let some: TickEvent[] = [];
  let again: TickEvent[] = [];
  let n = 0;
  for (const demo of seededTicks(events, source.seed + day, (source.firstDay + day) * DAY_US + OPEN_US)) {
    const { market_data_id: _of, ...tick } = { ...demo, symbol_id: symbols.get(demo.symbol_id)! };
    const event = { market_data_id: tickId(tick), ...tick };
    some.push(event);
    if (every > 0 && n++ % every === 0) again.push(event);
    if (some.length < EVENTS_PER_ARRAY) continue;
    yield some;
    some = again;
    again = [];
  }
  if (some.length > 0) yield some;
  if (again.length > 0) yield again;
}

/** @returns the files of real ticks, or none where the folder isn't there */
export function filesIn(folder: string): string[] {
  if (!existsSync(folder)) return [];
  const names = readdirSync(folder).filter((name) => name.endsWith(".zip"));
  return names.sort().map((name) => join(folder, name));
}
