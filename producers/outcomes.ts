import type { Draft } from "../src/agent/draft.ts";
import type { BarEvent, OutcomeEvent, PredictionEvent } from "../src/event/events.ts";
import { OWN_ID } from "../src/event/identity.ts";
import { WORKFLOW_HEADERS } from "../src/event/workflow.ts";
import { jsonLines } from "../src/feed/formats/json-lines.ts";
import { microsOfInterval } from "../src/feed/interval.ts";
import { producerOf } from "../src/feed/producer.ts";
import { endOfBar } from "../src/feed/zone.ts";
import { Judge, type Judgement, type JudgeState } from "../src/strategy/judge.ts";
import { returnOf, scoreOf } from "../src/strategy/statistics.ts";
import { defineProgram } from "../src/stream/define-program.ts";
import type { Machine, Program } from "../src/stream/program.ts";

/** What came of predictions, from JSON lines. */
export const outcomes = producerOf("outcomes", [jsonLines("outcomes")]);

interface OutcomesOptions {
  /** The length of the bars whose closes judge, as in 1d. */
  readonly interval: string;
  /** Of predictions about these prices alone; null is all of them. */
  readonly source: string | null;
  /** Whose predictions; null is live. */
  readonly session: string | null;
  /** Who judges, as the headers of the outcomes say. */
  readonly actor: string;
}

/**
 * predictions, bars -> outcomes: what came of every prediction that names its `price_source` and `horizon`, whichever model made
 * it, by the closes of src/strategy/judge.ts and the formulas of src/strategy/scoring.ts. Published when the bar is there that
 * its horizon ends at, and again when a revised bar changes it.
 *
 * A prediction without the two, one whose horizon is a number of months or shorter than the bars, can't be judged and is counted
 * (`unjudgeable`). So is a bar of which nobody knows when it ended (`endless`).
 */
export function outcomesOfPredictions(options: OutcomesOptions): Program {
  return defineProgram({
    name: "outcomes",
    reads: ["bars", "predictions"],
    publishes: ["outcomes"],
    snapshot: { version: 1, settings: options },
    open: (_isWhole, saved?: readonly JudgeOf[]) => new OutcomesMachine(options, saved ?? []),
  });
}

interface JudgeOf {
  readonly symbol: string;
  readonly source: string;
  readonly state: JudgeState;
}

class OutcomesMachine implements Machine<readonly JudgeOf[]> {
  readonly #options: OutcomesOptions;
  readonly #barUs: number | null;
  readonly #judges = new Map<string, { readonly symbol: string; readonly source: string; readonly judge: Judge }>();
  #unjudgeable = 0;
  #endless = 0;

  constructor(options: OutcomesOptions, saved: readonly JudgeOf[]) {
    this.#options = options;
    this.#barUs = microsOfInterval(options.interval);
    for (const { symbol, source, state } of saved) this.#judge(symbol, source, state);
  }

  take(record: Parameters<Machine["take"]>[0]): Draft<"outcomes">[] {
    if (record.topic === "bars") return this.#bar(record.event, record.publishedUs);
    return record.topic === "predictions" ? this.#prediction(record.event) : [];
  }

  counts(): Readonly<Record<string, number>> {
    const waiting = [...this.#judges.values()].reduce((sum, { judge }) => sum + judge.waiting, 0);
    return { waiting, unjudgeable: this.#unjudgeable, endless: this.#endless };
  }

  save(): readonly JudgeOf[] {
    return [...this.#judges.values()].map(({ judge, ...of }) => ({ ...of, state: judge.save() }));
  }

  #judge(symbol: string, source: string, state?: JudgeState): Judge {
    const key = JSON.stringify([symbol, source]);
    const known = this.#judges.get(key) ?? { symbol, source, judge: new Judge(this.#barUs!, state) };
    this.#judges.set(key, known);
    return known.judge;
  }

  #bar(bar: Required<BarEvent>, publishedUs: number): Draft<"outcomes">[] {
    const { symbol_id, interval, source, close: price, backtest_session_id: own } = bar;
    if (this.#barUs === null || interval !== this.#options.interval) return [];
    if (own !== null && own !== this.#options.session) return [];
    const endUs = endOfBar(bar);
    if (endUs === null) {
      this.#endless++;
      return [];
    }
    const close = { endUs, price, revisedUs: bar.revised_at ?? publishedUs };
    const judgements = this.#judge(symbol_id, source).close(close, own !== null);
    return judgements.map((judgement) => this.#draft(symbol_id, source, judgement));
  }

  #prediction(prediction: Required<PredictionEvent>): Draft<"outcomes">[] {
    const { symbol_id, price_source: source, horizon, backtest_session_id: session } = prediction;
    if (session !== this.#options.session || (this.#options.source ?? source) !== source) return [];
    const horizonUs = horizon === null ? null : microsOfInterval(horizon);
    if (source === null || horizonUs === null || this.#barUs === null || horizonUs < this.#barUs) {
      this.#unjudgeable++;
      return [];
    }
    const forecast = {
      id: prediction.prediction_id,
      modelVersion: prediction.model_version,
      timestamp: prediction.timestamp,
      probabilityUp: prediction.probability_up,
      predictedPrice: prediction.predicted_price,
    };
    const judgements = this.#judge(symbol_id, source).forecast(forecast, horizonUs);
    return judgements.map((judgement) => this.#draft(symbol_id, source, judgement));
  }

  #draft(symbolId: string, source: string, { forecast, base, realised, revisedUs }: Judgement): Draft<"outcomes"> {
    const { id, modelVersion, probabilityUp, predictedPrice } = forecast;
    const score = probabilityUp === null ? null : scoreOf(probabilityUp, realised.price > base.price);
    const event: Required<OutcomeEvent> = {
      outcome_id: "",
      prediction_id: id,
      symbol_id: symbolId,
      timestamp: realised.endUs,
      model_version: modelVersion,
      judged_by: `${this.#options.interval} ${source}`,
      base_price: base.price,
      base_at: base.endUs,
      realised_price: realised.price,
      realised_return: returnOf(base.price, realised.price),
      brier: score?.brier ?? null,
      log_loss: score?.logLoss ?? null,
      price_error: predictedPrice === null ? null : predictedPrice - realised.price,
      revised_at: revisedUs,
      backtest_session_id: this.#options.session,
    };
    event.outcome_id = OWN_ID.outcomes.made(event);
    const headers = {
      [WORKFLOW_HEADERS.correlation]: id,
      [WORKFLOW_HEADERS.causation]: id,
      [WORKFLOW_HEADERS.actor]: this.#options.actor,
    };
    return { topic: "outcomes", event, headers };
  }
}
