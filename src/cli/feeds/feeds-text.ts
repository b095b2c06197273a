import type { FeedRow, InstrumentRow } from "../../feed-health/feed-row.ts";
import { LOOKED_BACK_MS } from "../../feed-health/read-feeds.ts";
import { type Cell, figure, table } from "../output.ts";
import { count } from "../progress.ts";

/** Dead feeds first, then what nobody can judge, then those that do well. */
const ORDER: Readonly<Record<FeedRow["state"], number>> = { dead: 0, unjudged: 1, learning: 2, live: 3, closed: 4 };
const NAMED_MAX = 10;
const MINUTES = LOOKED_BACK_MS / 60_000;

/** @param loaded how many events were loaded from somewhere */
export function feedsText(rows: readonly FeedRow[], loaded: number): string {
  if (rows.length === 0)
    return [`no tick and no quote of a feed in the last ${MINUTES} minutes`, ...loadedText(loaded)].join("\n");
  const sorted = rows.toSorted((a, b) => ORDER[a.state] - ORDER[b.state]);
  const head = ["feed", "of", "calendar", "state", "silent", "dead after", "delay", "crossed", "gaps"];
  const blocks = [
    sorted
      .filter(({ state }) => state === "dead")
      .map(deadText)
      .join("\n"),
    table(head, sorted.map(cellsOf)),
    sorted.flatMap(notesOf).join("\n"),
    loadedText(loaded).join("\n"),
  ];
  return blocks.filter((block) => block !== "").join("\n\n");
}

const deadText = ({ kind, source, calendar, silentSeconds, isAtLeast, lastAt, instruments }: FeedRow): string =>
  `DEAD: ${source} has had no ${kind} of ${count(instruments.length)} instruments ` +
  `for ${secondsText(silentSeconds!, isAtLeast)} ` +
  `while ${calendar} is open; the last one came at ${lastAt}`;

const secondsText = (seconds: number, isAtLeast: boolean): string =>
  `${isAtLeast ? "at least " : ""}${Math.floor(seconds)} s`;

function cellsOf(row: FeedRow): Cell[] {
  return [
    row.source,
    `${row.kind} of ${count(row.instruments.length)}`,
    row.calendar ?? "?",
    row.state,
    row.silentSeconds === null ? null : secondsText(row.silentSeconds, row.isAtLeast),
    `${Math.ceil(row.deadAfterSeconds)} s`,
    row.delaySeconds === null ? null : figure(row.delaySeconds),
    row.kind === "quotes" ? row.crossed : null,
    row.gaps,
  ];
}

function notesOf(row: FeedRow): string[] {
  const { source, kind, instruments, calendar, gaps, lost } = row;
  const quiet = instruments.filter(({ state }) => state === "quiet");
  const exchanges = [...new Set(instruments.map(({ exchange }) => exchange ?? "none"))].sort();
  return [
    ...(quiet.length === 0 ? [] : [`${source}: no ${kind} of ${namesOf(quiet)}, while its other instruments go on`]),
    ...(gaps ? [`${source}: ${count(lost!)} numbers of ${kind} never came, in ${count(gaps)} gaps`] : []),
    ...(calendar === null
      ? [`${source}: no calendar is known of ${exchanges.join(", ")}; say --calendar ${exchanges[0]}=XNYS, or as it is`]
      : []),
  ];
}

function namesOf(instruments: readonly InstrumentRow[]): string {
  const shown = instruments.slice(0, NAMED_MAX);
  const names = shown.map(
    ({ ticker, symbolId, silentSeconds }) => `${ticker ?? symbolId} (${Math.floor(silentSeconds!)} s)`,
  );
  const more = instruments.length - shown.length;
  return `${names.join(", ")}${more > 0 ? ` and ${count(more)} more` : ""}`;
}

function loadedText(loaded: number): string[] {
  if (loaded === 0) return [];
  const how = `more than ${MINUTES} minutes from their market's time`;
  return [`${count(loaded)} events came ${how}: they were loaded, and no feed is judged by them`];
}
