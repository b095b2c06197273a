import { type AgentIdentity, identityOf } from "../agent/fields.ts";
import { requireIdentity } from "../agent/given.ts";
import { TradetapeError } from "../errors.ts";
import type { EventOfTopic } from "../event/events.ts";
import { EVENT_TOPICS, type EventTopic } from "../event/schemas.ts";
import type { InputRecord, Machine, Program } from "./program.ts";
import { DraftCollector, HAS_SESSION, type ProgramPublisher } from "./program-publisher.ts";

/** An event as a program is shown it; `topic` tells which it is. */
export type ProgramEvent<T extends EventTopic = EventTopic> = {
  [K in T]: {
    readonly topic: K;
    /** Every field is set: null, or the default, where its writer had none. */
    readonly event: Required<EventOfTopic[K]>;
    /** The broker's time of the record, microseconds since 1970. */
    readonly publishedAt: number;
  };
}[T];

/** What a program of one's own is: what it reads, who it is, and what it does with an event. */
export interface ProgramDefinition<T extends EventTopic, S = unknown> {
  /** Small letters, digits and hyphens. It names the program's place in its topics: under another name it begins anew. */
  readonly name: string;
  /**
   * Events of other sessions than the run's are left out, and of live ones all but market data: ticks, quotes, bars and
   * indicators of no session are shown to every run.
   */
  readonly reads: readonly T[];
  /** The topics of all that it publishes. */
  readonly publishes: readonly EventTopic[];
  /** Who acts. The session comes from the run. */
  readonly by: Omit<AgentIdentity, "session">;
  /** Default 1. To be raised when `handle` answers otherwise than before, or `state` has another shape. */
  readonly version?: number;
  /** What `handle` depends on beside the events, as plain JSON values: where it changes, the state is made anew. */
  readonly settings?: unknown;
  /** What it knows of a symbol before the symbol's first event: an object of plain JSON values. */
  state?(): S;
  /**
   * Handles one event: publishes what follows, and notes in `state`, the symbol's own, what it has to know later. It has to be
   * a pure function of the event and the state, and not async, because after a restart it is shown again what it needs, in
   * silence, and what it publishes twice has to be the same. Events of one symbol come in the order of their topic; those of
   * several topics come in any order, and after a restart in another.
   */
  handle(message: ProgramEvent<T>, publisher: ProgramPublisher, state: S): void;
}

/** By which a program is known also where another copy of this library has defined it. */
const MARK = Symbol.for("tradetape.program");

/**
 * Defines a program: what reads topics and publishes what follows. `tradetape run ./file.ts` runs the one that a file exports
 * by default, and `playProgram` plays it in memory. tradetape's own programs are defined by it, too, as what opens a machine
 * (`open`): that is for a state that isn't plain, or a clock.
 * @throws TradetapeError input_invalid for a definition that can't be one
 */
export function defineProgram<const T extends EventTopic, S = unknown>(
  given: ProgramDefinition<T, S> | Program,
): Program {
  requireDefinition(given);
  return Object.freeze({
    ...("open" in given ? given : handling(given)),
    [MARK]: true,
  });
}

/** Whether a value is what `defineProgram` has given. */
export const isProgram = (value: unknown): value is Program =>
  typeof value === "object" && value !== null && (value as Record<symbol, unknown>)[MARK] === true;

/** The states of a program's symbols. */
type SavedStates<S> = readonly (readonly [symbol: string, state: S])[];

function handling<T extends EventTopic, S>(definition: ProgramDefinition<T, S>): Program<SavedStates<S>> {
  const { name, reads, publishes, by, version = 1, settings = null } = definition;
  return {
    name,
    reads,
    publishes,
    snapshot: { version, settings: { ...identityOf(by), settings } },
    open: (_isWhole, saved, session = null) => new Handling(definition, { ...by, session }, saved),
  };
}

class Handling<T extends EventTopic, S> implements Machine<SavedStates<S>> {
  readonly #definition: ProgramDefinition<T, S>;
  readonly #by: AgentIdentity;
  readonly #states: Map<string, S>;

