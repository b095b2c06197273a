import type { CaughtUpIn } from "../../status/lag.ts";
import type { PartitionRow } from "../../status/read-status.ts";
import type { Breach } from "../../topic/log-history.ts";
import { count } from "../progress.ts";
import { allowedText } from "./allowed-text.ts";
import { endedText, troubleText } from "./group-text.ts";

/** What a terminal has at least. Sentences of errors may be longer, so that their commands can be copied. */
const COLUMNS = 80;

const BREACH_TEXT: Readonly<Record<Breach, string>> = {
  cut: "its log was cut below what has landed",
  topic: "its log is of a topic that was made again",
  cluster: "its log is another cluster's",
};

/**
 * What `status` shows: trouble first, then what is behind, the latest first, and in a few lines what is not.
 * @param namespace whose topics they are, named without it
 */
export function statusText(rows: readonly PartitionRow[], namespace: string): string {
  const nameOf = ({ topic }: PartitionRow) => (namespace === "" ? topic : topic.slice(namespace.length + 1));
  const placeOf = (row: PartitionRow) => `${nameOf(row)}/${row.partition}`;
  const groups = [...new Set(rows.flatMap((row) => row.groups))];
  const troubles = groups.filter(({ state }) => state === "stopped" || state === "waiting").map(troubleText);
  const wrong = rows.flatMap((row) => faultsOf(row).map((what) => `${placeOf(row)}: ${what}`));
  const behind = rows
    .filter(isBehind)
    .toSorted((a, b) => (b.secondsBehind ?? Infinity) - (a.secondsBehind ?? Infinity) || b.lag - a.lag);
  const notes = rows.flatMap((row) => notesOf(row).map((what) => `${placeOf(row)}: ${what}`));
  const skewed = rows.filter(
    ({ partition, ofTopic }) => partition === ofTopic.worstPartition && ofTopic.skewSeconds >= 1,
  );
  const skews = skewed.map((row) => {
    const by = secondsText(row.ofTopic.skewSeconds);
    return `${placeOf(row)}: ${by} further behind than the topic's median partition`;
  });
  const ended = [...new Set(rows.filter(({ group }) => group === "ended").flatMap((row) => row.groups))];
  const allowed = [...new Set(rows.flatMap((row) => row.allowed))];
  const blocks = [
    ...(namespace === "" ? [] : [`namespace ${namespace}`]),
    ...troubles,
    wrong.join("\n"),
    behind.length > 0 ? behindTable(behind.map((row) => [placeOf(row), row])) : "",
    [...skews, ...notes].join("\n"),
    landedText(rows.filter((row) => !isBehind(row)).map((row) => [nameOf(row), row])),
    [...endedText(ended), ...allowed.map(allowedText)].join("\n"),
  ];
  return blocks.filter((block) => block !== "").join("\n\n");
}

const isBehind = ({ lag }: PartitionRow): boolean => lag > 0;

function faultsOf({ breach, stalled, secondsBehind, inTransaction, lag }: PartitionRow): string[] {
  const faults = breach === null ? [] : [BREACH_TEXT[breach]];
  if (!stalled) return faults;
  if (lag === 0 && inTransaction > 0)
    return [...faults, "stalled: a transaction stays open, and nothing behind it can land"];
  const since = secondsBehind === null ? "" : `, its oldest event for ${secondsText(secondsBehind)}`;
  return [...faults, `stalled: events wait${since}, and nothing lands`];
}

function notesOf({ letters, parked, outbox, inTransaction }: PartitionRow): string[] {
  const counted = [
    [letters, "open letters"],
    [parked, "parked events"],
    [outbox, "messages in the outbox"],
    [inTransaction, "offsets in an open transaction"],
  ] as const;
  const said = counted.filter(([n]) => n > 0).map(([n, what]) => `${count(n)} ${what}`);
  return said.length > 0 ? [said.join(", ")] : [];
}

/** Texts in columns, numbers to the right: in 80 columns, whatever the numbers are. */
function behindTable(behind: readonly (readonly [string, PartitionRow])[]): string {
  const head = ["partition", "group", "lag", "behind", "/s 10 s", "done in", "/s 60 s", "done in"];
  const lines = behind.map(([place, row]) => [
    place,
    row.group,
    shortCount(row.lag),
    row.secondsBehind === null ? "-" : secondsText(row.secondsBehind),
    shortCount(Math.round(row.landedPerSecond.over10s)),
    doneText(row.caughtUpIn.over10s),
    shortCount(Math.round(row.landedPerSecond.over60s)),
    doneText(row.caughtUpIn.over60s),
  ]);
  const widths = head.map((title, at) => Math.max(title.length, ...lines.map((line) => line[at]!.length)));
  const drawn = (line: readonly string[]) =>
    line.map((cell, at) => (at < 2 ? cell.padEnd(widths[at]!) : cell.padStart(widths[at]!))).join("  ");
  return [head, ...lines].map((line) => drawn(line).trimEnd()).join("\n");
}

/** Partitions with nothing to land, by what their groups do: a topic of which all have landed by its name alone. */
function landedText(landed: readonly (readonly [string, PartitionRow])[]): string {
  const byGroup = Map.groupBy(landed, ([, { group }]) => group);
  return [...byGroup]
    .map(([group, rows]) => {
      const byTopic = Map.groupBy(rows, ([name]) => name);
      const words = [...byTopic].map(([name, own]) => `${name} ${own.map(([, { partition }]) => partition).join(" ")}`);
      const about = group === "none" ? "no group" : `group ${group}`;
      return wrapped(`nothing waits, ${about}: ${words.join(", ")}`);
    })
    .join("\n");
}

function wrapped(text: string): string {
  const lines: string[] = [];
  for (const word of text.split(" ")) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= COLUMNS) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(last === undefined ? word : `  ${word}`);
  }
  return lines.join("\n");
}

const doneText = (caughtUpIn: CaughtUpIn): string => (caughtUpIn === "never" ? "never" : secondsText(caughtUpIn));

/** The units of times, the next larger one from `below` on. */
const UNITS = [
  { unit: "s", seconds: 1, below: 120 },
  { unit: "min", seconds: 60, below: 120 },
  { unit: "h", seconds: 3600, below: 48 },
  { unit: "d", seconds: 86_400, below: Number.POSITIVE_INFINITY },
] as const;

/** In at most 7 columns. */
export function secondsText(seconds: number): string {
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`;
  const { unit, seconds: one } = UNITS.find((of) => Math.round(seconds / of.seconds) < of.below)!;
  return `${count(Math.round(seconds / one))} ${unit}`;
}

/** In at most 7 columns. */
export function shortCount(n: number): string {
  if (n < 1_000_000) return count(n);
  const [by, unit] = n < 999_950_000 ? [1e6, "M"] : [1e9, "G"];
  return `${(n / by).toFixed(1)} ${unit}`;
}
