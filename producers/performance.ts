import { type Draft, draftPerformance } from "../src/agent/draft.ts";
import { type AgentIdentity, identityOf } from "../src/agent/fields.ts";
import type { BarEvent, DecisionEvent, FillEvent, SessionEvent } from "../src/event/events.ts";
import { isEarly1970 } from "../src/event/time/range.ts";
import { jsonLines } from "../src/feed/formats/json-lines.ts";
import { producerOf } from "../src/feed/producer.ts";
import { endOfBar } from "../src/feed/zone.ts";
import type { Window } from "../src/strategy/account.ts";
import { figuresOf } from "../src/strategy/figures.ts";
import { Instrument, type SavedInstrument, type TradeHistory } from "../src/strategy/instrument.ts";
import { portfolioOf } from "../src/strategy/portfolio.ts";
import { defineProgram } from "../src/stream/define-program.ts";
import type { InputRecord, Machine, Program } from "../src/stream/program.ts";

/** What strategies earned, from JSON lines. */
export const performance = producerOf("performance", [jsonLines("performance")]);

interface PerformanceOptions {
  /** The length of the bars whose closes mark open positions, as in 1d. */
  readonly interval: string;
  /** The source of those bars; null is the one that executions name, else the only one there is (`Instrument`). */
  readonly source: string | null;
  /** The money that the strategy began with; null makes daily returns of what was at stake. */
  readonly capital: number | null;
}

/**
 * sessions, bars, decisions, fills -> performance: what was made in a window, per symbol and of all symbols together
 * (`symbol_id` null), by the formulas of src/strategy: book.ts for trips and money, account.ts for the daily marks,
 * statistics.ts for the ratios. Windows are the UTC years in which something was executed or a position was open, and the whole
 * session where it says when it began and ended. A window that isn't over is told `as_of` the latest execution or close that is
 * known. Published when everything is read, and again when it changes. All is counted anew from all executions by their own
 * time, so records may come in any order.
 */
export function performanceOfFills(by: AgentIdentity, options: PerformanceOptions): Program {
  const { interval, source, capital } = options;
  return defineProgram({
    name: "performance",
    reads: ["sessions", "bars", "decisions", "fills"],
    publishes: ["performance"],
    snapshot: { version: 2, settings: { ...identityOf(by), interval, source, capital } },
    open: (_isWhole, saved?: SavedPerformance) => new PerformanceMachine(by, options, saved),
  });
}

/** What the program remembers, as plain JSON values. */
interface SavedPerformance {
  readonly instruments: readonly (readonly [symbol: string, instrument: SavedInstrument])[];
  /** The rows that were told, by their ids. */
  readonly said: readonly (readonly [id: string, row: string])[];
  readonly whole: Window | null;
  readonly hasNews: boolean;
  readonly unmarked: number;
  /** Null is never. */
  readonly nextEndUs: number | null;
}

class PerformanceMachine implements Machine<SavedPerformance> {
  readonly #by: AgentIdentity;
  readonly #session: string | null;
  readonly #options: PerformanceOptions;
  readonly #instruments = new Map<string, Instrument>();
  readonly #said = new Map<string, string>();
  #whole: Window | undefined;
  #hasNews = false;
  #unmarked = 0;
  /** When the first of the windows ends that weren't over when they were told. */
  #nextEndUs = Number.POSITIVE_INFINITY;

  constructor(by: AgentIdentity, options: PerformanceOptions, saved?: SavedPerformance) {
    this.#by = by;
    this.#session = by.session ?? null;
    this.#options = options;
    if (saved === undefined) return;
    for (const [symbol, one] of saved.instruments) this.#instruments.set(symbol, new Instrument(options.source, one));
    for (const [id, row] of saved.said) this.#said.set(id, row);
    this.#whole = saved.whole ?? undefined;
    this.#hasNews = saved.hasNews;
    this.#unmarked = saved.unmarked;
    this.#nextEndUs = saved.nextEndUs ?? Number.POSITIVE_INFINITY;
  }

