import type { AnyTimes } from "../event/complete.ts";
import type { DecisionEvent, FillEvent, PerformanceEvent, PredictionEvent } from "../event/events.ts";
import type { AnyTimeInput } from "../event/field/inputs.ts";
import type { Time } from "../event/time/micros.ts";

/** Who acts: what every event of one agent has in common. */
export interface AgentIdentity {
  /** The program or person, as the audit log shows it: "momentum-bot". */
  readonly actor: string;
  /** The model behind the predictions: "momentum-3". Another version's predictions have other ids. */
  readonly modelVersion: string;
  /** The strategy's UUID; `strategyId(name)` makes one of a name. */
  readonly strategyId: string;
  /** The id of the session that everything belongs to; null, or left out, is live trading. */
  readonly session?: string | null | undefined;
}

/** Who acts, and nothing else that an object may hold. */
export const identityOf = ({ actor, modelVersion, strategyId, session }: AgentIdentity): Required<AgentIdentity> => ({
  actor,
  modelVersion,
  strategyId,
  session: session ?? null,
});

/** Where an event stands in its workflow. What is left out follows from its links. */
export interface Workflow {
  /** Default: the id of the prediction at the workflow's root, or of the event itself where there is none. */
  readonly correlationId?: string | undefined;
  /** Default: the id of the event it links to. A prediction may name the bar or indicator that set it off. */
  readonly causationId?: string | undefined;
}

type Timed<E extends { timestamp: number }, K extends keyof E> = AnyTimes<
  Omit<E, K | "timestamp" | "backtest_session_id">
> & {
  /** In any form that `micros` reads. */
  timestamp: Time;
};

interface Rests {
  /** The events that it was made of, or the text that says so, as an event has it. */
  inputs?: readonly AnyTimeInput[] | string | null;
}

/** What `predict` is given. */
export type PredictionFields = Timed<PredictionEvent, "prediction_id" | "model_version" | "inputs"> & Rests;

/** What `decide` is given. */
export type DecisionFields = Timed<
  DecisionEvent,
  "decision_id" | "symbol_id" | "size" | "model_reference" | "strategy_id" | "inputs"
> &
  Rests & {
    /** What it rests on: as `predict` returned it, or as a topic or a table holds it. */
    prediction?: PredictionEvent | null;
    /** Default: the prediction's. */
    symbol_id?: string;
    /** How much; may be left out for HOLD. */
    size?: number;
  };

/** What `fill` is given. */
export type FillFields = Timed<FillEvent, "execution_id" | "decision_id" | "symbol_id" | "quantity"> & {
  /** What it carries out: as `decide` returned it, or as a topic or a table holds it. */
  decision: DecisionEvent;
  /** How much; may be left out when nothing was filled. */
  quantity?: number;
};

/** What `perform` is given. */
export type PerformanceFields = AnyTimes<
  Omit<PerformanceEvent, "performance_id" | "strategy_id" | "backtest_session_id">
>;
