import type { Connection } from "../connection.ts";
import { findings, PORTION } from "./look-ahead-sql.ts";

/** What a decision can't have known, or a price can't have been, by kind. */
export const LEAKS = {
  future_input: "an input lies after the decision: a bar ends later, a tick or an indicator is of a later time",
  late_input: "the broker had the input after the decision",
  unknown_input: "the tape has no such event, or never had it with that value or by that time",
  future_knowledge: "known_until lies after the decision",
  future_prediction: "the decision's prediction is of a later time",
  future_price: "the price of a fill was made after the fill",
  early_fill: "a fill lies before its decision",
} as const;

export type LeakKind = keyof typeof LEAKS;

/** Two times that contradict each other. */
export interface Contradiction<Kind = LeakKind | "revised_input"> {
  readonly kind: Kind;
  readonly decisionId: string;
  /** Who says so: the decision, the prediction that it rests on, or a fill. */
  readonly toldBy: "decision" | "prediction" | "fill";
  /** What kind of event is too late, and its id; null where no event is named. */
  readonly input: string | null;
  readonly id: string | null;
  /** ISO 8601: the time that had to be kept to. */
  readonly at: string;
  /** ISO 8601: the time that doesn't. Null of an unknown input that tells no time. */
  readonly against: string | null;
}

export interface LookAhead {
  readonly decisions: number;
  /** Those that name what they used, where the tape can tell of all of it when it was known. */
  readonly provable: number;
  readonly notProvable: number;
  readonly leaks: Readonly<Record<LeakKind, number>>;
  readonly findings: readonly Contradiction<LeakKind>[];
  /** Inputs of backtests and replays that were revised at some time: what was used may be what was known later. */
  readonly revised: readonly Contradiction<"revised_input">[];
  /** Whether it was stopped before the last decision. */
  readonly interrupted: boolean;
}

interface Options {
  readonly stop: AbortSignal;
  onProgress(decisions: number, total: number): void;
  /** How many decisions are judged by one statement. */
  readonly portion?: number;
}

interface Portion extends Record<string, unknown> {
  readonly decisions: number;
  readonly first: string;
  readonly last: string;
  readonly lastId: string;
}

interface Judged extends Record<string, unknown> {
  readonly provable: number;
  /** How many inputs weren't found. */
  readonly missing: number;
  readonly findings: readonly Contradiction[];
}

/**
 * Judges every decision, in the order of time: whether something that it used, or that its prediction used, was known
 * later than its time.
 * @param session null is all decisions, those of no session with them
 */
export async function lookAhead(connection: Connection, session: string | null, options: Options): Promise<LookAhead> {
  const { stop, onProgress, portion: size = 10_000 } = options;
  // The planner can't tell how many inputs there are: it would compile each statement for a second, or join row by row.
  await connection.run("SET jit = off; SET enable_nestloop = off");
  const [{ total }] = (await connection.query<{ total: number }>(
    "SELECT count(*) AS total FROM public.trade_decision WHERE $1::uuid IS NULL OR backtest_session_id = $1",
    [session],
  )) as [{ total: number }];
  const found: Contradiction[] = [];
  let [decisions, provable] = [0, 0];
  let after: readonly [at: string | null, id: string | null] = [null, null];
  while (!stop.aborted) {
    const [portion] = await connection.query<Portion>(PORTION, [session, ...after, size]);
    const { first, last, lastId } = portion!;
    if (portion!.decisions === 0) break;
    const judged = await judge(connection, [session, ...after, last, lastId], first);
    for (const finding of judged.findings) found.push(finding);
    decisions += portion!.decisions;
    provable += judged.provable;
    after = [last, lastId];
    onProgress(decisions, Math.max(decisions, total));
  }
  const leaks = found.filter((finding): finding is Contradiction<LeakKind> => finding.kind !== "revised_input");
  const counts = Object.keys(LEAKS).map((kind) => [kind, leaks.filter((leak) => leak.kind === kind).length]);
  return {
    ...{ decisions, provable, notProvable: decisions - provable },
    leaks: Object.fromEntries(counts) as Record<LeakKind, number>,
    findings: leaks,
    revised: found.filter((finding): finding is Contradiction<"revised_input"> => finding.kind === "revised_input"),
    interrupted: stop.aborted,
  };
}

/** Looks about the portion's time first: what was used is seldom old. */
async function judge(connection: Connection, portion: readonly unknown[], first: string): Promise<Judged> {
  const [near] = await connection.query<Judged>(findings(false), [...portion, first]);
  if (near!.missing === 0) return near!;
  const [judged] = await connection.query<Judged>(findings(true), portion);
  return judged!;
}
