import { TradetapeError } from "../errors.ts";
import type { DecisionEvent, EventOfTopic, FillEvent, PerformanceEvent, PredictionEvent } from "../event/events.ts";
import { isUuid } from "../event/field/checks.ts";
import type { EventTopic } from "../event/schemas.ts";
import type { Time } from "../event/time/micros.ts";
import {
  type Draft,
  decisionId,
  draftDecision,
  draftFill,
  draftPerformance,
  draftPrediction,
  fillId,
  predictionId,
} from "./draft.ts";
import type {
  AgentIdentity,
  DecisionFields,
  FillFields,
  PerformanceFields,
  PredictionFields,
  Workflow,
} from "./fields.ts";

/** Who the agent is, and by which clock it acts. */
export interface AgentOptions extends AgentIdentity {
  /**
   * The time now, in microseconds since 1970, UTC, for events that are given none. A backtest hands in its own clock.
   */
  readonly now?: () => number;
}

type Untimed<F extends { timestamp: Time }> = Omit<F, "timestamp"> & { timestamp?: Time };
/** As a draft's publishing is done by the tape: it resolves when every replica has the event. */
type PublishDraft = <T extends EventTopic>(draft: Draft<T>) => Promise<void>;

/** Of so many keys without a time of their own an agent knows when they were first used; about 2 MB. */
const TIMES_MAX = 10_000;

/**
 * Publishes what an agent does. Ids are made of the caller's own keys, so doing the same again after a lost answer or
 * a crash lands once; links, session, strategy, model version and headers are filled in. Made by `tape.agent`.
 *
 * Every method checks before anything is sent (TradetapeError input_invalid says what is wrong, in a sentence), and
 * resolves with the whole event when every replica has it; else it throws what `publish` throws. Parents need not have
 * landed: a fill that comes before its decision waits for it in the database.
 *
 * Without `timestamp` an event takes the time of its key's first use in this process. Who may use a key again after a
 * restart gives the time, as the bar's or the report's: the same id with other content is set aside as
 * `conflicting_duplicate`.
 */
export class Agent {
  readonly #identity: AgentIdentity;
  readonly #now: () => number;
  readonly #publish: PublishDraft;
  readonly #times = new Map<string, number>();

  /** @throws TradetapeError input_invalid for an actor or a model without a name, or a strategy or session that is no UUID */
  constructor({ now = () => Date.now() * 1000, ...identity }: AgentOptions, publish: PublishDraft) {
    requireIdentity(identity);
    this.#identity = identity;
    this.#now = now;
    this.#publish = publish;
  }

  /**
   * What the model expects.
   * @param key names the prediction among the model's own of this symbol: the bar's start, the signal's number
   */
  async predict(
    key: string,
    fields: Untimed<PredictionFields>,
    workflow: Workflow = {},
  ): Promise<Required<PredictionEvent>> {
    const timestamp = fields.timestamp ?? this.#firstTime(predictionId(this.#identity, fields.symbol_id, key));
    return this.#send(draftPrediction(this.#identity, key, { ...fields, timestamp }, workflow));
  }

  /**
   * What is to be done, resting on `fields.prediction` where there is one.
   * @param key names the decision among the strategy's own of this symbol
   */
  async decide(
    key: string,
    fields: Untimed<DecisionFields>,
    workflow: Workflow = {},
  ): Promise<Required<DecisionEvent>> {
    const symbolId = fields.symbol_id ?? fields.prediction?.symbol_id ?? "";
    const timestamp = fields.timestamp ?? this.#firstTime(decisionId(this.#identity, symbolId, key));
    return this.#send(draftDecision(this.#identity, key, { ...fields, timestamp }, workflow));
  }

  /**
   * One report of the broker about `fields.decision`: n partial fills are n calls.
   * @param key the broker's own id of the report, which is its `broker_execution_id` unless that is given
   */
  async fill(key: string, fields: Untimed<FillFields>, workflow: Workflow = {}): Promise<Required<FillEvent>> {
    const id = fillId(fields.decision?.decision_id ?? "", fields.broker, key);
    const timestamp = fields.timestamp ?? this.#firstTime(id);
    return this.#send(draftFill(this.#identity, key, { ...fields, timestamp }, workflow));
  }

  /** What the strategy earned in a window. The same window again revises it: the later one stays. */
  async perform(fields: PerformanceFields, workflow: Workflow = {}): Promise<Required<PerformanceEvent>> {
    return this.#send(draftPerformance(this.#identity, fields, workflow));
  }

  async #send<T extends EventTopic>(draft: Draft<T>): Promise<Required<EventOfTopic[T]>> {
    await this.#publish(draft);
    return draft.event;
  }

  /** A retry of a call without a time must not be another event under the same id. */
  #firstTime(id: string): number {
    const known = this.#times.get(id);
    if (known !== undefined) return known;
    const timestamp = this.#now();
    this.#times.set(id, timestamp);
    if (this.#times.size > TIMES_MAX) this.#times.delete(this.#times.keys().next().value!);
    return timestamp;
  }
}

function requireIdentity({ actor, modelVersion, strategyId, session }: AgentIdentity): void {
  const wrong =
    (actor === "" ? "actor must not be empty" : null) ??
    (modelVersion === "" ? "modelVersion must not be empty" : null) ??
    (isUuid(strategyId) ? null : "strategyId must be a UUID in lower case; strategyId(name) makes one of a name") ??
    (isUuid(session ?? strategyId) ? null : "session must be the UUID of a published session, or null");
  if (wrong !== null)
    throw new TradetapeError("input_invalid", `agent: ${wrong}`, { next: "Mend the agent's options." });
}
