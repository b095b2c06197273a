import { printable } from "../output.ts";

/** A strategy's id in a table: its first digits, since names are in no table. */
export const shortId = (id: string | null): string | null => (id === null ? null : id.slice(0, 8));

/** Said where there is nothing to show. */
export const nothing = (what: string, session: string | null): string =>
  session === null
    ? `no ${what} in live trading; --session asks about a backtest or a paper run, which \`tradetape sessions list\` shows`
    : `no ${what} in session ${session}`;

/** An instrument that has bars of several sources, of which none was told. */
export interface Undecided {
  readonly symbol: string;
  readonly sources: readonly string[];
}

/** Lines under a table about the instruments whose prices were left out. */
export function undecidedText(undecided: readonly Undecided[], interval: string): readonly string[] {
  return undecided.map(({ symbol, sources }) =>
    sources.length === 0
      ? `${printable(symbol)} has no bars of ${interval}: without a price`
      : `${printable(symbol)} has bars of ${interval} from ${sources.map(printable).join(", ")}: say which by --source`,
  );
}

const STEPS = "▁▂▃▄▅▆▇█";

/** A line of values as a picture of at most so many columns: a column shows the last of its values. */
export function sparkline(values: readonly number[], columnsMax = 72): string {
  const columns = Math.min(columnsMax, values.length);
  const shown = Array.from({ length: columns }, (_, n) => values[Math.ceil(((n + 1) * values.length) / columns) - 1]!);
  const [low, high] = [Math.min(...shown), Math.max(...shown)];
  const step = (value: number) => (high === low ? 0 : Math.round(((value - low) / (high - low)) * (STEPS.length - 1)));
  return shown.map((value) => STEPS[step(value)]).join("");
}
