import { parsedConfig } from "../../session/draft.ts";
import {
  compareDecisions,
  type DecisionComparison,
  type DecisionSide,
  type SessionTotals,
  sessionTotals,
} from "../../table/sessions/session-diff.ts";
import { type LandedSession, type PerformanceRow, sessionPerformance } from "../../table/sessions/session-list.ts";
import type { CommandSpec } from "../command.ts";
import { EXIT } from "../exit.ts";
import { wholeFlag } from "../flags.ts";
import { type Cell, figure, MONEY_DIGITS, money, printable, table } from "../output.ts";
import { count } from "../progress.ts";
import { asReader } from "../services.ts";
import { requireSession, sessionArgument } from "./session-argument.ts";

interface Sides<T> {
  readonly a: T;
  readonly b: T;
}

interface Diff {
  readonly sessions: Sides<LandedSession>;
  /** Settings that differ, by name. */
  readonly settings: Readonly<Record<string, Sides<unknown>>>;
  readonly totals: Sides<SessionTotals>;
  readonly decisions: DecisionComparison;
  readonly performance: Sides<readonly PerformanceRow[]>;
}

export const diffCommand: CommandSpec<{ readonly limit: string }> = {
  name: "diff",
  summary: "two sessions side by side: settings, decisions with their fills, performance",
  examples: ["tradetape sessions diff A B", "tradetape sessions diff A B --limit 0   figures only"],
  declare: (command) => {
    command.argument("<a>", "a session's id");
    command.argument("<b>", "another one's");
    command.option("--limit <n>", "how many decisions that differ are shown, in the order of time", "20");
  },
  run: async ({ config, out }, [first, second], flags) => {
    const [a, b] = [sessionArgument(first), sessionArgument(second)];
    const pairsMax = wholeFlag("--limit", flags.limit, 0)!;
    const diff = await asReader(config, "sessions", async (connection): Promise<Diff> => {
      const sessions = { a: await requireSession(connection, a), b: await requireSession(connection, b) };
      return {
        sessions,
        settings: differingSettings(sessions),
        totals: { a: await sessionTotals(connection, a), b: await sessionTotals(connection, b) },
        decisions: await compareDecisions(connection, a, b, pairsMax),
        performance: { a: await sessionPerformance(connection, a), b: await sessionPerformance(connection, b) },
      };
    });
    out.result(diff, () => diffText(diff));
    return EXIT.good;
  },
};

function differingSettings({ a, b }: Sides<LandedSession>): Diff["settings"] {
  const [inA, inB] = [settingsOf(a), settingsOf(b)];
  const names = [...new Set([...Object.keys(inA), ...Object.keys(inB)])].sort();
  const differing = names.filter((name) => JSON.stringify(inA[name]) !== JSON.stringify(inB[name]));
  return Object.fromEntries(differing.map((name) => [name, { a: inA[name] ?? null, b: inB[name] ?? null }]));
}

/** Any JSON may be a session's config; what has no names is compared as one. */
function settingsOf({ config }: LandedSession): Readonly<Record<string, unknown>> {
  if (config === null) return {};
  return config.startsWith("{") ? parsedConfig(config) : { config: JSON.parse(config) };
}

function diffText({ sessions, settings, totals, decisions, performance }: Diff): string {
  const side = (name: string, of: (session: LandedSession) => string | null): Cell[] => [
    name,
    ...[sessions.a, sessions.b].map((session) => printableOrNull(of(session))),
  ];
  const facts = [
    side("id", (s) => s.backtest_session_id),
    side("name", (s) => s.name),
    side("kind", (s) => s.kind),
    side("code version", (s) => s.code_version),
    side("data set", (s) => s.data_set),
    ...Object.entries(settings).map(([name, { a, b }]) => [name, JSON.stringify(a), JSON.stringify(b)].map(printable)),
  ];
  const figures = Object.keys(totals.a).map((name) => {
    const key = name as keyof SessionTotals;
    return [name, money(totals.a[key]), money(totals.b[key])];
  });
  const { same, differing, onlyA, onlyB } = decisions;
  return [
    table(["session", "a", "b"], facts),
    table(["figure", "a", "b"], [...figures, ...performanceRows(performance)]),
    `decisions: ${count(same)} the same, ${count(differing)} differ, ${count(onlyA)} in a only, ${count(onlyB)} in b only`,
    ...(decisions.pairs.length > 0 ? [pairsText(decisions)] : []),
  ].join("\n\n");
}

const printableOrNull = (text: string | null) => (text === null ? null : printable(text));

/** Figures of a performance row, and in how many digits each is shown. */
const COMPARED = [
  ["trades", undefined],
  ["pnl", MONEY_DIGITS],
  ["winRate", undefined],
  ["avgRoi", undefined],
  ["maxDrawdown", undefined],
  ["sharpe", undefined],
  ["sharpeAnnualised", undefined],
] as const;

/** The windows of both, each with its figures side by side. */
function performanceRows({ a, b }: Diff["performance"]): Cell[][] {
  const windowOf = (p: PerformanceRow) =>
    `${p.symbol ?? "all"} ${p.windowStart.slice(0, 10)}..${p.windowEnd.slice(0, 10)}`;
  const keyOf = (p: PerformanceRow) => [p.strategyId, p.symbol, p.windowStart, p.windowEnd].join(" ");
  const keys = new Map([...a, ...b].map((p) => [keyOf(p), windowOf(p)]));
  return [...keys].flatMap(([key, window]) => {
    const sides = [a, b].map((rows) => rows.find((p) => keyOf(p) === key));
    return COMPARED.map(([name, digits]) => [`${name} ${window}`, ...sides.map((p) => figure(p?.[name], digits))]);
  });
}

function pairsText({ pairs }: DecisionComparison): string {
  const text = (side: DecisionSide | null) => {
    if (side === null) return null;
    const { action, size, approved, filled, price } = side;
    const done = filled > 0 ? `, filled ${money(filled)} at ${money(price)}` : "";
    if (action === "HOLD") return action;
    return `${action} ${money(size)}${approved ? "" : " refused"}${done}`;
  };
  return table(
    ["at", "symbol", "a", "b"],
    pairs.map((pair) => [pair.at, printable(pair.symbol), text(pair.a), text(pair.b)]),
  );
}