  save(): SavedPerformance {
    return {
      instruments: [...this.#instruments].map(([symbol, instrument]) => [symbol, instrument.save()]),
      said: [...this.#said],
      whole: this.#whole ?? null,
      hasNews: this.#hasNews,
      unmarked: this.#unmarked,
      nextEndUs: this.#nextEndUs === Number.POSITIVE_INFINITY ? null : this.#nextEndUs,
    };
  }

  take(record: InputRecord): readonly [] {
    this.#hasNews = true;
    if (record.topic === "bars") this.#takeBar(record.event, record.publishedUs);
    else if (record.topic === "decisions") this.#takeDecision(record.event);
    else if (record.topic === "fills") this.#takeFill(record.event, record);
    else if (record.topic === "sessions" && record.event.backtest_session_id === this.#session) {
      this.#whole = windowOf(record.event);
    }
    return [];
  }

  idle(nowUs: number): Draft<"performance">[] {
    if (!this.#hasNews && nowUs < this.#nextEndUs) return [];
    this.#hasNews = false;
    this.#nextEndUs = Number.POSITIVE_INFINITY;
    // In one order whatever came first, because sums of doubles depend on it.
    const sorted = [...this.#instruments].sort(([a], [b]) => (a < b ? -1 : 1));
    const histories = sorted.flatMap(([symbolId, instrument]) => {
      const one = instrument.history();
      return one === undefined ? [] : [{ symbolId, one }];
    });
    this.#unmarked = histories.filter(({ one }) => one.markedBy === null).length;
    const ofEach = histories.flatMap(({ symbolId, one }) => this.#rowsOf(symbolId, [one], nowUs));
    const all = histories.map(({ one }) => one);
    return [...ofEach, ...this.#rowsOf(null, all, nowUs)].filter((draft) => this.#isNew(draft));
  }

  counts(): Readonly<Record<string, number>> {
    return { unmarked: this.#unmarked };
  }

  #instrument(symbolId: string): Instrument {
    const known = this.#instruments.get(symbolId) ?? new Instrument(this.#options.source);
    this.#instruments.set(symbolId, known);
    return known;
  }

  #takeBar(bar: Required<BarEvent>, publishedUs: number): void {
    const { symbol_id, interval, source, backtest_session_id: session, timestamp: startUs, close } = bar;
    if (interval !== this.#options.interval) return;
    if (session !== null && session !== this.#session) return;
    const [endUs, revisedUs] = [endOfBar(bar), bar.revised_at ?? publishedUs];
    // A close of which nobody knows when it was known marks nothing.
    if (endUs === null) return;
    this.#instrument(symbol_id).close({ source, session, startUs, endUs, close, revisedUs });
  }

  #takeDecision({ decision_id, symbol_id, action, ...decision }: Required<DecisionEvent>): void {
    const { strategy_id, backtest_session_id, price_source: source } = decision;
    if (strategy_id !== this.#by.strategyId || backtest_session_id !== this.#session || action === "HOLD") return;
    this.#instrument(symbol_id).decide(decision_id, { side: action, source });
  }

  #takeFill(fill: Required<FillEvent>, { partition, offset }: InputRecord): void {
    const { execution_id, symbol_id, decision_id: decision, timestamp, quantity, executed_price: price } = fill;
    if (fill.backtest_session_id !== this.#session || fill.status !== "FILLED" || price === null) return;
    const at = { decision, source: fill.price_source, timestamp, partition, offset };
    this.#instrument(symbol_id).fill(execution_id, { ...at, quantity, price, fee: fill.fee ?? 0 });
  }

  /** One row a window, the session's last. @param symbolId null for all instruments together */
  #rowsOf(symbolId: string | null, histories: readonly TradeHistory[], nowUs: number): Draft<"performance">[] {
    if (histories.length === 0) return [];
    const latestUs = Math.max(...histories.map((one) => one.latestUs));
    const sources = histories.flatMap(({ markedBy }) => (markedBy === null ? [] : [markedBy])).sort();
    const marked_by = [...new Set(sources)].map((source) => `${this.#options.interval} ${source}`).join(", ") || null;
    return this.#windows(histories, latestUs).map((window) => {
      const isOver = window.endUs <= nowUs;
      if (!isOver) this.#nextEndUs = Math.min(this.#nextEndUs, window.endUs);
      const accounts = histories.map((one) => one.account(window));
      return draftPerformance(this.#by, {
        symbol_id: symbolId,
        window_start: window.startUs,
        window_end: window.endUs,
        as_of: isOver ? null : Math.min(latestUs, window.endUs),
        ...figuresOf(symbolId === null ? portfolioOf(accounts) : accounts[0]!, this.#options.capital),
        marked_by,
      });
    });
  }

  #windows(histories: readonly TradeHistory[], latestUs: number): Window[] {
    const years = new Set(histories.flatMap((one) => [...one.years()]));
    const windows = [...years]
      .sort((a, b) => a - b)
      .map((year) => ({ startUs: yearUs(year), endUs: yearUs(year + 1) }));
    if (this.#whole !== undefined) windows.push(this.#whole);
    return windows.filter(({ startUs }) => isTellable(startUs) && startUs <= latestUs);
  }

  /** Whether it says something else than this window's last row. */
  #isNew({ event }: Draft<"performance">): boolean {
    const text = JSON.stringify(event);
    if (this.#said.get(event.performance_id) === text) return false;
    this.#said.set(event.performance_id, text);
    return true;
  }
}

/** The year 1970 begins where other units lie by mistake: publishing its window would end this program for good. */
const isTellable = (startUs: number) => !isEarly1970(startUs);

function windowOf({ started_at: startUs = null, ended_at: endUs = null }: SessionEvent): Window | undefined {
  return startUs === null || endUs === null ? undefined : { startUs, endUs };
}

const yearUs = (year: number) => Date.UTC(year, 0, 1) * 1000;
