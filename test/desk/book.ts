import type { BarEvent, DecisionEvent, FillEvent, PredictionEvent } from "../../src/event/events.ts";
import { strategyId, symbolId } from "../../src/event/identity.ts";
import { bar, decision, fill, idOf, prediction, quote, session, symbol } from "../support/samples.ts";
import type { TestTape } from "../support/tape.ts";

const DAY = 86_400_000_000;
const at = (text: string) => Date.parse(`2024-03-${text}`) * 1000;

export const BACKTEST = idOf("desk session");
export const ALPHA = strategyId("alpha");
const IBM = symbolId("IBM", null);
const SPY = symbolId("SPY", null);
const TWO = symbolId("TWO", null);

/** Opens and closes of three weeks in March 2024; of IBM the 13th, a Wednesday, is missing. */
const DAYS = ["04", "05", "06", "07", "08", "11", "12", "13", "14", "15", "18", "19", "20", "21", "22"];
const IBM_PRICES = [100, 102, 104, 103, 106, 105, 107, 108, 108, 110, 109, 111, 112, 110, 113, 114];
const SPY_PRICES = [50, 51, 50, 49, 48, 47, 48, 46, 45, 44, 46, 45, 44, 43, 42, 40];

const bars = (symbol_id: string, prices: readonly number[], source: string): BarEvent[] =>
  DAYS.map((day, n) => {
    const [open, close] = [prices[n]!, prices[n + 1]!];
    const own = { symbol_id, timestamp: at(day), interval: "1d", source, open, close, ends_at: at(day) + DAY };
    const times = { received_at: at(day) + DAY + 20_000, first_trade_at: null, last_trade_at: null };
    const id = { market_data_id: idOf(`${source} ${symbol_id} ${day}`) };
    return bar(0, { ...own, ...times, ...id, high: Math.max(open, close), low: Math.min(open, close) });
  });

interface Order {
  readonly n: number;
  readonly day: string;
  readonly symbol: string;
  readonly action: "BUY" | "SELL" | "HOLD";
  readonly size: number;
  /** The last close, which the agent saw. */
  readonly price: number;
  readonly up: number;
  readonly reason?: string;
  readonly fills?: readonly (readonly [quantity: number, price: number, fee: number])[];
  readonly ends?: FillEvent["status"];
}

const ORDERS: readonly Order[] = [
  {
    n: 1,
    day: "05",
    symbol: IBM,
    action: "BUY",
    size: 10,
    price: 102,
    up: 0.71,
    fills: [
      [6, 102, 1],
      [4, 102.5, 1],
    ],
  },
  { n: 2, day: "07", symbol: IBM, action: "SELL", size: 4, price: 103, up: 0.38, fills: [[4, 103.2, 0.5]] },
  { n: 3, day: "06", symbol: SPY, action: "SELL", size: 10, price: 50, up: 0.31, fills: [[10, 49.8, 1]] },
  { n: 4, day: "12", symbol: SPY, action: "BUY", size: 15, price: 48, up: 0.72, fills: [[15, 47.5, 1.5]] },
  {
    n: 5,
    day: "08",
    symbol: IBM,
    action: "BUY",
    size: 10,
    price: 106,
    up: 0.62,
    reason: "buy: up; position: 6 of 10 are held",
  },
  {
    ...{ n: 6, day: "11", symbol: IBM, action: "BUY", size: 10, price: 105, up: 0.66 },
    reason: "buy: up; position: 6 of 10 are held; cooldown: 3 of 5 days; position: 9 of 10 of the sector are held",
  },
  { n: 7, day: "14", symbol: IBM, action: "BUY", size: 5, price: 108, up: 0.61, ends: "REJECTED" },
  {
    n: 8,
    day: "15",
    symbol: IBM,
    action: "BUY",
    size: 5,
    price: 110,
    up: 0.65,
    fills: [[2, 110, 0.2]],
    ends: "CANCELED",
  },
  { n: 9, day: "21", symbol: SPY, action: "BUY", size: 7, price: 43, up: 0.73 },
  { n: 10, day: "20", symbol: SPY, action: "BUY", size: 8, price: 44, up: 0.64, fills: [[3, 44.1, 0.3]] },
  { n: 11, day: "19", symbol: SPY, action: "HOLD", size: 0, price: 45, up: 0.5, reason: "hold: a rise has 50.0 %" },
];

