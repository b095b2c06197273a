import { eventId } from "../../src/event/identity.ts";
import type { EventTopic } from "../../src/event/schemas.ts";
import { type Dice, openDice, seedOf } from "./dice.ts";

/** An event as a producer publishes it, in the order of `wave`: each wave is acknowledged before the next begins. */
export interface Planned {
  readonly topic: EventTopic;
  readonly event: Readonly<Record<string, unknown>>;
  readonly id: string;
  readonly wave: number;
  /** Published this often in one go: the same id, the same content. */
  readonly times: number;
  readonly revision: number;
  /** Its parent is never published. */
  readonly orphan: boolean;
  /** How a broken twin of it is made, if one is published beside it. */
  readonly poison: PoisonKind | undefined;
}

export const POISON_KINDS = ["truncated", "magic", "unknown schema", "time", "nul"] as const;
export type PoisonKind = (typeof POISON_KINDS)[number];

export type Stream = "ticks" | "agents";

/** How long a window lasts, and what is in one: some 2,000 ticks and 100 small events a second. */
export const WINDOW_MS: Readonly<Record<Stream, number>> = { ticks: 250, agents: 500 };
const TICKS = 500;
const CHAINS = 12;
const BARS = 8;
const INDICATORS = 6;
/** Repeats come in runs, as after a publisher's restart: a tenth of the windows, a tenth of their events. */
const REPEATED_WINDOWS = 0.1;
const REPEATED_EVENTS = 0.1;
const POISONED = 0.001;
const ORPHANS = 1 / 200;

export interface WindowPlan {
  readonly stream: Stream;
  readonly seed: number;
  /** Where the run's clock began, microseconds since 1970. */
  readonly startUs: number;
  readonly window: number;
  /** Whether every event is good and finds its parents. */
  readonly isClean: boolean;
}

const id = (...parts: (string | number)[]) => eventId("audit", ["chaos", ...parts.map(String)]);
const SYMBOLS = Array.from({ length: 8 }, (_, n) => id("symbol", n));
const SESSION = id("session");
const STRATEGY = id("strategy");

type Sketch = Pick<Planned, "topic" | "event" | "wave"> & Partial<Planned>;

/** What was there before the first window. */
export function groundwork(startUs: number): Planned[] {
  const none = { wave: 0, times: 1, revision: 0, orphan: false, poison: undefined };
  const symbols = SYMBOLS.map(
    (symbolId, n): Planned => ({
      ...none,
      topic: "symbols",
      id: symbolId,
      event: {
        symbol_id: symbolId,
        ticker: `CHAOS${n}`,
        exchange: "XTST",
        asset_type: "equity",
        is_active: true,
        created_at: startUs,
      },
    }),
  );
  const event = { backtest_session_id: SESSION, kind: "paper", status: "running", started_at: startUs };
  return [...symbols, { ...none, topic: "sessions", id: SESSION, event }];
}

/** The events of one window: always the same for the same plan, so that whoever is killed publishes them again. */
export function windowEvents(plan: WindowPlan): Planned[] {
  const dice = openDice(seedOf(plan.seed, plan.stream, plan.window));
  const sketches = plan.stream === "ticks" ? ticks(plan) : agents(plan, dice);
  const repeats = dice.happens(REPEATED_WINDOWS);
  return sketches.map(({ topic, event, wave, revision = 0, orphan = false }): Planned => {
    const times = repeats && dice.happens(REPEATED_EVENTS) ? 2 : 1;
    const mayBePoisoned = topic === "ticks" || topic === "fills" || topic === "bars";
    const poison = !plan.isClean && mayBePoisoned && dice.happens(POISONED) ? dice.pick(POISON_KINDS) : undefined;
    const key = Object.values(event)[0] as string;
    return { topic, event, wave, revision, orphan, times, poison, id: key };
  });
}

