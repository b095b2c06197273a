import {
  type AnyDraft,
  type Draft,
  draftDecision,
  draftFill,
  draftPerformance,
  draftPrediction,
} from "../agent/draft.ts";
import type {
  AgentIdentity,
  DecisionFields,
  FillFields,
  PerformanceFields,
  PredictionFields,
  Workflow,
} from "../agent/fields.ts";
import { TradetapeError } from "../errors.ts";
import { completeEvent, type Incomplete } from "../event/complete.ts";
import type { DecisionEvent, EventOfTopic, FillEvent, PerformanceEvent, PredictionEvent } from "../event/events.ts";
import { EVENT_TOPICS, type EventTopic, hasField } from "../event/schemas.ts";
import { WORKFLOW_HEADERS } from "../event/workflow.ts";

/**
 * What a program publishes by while it handles an event. Ids are made of the caller's own keys, as an agent's are; a key has to
 * follow from the event, as its id does. Each call checks at once, and gives the event as it will be published: behind
 * `handle`, in the calls' order, and not at all while the program is shown again what a run before it has handled.
 */
export interface ProgramPublisher {
  /** What the run belongs to (`--session`); null is live trading. */
  readonly session: string | null;
  /** What the model expects. @throws TradetapeError input_invalid */
  predict(key: string, fields: PredictionFields, workflow?: Workflow): Required<PredictionEvent>;
  /** What is to be done. @throws TradetapeError input_invalid */
  decide(key: string, fields: DecisionFields, workflow?: Workflow): Required<DecisionEvent>;
  /** One report of the broker. @throws TradetapeError input_invalid */
  fill(key: string, fields: FillFields, workflow?: Workflow): Required<FillEvent>;
  /** What the strategy earned in a window. @throws TradetapeError input_invalid */
  perform(fields: PerformanceFields, workflow?: Workflow): Required<PerformanceEvent>;
  /**
   * An event of any kind. It gets the run's session where it says none, and its id where `Incomplete` lets it be missing.
   * @throws TradetapeError input_invalid
   */
  publish<T extends EventTopic>(topic: T, event: Incomplete<T>): EventOfTopic[T];
}

/** Collects what a program gives while it handles one event. */
export class DraftCollector implements ProgramPublisher {
  readonly #program: { readonly name: string; readonly publishes: readonly EventTopic[] };
  readonly #by: AgentIdentity;
  readonly #drafts: AnyDraft[] = [];
  #isOver = false;

  constructor(program: { readonly name: string; readonly publishes: readonly EventTopic[] }, by: AgentIdentity) {
    this.#program = program;
    this.#by = by;
  }

  get session(): string | null {
    return this.#by.session ?? null;
  }

  predict(key: string, fields: PredictionFields, workflow?: Workflow): Required<PredictionEvent> {
    return this.#add(draftPrediction(this.#by, key, fields, workflow));
  }

  decide(key: string, fields: DecisionFields, workflow?: Workflow): Required<DecisionEvent> {
    return this.#add(draftDecision(this.#by, key, fields, workflow));
  }

  fill(key: string, fields: FillFields, workflow?: Workflow): Required<FillEvent> {
    return this.#add(draftFill(this.#by, key, fields, workflow));
  }

  perform(fields: PerformanceFields, workflow?: Workflow): Required<PerformanceEvent> {
    return this.#add(draftPerformance(this.#by, fields, workflow));
  }

  publish<T extends EventTopic>(topic: T, event: Incomplete<T>): EventOfTopic[T] {
    const complete = completeEvent(topic, HAS_SESSION.has(topic) ? this.#ofSession(topic, event) : event);
    if (typeof complete === "string")
      throw refused(`${topic}: ${complete}`, `docs/rules.md has the rules of ${topic}.`);
    const headers = { [WORKFLOW_HEADERS.actor]: this.#by.actor };
    this.#add<T>({ topic, event: complete as never, headers });
    return complete;
  }

  /** The event with the run's session, whichever its own was made from. @throws TradetapeError where it names another one */
  #ofSession(topic: EventTopic, event: object): object {
    const { backtest_session_id: named } = event as { readonly backtest_session_id?: string | null };
    if ((named ?? null) !== null && named !== this.session) {
      const run = this.session === null ? "no session" : `session ${this.session}`;
      throw refused(`${topic}: names session ${named} in a run of ${run}`, "Leave backtest_session_id out.");
    }
    return { ...event, backtest_session_id: this.session };
  }

  /** What was given. Who publishes later is refused: it would come at another time after a restart. */
  end(): readonly AnyDraft[] {
    this.#isOver = true;
    return this.#drafts;
  }

  #add<T extends EventTopic>(draft: Draft<T>): Required<EventOfTopic[T]> {
    const { name, publishes } = this.#program;
    if (this.#isOver) throw refused(`${name} publishes after its handle has returned`, "Publish before it returns.");
    if (!publishes.includes(draft.topic)) {
      const text = `${name} publishes ${draft.topic}, which isn't among what its "publishes" names`;
      throw refused(text, `Add "${draft.topic}" to its "publishes".`);
    }
    this.#drafts.push(draft as never);
    return draft.event;
  }
}

const refused = (message: string, next: string) => new TradetapeError("input_invalid", message, { next });

/** Topics whose events name the session that they belong to. A session's own id is none that another one could give it. */
export const HAS_SESSION: ReadonlySet<EventTopic> = new Set(
  EVENT_TOPICS.filter((topic) => topic !== "sessions" && hasField(topic, "backtest_session_id")),
);
