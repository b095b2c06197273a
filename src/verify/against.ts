import { type Consumer, dayColumnOf } from "../batch/consumer.ts";
import { pause } from "../clock.ts";
import {
  type ComparedTable,
  comparedRevisions,
  comparedTable,
  DEAD_LETTERS,
  PARKED_EVENTS,
  since,
  withoutHistory,
} from "../table/checks/compared-table.ts";
import { prepareDigests } from "../table/checks/digest.ts";
import { rowsOfCutLogs } from "../table/checks/landed-places.ts";
import { inSnapshot, landedWithoutRevisions } from "../table/checks/ledger-check.ts";
import type { Connection } from "../table/connection.ts";
import { tablesOf } from "../table/rows/landing-table.ts";
import { countBefore, keptFrom } from "../table/upkeep/day-partitions.ts";
import { notEquallyFar, placesText, requireAlike } from "./alike.ts";
import { compareLetters, compareTable, type TableComparison } from "./compare-table.ts";
import { both, type Pair } from "./difference.ts";
import { Excuses } from "./excuses.ts";
import { isTopicOf, type PlaceApart, type Standing, standingOf } from "./standing.ts";

export interface Comparison {
  readonly equal: boolean;
  readonly partitions: number;
  readonly tables: readonly TableComparison[];
  readonly ownEntries: Standing["ownEntries"];
  readonly origins: readonly PlaceApart[];
  readonly dropped: readonly DroppedPart[];
}

/** The days of a table that aren't compared, because one of the two has dropped some of them, and how many rows are left. */
interface DroppedPart {
  readonly topic: string;
  readonly table: string;
  readonly before: string;
  readonly rowsHere: number;
  readonly rowsThere: number;
}

interface AgainstOptions {
  /** How long to wait until both have landed equally far. */
  readonly waitMs: number;
  readonly stop: AbortSignal;
  /** Called with what is being done, for a person who waits. */
  readonly onProgress?: (line: string) => void;
}

const POLL_MS = 500;

/**
 * Compares what two databases hold of these consumers' topics, each in one snapshot, once both have landed equally far.
 * @returns undefined when `stop` was aborted
 * @throws TradetapeError not_comparable, when they aren't of one shape or don't come equally far in time
 */
export async function compareDatabases(
  pair: Pair,
  consumers: readonly Consumer[],
  options: AgainstOptions,
): Promise<Comparison | undefined> {
  await requireAlike(pair);
  const { waitMs, stop, onProgress } = options;
  const deadline = performance.now() + waitMs;
  for (let asked = 0; !stop.aborted; asked++) {
    const isLast = performance.now() >= deadline;
    const result = await inSnapshots(pair, async () => {
      const standing = await standingOf(pair, consumers);
      const { apart, parkedApart } = standing;
      // An event that is parked in one and has landed in the other may land in both at the next sweep.
      if (apart.length > 0 || (parkedApart && !isLast)) return { apart };
      return { apart, compared: await compareAll(pair, consumers, standing, options) };
    });
    if (result.compared) return stop.aborted ? undefined : result.compared;
    if (isLast) throw notEquallyFar(result.apart, waitMs);
    if (asked === 0)
      onProgress?.(`waiting for both to land equally far: ${placesText(result.apart) || "parked events"}`);
    await pause(POLL_MS, stop);
  }
  return undefined;
}

interface Asked {
  readonly apart: readonly PlaceApart[];
  readonly compared?: Comparison;
}

const inSnapshots = (pair: Pair, ask: () => Promise<Asked>): Promise<Asked> =>
  inSnapshot(pair.here, () => inSnapshot(pair.there, ask));

async function compareAll(
  pair: Pair,
  consumers: readonly Consumer[],
  standing: Standing,
  { stop, onProgress }: AgainstOptions,
): Promise<Comparison> {
  await both(pair, prepareDigests);
  const { partitions, ownEntries, origins } = standing;
  const tables = consumers.map((consumer) => ({ consumer, table: comparedTable(consumer.landing, consumer.time) }));
  const tableOf = (topic: string) => tables.find(({ consumer }) => isTopicOf(consumer, topic))?.table;
  const excuses = new Excuses();
  await noteCutLogs(pair, consumers, excuses);
  const found: TableComparison[] = [];
  const dropped: DroppedPart[] = [];
  onProgress?.("comparing dead letters");
  const letters = await compareLetters(pair, DEAD_LETTERS, excuses, tableOf);
  for (const { consumer, table } of [...tables, { consumer: undefined, table: PARKED_EVENTS }]) {
    if (stop.aborted) break;
    onProgress?.(`comparing ${table.name}`);
    const column = consumer && dayColumnOf(consumer);
    const part = column && (await droppedOf(pair, consumer, column));
    if (part) dropped.push(part);
    for (const one of consumer ? await withHistory(pair, consumer, table) : [table]) {
      found.push(await compareTable(pair, one, excuses, part ? [[since(column), part.before]] : []));
    }
  }
  const all = [...found, letters];
  return { equal: all.every(({ equal }) => equal), partitions, tables: all, ownEntries, origins, dropped };
}

/** A database that went back where its logs were cut has rows that one filled from these logs never had. */
async function noteCutLogs(pair: Pair, consumers: readonly Consumer[], excuses: Excuses): Promise<void> {
  const [here, there] = await both(pair, rowsOfCutLogs);
  for (const [side, found] of [
    ["here", here],
    ["there", there],
  ] as const) {
    for (const [topic, rows] of found) {
      const consumer = consumers.find((one) => isTopicOf(one, topic));
      for (const table of consumer ? tablesOf(consumer.landing) : []) excuses.noteCutLog(table, side, rows);
    }
  }
}

/** A table and its revisions; without either's history where one of the two landed something before that was kept. */
async function withHistory(pair: Pair, consumer: Consumer, table: ComparedTable): Promise<readonly ComparedTable[]> {
  const { topic, landing, time } = consumer;
  if (landing.repeats === "first") return [table];
  const [here, there] = await both(pair, (connection) => landedWithoutRevisions(connection, topic));
  return here || there ? [withoutHistory(table)] : [table, comparedRevisions(landing, time)];
}

/** Which days are left out: where one of the two has dropped days, the other may have landed them, or filtered them. */
async function droppedOf(pair: Pair, consumer: Consumer, column: string): Promise<DroppedPart | undefined> {
  const { topic, landing } = consumer;
  const days = await both(pair, (connection) => keptFrom(connection, landing.table));
  const before = days
    .filter((day) => day !== undefined)
    .sort()
    .at(-1);
  if (before === undefined) return undefined;
  const count = (connection: Connection) => countBefore(connection, landing.table, column, before);
  const [rowsHere, rowsThere] = await both(pair, count);
  return { topic, table: landing.table, before, rowsHere, rowsThere };
}
