import type { DecisionEvent, EventOfTopic, FillEvent, PerformanceEvent, PredictionEvent } from "../event/events.ts";
import { idBy, integerField, performanceId } from "../event/identity.ts";
import type { EventTopic } from "../event/schemas.ts";
import { checkEvent } from "../event/validate.ts";
import { WORKFLOW_HEADERS } from "../event/workflow.ts";
import type {
  AgentIdentity,
  DecisionFields,
  FillFields,
  PerformanceFields,
  PredictionFields,
  Workflow,
} from "./fields.ts";
import { defined, inputsText, microsOf, microsOrNull, refuse, requireText } from "./given.ts";
import { wrongDecisionLink, wrongFillLink } from "./links.ts";

/** A checked event with its id and headers, ready to be published. */
export interface Draft<T extends EventTopic> {
  readonly topic: T;
  readonly event: Required<EventOfTopic[T]>;
  readonly headers: Readonly<Record<string, string>>;
}

export type AnyDraft = { [T in EventTopic]: Draft<T> }[EventTopic];
const LATENCY_MS_MAX = 2 ** 31 - 1;
/**
 * The id of a prediction, of (actor, model version, session, symbol, the caller's key): the same key is the same
 * prediction, whenever and however often it is published.
 */
export function predictionId(by: AgentIdentity, symbolId: string, key: string): string {
  return idBy("prediction", [by.actor, by.modelVersion, by.session ?? null, symbolId, key]);
}

/** The id of a decision, of (actor, strategy, session, symbol, the caller's key). */
export function decisionId(by: AgentIdentity, symbolId: string, key: string): string {
  return idBy("decision", [by.actor, by.strategyId, by.session ?? null, symbolId, key]);
}

/** The id of a fill, of (decision, broker, the caller's key): brokers use one report id for several orders. */
export function fillId(decision: string, broker: string, key: string): string {
  return idBy("fill", [decision, broker, key]);
}

/**
 * The id of a call, of (actor, strategy, session, when it began, its request's digest, `n`). `n`, counted from 0, says how many
 * calls the program has begun in the same microsecond before this one.
 */
export function callId(by: AgentIdentity, timestamp: number, requestSha256: string, n: number): string {
  const at = [integerField(timestamp), requestSha256, integerField(n)];
  return idBy("call", [by.actor, by.strategyId, by.session ?? null, ...at]);
}

/** @throws TradetapeError input_invalid: what is wrong, as a sentence */
export function draftPrediction(by: AgentIdentity, key: string, fields: PredictionFields, workflow: Workflow = {}) {
  requireText("predictions", { key, symbol_id: fields.symbol_id });
  const event: Required<PredictionEvent> = {
    predicted_price: null,
    probability_up: null,
    confidence_score: null,
    price_source: null,
    horizon: null,
    features_sha256: null,
    ...defined(fields),
    timestamp: microsOf("predictions", "timestamp", fields.timestamp),
    inputs: inputsText("predictions", fields.inputs),
    known_until: microsOrNull("predictions", "known_until", fields.known_until),
    prediction_id: predictionId(by, fields.symbol_id, key),
    model_version: by.modelVersion,
    backtest_session_id: by.session ?? null,
  };
  return finished("predictions", by, event, event.prediction_id, undefined, workflow);
}

/** @throws TradetapeError input_invalid: also for a prediction of another symbol or session, or of a later time */
export function draftDecision(by: AgentIdentity, key: string, fields: DecisionFields, workflow: Workflow = {}) {
  const { prediction = null, ...own } = fields;
  const symbolId = own.symbol_id ?? prediction?.symbol_id;
  requireText("decisions", { key, symbol_id: symbolId });
  const event: Required<DecisionEvent> = {
    size: own.action === "HOLD" ? 0 : Number.NaN,
    predicted_roi: null,
    reason: null,
    price_source: prediction?.price_source ?? null,
    decision_price: null,
    features_sha256: null,
    ...defined(own),
    timestamp: microsOf("decisions", "timestamp", own.timestamp),
    inputs: inputsText("decisions", own.inputs),
    known_until: microsOrNull("decisions", "known_until", own.known_until),
    decision_id: decisionId(by, symbolId!, key),
    symbol_id: symbolId!,
    model_reference: prediction?.prediction_id ?? null,
    strategy_id: by.strategyId,
    backtest_session_id: by.session ?? null,
  };
  refuse("decisions", wrongDecisionLink(event, prediction));
  const root = prediction?.prediction_id;
  return finished("decisions", by, event, root ?? event.decision_id, root, workflow);
}

