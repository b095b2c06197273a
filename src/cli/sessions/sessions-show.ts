import { isoMicros } from "../../audit/entry.ts";
import { SESSION_TABLES } from "../../session/tables.ts";
import { type LandedSession, type PerformanceRow, sessionPerformance } from "../../table/sessions/session-list.ts";
import { countSessionRows } from "../../table/sessions/session-rows.ts";
import type { CommandSpec } from "../command.ts";
import { EXIT } from "../exit.ts";
import { figure, money, printable, table } from "../output.ts";
import { asReader } from "../services.ts";
import { requireSession, sessionArgument } from "./session-argument.ts";

interface Shown {
  readonly session: LandedSession;
  readonly rows: Readonly<Record<string, number>>;
  readonly performance: readonly PerformanceRow[];
}

export const showSessionCommand: CommandSpec<object> = {
  name: "show",
  summary: "one session whole: settings, rows per table (reads the tables of ticks, quotes and bars), performance",
  examples: ["tradetape sessions show 0198c5a4-8f6e-7c3a-9d2b-5e4f3a2b1c0d"],
  declare: (command) => {
    command.argument("<session>", "its id");
  },
  run: async ({ config, out }, [text]) => {
    const id = sessionArgument(text);
    const shown = await asReader(
      config,
      "sessions",
      async (connection): Promise<Shown> => ({
        session: await requireSession(connection, id),
        rows: await countSessionRows(connection, SESSION_TABLES.toReversed(), id),
        performance: await sessionPerformance(connection, id),
      }),
    );
    out.result(shown, () => showText(shown));
    return EXIT.good;
  },
};

function showText({ session, rows, performance }: Shown): string {
  const time = (us: number | null) => (us === null ? null : isoMicros(us));
  const facts = Object.entries({
    ...session,
    started_at: time(session.started_at),
    ended_at: time(session.ended_at),
  }).map(([name, value]) => [name, value === null ? null : printable(value)]);
  const parts = [table(["session", ""], facts), rowsText(rows)];
  if (performance.length > 0) parts.push(performanceText(performance));
  return parts.join("\n\n");
}

export const rowsText = (rows: Readonly<Record<string, number>>): string =>
  table(["table", "rows"], Object.entries(rows));

/** The performance in two tables: what was made, and how. A window that wasn't over says up to when it is counted. */
function performanceText(rows: readonly PerformanceRow[]): string {
  const window = (p: PerformanceRow) => [
    p.symbol ?? "all",
    shortTime(p.windowStart),
    p.asOf === null ? shortTime(p.windowEnd) : `${shortTime(p.windowEnd)} as of ${shortTime(p.asOf)}`,
  ];
  const made = rows.map((p) => [
    ...[...window(p), p.trades],
    ...[p.pnl, p.unrealisedPnl, p.fees, p.openPosition, p.maxDrawdownMoney].map(money),
  ]);
  const ratios = rows.map((p) => [
    ...[...window(p), figure(p.winRate), figure(p.avgRoi), figure(p.sharpe)],
    ...[figure(p.maxDrawdown), figure(p.sharpeAnnualised), p.dailyReturns],
  ]);
  const head = ["symbol", "from", "to"];
  return [
    table([...head, "trades", "pnl", "unrealised", "fees", "open", "drawdown"], made),
    table([...head, "win rate", "avg roi", "sharpe per trade", "drawdown", "sharpe per year", "days"], ratios),
  ].join("\n\n");
}

/** Most windows begin and end with a day. */
const shortTime = (iso: string): string => iso.replace("T00:00:00.000Z", "");
