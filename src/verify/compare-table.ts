import type { ComparedTable } from "../table/checks/compared-table.ts";
import { type CutPath, readRows } from "../table/checks/digest.ts";
import type { TimingLetter } from "../table/checks/landed-places.ts";
import {
  both,
  cutParts,
  type DifferencePage,
  differencePages,
  differingParts,
  type Pair,
  type PartDifference,
  type RowDifference,
} from "./difference.ts";
import type { Excuse, Excuses } from "./excuses.ts";

interface FoundRow {
  readonly id: string;
  readonly kind: "only_here" | "only_there" | "differs";
  /** What differs of it. */
  readonly columns: readonly string[];
}

/** What differs in one hour of one partition: all counted, the first few listed. */
export interface FoundHour {
  readonly partition: string;
  /** The hour's beginning, UTC; null in a table without a time. */
  readonly hour: string | null;
  readonly differing: number;
  readonly rows: readonly FoundRow[];
}

export interface TableComparison {
  readonly table: string;
  readonly equal: boolean;
  readonly rowsHere: number;
  readonly rowsThere: number;
  /** Sums of 64-bit hashes. */
  readonly digestHere: string;
  readonly digestThere: string;
  readonly leftOut: readonly string[];
  /** All partitions that differ, excused rows among them. */
  readonly partitions: readonly PartDifference[];
  readonly hours: readonly FoundHour[];
  /** Whether the search ended before all was looked at, because so many differences are enough. */
  readonly more: boolean;
  /** How many rows differ for a reason that has a name and evidence (`Excuses`). */
  readonly excused: Readonly<Record<Excuse, number>>;
}

const HOURS_LISTED_MAX = 50;
const ROWS_LISTED_MAX = 10;
/** Rows of which both values are held at once. */
const PAGE_ROWS_MAX = 1000;

type Judge = (
  table: ComparedTable,
  rows: readonly FoundRow[],
  page: DifferencePage,
) => Promise<ReadonlyMap<string, Excuse>>;

/** Compares a table by digests, and where they differ by rows. @param kept the part of it that is compared */
export function compareTable(
  pair: Pair,
  table: ComparedTable,
  excuses: Excuses,
  kept: CutPath = [],
): Promise<TableComparison> {
  const judge: Judge = async (of, rows, page) => {
    const known = new Map(page.rows.map((row) => [row.id, row]));
    const excused = rows.map((row) => [row.id, excuses.ofRow(of, known.get(row.id)!, row.columns)] as const);
    return new Map(excused.filter((entry): entry is [string, Excuse] => entry[1] !== undefined));
  };
  return compare(pair, table, judge, kept);
}

/** Compares the letters, in two passes: the first notes them as excuses for rows, the second finds those excused themselves. */
export async function compareLetters(
  pair: Pair,
  table: ComparedTable,
  excuses: Excuses,
  tableOf: (topic: string) => ComparedTable | undefined,
): Promise<TableComparison> {
  const parts = differingParts(await cutParts(pair, table, table.partition));
  const letters = new Map<string, TimingLetter & { side: "here" | "there" }>();
  for await (const page of differencePages(pair, table, parts)) {
    for (const letter of await excuses.note(pair, page)) letters.set(letter.id, letter);
  }
  return compare(pair, table, (_, rows) => {
    const own = rows.map(({ id }) => letters.get(id)).filter((letter) => letter !== undefined);
    return excuses.ofLetters(pair, own, tableOf);
  });
}

async function compare(pair: Pair, table: ComparedTable, judge: Judge, kept: CutPath = []): Promise<TableComparison> {
  const parts = await cutParts(pair, table, table.partition, kept);
  const partitions = differingParts(parts);
  const excused: Record<Excuse, number> = { became_row: 0, same_id: 0, deleted_session: 0, cut_log: 0 };
  const hours: FoundHour[] = [];
  let more = false;
  for await (const page of differencePages(pair, table, partitions, kept)) {
    if (hours.length >= HOURS_LISTED_MAX) {
      more = true;
      break;
    }
    const real: FoundRow[] = [];
    let differing = 0;
    for (let from = 0; from < page.rows.length; from += PAGE_ROWS_MAX) {
      const rows = await describe(pair, table, page, page.rows.slice(from, from + PAGE_ROWS_MAX));
      const excuses = await judge(table, rows, page);
      for (const excuse of excuses.values()) excused[excuse]++;
      const rest = rows.filter(({ id }) => !excuses.has(id));
      differing += rest.length;
      real.push(...rest.slice(0, ROWS_LISTED_MAX - real.length));
    }
    const { partition, hour = null } = page;
    if (differing > 0) hours.push({ partition, hour, differing, rows: real });
  }
  const sum = (side: "here" | "there") => [...parts[side].values()];
  return {
    table: table.name,
    equal: hours.length === 0,
    rowsHere: sum("here").reduce((rows, part) => rows + part.rows, 0),
    rowsThere: sum("there").reduce((rows, part) => rows + part.rows, 0),
    digestHere: sum("here")
      .reduce((digest, part) => digest + BigInt(part.digest), 0n)
      .toString(),
    digestThere: sum("there")
      .reduce((digest, part) => digest + BigInt(part.digest), 0n)
      .toString(),
    leftOut: table.leftOut,
    partitions,
    hours,
    more,
    excused,
  };
}

/** What kind of difference each row is, and in which columns, read only where both have it. */
async function describe(
  pair: Pair,
  table: ComparedTable,
  page: DifferencePage,
  rows: readonly RowDifference[],
): Promise<readonly FoundRow[]> {
  const changed = rows.filter(({ here, there }) => here !== undefined && there !== undefined).map(({ id }) => id);
  const read =
    changed.length === 0 ? [] : await both(pair, (connection) => readRows(connection, table, page.path, changed));
  const [here, there] = read;
  return rows.map((row) => {
    if (row.here === undefined) return { id: row.id, kind: "only_there", columns: [] };
    if (row.there === undefined) return { id: row.id, kind: "only_here", columns: [] };
    const [a = [], b = []] = [here?.get(row.id), there?.get(row.id)];
    return { id: row.id, kind: "differs", columns: table.columns.filter((_, index) => a[index] !== b[index]) };
  });
}
