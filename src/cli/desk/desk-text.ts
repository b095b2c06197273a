import type { Undecided } from "../../desk/accounts.ts";
import { printable } from "../output.ts";

/** A strategy's id in a table: its first digits, since names are in no table. */
export const shortId = (id: string | null): string | null => (id === null ? null : id.slice(0, 8));

/** Said where there is nothing to show. */
export const nothing = (what: string, session: string | null): string =>
  session === null
    ? `no ${what} in live trading; --session asks about a backtest or a paper run, which \`tradetape sessions list\` shows`
    : `no ${what} in session ${session}`;

/** Lines under a table about the instruments that make figures unknown. */
export function undecidedText(undecided: readonly Undecided[], interval: string): readonly string[] {
  return undecided.map((one) => `${printable(one.symbol)} ${whyUndecided(one, interval)}`);
}

function whyUndecided({ markedBy, pricedBy, sources }: Undecided, interval: string): string {
  const listed = (names: readonly string[]) => names.map(printable).join(", ");
  if (markedBy !== null) return `was held before its first close of ${interval} from ${printable(markedBy)}`;
  if (sources.length === 0) return `has no bars of ${interval}: without a price`;
  const priced = pricedBy.length === 0 ? "" : `was filled at prices of ${listed(pricedBy)}, and `;
  return `${priced}has bars of ${interval} from ${listed(sources)}: say which by --source`;
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
