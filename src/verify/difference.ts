import type { ComparedTable, Cut } from "../table/checks/compared-table.ts";
import { type CutPath, type DigestedPart, digestParts, digestRows } from "../table/checks/digest.ts";
import type { Connection } from "../table/connection.ts";

/** Both databases, each in a snapshot of its own. */
export interface Pair {
  readonly here: Connection;
  readonly there: Connection;
}

/** A part of a table that isn't the same in both. */
export interface PartDifference {
  readonly part: string;
  readonly rowsHere: number;
  readonly rowsThere: number;
}

/** A row that isn't the same in both; the digest of a database that lacks it is undefined. */
export interface RowDifference {
  readonly id: string;
  readonly here: string | undefined;
  readonly there: string | undefined;
}

/** Rows that differ in one hour of one partition, or in a slice of it. */
export interface DifferencePage {
  readonly partition: string;
  readonly hour: string | undefined;
  readonly path: CutPath;
  readonly rows: readonly RowDifference[];
}

/** Asks both databases the same, at the same time. */
export async function both<R>(pair: Pair, ask: (connection: Connection) => Promise<R>): Promise<readonly [R, R]> {
  return Promise.all([ask(pair.here), ask(pair.there)]);
}

/** More rows than this of one hour are sliced before their ids are fetched: two lists of 20,000 take a few megabytes. */
const ROWS_MAX = 20_000;

interface CutParts {
  readonly here: ReadonlyMap<string, DigestedPart>;
  readonly there: ReadonlyMap<string, DigestedPart>;
}

export async function cutParts(pair: Pair, table: ComparedTable, cut: Cut, path: CutPath = []): Promise<CutParts> {
  const [here, there] = await both(pair, (connection) => digestParts(connection, table, cut, path));
  return { here, there };
}

/** The parts that differ, in order. */
export function differingParts({ here, there }: CutParts): readonly PartDifference[] {
  const parts = [...new Set([...here.keys(), ...there.keys()])].sort();
  return parts
    .filter(
      (part) => here.get(part)?.digest !== there.get(part)?.digest || here.get(part)?.rows !== there.get(part)?.rows,
    )
    .map((part) => ({ part, rowsHere: here.get(part)?.rows ?? 0, rowsThere: there.get(part)?.rows ?? 0 }));
}

/** The rows that differ, found by partition and then by hour where digests differ. @param kept the part that is compared */
export async function* differencePages(
  pair: Pair,
  table: ComparedTable,
  partitions: readonly PartDifference[],
  kept: CutPath = [],
): AsyncGenerator<DifferencePage> {
  for (const partition of partitions) {
    const path: CutPath = [...kept, [table.partition, partition.part]];
    const { hour } = table;
    const hours = hour ? differingParts(await cutParts(pair, table, hour, path)) : [partition];
    for (const part of hours) {
      const within: CutPath = hour ? [...path, [hour, part.part]] : path;
      const at = { partition: partition.part, hour: hour && part.part };
      for (const leaf of await slices(pair, table, within, part)) {
        yield { ...at, path: leaf, rows: await differingRows(pair, table, leaf) };
      }
    }
  }
}

async function slices(
  pair: Pair,
  table: ComparedTable,
  path: CutPath,
  part: PartDifference,
): Promise<readonly CutPath[]> {
  if (Math.max(part.rowsHere, part.rowsThere) <= ROWS_MAX) return [path];
  const parts = differingParts(await cutParts(pair, table, table.slice, path));
  return parts.map((slice) => [...path, [table.slice, slice.part]] as const);
}

/** By id and digest: a table whose key has other columns may hold an id twice. */
async function differingRows(pair: Pair, table: ComparedTable, path: CutPath): Promise<readonly RowDifference[]> {
  const [here, there] = await both(pair, (connection) => digestRows(connection, table, path));
  const common = new Set(here.map(({ id, digest }) => `${id} ${digest}`));
  const alike = new Set(there.map(({ id, digest }) => `${id} ${digest}`).filter((row) => common.has(row)));
  const found = new Map<string, RowDifference>();
  for (const { id, digest } of here) {
    if (!alike.has(`${id} ${digest}`)) found.set(id, { id, here: digest, there: undefined });
  }
  for (const { id, digest } of there) {
    if (!alike.has(`${id} ${digest}`)) found.set(id, { id, here: found.get(id)?.here, there: digest });
  }
  return [...found.values()].sort((a, b) => (a.id < b.id ? -1 : 1));
}
