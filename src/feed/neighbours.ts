import type { BarEvent, QuoteEvent, TickEvent } from "../event/events.ts";
import type { Warning } from "./feed.ts";

export type MarketEvent = TickEvent | QuoteEvent | BarEvent;

/** Prices of one instrument differ by this much from one line to the next when a decimal sign or a unit was lost. */
const JUMP = 100;

interface Last {
  price: number;
  timestamp: number;
  /** 1 when the file goes on in time, -1 when it goes back (many exports begin with the newest), 0 before it is known. */
  direction: number;
}

const WHAT = {
  jump: `price ${JUMP} times off its neighbour`,
  back: "time that goes the other way than the file",
  outside: "open or close outside of low to high",
  crossed: "crossed quote, whose bid lies above its ask",
  locked: "locked quote, whose bid lies on its ask",
} as const;

/** Counts what is allowed and rarely right: each is one comparison with the line before it of the same instrument. */
export class Neighbours {
  readonly #bySymbol = new Map<string, Last>();
  readonly #seen = new Map<keyof typeof WHAT, { count: number; line: number }>();
  #symbol = "";
  #last: Last | undefined;

  /**
   * @returns what is odd about the event, as a sentence; null for nearly every one. A crossed or locked quote is counted
   * and isn't odd: markets do that.
   */
  look(event: MarketEvent, line: number): string | null {
    const { symbol_id, timestamp } = event;
    if ("quote_id" in event) this.#lookAcross(event, line);
    // A quote without a bid has an ask.
    const price = "quote_id" in event ? (event.bid_price ?? event.ask_price)! : event.close;
    if (symbol_id !== this.#symbol) this.#turnTo(symbol_id);
    const last = this.#last;
    if (last === undefined) {
      this.#last = { price, timestamp, direction: 0 };
      this.#bySymbol.set(symbol_id, this.#last);
      return "open" in event ? this.#lookInside(event, line) : null;
    }
    const isJump = isFar(price, last.price);
    const step = timestamp - last.timestamp;
    if (last.direction === 0) last.direction = Math.sign(step);
    const isBack = step * last.direction < 0;
    const before = last.price;
    last.price = price;
    last.timestamp = timestamp;
    if (isJump) return this.#note("jump", line, `${price} after ${before}`);
    if (isBack) return this.#note("back", line, `by ${Math.abs(step)} microseconds`);
    return "open" in event ? this.#lookInside(event, line) : null;
  }

  warnings(): Warning[] {
    return [...this.#seen].map(([what, { count, line }]) => ({ what: WHAT[what], count, line }));
  }

  #turnTo(symbolId: string): void {
    this.#symbol = symbolId;
    this.#last = this.#bySymbol.get(symbolId);
  }

  #lookInside({ open, high, low, close }: BarEvent, line: number): string | null {
    if (isFar(high, low)) return this.#note("jump", line, `high ${high}, low ${low}`);
    const isOutside = open > high || open < low || close > high || close < low;
    return isOutside ? this.#note("outside", line, `${open}, ${high}, ${low}, ${close}`) : null;
  }

  #lookAcross({ bid_price, ask_price }: QuoteEvent, line: number): void {
    const bid = bid_price ?? null;
    const ask = ask_price ?? null;
    if (bid === null || ask === null || bid < ask) return;
    this.#count(bid > ask ? "crossed" : "locked", line);
  }

  #count(what: keyof typeof WHAT, line: number): void {
    const seen = this.#seen.get(what);
    if (seen === undefined) this.#seen.set(what, { count: 1, line });
    else seen.count += 1;
  }

  #note(what: keyof typeof WHAT, line: number, how: string): string {
    this.#count(what, line);
    return `${WHAT[what]}: ${how}`;
  }
}

/** Prices that aren't above zero have no ratio; crude oil had such ones. */
const isFar = (a: number, b: number) => a > 0 && b > 0 && (a >= b * JUMP || b >= a * JUMP);
