import type { IntervalLength } from "../../../producers/bars.ts";
import type { Days } from "../../calendar/days.ts";
import { TradetapeError } from "../../errors.ts";
import { moneyFlag, uuidOf } from "../flags.ts";
import { type BarFlags, daysOfFlags } from "./bar-flags.ts";

/** What the programs of one reference agent have in common, and what single ones want to know. */
export interface AgentRun {
  readonly actor: string;
  readonly strategy: string;
  readonly session: string | null;
  /** The length of the bars that are traded. */
  readonly interval: string;
  /** The lengths of the bars that are made of ticks. */
  readonly intervals: readonly IntervalLength[];
  /** Whose days these are; null is the clock of UTC. */
  readonly days: Days | null;
  readonly latenessUs: number;
  readonly seed: number;
  readonly outOfOrder: boolean;
  /** The source of the bars that are traded; null is the only one there is. */
  readonly source: string | null;
  /** What the strategy began with; null is not told. */
  readonly capital: number | null;
}

/** The flags of `run`. */
export interface RunFlags extends BarFlags {
  readonly interval: IntervalLength;
  readonly allowedLateness: IntervalLength;
  readonly session?: string;
  readonly actor: string;
  readonly strategy: string;
  readonly seed: string;
  readonly source?: string;
  readonly capital?: string;
  readonly outOfOrder?: boolean;
  readonly untilCaughtUp?: boolean;
  readonly failFast?: boolean;
}

/**
 * What the flags say of a run of these programs.
 * @param live the programs that need no session
 * @throws TradetapeError input_invalid
 */
export function agentRunOf(flags: RunFlags, programs: readonly string[], live: readonly string[]): AgentRun {
  const { seed: text, actor, strategy } = flags;
  const wrong = (message: string, next: string) => new TradetapeError("input_invalid", message, { next });
  const session =
    flags.session === undefined ? null : uuidOf("--session", flags.session, "the id of a session that was published");
  if (session === null && programs.includes("fills")) {
    throw wrong(
      "a paper broker's fills would pass for live ones",
      `Say --session, the id of a paper or backtest session; or name what is to run live, of ${live.join(", ")}.`,
    );
  }
  const seed = Number(text);
  if (!Number.isSafeInteger(seed)) throw wrong(`--seed ${JSON.stringify(text)} is no whole number`, "Use one, as 1.");
  const { interval, intervals, allowedLateness, outOfOrder = false, source = null } = flags;
  const bars = { interval: interval.name, intervals, days: daysOfFlags(flags), latenessUs: allowedLateness.us };
  const capital = moneyFlag("--capital", flags.capital) ?? null;
  return { actor, strategy, session, seed, outOfOrder, source, capital, ...bars };
}

/** The programs that take the prices of one source alone. */
const TRADES: readonly string[] = ["predictions", "decisions", "fills"];

/**
 * The name under which a program of the agent keeps its place in the topics. Bars of other lengths or days, or that take ticks
 * for longer, begin before the place of these, so theirs is another: gone on from here, their first ones would be told
 * without their beginning, over the whole ones. What trades the prices of a source that was told begins at the first of
 * them, too, because a run before it may have traded those of another.
 */
export function programKey(program: string, run: Omit<AgentRun, "seed" | "outOfOrder" | "capital">): string {
  const lengths = run.intervals.map(({ name }) => name).sort();
  const days = run.days === null ? [] : [run.days.name];
  const source = run.source !== null && TRADES.includes(program) ? [`source ${run.source}`] : [];
  const settings = program === "bars" ? [...lengths, `${run.latenessUs}us`, ...days] : [run.interval, ...source];
  return [run.session ?? "live", run.actor, run.strategy, ...settings].map(encodeURIComponent).join(".");
}
