import { isoMicros } from "../../audit/entry.ts";
import { SESSION_TABLES } from "../../session/tables.ts";
import { type LandedSession, type PerformanceRow, sessionPerformance } from "../../table/sessions/session-list.ts";
import { countSessionRows } from "../../table/sessions/session-rows.ts";
import type { CommandSpec } from "../command.ts";
import { EXIT } from "../exit.ts";
import { printable, table } from "../output.ts";
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

const performanceText = (rows: readonly PerformanceRow[]): string =>
  table(
    ["symbol", "from", "to", "trades", "win rate", "avg roi", "drawdown", "sharpe"],
    rows.map((p) => [
      p.symbol ?? "all",
      p.windowStart,
      p.windowEnd,
      p.trades,
      ...[p.winRate, p.avgRoi, p.maxDrawdown, p.sharpe].map((value) => figure(value)),
    ]),
  );

/** Performance is shown in six digits; money in more, so that it can be added up. */
export const figure = (value: number | null | undefined, digits = 6): string | null =>
  value === null || value === undefined ? null : String(Number(value.toPrecision(digits)));
