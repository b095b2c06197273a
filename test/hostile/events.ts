import { eventId } from "../../src/event/identity.ts";

const id = (...parts: (string | number)[]) => eventId("audit", ["hostile", ...parts.map(String)]);

export const SYMBOLS = Array.from({ length: 8 }, (_, n) => id("symbol", n));

const symbolOf = (n: number) => SYMBOLS[n % SYMBOLS.length]!;

/** The events that have to be there before the others: of each symbol one prediction, and a decision for fills to refer to. */
export const groundworkOf = (startUs: number) =>
  SYMBOLS.map((symbol_id, n) => {
    const of = { symbol_id, timestamp: startUs };
    const symbol = { ticker: `HOST${n}`, exchange: "XTST", asset_type: "equity", is_active: true, created_at: startUs };
    const model = { predicted_price: 100, probability_up: 0.25, confidence_score: 0.5, model_version: "hostile-1" };
    const prediction = { prediction_id: id("prediction", n), ...of, ...model };
    return { symbol: { symbol_id, ...symbol }, prediction, decision: decisionOf(n, startUs) };
  });

export const tickOf = (n: number, atUs: number) => ({
  market_data_id: id("tick", n),
  symbol_id: symbolOf(n),
  timestamp: atUs,
  close: 100 + (n % 997) / 7,
  volume: 1 + (n % 300),
  source: "hostile",
  trade_id: String(n),
});

export const decisionOf = (n: number, atUs: number) => ({
  decision_id: id("decision", n),
  symbol_id: symbolOf(n),
  timestamp: atUs,
  action: "BUY" as const,
  size: 10,
  predicted_roi: 0.01,
  model_reference: id("prediction", n % SYMBOLS.length),
  approved: true,
  strategy_id: id("strategy"),
  reason: "hostile",
});

/** A good fill. @param of which decision: what fills of one come to is bounded by its size */
export const fillOf = (n: number, of: number, atUs: number) => ({
  execution_id: id("fill", n),
  decision_id: id("decision", of),
  symbol_id: symbolOf(of),
  executed_price: 100.5,
  quantity: 10,
  status: "FILLED" as const,
  broker: "hostile-broker",
  latency_ms: 12,
  timestamp: atUs,
  broker_execution_id: String(n),
  fee: 0.5,
});

/** The id of a decision that nobody ever publishes. */
export const nobodysDecision = (n: number): string => id("nobody", n);
