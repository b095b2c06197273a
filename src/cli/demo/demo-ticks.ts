import type { SymbolEvent, TickEvent } from "../../event/events.ts";
import { symbolId, tickId } from "../../event/identity.ts";

const US_PER_S = 1_000_000;
/** Monday 2020-03-02, 09:30 in New York: the demo's trading day begins where the real bars know a wild week. */
const OPEN_US = Date.UTC(2020, 2, 2, 14, 30) * 1000;
const DAY_S = 6.5 * 3600;
const TICKERS = ["ALPHA", "BRAVO", "CHARLIE", "DELTA", "ECHO", "FOXTROT", "GOLF", "HOTEL"] as const;
const VENUES = ["N", "Q", "P", "Z"] as const;

/** Numbers in [0, 1) that are the same on every machine (xorshift, 32 bits): a seeded stream can be published twice. */
function seededRandom(seed: number): () => number {
  // Zero is the one state that xorshift never leaves.
  let state = seed | 0 || 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
}

export function demoSymbols(): SymbolEvent[] {
  return TICKERS.map((ticker) => ({
    symbol_id: symbolId(ticker, "DEMO"),
    ticker,
    exchange: "DEMO",
    asset_type: "equity",
    is_active: true,
    created_at: null,
    revised_at: 0,
  }));
}

/**
 * One day's trades of eight symbols as an exchange prints them: a random walk in cents, mostly round lots, every tenth
 * trade in a burst within its predecessor's microsecond, and a sale condition now and then. Times never go back.
 * @param openUs when trading begins, microseconds since 1970; the day lasts six and a half hours
 */
export function* seededTicks(count: number, seed = 1, openUs = OPEN_US): Generator<TickEvent> {
  const random = seededRandom(seed);
  const symbols = demoSymbols().map(({ symbol_id }) => ({ symbol_id, cents: 5000 + Math.floor(random() * 20_000) }));
  const stepUs = (2 * DAY_S * US_PER_S) / count;
  let timestamp = openUs;
  for (let i = 0; i < count; i++) {
    const symbol = symbols[Math.floor(random() * symbols.length)]!;
    symbol.cents = Math.max(100, symbol.cents + Math.round((random() - 0.5) * 6));
    if (random() >= 0.1) timestamp += Math.floor(random() * stepUs);
    const tick = {
      symbol_id: symbol.symbol_id,
      timestamp,
      timestamp_ns: 0,
      close: symbol.cents / 100,
      volume: random() < 0.8 ? 100 * (1 + Math.floor(random() * 5)) : 1 + Math.floor(random() * 99),
      source: "demo",
      trade_id: String(i),
      venue: VENUES[Math.floor(random() * VENUES.length)]!,
      conditions: random() < 0.05 ? ["odd-lot"] : null,
      received_at: null,
      backtest_session_id: null,
    };
    yield { market_data_id: tickId(tick), ...tick };
  }
}
