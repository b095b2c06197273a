import type { EntryReport, RowFinding } from "../../verify/entries.ts";
import type { NamedRows } from "../../verify/rows/row-comparison.ts";
import type { SumsReport } from "../../verify/sums.ts";
import type { TablesReport } from "../../verify/tables.ts";
import { printable, table } from "../output.ts";
import { count } from "../progress.ts";

/** How many findings of one table are shown to people; `--json` lists more. */
const SHOWN_MAX = 20;

/** What the tables are, held against the audit log, for people. */
export function tablesText({ ok, entries, sums }: TablesReport): string {
  const rows = entries.map((one) => [one.table, count(one.rows), count(one.entries), entriesText(one)]);
  return [
    `${ok ? "the tables are what the log says" : "the tables are NOT what the log says"}`,
    table(["table", "rows", "entries", ""], rows),
    table(["table", "rows", "landed", "batches", ""], sums.map(sumsCells)),
    ...entries.filter(({ differing }) => differing > 0).flatMap(findingLines),
    ...sums.filter(({ differing, claims }) => differing + claims.length > 0).flatMap(partLines),
    ...sums.filter(({ contradicting }) => contradicting > 0).flatMap(contradictionLines),
  ].join("\n");
}

function entriesText({ differing, waiting, idOnly, excused }: EntryReport): string {
  const parts = [
    differing > 0 ? `${count(differing)} differ` : "alike",
    ...(waiting > 0 ? [`${count(waiting)} entries on their way`] : []),
    ...(idOnly > 0 ? [`${count(idOnly)} not provable, too large for an entry`] : []),
    ...(excused > 0 ? [`${count(excused)} left out or of deleted sessions`] : []),
  ];
  return parts.join(", ");
}

function sumsCells({ table: name, rows, landed, batches, differing, claims, ...rest }: SumsReport): string[] {
  const { toldAgain, contradicting, withoutReceipt, notProvable } = rest;
  const parts = [
    differing > 0 ? `${count(differing)} parts of time differ` : claims.length > 0 ? "the ledger differs" : "alike",
    ...(toldAgain > 0 ? [`${count(toldAgain)} receipts of what was lost and landed anew`] : []),
    ...(contradicting > 0 ? [`${count(contradicting)} of these CONTRADICT the ledger`] : []),
    ...(withoutReceipt.batches > 0 ? [`${count(withoutReceipt.batches)} batches without a receipt`] : []),
    ...(notProvable.rows > 0 ? [`${count(notProvable.rows)} not provable, landed before there were sums`] : []),
    ...(notProvable.removed > 0 ? [`${count(notProvable.removed)} removed before there were sums`] : []),
  ];
  return [name, count(rows), count(landed), count(batches), parts.join(", ")];
}

function partLines({ table: name, differing, parts, named, claims }: SumsReport): string[] {
  const shown = parts.slice(0, SHOWN_MAX);
  const rows = shown.map(({ part, rows: found, landed, batches }) => {
    const places = batches.map(({ partition, from, to }) => `${partition} ${from} to ${to}`);
    return [part, count(found), count(landed), places.join(", ")];
  });
  return [
    `\n${name}:`,
    ...(rows.length > 0 ? [table(["UTC", "rows in the table", "rows that landed", "offsets"], rows)] : []),
    ...(differing > shown.length ? [`... and ${count(differing - shown.length)} more`] : []),
    ...(named === null
      ? []
      : "notRead" in named
        ? [`no ids: the log can't be read: ${named.notRead}`]
        : namedLines(named)),
    ...claims.map(({ subject, logId, detail }) => `${subject}${logId === null ? "" : ` (entry ${logId})`}: ${detail}`),
  ];
}

/** Also where all else is alike: no other check names these receipts. */
function contradictionLines({ table: name, contradicting, contradictions }: SumsReport): string[] {
  const shown = contradictions.slice(0, SHOWN_MAX);
  const rows = shown.map(({ logId, partition, from, to }) => [logId, partition, `${from} to ${to}`]);
  return [
    `\n${name}, receipts that tell of other rows than the ledger:`,
    table(["entry", "of", "offsets"], rows),
    ...(contradicting > shown.length ? [`... and ${count(contradicting - shown.length)} more`] : []),
  ];
}

function namedLines({ rows, differing, gone, untold, unsure }: NamedRows): string[] {
  const shown = rows.slice(0, SHOWN_MAX);
  const cells = shown.map(({ kind, id, hour, columns, place }) => [id, kind, columns.join(", "), hour, place]);
  const lost = gone.slice(0, SHOWN_MAX).map(({ partition, from, to }) => `${partition} ${from} to ${to}`);
  return [
    ...(cells.length > 0 ? [table(["id", "what", "columns", "UTC", "in the log"], cells)] : []),
    ...(differing > shown.length ? [`... and ${count(differing - shown.length)} more`] : []),
    ...(gone.length > 0
      ? [`the log no longer holds ${lost.join(", ")}: ${count(untold)} rows can't be told from added ones`]
      : []),
    ...(unsure.length > 0
      ? [`the log tells of other rows than landed, so that what is named may have been left out: ${unsure.join(", ")}`]
      : []),
  ];
}

function findingLines({ table: name, differing, findings }: EntryReport): string[] {
  const shown = findings.slice(0, SHOWN_MAX);
  const rows = shown.flatMap((finding) =>
    cellsOf(finding).map((cells) => [finding.id, ...cells, finding.logId ?? "-"]),
  );
  return [
    `\n${name}:`,
    table(["id", "what", "in the table", "in the log", "entry"], rows),
    ...(differing > shown.length ? [`... and ${count(differing - shown.length)} more`] : []),
  ];
}

const value = (text: string | null): string => (text === null ? "null" : printable(text));

function cellsOf({ kind, columns, place }: RowFinding): string[][] {
  if (kind === "added") return [["added", "a row", `nothing (${place ?? "no place"})`]];
  if (kind === "removed") return [["removed", "nothing", place ?? "-"]];
  return columns.map((one) => [one.column, value(one.table), value(one.log)]);
}