function ticks({ seed, startUs, window }: WindowPlan): Sketch[] {
  return Array.from({ length: TICKS }, (_, n): Sketch => {
    const event = {
      market_data_id: id(seed, "tick", window, n),
      symbol_id: SYMBOLS[n % SYMBOLS.length]!,
      timestamp: startUs + window * WINDOW_MS.ticks * 1000 + n * 400,
      timestamp_ns: n % 1000,
      close: 100 + ((window * TICKS + n) % 997) / 7,
      volume: 1 + (n % 300),
      source: "chaos",
      trade_id: `${window}.${n}`,
      venue: "T",
      conditions: ["@"],
      received_at: startUs,
      backtest_session_id: n % 10 === 0 ? SESSION : null,
    };
    return { topic: "ticks", event, wave: 0 };
  });
}

/** Fills come before their decisions and those before their predictions, each acknowledged before the next is sent. */
function agents(plan: WindowPlan, dice: Dice): Sketch[] {
  const chains = Array.from({ length: CHAINS }, (_, n) => chain(plan, n, !plan.isClean && dice.happens(ORPHANS)));
  return [...chains.flat(), ...bars(plan), ...indicators(plan)];
}

function chain({ seed, startUs, window }: WindowPlan, n: number, orphan: boolean): Sketch[] {
  const name = [seed, window, n] as const;
  const at = startUs + window * WINDOW_MS.agents * 1000 + n;
  const of = { symbol_id: SYMBOLS[n % SYMBOLS.length]!, timestamp: at };
  const session = { backtest_session_id: n % 4 === 0 ? SESSION : null };
  const prediction = {
    prediction_id: id("prediction", ...name),
    ...of,
    predicted_price: 100 + n / 3,
    probability_up: 0.25,
    confidence_score: 0.5,
    model_version: "chaos-1",
    ...session,
  };
  const decision = {
    decision_id: id("decision", ...name),
    ...of,
    action: "BUY",
    size: 10,
    predicted_roi: 0.01,
    model_reference: prediction.prediction_id,
    approved: n % 3 !== 0,
    strategy_id: STRATEGY,
    reason: "chaos",
    ...session,
  };
  const fill = {
    execution_id: id("fill", ...name),
    decision_id: decision.decision_id,
    ...of,
    executed_price: 100.5,
    quantity: decision.approved ? 10 : 0,
    status: decision.approved ? "FILLED" : "REJECTED",
    broker: "chaos-broker",
    latency_ms: 12,
    broker_execution_id: name.join("."),
    fee: 0.5,
    ...session,
  };
  const report: Sketch = { topic: "fills", event: fill, wave: 0, orphan };
  if (orphan) return [report];
  return [
    report,
    { topic: "decisions", event: decision, wave: 1 },
    { topic: "predictions", event: prediction, wave: 2 },
  ];
}

/** Every third bar is revised twice; the newer revision is published first, so the older one must not win. */
function bars({ seed, startUs, window }: WindowPlan): Sketch[] {
  return Array.from({ length: BARS }, (_, n) => {
    const revisions = n % 3 === 0 ? [3, 1, 2] : [1];
    return revisions.map((revision, wave): Sketch => {
      const event = {
        market_data_id: id("bar", seed, window, n),
        symbol_id: SYMBOLS[n % SYMBOLS.length]!,
        timestamp: startUs + window * WINDOW_MS.agents * 1000 + n,
        open: 10,
        high: 12 + revision,
        low: 9,
        close: 11,
        volume: 1000 + revision,
        interval: "1min",
        source: "chaos",
        venue: "T",
        received_at: startUs,
        revised_at: startUs + revision,
        backtest_session_id: null,
      };
      return { topic: "bars", event, wave, revision };
    });
  }).flat();
}

function indicators({ seed, startUs, window }: WindowPlan): Sketch[] {
  return Array.from({ length: INDICATORS }, (_, n): Sketch => {
    const event = {
      indicator_id: id("indicator", seed, window, n),
      symbol_id: SYMBOLS[n % SYMBOLS.length]!,
      timestamp: startUs + window * WINDOW_MS.agents * 1000 + n,
      indicator_name: "SMA",
      indicator_value: window + n / 7,
      period: 20,
      parameters: null,
      computed_by: "chaos",
      revised_at: startUs,
      backtest_session_id: null,
    };
    return { topic: "indicators", event, wave: 0 };
  });
}
