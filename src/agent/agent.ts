import type { DecisionEvent, EventOfTopic, FillEvent, PerformanceEvent, PredictionEvent } from "../event/events.ts";
import type { EventTopic } from "../event/schemas.ts";
import type { Time } from "../event/time/micros.ts";
import type { ReplayCounts } from "./cassette.ts";
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
import { requireIdentity, requireText } from "./given.ts";
import type { Fetch, Tool } from "./recorded-fetch.ts";
import type { RecordingCounts, RecordingOptions } from "./recorder.ts";
import { leadingTo } from "./scope.ts";
import { type AgentParts, Thoughts } from "./thoughts.ts";

/** Who the agent is, and by which clock it acts. */
export interface AgentOptions extends AgentIdentity {
  /**
   * The time now, in microseconds since 1970, UTC, for events that are given none. A backtest hands in its own clock.
   */
  readonly now?: () => number;
  /** How `record` and `tool` record. */
  readonly recording?: RecordingOptions;
}

/** What calls lead to, by the agent's own keys of the prediction and the decision. */
export interface Thought {
  readonly symbol_id: string;
  /** As `predict` is given it. */
  readonly prediction?: string;
  /** As `decide` is given it. */
  readonly decision?: string;
}

type Untimed<F extends { timestamp: Time }> = Omit<F, "timestamp"> & { timestamp?: Time };

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
  readonly #parts: AgentParts;
  readonly #thoughts: Thoughts;
  readonly #times = new Map<string, number>();

  /** @throws TradetapeError input_invalid for an actor or a model without a name, or a strategy or session that is no UUID */
  constructor({ now = () => Date.now() * 1000, recording = {}, ...identity }: AgentOptions, parts: AgentParts) {
    requireIdentity(identity);
    this.#identity = identity;
    this.#now = now;
    this.#parts = parts;
    this.#thoughts = new Thoughts(identity, now, recording, parts);
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

  /**
   * Does a piece of work of which a prediction or a decision will come, so that the calls in it are recorded as what led to that.
   * @param thought names what will come; it need not come
   * @throws TradetapeError input_invalid where it names nothing
   */
  think<R>({ symbol_id, prediction, decision }: Thought, work: () => R): R {
    if (prediction === undefined) requireText("decisions", { decision, symbol_id });
    if (decision === undefined) requireText("predictions", { prediction, symbol_id });
    const ids = {
      prediction_id: prediction === undefined ? null : predictionId(this.#identity, symbol_id, prediction),
      decision_id: decision === undefined ? null : decisionId(this.#identity, symbol_id, decision),
    };
    return leadingTo(ids, work);
  }

  /**
   * A fetch whose calls of models are recorded: every POST, as clients of OpenAI's and Anthropic's wire form make them, streams
   * of events, too. Give it to the client as its `fetch`. What it answers, and when, is what `fetch` answers: recording goes on
   * behind the agent's back, and no call waits for it or fails because of it. A body that is no text is told by its digest and
   * size alone.
   */
  record(fetch: Fetch = globalThis.fetch): Fetch {
    return this.#thoughts.record(fetch);
  }

  /**
   * A tool whose calls are recorded, with its arguments and its result as JSON. Calls made within it are told as its own.
   * @param name what the model calls it
   * @throws TypeError, from the tool, for arguments that JSON can't say
   */
  tool<A extends unknown[], R>(name: string, work: (...args: A) => R | Promise<R>): Tool<A, R> {
    return this.#thoughts.tool(name, work);
  }

  /** Resolves when each call that has ended is recorded, or lost; at once of an agent that records none. */
  async recorded(): Promise<RecordingCounts> {
    return this.#thoughts.recorded();
  }

  /**
   * From now on what `record` and `tool` made answers from what a session recorded of this actor, by each request's digest, and
   * neither sends nor records anything: the agent runs again as it ran. The first request that the record doesn't have is named,
   * with the field in which it differs, and so is every one after it.
   * @param session default: the agent's own @returns how many calls were answered, and how many are left
   * @throws TradetapeError config_invalid without DATABASE_URL, input_invalid for a session without such calls; from the calls
   * themselves replay_differs
   */
  async replay(session: string | null = this.#identity.session ?? null): Promise<() => ReplayCounts> {
    return this.#thoughts.replay(session);
  }

  async #send<T extends EventTopic>(draft: Draft<T>): Promise<Required<EventOfTopic[T]>> {
    await this.#parts.publish(draft);
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
