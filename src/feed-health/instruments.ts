import { CALENDAR_NAMES, Exchange } from "../calendar/exchange.ts";
import type { Listed } from "./feed-health.ts";

/** How `--calendar` names the instruments whose event says no exchange. */
const NO_EXCHANGE = "none";

const UNKNOWN: Listed = { ticker: null, exchange: null, hours: null };

/** The instruments that the symbols topic has told of, and when their markets are open. */
export class Instruments {
  readonly #known = new Map<string, Listed>();
  readonly #hours = new Map<string, Exchange>();

  /**
   * @param calendars by exchange, as people have said; an exchange that is a calendar's name has that one
   * @throws TradetapeError input_invalid for a name that no calendar has
   */
  constructor(calendars: ReadonlyMap<string, string>) {
    const told = [...CALENDAR_NAMES.map((name): [string, string] => [name, name]), ...calendars];
    // One exchange a calendar, so that feeds of several exchanges are one feed where they share their hours.
    const made = new Map(told.map(([, name]) => [name, new Exchange(name, "regular")]));
    for (const [exchange, name] of told) this.#hours.set(exchange, made.get(name)!);
  }

  /** @param exchange as its event says */
  know(symbolId: string, ticker: string, exchange: string | null): void {
    this.#known.set(symbolId, { ticker, exchange, hours: this.#hours.get(exchange ?? NO_EXCHANGE) ?? null });
  }

  readonly of = (symbolId: string): Listed => this.#known.get(symbolId) ?? UNKNOWN;

  /** The calendars of the instruments that are known. */
  get calendars(): ReadonlySet<Exchange> {
    return new Set([...this.#known.values()].map(({ hours }) => hours).filter((hours) => hours !== null));
  }
}