function eventsOf({ n, day, symbol: symbol_id, action, size, price, up, reason, fills = [], ends }: Order) {
  const own = { symbol_id, timestamp: at(day), price_source: "eod", known_until: at(day), features_sha256: null };
  const inputs =
    n === 1 ? JSON.stringify([{ kind: "indicator", id: idOf("SMA"), known_at: at(day), value: 101.5 }]) : null;
  const predicted: PredictionEvent = prediction(n, {
    ...{ ...own, probability_up: up, confidence_score: Math.abs(2 * up - 1), predicted_price: price + 1 },
    ...{ model_version: "m-1", horizon: "1d", inputs },
  });
  const used =
    n === 1 ? JSON.stringify([{ kind: "bar", id: idOf(`eod ${IBM} 04`), known_at: at(day), value: 102 }]) : null;
  const decided: DecisionEvent = decision(n, {
    ...{ ...own, action, size, decision_price: price, inputs: used, strategy_id: ALPHA },
    ...{ approved: reason === undefined, reason: reason ?? `${action.toLowerCase()}: as predicted` },
  });
  const report = (part: number, change: Partial<FillEvent>) =>
    fill(10 * n + part, {
      ...{ symbol_id, decision_id: decided.decision_id, timestamp: at(`${day}T14:30`) + part * 100_000 },
      ...{ latency_ms: part * 100, price_source: "eod", priced_at: at(`${day}T14:30`), ...change },
    });
  const executed = fills.map(([quantity, executed_price, fee], part) =>
    report(part + 1, { quantity, executed_price, fee }),
  );
  const nothing = { quantity: 0, executed_price: null, fee: null, priced_at: null };
  const ended = ends === undefined ? [] : [report(9, { status: ends, ...nothing })];
  return { predicted, decided, reports: [...executed, ...ended] };
}

/** Middles of 102 and 103.2 at the times of the first two orders. */
const QUOTES = [
  quote(1, { symbol_id: IBM, timestamp: at("05") - 1_000_000, bid_price: 101.9, ask_price: 102.1, source: "book" }),
  quote(2, { symbol_id: IBM, timestamp: at("07"), timestamp_ns: 0, bid_price: 103, ask_price: 103.4, source: "book" }),
  quote(3, { symbol_id: IBM, timestamp: at("07") + 1, bid_price: 200, ask_price: 300, source: "book" }),
];

interface Traded {
  readonly action: "BUY" | "SELL";
  readonly quantity: number;
  readonly price: number;
  readonly fee: number;
  readonly price_source: string | null;
}

async function publishBacktest(tape: TestTape, n: number, symbol_id: string, day: string, traded: Traded) {
  const { action, quantity, price, fee, price_source } = traded;
  const own = { symbol_id, backtest_session_id: BACKTEST, timestamp: at(day), price_source };
  await tape.publish("predictions", prediction(n, { ...own, known_until: null }));
  await tape.publish("decisions", decision(n, { ...own, action, strategy_id: ALPHA, known_until: null }));
  const decision_id = idOf(`decision ${n}`);
  await tape.publish("fills", fill(10 * n + 9, { ...own, decision_id, quantity, executed_price: price, fee }));
}

/**
 * Three weeks of live trading, small enough to be reckoned by hand: an entry in parts, a short that flips, fees, orders
 * that were refused, rejected, canceled and are open. And a backtest with positions in an instrument of one source of bars,
 * and in one of two sources, of which its fills name none, and predictions both.
 */
export async function publishBook(tape: TestTape): Promise<void> {
  for (const [ticker, symbol_id] of Object.entries({ IBM, SPY, TWO })) {
    await tape.publish("symbols", symbol({ ticker, exchange: null, symbol_id }));
  }
  await tape.publish("sessions", session({ backtest_session_id: BACKTEST }));
  await publishBacktest(tape, 97, SPY, "05", { action: "BUY", quantity: 10, price: 51, fee: 0, price_source: "eod" });
  await publishBacktest(tape, 98, TWO, "06", { action: "SELL", quantity: 4, price: 60, fee: 1, price_source: null });
  await publishBacktest(tape, 99, TWO, "05", { action: "BUY", quantity: 10, price: 50, fee: 0, price_source: null });
  const named = { symbol_id: TWO, backtest_session_id: BACKTEST, timestamp: at("05"), known_until: null };
  await tape.publish("predictions", prediction(95, { ...named, price_source: "eod" }));
  await tape.publish("predictions", prediction(96, { ...named, price_source: "raw" }));
  const ibm = bars(IBM, IBM_PRICES, "eod").filter(({ timestamp }) => timestamp !== at("13"));
  const two = [...bars(TWO, SPY_PRICES, "eod"), ...bars(TWO, IBM_PRICES, "raw")];
  // What the feed said first of one of them, an instant before.
  const friday = ibm.find(({ timestamp }) => timestamp === at("08"))!;
  await tape.publish("bars", { ...friday, close: 105.5, revised_at: friday.revised_at! - 1 });
  await tape.publishAll("bars", [...ibm, ...bars(SPY, SPY_PRICES, "eod"), ...two]);
  await tape.publishAll("quotes", QUOTES);
  for (const { predicted, decided, reports } of ORDERS.map(eventsOf)) {
    await tape.publish("predictions", predicted);
    await tape.publish("decisions", decided);
    await tape.publishAll("fills", reports);
  }
  await tape.land();
}
