import { shown } from "../../errors.ts";
import { decimal } from "../decimal.ts";
import { byRows } from "../decision.ts";
import { type Opening, refusal } from "../format.ts";

/** What Binance trades: spot, futures margined in USD (um) and in coins (cm), and the price that klines can be of. */
const MARKETS = [
  "spot",
  ...["um", "um-mark", "um-index", "um-premium"],
  ...["cm", "cm-mark", "cm-index", "cm-premium"],
] as const;
type Market = (typeof MARKETS)[number];

/** What the rows and the instrument's name leave possible, and what left it. */
export interface Possible {
  readonly markets: readonly Market[];
  readonly by: string;
}

/** Coin-margined contracts alone are called like BTCUSD_PERP and BTCUSD_240329. */
const COIN_MARGINED = /USD_(PERP|\d{6})$/;

/**
 * The market of a file, whose instrument is called `ticker`, and `fileTicker` in its name. Spot's and futures' files have
 * the same names and in part the same columns, so that one would overwrite the other: what the columns and the rows
 * don't decide is asked.
 */
export function marketOf(
  { options, decisions, file }: Opening,
  ticker: string,
  fileTicker: string | undefined,
  { markets, by }: Possible,
): Market {
  const told = MARKETS.find((name) => name === options.market);
  if (options.market !== undefined && told === undefined) {
    throw refusal(`--market ${shown(options.market)} isn't known`, `Say one of ${MARKETS.join(", ")}.`);
  }
  const isCoin = COIN_MARGINED.test(fileTicker ?? ticker);
  // A name that a person gave may be any; Binance's own file names are exact.
  const isExact = isCoin || fileTicker !== undefined;
  const named = isExact ? markets.filter((name) => isCoin === name.startsWith("cm") || name === "cm-index") : markets;
  const left = named.length > 0 ? named : markets;
  if (told !== undefined) {
    if (!left.includes(told)) {
      throw refusal(
        `--market ${told} contradicts ${file}, whose rows are of ${left.join(" or ")} (${by})`,
        "Say the market it is of.",
      );
    }
    decisions.take("market", told, "--market");
    return told;
  }
  if (left.length === 1) {
    decisions.take(
      "market",
      left[0]!,
      named.length === markets.length ? by : `${by}, and the name ${fileTicker ?? ticker}`,
    );
    return left[0]!;
  }
  const why = `it may be of ${left.join(", ")}, whose files look alike`;
  return decisions.ask(
    { what: "market", why, flag: `--market ${left.join("|")}`, choices: { option: "market", values: left } },
    left[0]!,
  );
}

/** Spot keeps the source that it had before futures could be read, and with it its ids. */
export const marketSource = (market: Market, what: string) =>
  market === "spot" ? `binance-${what}` : `binance-${market}-${what}`;

/** Futures' trades: the fourth column is price times size where they are margined in USD, and contracts over price else. */
export function futuresByQuote(rows: readonly (readonly string[])[]): Possible {
  let um = 0;
  let cm = 0;
  for (const cells of rows) {
    const [price, size, third] = [decimal(cells[1]!), decimal(cells[2]!), decimal(cells[3]!)];
    if (near(third, price * size)) um++;
    if (near(third * price, size * 10) || near(third * price, size * 100)) cm++;
  }
  if (um === rows.length && cm === 0)
    return { markets: ["um"], by: `${byRows(um, rows.length)}: the fourth column is price times size` };
  if (cm === rows.length && um === 0)
    return { markets: ["cm"], by: `${byRows(cm, rows.length)}: the fourth column is in coins` };
  return { markets: ["um", "cm"], by: "six columns" };
}

const near = (a: number, b: number) => Math.abs(a - b) <= Math.max(Math.abs(a), Math.abs(b)) * 1e-4;
