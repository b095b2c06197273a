import { basename, dirname } from "node:path";
import { TradetapeError } from "../errors.ts";
import type { SymbolEvent } from "../event/events.ts";
import { symbolId } from "../event/identity.ts";

/** The instrument of a file, and the event that makes it known. */
export interface FeedSymbol {
  readonly id: string;
  /** TICKER or TICKER@EXCHANGE. */
  readonly text: string;
  readonly ticker: string;
  readonly event: SymbolEvent;
}

/** What a ticker or an exchange may be. */
export const CODE = /^[^\s@\p{C}]{1,64}$/u;

/**
 * Reads TICKER[@EXCHANGE]. The ticker's case is kept: it is the venue's own name.
 * @throws TradetapeError input_invalid.
 */
export function parseSymbol(text: string): FeedSymbol {
  const [ticker = "", exchange, ...more] = text.split("@");
  if (!CODE.test(ticker) || (exchange !== undefined && !CODE.test(exchange)) || more.length > 0) {
    throw new TradetapeError("input_invalid", `--symbol ${JSON.stringify(text)} is no TICKER or TICKER@EXCHANGE`, {
      next: "Write it like IBM or BTCUSDT@BINANCE, without spaces.",
    });
  }
  const id = symbolId(ticker, exchange ?? null);
  const event: SymbolEvent = {
    symbol_id: id,
    ticker,
    exchange: exchange ?? null,
    asset_type: "unknown",
    is_active: true,
    created_at: null,
    revised_at: 0,
  };
  return { id, text, ticker, event };
}

/** What a file's name tells. */
interface NamedParts {
  readonly ticker?: string;
  /** YYYY-MM-DD */
  readonly date?: string;
}

const LEAN_ENTRY = /^(\d{8})_([a-z0-9.]+)_(?:(?:(?:trade|quote)_)?tick|(?:tick|second|minute)_(?:trade|quote))\.csv$/i;
const LEAN_FILE = /^([a-z0-9.]+)_(\d{8})(?:_trade|_quote)?(?:_tick)?\.(?:zip|csv|gz)$/i;
const LEAN_DAY = /^(\d{8})(?:_trade|_quote)?\.(?:zip|csv|gz)$/i;
const BINANCE_FILE =
  /^([A-Z0-9]{3,}(?:_(?:PERP|\d{6}))?)-(?:trades|aggTrades|bookTicker|\d+(?:s|m|h|d|w|mo|M))-\d{4}-\d\d(?:-\d\d)?\./;

const isoDay = (eight: string) => `${eight.slice(0, 4)}-${eight.slice(4, 6)}-${eight.slice(6)}`;

/** Ticker and day in Lean's names: `20131007_ibm_Trade_Tick.csv`, `ibm_20131007.zip`, `ibm/20131007_trade.zip`. */
export function leanName(names: readonly string[]): NamedParts {
  for (const name of names.toReversed()) {
    const file = basename(name);
    const entry = LEAN_ENTRY.exec(file);
    if (entry) return { ticker: entry[2]!.toUpperCase(), date: isoDay(entry[1]!) };
    const plain = LEAN_FILE.exec(file);
    if (plain) return { ticker: plain[1]!.toUpperCase(), date: isoDay(plain[2]!) };
    const day = LEAN_DAY.exec(file);
    if (!day) continue;
    const folder = basename(dirname(name));
    const ticker = /^[a-z][a-z0-9.]*$/i.test(folder) ? { ticker: folder.toUpperCase() } : {};
    return { date: isoDay(day[1]!), ...ticker };
  }
  return {};
}

/** The ticker in Binance's names: `BTCUSDT-trades-2025-01-01.zip`, `ETHUSDT-1h-2024-12.csv`. */
export function binanceName(names: readonly string[]): NamedParts {
  for (const name of names) {
    const found = BINANCE_FILE.exec(basename(name));
    if (found) return { ticker: found[1]! };
  }
  return {};
}
