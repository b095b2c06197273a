import { demoSymbols } from "../../src/cli/demo/demo-ticks.ts";
import type { DecisionEvent, FillEvent, PredictionEvent } from "../../src/event/events.ts";
import { eventId } from "../../src/event/identity.ts";

const STEP_US = 1000;

interface Workflow {
  readonly prediction: PredictionEvent;
  readonly decision: DecisionEvent;
  readonly fill: FillEvent;
}

/** Makes agents' workflows: a prediction, an approved decision that rests on it, and a fill of the decision. */
export class WorkflowMaker {
  readonly symbols = demoSymbols();
  /** No two runs have an id in common. */
  readonly #base = Date.now() * 1000;

  #idOf(kind: string, n: number): string {
    return eventId("audit", ["bench", kind, String(this.#base), String(n)]);
  }

  make(n: number): Workflow {
    const { symbol_id } = this.symbols[n % this.symbols.length]!;
    const common = { symbol_id, timestamp: this.#base + n * STEP_US, backtest_session_id: null };
    const [prediction_id, decision_id, execution_id] = ["prediction", "decision", "fill"].map((kind) =>
      this.#idOf(kind, n),
    ) as [string, string, string];
    const model = { model_version: "bench-1", confidence_score: 0.5, predicted_price: 100, probability_up: 0.5 };
    const why = { strategy_id: this.#idOf("strategy", 0), reason: "bench", predicted_roi: 0.01 };
    const what = { action: "BUY" as const, size: 10, approved: true, model_reference: prediction_id };
    const done = {
      executed_price: 100,
      quantity: 10,
      status: "FILLED" as const,
      broker: "bench",
      fee: 0,
      latency_ms: 1,
    };
    return {
      prediction: { ...common, ...model, prediction_id },
      decision: { ...common, ...why, ...what, decision_id },
      fill: { ...common, ...done, execution_id, decision_id, broker_execution_id: execution_id },
    };
  }
}
