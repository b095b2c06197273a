import type { Consumer } from "../batch/consumer.ts";
import { EVENT_BY_TOPIC, EVENT_SCHEMAS, type EventTopic } from "../event/schemas.ts";
import {
  type ColumnDifference,
  type EntryCounts,
  type EntryDifference,
  type EntryTable,
  entryCounts,
  entryDifferences,
} from "../table/checks/entry-check.ts";
import type { Connection } from "../table/connection.ts";
import { jsonForm } from "../table/rows/json-form.ts";
import { landedNames } from "../table/upkeep/day-partitions.ts";

/** The type of the entry that has an event's fields, of the topics whose events have entries of their own. */
export const EVENT_ENTRY: { readonly [T in EventTopic]?: string } = {
  symbols: "SYMBOL",
  sessions: "SESSION",
  predictions: "MODEL_RUN",
  decisions: "TRADE_DECISION",
  fills: "TRADE_EXECUTION",
  performance: "STRATEGY_PERFORMANCE",
  outcomes: "PREDICTION_OUTCOME",
  calls: "AGENT_CALL",
};

/** A row that isn't what the audit log says. */
export interface RowFinding {
  readonly kind: EntryDifference["kind"];
  readonly id: string;
  /** The entry; null where none tells of the row. */
  readonly logId: string | null;
  /** Where its event lies, as topic/partition/offset. */
  readonly place: string | null;
  readonly columns: readonly ColumnDifference[];
}

/** One table of events with entries of their own, held against these. */
export interface EntryReport {
  readonly table: string;
  readonly rows: number;
  readonly entries: number;
  /** All counted, the first ones listed. */
  readonly differing: number;
  readonly findings: readonly RowFinding[];
  /** Rows whose entries are on their way: what they say can't be known yet. */
  readonly waiting: number;
  /** Rows whose entries have only an id, because the event was too large. */
  readonly idOnly: number;
  /** Entries without a row, because of a deleted session, or an event that this database left out. */
  readonly excused: number;
}

const FINDINGS_LISTED_MAX = 1000;
/** Rows of one portion: each reads its kind's entries anew, so portions are large. */
const PORTION_ROWS = 200_000;

/** Compares a table's rows with their entries, in portions by id. To be called in a snapshot with `prepareTexts`. */
export async function compareEntries(
  connection: Connection,
  consumer: Consumer,
  eventType: string,
  onRows: (done: number, total: number) => void,
): Promise<EntryReport> {
  const { landing, topic } = consumer;
  const table: EntryTable = { landing, topics: await landedNames(connection, topic), eventType };
  const counts = await entryCounts(connection, table);
  const json = EVENT_SCHEMAS[EVENT_BY_TOPIC[topic]].fields.filter(({ type }) => type === "json");
  const judge = new Judge(counts, new Set(json.map(({ name }) => name)));
  const bounds = portionBounds(Math.ceil(Math.max(counts.rows, counts.entries) / PORTION_ROWS));
  for (const [n, from] of bounds.entries()) {
    for (const found of await entryDifferences(connection, table, from, bounds[n + 1] ?? null)) {
      if (!found.newer || !(await isRaised(connection, table, found, judge))) judge.take(found);
    }
    onRows(Math.round((counts.rows * (n + 1)) / bounds.length), counts.rows);
  }
  return { table: landing.table, rows: counts.rows, entries: counts.entries, ...judge.result() };
}

/**
 * Whether a row has the content of an entry before the newest one: an event of that content, which has no entry, has raised
 * its revision, and the newest entry's event came too late.
 */
async function isRaised(
  connection: Connection,
  table: EntryTable,
  { id, kind }: EntryDifference,
  judge: Judge,
): Promise<boolean> {
  if (kind !== "changed") return false;
  const others = await entryDifferences(connection, table, id, idBehind(id), true);
  return others.some((other) => other.kind === "changed" && judge.differences(other).length === 0);
}

/** The next id in their order. */
function idBehind(id: string): string | null {
  const next = (BigInt(`0x${id.replaceAll("-", "")}`) + 1n).toString(16).padStart(32, "0");
  const parts = [next.slice(0, 8), next.slice(8, 12), next.slice(12, 16), next.slice(16, 20), next.slice(20)];
  return next.length > 32 ? null : parts.join("-");
}

/** The first ids of `portions` equal portions of all ids. */
function portionBounds(portions: number): readonly string[] {
  const count = Math.max(1, portions);
  const first = (n: number) =>
    Math.floor((n * 2 ** 32) / count)
      .toString(16)
      .padStart(8, "0");
  return Array.from({ length: count }, (_, n) => `${first(n)}-0000-0000-0000-000000000000`);
}

/** Tells what is wrong from what has a reason. */
class Judge {
  readonly #counts: EntryCounts;
  readonly #jsonColumns: ReadonlySet<string>;
  readonly #findings: RowFinding[] = [];
  #differing = 0;
  #waiting = 0;
  #idOnly = 0;
  #excused = 0;

  constructor(counts: EntryCounts, jsonColumns: ReadonlySet<string>) {
    this.#counts = counts;
    this.#jsonColumns = jsonColumns;
  }

  /** The columns that differ by what they mean. */
  differences({ columns }: EntryDifference): readonly ColumnDifference[] {
    return columns.filter((one) => !(this.#jsonColumns.has(one.column) && isSameJson(one)));
  }

  take(found: EntryDifference): void {
    const columns = this.differences(found);
    const { kind, id, logId } = found;
    if (kind === "removed" && found.excused) this.#excused++;
    else if (kind === "changed" && found.idOnly) this.#idOnly++;
    else if (kind === "changed" && columns.length === 0) return;
    else if (this.#isOnItsWay(found)) this.#waiting++;
    else {
      const place = found.topic === null ? null : `${found.topic}/${found.partition}/${found.offset}`;
      if (this.#differing++ < FINDINGS_LISTED_MAX) this.#findings.push({ kind, id, logId, place, columns });
    }
  }

  /**
   * Whether the entry of this row, or of its newest revision, is still on its way. The ledger counts how many are, so that
   * where all have come nothing is excused; and where a row is too many, none that lacks an entry.
   */
  #isOnItsWay({ kind, landed, newer }: EntryDifference): boolean {
    const { waiting, surplus } = this.#counts;
    if (this.#waiting >= waiting) return false;
    if (kind === "added") return landed && surplus <= 0;
    return newer;
  }

  result(): Pick<EntryReport, "differing" | "findings" | "waiting" | "idOnly" | "excused"> {
    return {
      differing: this.#differing,
      findings: this.#findings,
      waiting: this.#waiting,
      idOnly: this.#idOnly,
      excused: this.#excused,
    };
  }
}

/** A payload has JSON as its publisher wrote it, and a column as PostgreSQL does. */
function isSameJson({ table, log }: ColumnDifference): boolean {
  if (table === null || log === null) return false;
  try {
    return jsonForm(table) === jsonForm(log);
  } catch (error) {
    // An altered entry may hold anything.
    if (error instanceof SyntaxError) return false;
    throw error;
  }
}