/** @throws TradetapeError input_invalid: also for a decision of another session, a HOLD, or one that wasn't approved */
export function draftFill(by: AgentIdentity, key: string, fields: FillFields, workflow: Workflow = {}) {
  const { decision, ...own } = fields;
  requireText("fills", { key, broker: own.broker, decision_id: decision?.decision_id });
  const timestamp = microsOf("fills", "timestamp", own.timestamp);
  const event: Required<FillEvent> = {
    executed_price: null,
    quantity: own.status === "FILLED" ? Number.NaN : 0,
    latency_ms: latencyMs(decision.timestamp, timestamp),
    broker_execution_id: key,
    fee: null,
    price_source: decision.price_source ?? null,
    ...defined(own),
    timestamp,
    priced_at: microsOrNull("fills", "priced_at", own.priced_at),
    execution_id: fillId(decision.decision_id, own.broker, key),
    decision_id: decision.decision_id,
    symbol_id: decision.symbol_id,
    backtest_session_id: by.session ?? null,
  };
  refuse("fills", wrongFillLink(event, decision));
  const root = decision.model_reference ?? decision.decision_id;
  return finished("fills", by, event, root, decision.decision_id, workflow);
}

/** What a performance row may leave out. */
const NO_FIGURES = {
  symbol_id: null,
  win_rate: null,
  avg_roi: null,
  max_drawdown: null,
  sharpe_ratio: null,
  as_of: null,
  trades_without_return: null,
  pnl: null,
  realised_pnl: null,
  unrealised_pnl: null,
  fees: null,
  open_position: null,
  max_drawdown_money: null,
  sharpe_annualised: null,
  daily_returns: null,
  capital: null,
  marked_by: null,
  revised_at: null,
} satisfies Partial<PerformanceEvent>;

/** @throws TradetapeError input_invalid */
export function draftPerformance(by: AgentIdentity, fields: PerformanceFields, workflow: Workflow = {}) {
  const event: Required<PerformanceEvent> = {
    performance_id: "",
    ...NO_FIGURES,
    ...defined(fields),
    window_start: microsOf("performance", "window_start", fields.window_start),
    window_end: microsOf("performance", "window_end", fields.window_end),
    as_of: microsOrNull("performance", "as_of", fields.as_of),
    revised_at: microsOrNull("performance", "revised_at", fields.revised_at),
    strategy_id: by.strategyId,
    backtest_session_id: by.session ?? null,
  };
  const { performance_id: _none, ...named } = event;
  event.performance_id = performanceId(named);
  return finished("performance", by, event, event.performance_id, undefined, workflow);
}

/** Null where the column can't hold it, as when a month lies between. */
function latencyMs(decidedUs: number, reportedUs: number): number | null {
  const ms = Math.round((reportedUs - decidedUs) / 1000);
  return Math.abs(ms) <= LATENCY_MS_MAX ? ms : null;
}

/** A checked event with its headers. @param root the workflow's, where it is given none @param parent what led to it directly */
export function finished<T extends EventTopic>(
  topic: T,
  by: AgentIdentity,
  event: Required<EventOfTopic[T]>,
  root: string,
  parent: string | undefined,
  { correlationId = root, causationId = parent }: Workflow,
): Draft<T> {
  refuse(topic, checkEvent(topic, event));
  const headers = {
    [WORKFLOW_HEADERS.correlation]: correlationId,
    ...(causationId === undefined ? {} : { [WORKFLOW_HEADERS.causation]: causationId }),
    [WORKFLOW_HEADERS.actor]: by.actor,
  };
  return { topic, event, headers };
}
