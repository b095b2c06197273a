import type { DecisionEvent } from "../../event/events.ts";
import { refuseOwnAndLive, refuseTwoSources, type TradedBars } from "../traded-bars.ts";
import { type BrokerSettings, PaperBroker, type Report } from "./paper-broker.ts";
import { barFrom, keyOf, type PricingBar, type Series } from "./pricing-bars.ts";

/** An approved decision. */
interface Order {
  readonly decision: Required<DecisionEvent>;
  /** When it could go: at its own time, or at that of a later decision which came before it. */
  readonly goesUs: number;
}

/** A report with its time, and the time of the trade that gave its price, null where nothing was executed. */
export interface DeskReport extends Omit<Report, "afterUs"> {
  readonly decision: Required<DecisionEvent>;
  readonly timestamp: number;
  readonly pricedUs: number | null;
  /** Of that trade; of what was canceled the decision's own. */
  readonly source: string | null;
  /** From when the order could go to the report; null where it never could. */
  readonly latencyUs: number | null;
}

/** What a desk remembers, as plain JSON values. */
export interface SavedDesk {
  readonly position: number;
  readonly series: readonly Omit<Series, "next">[];
  readonly waiting: readonly Order[];
  readonly source: string | null;
  readonly hasOrders: boolean;
  readonly clockUs: number | null;
}

/**
 * One strategy's orders in one symbol, on paper: each is executed once, in the order in which decisions came, at the open of
 * the first bar that begins when it could go, or later. Bars before the latest decision are forgotten.
 */
export class PaperDesk {
  readonly #symbolId: string;
  readonly #traded: TradedBars;
  readonly #broker: PaperBroker;
  readonly #series = new Map<string, Series>();
  readonly #waiting: Order[];
  /** Whose prices the decisions are about; null as long as none has said it. */
  #source: string | null;
  #hasOrders: boolean;
  /** The latest decision's time: what comes behind it came later, so that it can't go earlier. Null before the first. */
  #clockUs: number | null;

  constructor(symbolId: string, traded: TradedBars, settings: BrokerSettings, saved?: SavedDesk) {
    this.#symbolId = symbolId;
    this.#traded = traded;
    this.#source = saved?.source ?? traded.source;
    this.#broker = new PaperBroker(settings, saved?.position);
    this.#waiting = [...(saved?.waiting ?? [])];
    this.#hasOrders = saved?.hasOrders ?? false;
    this.#clockUs = saved?.clockUs ?? null;
    for (const one of saved?.series ?? []) this.#series.set(keyOf(one), { ...one, bars: [...one.bars], next: 0 });
  }

  save(): SavedDesk {
    return {
      position: this.#broker.position,
      series: [...this.#series.values()].map(({ next, bars, ...rest }) => ({ ...rest, bars: bars.slice(next) })),
      // Events that were read have a class of their own.
      waiting: this.#waiting.map(({ decision, goesUs }) => ({ decision: { ...decision }, goesUs })),
      source: this.#source,
      hasOrders: this.#hasOrders,
      clockUs: this.#clockUs,
    };
  }

  /** How many orders wait for a bar. */
  get waiting(): number {
    return this.#waiting.length;
  }

  /**
   * Takes the next decision; only an approved one to buy or to sell becomes an order.
   * @throws TradetapeError input_invalid where decisions before it were about the prices of another source, or where it is
   * an order that two series of bars could price
   */
  decide(decision: Required<DecisionEvent>): DeskReport[] {
    const { timestamp, price_source: source, approved, action } = decision;
    if (source !== null && source !== this.#source) {
      if (this.#source !== null) refuseTwoSources(this.#symbolId, "decisions", this.#source, source);
      this.#source = source;
    }
    this.#clockUs = Math.max(this.#clockUs ?? timestamp, timestamp);
    if (approved && action !== "HOLD") {
      this.#hasOrders = true;
      this.#waiting.push({ decision, goesUs: this.#clockUs });
    }
    return this.#execute();
  }

  /**
   * Takes the next bar. One that comes late would have been unknown to the market that is played: it is left out.
   * @throws TradetapeError input_invalid where it is of a second series of bars that could price the orders there were
   */
  take(bar: PricingBar): DeskReport[] {
    const { source, isOwn } = bar;
    const key = keyOf(bar);
    const series = this.#series.get(key) ?? { source, isOwn, bars: [], latestUs: Number.NEGATIVE_INFINITY, next: 0 };
    this.#series.set(key, series);
    if (bar.startUs <= series.latestUs) return [];
    series.latestUs = bar.startUs;
    series.bars.push(bar);
    return this.#execute();
  }

  /** Gives up what waits, because no bar will come. @param endedUs when the session ended; null is not told */
  cancel(endedUs: number | null): DeskReport[] {
    return this.#waiting.splice(0).map(({ decision, goesUs }) => {
      const nothing = {
        status: "CANCELED",
        quantity: 0,
        price: null,
        fee: 0,
        pricedUs: null,
        latencyUs: null,
      } as const;
      const timestamp = Math.max(goesUs, endedUs ?? goesUs);
      return { ...nothing, decision, source: decision.price_source, reportId: `${decision.decision_id}-0`, timestamp };
    });
  }

  #execute(): DeskReport[] {
    const reports: DeskReport[] = [];
    const pricing = this.#hasOrders ? this.#pricing() : undefined;
    for (let order = this.#waiting[0]; order !== undefined; order = this.#waiting[0]) {
      const bar = pricing && barFrom(pricing, order.goesUs);
      if (bar === undefined) break;
      this.#waiting.shift();
      reports.push(...this.#carryOut(order.decision, bar));
    }
    const neededUs = this.#waiting[0]?.goesUs ?? this.#clockUs;
    if (neededUs !== null) for (const series of this.#series.values()) barFrom(series, neededUs);
    return reports;
  }

  #carryOut(decision: Required<DecisionEvent>, { source, open, openedUs, isExact }: PricingBar): DeskReport[] {
    const order = {
      id: decision.decision_id,
      side: decision.action === "BUY" ? "BUY" : "SELL",
      size: decision.size,
    } as const;
    return this.#broker.execute(order, open).map(({ afterUs, ...report }) => ({
      ...report,
      ...{ decision, source },
      // Within a bar that doesn't tell its trades nobody knows more than that it was over by its last moment.
      timestamp: isExact ? openedUs + afterUs : openedUs,
      pricedUs: report.price === null ? null : openedUs,
      latencyUs: afterUs,
    }));
  }

  /** The one series that prices the orders. */
  #pricing(): Series | undefined {
    const able = [...this.#series.values()].filter(({ source }) => this.#source === null || source === this.#source);
    const [series, second] = able;
    if (series === undefined || second === undefined) return series;
    if (series.source === second.source) refuseOwnAndLive(this.#symbolId, this.#traded.interval, series.source);
    refuseTwoSources(this.#symbolId, `${this.#traded.interval} bars`, series.source, second.source);
  }
}
