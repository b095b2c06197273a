import type { Comparison } from "../../verify/against.ts";
import { placesText } from "../../verify/alike.ts";
import type { FoundHour, TableComparison } from "../../verify/compare-table.ts";
import type { Excuse } from "../../verify/excuses.ts";
import { printable, table } from "../output.ts";
import { count } from "../progress.ts";

/** A comparison of two databases, for people: every table in one line, then what differs down to the row. */
export function comparisonText(found: Comparison, places: { readonly here: string; readonly there: string }): string {
  const { tables } = found;
  const rows = tables.map((t) => [t.table, t.rowsHere, t.rowsThere, resultText(t)]);
  const differing = tables.filter((t) => !t.equal);
  return [
    `here ${places.here}, there ${places.there}`,
    table(["table", "here", "there", ""], rows),
    ...differing.flatMap(differenceLines),
    ...exceptionLines(found),
    found.equal
      ? `equal: ${count(found.partitions)} partitions, ${count(rowsOf(tables))} rows`
      : `not equal: ${differing.map((t) => t.table).join(", ")}`,
  ].join("\n");
}

/** What differs, or isn't compared, for a reason that has a name. */
function exceptionLines({ tables, ownEntries, origins, dropped }: Comparison): string[] {
  const excused = (of: Excuse) => tables.reduce((sum, t) => sum + t.excused[of], 0);
  const [gaveUp, sameId, deleted] = [excused("became_row"), excused("same_id"), excused("deleted_session")];
  const ofCutLogs = excused("cut_log");
  return [
    ...(gaveUp > 0 ? [`excused: ${count(gaveUp)} rows and letters of events that one gave up waiting for`] : []),
    ...(sameId > 0 ? [`excused: ${count(sameId)} rows and letters of ids published in two partitions`] : []),
    ...(deleted > 0 ? [`excused: ${count(deleted)} letters of deleted sessions, whose events the other filtered`] : []),
    ...(ofCutLogs > 0 ? [`excused: ${count(ofCutLogs)} rows and letters that landed from logs that were cut`] : []),
    ...(ownEntries.here !== ownEntries.there
      ? [`not compared: ${count(ownEntries.here)} and ${count(ownEntries.there)} receipts and replays in audit_log`]
      : []),
    ...dropped.map(
      ({ topic, before, rowsHere, rowsThere }) =>
        `not compared: ${topic} before ${before}, dropped by one: ${count(rowsHere)} and ${count(rowsThere)} are left`,
    ),
    ...(origins.length > 0 ? [`began at different offsets: ${placesText(origins)}`] : []),
  ];
}

const rowsOf = (tables: readonly TableComparison[]): number => tables.reduce((sum, t) => sum + t.rowsHere, 0);

function resultText(t: TableComparison): string {
  const excused = Object.values(t.excused).reduce((sum, rows) => sum + rows, 0);
  if (!t.equal) return "differs";
  return excused > 0 ? `equal but for ${count(excused)} excused` : "equal";
}

const KINDS = { only_here: "only here", only_there: "only there", differs: "differs" } as const;

function differenceLines(t: TableComparison): string[] {
  const parts = t.partitions.map(({ part, rowsHere, rowsThere }) => [part, rowsHere, rowsThere]);
  const rows = t.hours.flatMap((hour) => hour.rows.map((row) => [hour.partition, hour.hour, ...rowCells(row)]));
  const unlisted = t.hours.reduce((sum, hour) => sum + hour.differing - hour.rows.length, 0);
  return [
    "",
    `${t.table}:`,
    table(["partition", "rows here", "rows there"], parts.slice(0, PARTS_SHOWN_MAX)),
    table(["partition", "hour", "id", "", "columns"], rows),
    ...(unlisted > 0 || t.more
      ? [`and ${t.more ? "more" : `${count(unlisted)} more`}: --json has counts by hour`]
      : []),
    "",
  ];
}

const PARTS_SHOWN_MAX = 20;

const rowCells = (row: FoundHour["rows"][number]) => [printable(row.id), KINDS[row.kind], row.columns.join(", ")];
