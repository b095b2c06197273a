import { type Draft, draftFill } from "../src/agent/draft.ts";
import { type AgentIdentity, identityOf } from "../src/agent/fields.ts";
import type { BarEvent, DecisionEvent, SessionEvent } from "../src/event/events.ts";
import { jsonLines } from "../src/feed/formats/json-lines.ts";
import { producerOf } from "../src/feed/producer.ts";
import { endOfBar } from "../src/feed/zone.ts";
import { type BrokerSettings, PAPER } from "../src/strategy/paper/paper-broker.ts";
import { type DeskReport, PaperDesk, type SavedDesk } from "../src/strategy/paper/paper-desk.ts";
import type { PricingBar } from "../src/strategy/paper/pricing-bars.ts";
import { type SavedIds, SeenIds } from "../src/strategy/seen-ids.ts";
import { isOfSource, type TradedBars } from "../src/strategy/traded-bars.ts";
import { defineProgram } from "../src/stream/define-program.ts";
import type { InputRecord, Machine, Program } from "../src/stream/program.ts";

/** Brokers' execution reports, from JSON lines. */
export const fills = producerOf("fills", [jsonLines("fills")]);

const BROKER = "paper";

/**
 * sessions, bars, decisions -> fills: a paper broker (src/strategy/paper/paper-broker.ts) carries each approved decision out
 * once, at the open of the first bar that begins at its time or later, never at a price that was known when it was taken.
 * The bar is of the decision's `price_source`; where a decision names none, of the only source that there is.
 *
 * A fill lies at or behind the trade that gave its price: `first_trade_at` of the bar and the broker's latency. Where the bar
 * doesn't tell it, all that is known is that the open was traded before the bar's end, and the fill has the bar's last
 * microsecond. An order without such a bar waits for it, and is canceled once the session has ended and all is read.
 *
 * Which topic is read first makes no difference.
 */
export function fillsOfDecisions(by: AgentIdentity, traded: TradedBars, settings = PAPER): Program {
  const { interval, source } = traded;
  return defineProgram({
    name: "fills",
    reads: ["sessions", "bars", "decisions"],
    publishes: ["fills"],
    snapshot: { version: 1, settings: { ...identityOf(by), ...settings, interval, source } },
    open: (_isWhole, saved?: SavedFills) => new FillsMachine(by, traded, settings, saved),
  });
}

/** One symbol: its orders, and which of them are known. */
interface Market {
  readonly desk: PaperDesk;
  readonly orders: SeenIds;
}

/** What the program remembers, as plain JSON values. */
interface SavedFills {
  readonly markets: readonly (readonly [
    symbol: string,
    market: { readonly desk: SavedDesk; readonly orders: SavedIds },
  ])[];
  readonly ended: { readonly us: number | null } | null;
}

class FillsMachine implements Machine<SavedFills> {
  readonly #by: AgentIdentity;
  readonly #session: string | null;
  readonly #traded: TradedBars;
  readonly #settings: BrokerSettings;
  readonly #markets = new Map<string, Market>();
  readonly #counts = { ofOtherSources: 0, endless: 0, unsure: 0 };
  #ended: SavedFills["ended"];

  constructor(by: AgentIdentity, traded: TradedBars, settings: BrokerSettings, saved?: SavedFills) {
    this.#by = by;
    this.#session = by.session ?? null;
    this.#traded = traded;
    this.#settings = settings;
    this.#ended = saved?.ended ?? null;
    for (const [id, { desk, orders }] of saved?.markets ?? []) {
      this.#markets.set(id, { desk: new PaperDesk(id, traded, settings, desk), orders: new SeenIds(orders) });
    }
  }

  save(): SavedFills {
    const markets = [...this.#markets].map(
      ([id, { desk, orders }]) => [id, { desk: desk.save(), orders: orders.save() }] as const,
    );
    return { markets, ended: this.#ended };
  }

  take(record: InputRecord): Draft<"fills">[] {
    if (record.topic === "bars") return this.#takeBar(record.event);
    if (record.topic === "decisions") return this.#takeDecision(record.event);
    if (record.topic === "sessions" && record.event.backtest_session_id === this.#session) {
      this.#ended = endOf(record.event);
    }
    return [];
  }

  idle(): Draft<"fills">[] {
    if (this.#ended === null) return [];
    const { us } = this.#ended;
    return [...this.#markets.values()].flatMap(({ desk }) => desk.cancel(us).map((report) => this.#draft(report)));
  }

  counts(): Readonly<Record<string, number>> {
    const waiting = [...this.#markets.values()].reduce((sum, { desk }) => sum + desk.waiting, 0);
    return { waiting, ...this.#counts };
  }

  #market(id: string): Market {
    const known = this.#markets.get(id);
    if (known !== undefined) return known;
    const made = { desk: new PaperDesk(id, this.#traded, this.#settings), orders: new SeenIds() };
    this.#markets.set(id, made);
    return made;
  }

  #takeBar(bar: Required<BarEvent>): Draft<"fills">[] {
    const { interval, source, backtest_session_id: session } = bar;
    if (interval !== this.#traded.interval || !isOfSource(this.#traded.source, source)) return [];
    if (session !== null && session !== this.#session) return [];
    const pricing = pricingBar(bar);
    if (pricing === null) this.#counts.endless++;
    if (pricing === null) return [];
    const reports = this.#market(bar.symbol_id).desk.take(pricing);
    return reports.map((report) => this.#draft(report));
  }

  #takeDecision(decision: Required<DecisionEvent>): Draft<"fills">[] {
    const { backtest_session_id, strategy_id, symbol_id, price_source, decision_id, timestamp } = decision;
    if (backtest_session_id !== this.#session || strategy_id !== this.#by.strategyId) return [];
    const isOrder = decision.approved && decision.action !== "HOLD";
    if (!isOfSource(this.#traded.source, price_source)) {
      if (isOrder) this.#counts.ofOtherSources++;
      return [];
    }
    const { desk, orders } = this.#market(symbol_id);
    const sight = isOrder ? orders.meet(decision_id, timestamp) : "new";
    if (sight === "unsure") this.#counts.unsure++;
    return sight === "new" ? desk.decide(decision).map((report) => this.#draft(report)) : [];
  }

  #draft(report: DeskReport): Draft<"fills"> {
    const { decision, reportId, status, quantity, price, fee, timestamp, source, pricedUs, latencyUs } = report;
    return draftFill(this.#by, reportId, {
      ...{ decision, status, quantity, executed_price: price, broker: BROKER, fee, timestamp },
      ...{ price_source: source, priced_at: pricedUs },
      latency_ms: latencyUs === null ? null : Math.round(latencyUs / 1000),
    });
  }
}

/** Null for a bar of which nobody knows when its open was traded. */
function pricingBar(bar: Required<BarEvent>): PricingBar | null {
  const { source, backtest_session_id: session, timestamp: startUs, open, first_trade_at: firstUs } = bar;
  const endUs = endOfBar(bar);
  if (firstUs === null && endUs === null) return null;
  return { source, isOwn: session !== null, startUs, open, openedUs: firstUs ?? endUs! - 1, isExact: firstUs !== null };
}

/** When a session ended, `us` null where it doesn't say; null while it hasn't. */
function endOf({ status, ended_at }: SessionEvent): SavedFills["ended"] {
  return status === "completed" || status === "failed" ? { us: ended_at ?? null } : null;
}