  constructor(definition: ProgramDefinition<T, S>, by: AgentIdentity, saved: SavedStates<S> = []) {
    this.#definition = definition;
    this.#by = by;
    this.#states = new Map(saved);
  }

  save(): SavedStates<S> {
    return [...this.#states];
  }

  take(record: InputRecord): ReturnType<DraftCollector["end"]> {
    const { topic, event, publishedUs } = record;
    if (!isShown(topic, event, this.#by.session ?? null)) return [];
    const collector = new DraftCollector(this.#definition, this.#by);
    const state = this.#stateOf(event);
    try {
      const message = { topic, event, publishedAt: publishedUs } as never;
      // A function that is async fits the type, too.
      const given = this.#definition.handle(message, collector, state) as unknown;
      if (given instanceof Promise) throw asyncHandle(this.#definition.name, given);
    } catch (error) {
      throw failed(this.#definition.name, record, error);
    }
    return collector.end();
  }

  #stateOf(event: object): S {
    const { symbol_id = null } = event as { readonly symbol_id?: string | null };
    const symbol = symbol_id ?? "";
    const known = this.#states.get(symbol);
    if (known !== undefined || this.#definition.state === undefined) return known as S;
    const state = this.#definition.state();
    this.#states.set(symbol, state);
    return state;
  }
}

const MARKET_DATA: ReadonlySet<EventTopic> = new Set(["bars", "indicators"]);

function isShown(topic: EventTopic, event: object, session: string | null): boolean {
  if (topic !== "sessions" && !HAS_SESSION.has(topic)) return true;
  const { backtest_session_id: of } = event as { readonly backtest_session_id: string | null };
  return of === session || (of === null && MARKET_DATA.has(topic));
}

function asyncHandle(name: string, given: Promise<unknown>): TradetapeError {
  // What it goes on to throw has no one left to hear it.
  given.catch(() => undefined);
  return new TradetapeError("input_invalid", `${name}: handle is async, so what it gives would come in any order`, {
    next: "Let handle be a plain function. What has to wait, as for a model's answer, subscribes: docs/agents.md.",
  });
}

/** What `handle` threw, with the event's place: a refusal of what it published, or a bug that its author has to find. */
function failed(name: string, { topic, partition, offset }: InputRecord, error: unknown): TradetapeError {
  const at = `${name} failed on ${topic}/${partition} at offset ${offset}`;
  if (error instanceof TradetapeError) {
    return new TradetapeError(error.code, `${at}: ${error.message}`, { next: error.next ?? MEND, cause: error });
  }
  const [what, frame] = error instanceof Error ? (error.stack ?? error.message).split("\n") : [String(error)];
  const message = `${at}: ${what}${frame === undefined ? "" : `, ${frame.trim()}`}`;
  return new TradetapeError("input_invalid", message, { cause: error, next: MEND });
}

const MEND = "Mend its handle and run it again: it goes on with this event.";

function requireDefinition<T extends EventTopic, S>(given: ProgramDefinition<T, S> | Program): void {
  const { name, reads, publishes } = given;
  const version = "open" in given ? given.snapshot?.version : given.version;
  const isTopics = (list: unknown) => Array.isArray(list) && list.every((topic) => EVENT_TOPICS.includes(topic));
  const topics = `of ${EVENT_TOPICS.join(", ")}`;
  const wrong = [
    /^[a-z][a-z0-9-]*$/.test(name) || "name has to be of small letters, digits and hyphens",
    (isTopics(reads) && reads.length > 0) || `reads has to be a list of topics, ${topics}`,
    isTopics(publishes) || `publishes has to be a list of topics, ${topics}`,
    new Set(reads).size === reads?.length || "reads names a topic twice",
    Number.isSafeInteger(version ?? 1) || "version has to be a whole number",
    "open" in given || typeof given.handle === "function" || "handle has to be a function",
  ].find((found) => found !== true);
  if (wrong !== undefined) {
    throw new TradetapeError("input_invalid", `defineProgram: ${wrong}`, { next: "Mend the definition." });
  }
  if (!("open" in given)) requireIdentity(given.by);
}
