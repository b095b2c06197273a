import { type Draft, draftDecision } from "../src/agent/draft.ts";
import { type AgentIdentity, identityOf } from "../src/agent/fields.ts";
import type { PredictionEvent } from "../src/event/events.ts";
import { readInputs } from "../src/event/field/inputs.ts";
import { jsonLines } from "../src/feed/formats/json-lines.ts";
import { producerOf } from "../src/feed/producer.ts";
import { POLICY, Policy, type PolicySettings, type PolicyState } from "../src/strategy/policy.ts";
import { type SavedIds, SeenIds } from "../src/strategy/seen-ids.ts";
import { isOfSource, refuseTwoSources, type TradedBars } from "../src/strategy/traded-bars.ts";
import { defineProgram } from "../src/stream/define-program.ts";
import type { Program } from "../src/stream/program.ts";

/** What agents decided, from JSON lines. */
export const decisions = producerOf("decisions", [jsonLines("decisions")]);

interface Trader {
  readonly policy: Policy;
  readonly predictions: SeenIds;
  /** Null before the first decision. */
  decidedUs: number | null;
  /** Whose prices its position is of; null as long as no prediction has said it. */
  source: string | null;
}

/** What a trader remembers, as plain JSON values. */
interface SavedTrader extends Pick<Trader, "decidedUs" | "source"> {
  readonly policy: PolicyState;
  readonly predictions: SavedIds;
}
type SavedTraders = readonly (readonly [symbol: string, trader: SavedTrader])[];

type Prediction = Required<PredictionEvent>;

/**
 * predictions -> decisions: one for every prediction of our model in our session, at its time, by the policy of
 * src/strategy/policy.ts. A decision that a risk filter objects to is published, too, not approved, with the filter's
 * name and numbers as its reason. What the policy remembers follows from the predictions: a restart reads them all.
 *
 * A prediction is decided on once, by its id. One of an earlier time than the last decision of its symbol is too late to
 * act on: it gets a HOLD that says so, at the time of that decision. One that is so old that it may have been decided on
 * before (`SeenIds`) gets none and is counted, `unsure`.
 */
export function decisionsOnPredictions(
  by: AgentIdentity,
  traded: TradedBars,
  settings: PolicySettings = POLICY,
): Program {
  const { interval, source } = traded;
  return defineProgram({
    name: "decisions",
    reads: ["predictions"],
    publishes: ["decisions"],
    snapshot: { version: 1, settings: { ...identityOf(by), ...settings, interval, source } },
    open: (_isWhole, saved: SavedTraders = []) => {
      const counts = { late: 0, unsure: 0 };
      const traders = new Map(saved.map(([symbol, trader]) => [symbol, traderOf(settings, trader)]));
      return {
        take: (record) => {
          if (record.topic !== "predictions" || !isOurs(record.event, by, traded)) return [];
          const { event: prediction, publishedUs } = record;
          const trader = traders.get(prediction.symbol_id) ?? traderOf(settings, { source });
          traders.set(prediction.symbol_id, trader);
          bindToSource(trader, prediction);
          const { prediction_id, timestamp } = prediction;
          const sight = trader.predictions.meet(prediction_id, timestamp);
          if (sight === "unsure") counts.unsure++;
          if (sight !== "new") return [];
          if (isLate(trader, prediction)) counts.late++;
          return [decide(by, trader, prediction, publishedUs)];
        },
        counts: () => counts,
        save: () =>
          [...traders].map(([symbol, { policy, predictions, decidedUs, source }]) => [
            symbol,
            { policy: policy.save(), predictions: predictions.save(), decidedUs, source },
          ]),
      };
    },
  });
}

function isOurs(prediction: Prediction, by: AgentIdentity, { interval, source }: TradedBars): boolean {
  const { backtest_session_id, model_version, probability_up, price_source, horizon } = prediction;
  if (backtest_session_id !== (by.session ?? null) || model_version !== by.modelVersion) return false;
  return probability_up !== null && (horizon ?? interval) === interval && isOfSource(source, price_source);
}

const traderOf = (settings: PolicySettings, saved: Partial<SavedTrader>): Trader => ({
  policy: new Policy(settings, saved.policy),
  predictions: new SeenIds(saved.predictions),
  decidedUs: saved.decidedUs ?? null,
  source: saved.source ?? null,
});

const isLate = ({ decidedUs }: Trader, { timestamp }: Prediction) => decidedUs !== null && timestamp < decidedUs;

/** @throws TradetapeError input_invalid: the positions of a symbol are one book, and its prices are those of one source */
function bindToSource(trader: Trader, { symbol_id, price_source }: Prediction): void {
  if (price_source === null || price_source === trader.source) return;
  if (trader.source !== null) refuseTwoSources(symbol_id, "predictions", trader.source, price_source);
  trader.source = price_source;
}

function decide(by: AgentIdentity, trader: Trader, prediction: Prediction, publishedUs: number): Draft<"decisions"> {
  const { prediction_id: id, timestamp, probability_up, confidence_score, known_until } = prediction;
  const decidedUs = Math.max(trader.decidedUs ?? timestamp, timestamp);
  trader.decidedUs = decidedUs;
  const signal = { timestamp, probabilityUp: probability_up!, confidence: confidence_score ?? 0 };
  const seen = { kind: "prediction", id, known_at: publishedUs, value: signal.probabilityUp } as const;
  const bars = readInputs(prediction.inputs).filter(({ kind }) => kind === "bar");
  return draftDecision(by, id, {
    prediction,
    timestamp: decidedUs,
    ...(timestamp < decidedUs ? tooLate(decidedUs) : trader.policy.decide(signal)),
    // Of several bars nobody can say whose close is the price.
    decision_price: bars.length === 1 ? (bars[0]!.value ?? null) : null,
    inputs: [seen, ...bars],
    known_until,
  });
}

const tooLate = (decidedUs: number) => {
  const reason = `late: a prediction of ${new Date(decidedUs / 1000).toISOString()} came before it`;
  return { action: "HOLD", size: 0, approved: false, reason } as const;
};
