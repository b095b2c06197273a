import { SUBJECTS } from "./cases/all.ts";
import { type Spread, shown, spread } from "./figures.ts";
import type { Shown } from "./shows.ts";
import { ASPECTS, type Aspect, type Store } from "./store.ts";

/** One figure, as the JSON and the tables have it. */
export interface Line {
  readonly subject: string;
  readonly about: string;
  readonly aspect: Aspect;
  readonly unit: string;
  readonly rounds: number;
  readonly spread: Spread;
}

/** A bare name is an advice's own: its words are its name. */
const aboutOf = (subject: string) => SUBJECTS[subject] ?? subject;

export function lines(store: Store): Line[] {
  return store.subjects.flatMap((subject) =>
    (Object.keys(ASPECTS) as Aspect[]).flatMap((aspect) => {
      const values = store.values(subject, aspect);
      if (values.length === 0) return [];
      const about = { subject, about: aboutOf(subject), aspect, unit: ASPECTS[aspect] };
      return [{ ...about, rounds: values.length, spread: spread(values) }];
    }),
  );
}

const range = ({ median, low, high }: Spread, rounds: number) =>
  rounds > 1 ? `${shown(median)} (${shown(low)} to ${shown(high)})` : shown(median);

type Row = readonly string[];

/** What takes a backlog from one place to another: comparable in every column. */
const THROUGHPUT = ["rate", "wholeRate", "nodeUs", "postgresUs", "brokerUs", "residentMb"] as const satisfies Aspect[];

/** The tables: promises, throughput, everything else, and what other choices cost. */
export function tables(store: Store, verdicts: readonly Shown[]): { head: Row; rows: Row[] }[] {
  const all = lines(store);
  const isThroughput = (subject: string) => all.some((line) => line.subject === subject && line.aspect === "nodeUs");
  const cell = (subject: string, aspect: Aspect) => {
    const line = all.find((candidate) => candidate.subject === subject && candidate.aspect === aspect);
    if (line === undefined) return "-";
    return aspect === "rate" ? range(line.spread, line.rounds) : shown(line.spread.median);
  };
  const subjects = store.subjects.filter(isThroughput);
  const others = store.subjects.filter((subject) => !isThroughput(subject));
  const allOf = (subject: string) =>
    all.filter((line) => line.subject === subject).map((line) => `${range(line.spread, line.rounds)} ${line.unit}`);
  return [
    {
      head: ["promise", "wanted", "found", ""],
      rows: verdicts.map(({ what, wanted, found, isOk }) => [what, wanted, found, isOk ? "ok" : "NOT OK"]),
    },
    {
      head: ["", "what", "events/s", "with start", "us: Node", "PostgreSQL", "broker", "MB"],
      rows: subjects.map((subject) => [
        subject,
        aboutOf(subject),
        ...THROUGHPUT.map((aspect) => cell(subject, aspect)),
      ]),
    },
    {
      head: ["", "what", "figures"],
      rows: others
        .filter((subject) => !subject.startsWith("advice"))
        .map((subject) => [subject, aboutOf(subject), allOf(subject).join(", ")]),
    },
    {
      head: ["choice", "rows/s", "of shipped", "us of PostgreSQL a row", "MB of indexes"],
      rows: others.filter((subject) => subject.startsWith("advice")).map((subject) => adviceRow(subject, cell, all)),
    },
  ].filter(({ rows }) => rows.length > 0);
}

/** A choice beside the first of its kind, which is what the product does by itself. */
function adviceRow(subject: string, cell: (subject: string, aspect: Aspect) => string, all: readonly Line[]): Row {
  const rateOf = (name: string) => all.find((line) => line.subject === name && line.aspect === "rate")?.spread.median;
  const shipped = rateOf(subject.replace(/\d+$/, "0"));
  const share = shipped === undefined ? "-" : shown(rateOf(subject)! / shipped);
  return [aboutOf(subject), cell(subject, "rate"), share, cell(subject, "postgresUs"), cell(subject, "indexMb")];
}

export function markdown(store: Store, verdicts: readonly Shown[]): string {
  const row = (cells: Row) => `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
  const about = Object.entries(store.about).map(([name, value]) => `- ${name}: ${value}`);
  const drawn = tables(store, verdicts).map(({ head, rows }) =>
    [row(head), `|${head.map(() => "---|").join("")}`, ...rows.map(row)].join("\n"),
  );
  return [about.join("\n"), ...drawn].join("\n\n");
}
