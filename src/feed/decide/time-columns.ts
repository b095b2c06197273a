import { shown } from "../../errors.ts";
import { DAY_US } from "../../event/day.ts";
import type { WrittenTime } from "../../event/time/iso.ts";
import { Decisions } from "../decision.ts";
import { type Opening, refusal } from "../format.ts";
import { normalName } from "../text/cells.ts";
import { lookOf, styleOf, type TimeLook, timeText } from "../text/times.ts";
import { type Columns, isNotKept } from "./columns.ts";
import { type Layout, ofRows } from "./layout.ts";

const CLOCK_NAMES: ReadonlySet<string> = new Set([
  "time",
  "timestamp",
  "zeit",
  "uhrzeit",
  "hora",
  "heure",
  "starttime",
]);
/** The better a look tells a moment, the further in front. */
const ORDER: readonly TimeLook[] = ["epoch", "full", "day", "number"];

/** What most cells of a column look like, if nine of ten agree. */
function lookOfColumn({ rows, names }: Layout, place: number): TimeLook {
  const isClockName = CLOCK_NAMES.has(normalName(names[place]!));
  const counts = new Map<TimeLook, number>();
  let filled = 0;
  for (const row of rows) {
    if (row[place] === "") continue;
    filled++;
    const look = lookOf(row[place]!, isClockName);
    counts.set(look, (counts.get(look) ?? 0) + 1);
  }
  const [look, count] = [...counts].reduce((a, b) => (b[1] > a[1] ? b : a), [null, 0] as [TimeLook, number]);
  return count * 10 >= filled * 9 ? look : null;
}

interface Candidate {
  readonly places: readonly number[];
  readonly look: TimeLook;
}

/** The columns of the time, and all that look like times. */
interface TimeColumns {
  readonly places: readonly number[];
  readonly alike: readonly number[];
}

/**
 * The column of the time, or those of day and time of day. Other columns with times have to say the same time in every
 * row, else it is asked which one is meant.
 * @param told places that flags give; of the time, they leave nothing to find
 */
export function timeColumns(
  opening: Opening,
  columns: Columns,
  told: ReadonlyMap<string, number[]>,
  layout: Layout,
): TimeColumns {
  const { decisions, file } = opening;
  const used = new Set([...columns.fields.values(), ...told.values(), columns.symbol ?? -1].flat());
  const looks = layout.names.map((_, place) => (used.has(place) ? null : lookOfColumn(layout, place)));
  const alike = looks.flatMap((look, place) => (look === null || look === "number" ? [] : [place]));
  if (told.has("time")) return { places: told.get("time")!, alike };
  const candidates = candidatesOf(columns, looks, layout);
  const [best, ...others] = candidates.sort((a, b) => ORDER.indexOf(a.look) - ORDER.indexOf(b.look));
  const unclear = columns.times.filter((place) => looks[place] === null && !used.has(place));
  if (best === undefined) {
    const clocks = columns.times.filter((place) => looks[place] === "clock");
    if (unclear.length > 0) return { places: [unclear[0]!, ...clocks.slice(0, 1)], alike };
    throw refusal(`${file} has no column with a whole time`, "Say --column time=NAME for it, or --date for the day.");
  }
  askClocks(decisions, best, looks, unclear, layout);
  const different = others.filter((other) => !agree(best, other, layout, opening));
  const name = ({ places }: Candidate) => places.map((place) => layout.names[place]!).join(" and ");
  if (different.length > 0) {
    const all = [best, ...different].map((one) => shown(name(one))).join(" and ");
    const why = `the columns ${all} hold different times`;
    decisions.ask({ what: "column of time", why, flag: "--column time=NAME", place: "time.columns" }, undefined);
  } else if (others.length > 0) {
    const same = others.map(name).join(", ");
    decisions.take("columns of time", `${name(best)}; ${same} say the same`, ofRows(layout.rows.length, layout));
  }
  return { places: best.places, alike };
}

const isDay = (look: TimeLook | undefined) => look === "day" || look === "number";

/** Columns that can be the time: by their names and what they hold, or by what they hold alone. */
function candidatesOf({ times }: Columns, looks: readonly TimeLook[], { names }: Layout): Candidate[] {
  const clocks = times.filter((place) => looks[place] === "clock");
  const isBetter = times.some((place) => looks[place] === "day" || looks[place] === "full" || looks[place] === "epoch");
  return names.flatMap((name, place): Candidate[] => {
    const look = looks[place]!;
    const isNamed = times.includes(place);
    if (look === null || look === "clock" || (look === "number" && (!isNamed || isBetter))) return [];
    if (!isNamed && isNotKept(name)) return [];
    return [{ places: isNamed && isDay(look) && clocks.length === 1 ? [place, clocks[0]!] : [place], look }];
  });
}

/** A day beside a time of day that it wasn't joined with would fold a day's rows into one. */
function askClocks(
  decisions: Decisions,
  best: Candidate,
  looks: readonly TimeLook[],
  unclear: readonly number[],
  { names }: Layout,
): void {
  if (!isDay(best.look)) return;
  const clocks = looks.flatMap((look, place) => (look === "clock" ? [place] : []));
  const odd = unclear.filter((place) => CLOCK_NAMES.has(normalName(names[place]!)));
  const free = [...clocks, ...odd].filter((place) => !best.places.includes(place));
  if (free.length === 0) return;
  const why = `${free.map((place) => shown(names[place]!)).join(", ")} may be the time of day`;
  const flag = "--column time=DAY --column time=CLOCK, or --column ignore=NAME";
  decisions.ask({ what: "column of time", why, flag, place: "time.columns" }, undefined);
}

/** Whether both columns say the same time in every row, as UTC, or the same day where one has only days. */
function agree(a: Candidate, b: Candidate, layout: Layout, opening: Opening): boolean {
  const [first, second] = [readings(a, layout, opening), readings(b, layout, opening)];
  if (first === undefined || second === undefined) return false;
  return first.every((time, i) => {
    const other = second[i]!;
    if (typeof time === "string" || typeof other === "string") return time === other;
    return other.dateOnly ? dayOf(time) === dayOf(other) : time.us === other.us;
  });
}

const dayOf = ({ us }: WrittenTime) => Math.floor(us / DAY_US);

function readings({ places }: Candidate, { rows }: Layout, { options }: Opening): (WrittenTime | string)[] | undefined {
  const texts = rows.map((row) => timeText(row, places));
  const decisions = new Decisions();
  const style = styleOf(texts, { format: options.dateFormat }, decisions);
  return decisions.questions.length > 0 ? undefined : texts.map((text) => style.read(text));
}
