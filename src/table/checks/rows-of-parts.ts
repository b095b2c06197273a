import type { Connection } from "../connection.ts";
import { type LandingTable, landedList, tablesOf } from "../rows/landing-table.ts";
import { literal, quoted } from "../sql.ts";

/** The rows of a table and its revisions whose time lies in parts of time, as `RowSums` names these; perhaps more of them. */
export async function readRowsOfParts(
  connection: Connection,
  landing: LandingTable,
  time: string,
  parts: readonly string[],
  read: (view: DataView, start: number) => number,
): Promise<void> {
  const within = parts.map((part) => `(${isWithin(quoted(time), part)})`).join(" OR ");
  const selects = tablesOf(landing).map(
    (table) => `SELECT ${landedList(landing)} FROM public.${quoted(table)} WHERE ${within}`,
  );
  await connection.read(`COPY (${selects.join(" UNION ALL ")}) TO STDOUT (FORMAT binary)`, read);
}

const PART = /^(\d{4})(?:-(\d\d))?(?:-(\d\d))?(?:T(\d\d))?$/;

/** SQL: whether a time lies in the year, month, day or hour of that name; of names of odd years, in any such. */
function isWithin(column: string, part: string): string {
  const [, ...found] = PART.exec(part) ?? [];
  const [year, month, day, hour] = found.map((text) => (text === undefined ? undefined : Number(text)));
  if (year === undefined || year < 1000 || year === 9999)
    return `${column} < '1000-01-01Z' OR ${column} >= '9999-01-01Z'`;
  const from = new Date(Date.UTC(year, (month ?? 1) - 1, day ?? 1, hour ?? 0));
  const to = new Date(from);
  if (hour !== undefined) to.setUTCHours(hour + 1);
  else if (day !== undefined) to.setUTCDate(day + 1);
  else if (month !== undefined) to.setUTCMonth(month);
  else to.setUTCFullYear(year + 1);
  return `${column} >= ${literal(from.toISOString())} AND ${column} < ${literal(to.toISOString())}`;
}

/** An event that left no row, by its record. */
interface LeftOut extends Record<string, unknown> {
  readonly partition: number;
  readonly offset: number;
}

/** The letters of a topic in these offsets. */
export const lettersIn = (
  connection: Connection,
  topic: string,
  ranges: readonly { readonly partition: number; readonly from: number; readonly to: number }[],
): Promise<LeftOut[]> =>
  connection.query<LeftOut>(
    `SELECT d.partition, d."offset" FROM unnest($2::int[], $3::bigint[], $4::bigint[]) r (partition, first, next)
     JOIN tradetape.dead_letter d ON d.topic = $1 AND d.partition = r.partition AND d.rewind = 0
       AND d."offset" >= r.first AND d."offset" < r.next`,
    [topic, ranges.map((r) => r.partition), ranges.map((r) => r.from), ranges.map((r) => r.to)],
  );

/** The sessions that were deleted, or are of other kinds than these: their events left no row, or have none any more. */
export async function unservedSessions(connection: Connection, kinds: readonly string[]): Promise<ReadonlySet<string>> {
  const rows = await connection.query<{ id: string }>(
    `SELECT backtest_session_id AS id FROM public.backtest_session WHERE status = 'deleted' OR kind <> ALL ($1::text[])`,
    [kinds],
  );
  return new Set(rows.map(({ id }) => id));
}
