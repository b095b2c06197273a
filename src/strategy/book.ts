/** One execution of one side, and where its report stands in the log. */
export interface Execution {
  readonly side: "BUY" | "SELL";
  /** Microseconds since 1970. */
  readonly timestamp: number;
  readonly partition: number;
  readonly offset: number;
  readonly quantity: number;
  /** May be negative: crude oil was, in April 2020. */
  readonly price: number;
  readonly fee: number;
}

/** From flat to flat, or from flat to the other side of zero: a flip ends one trip and begins the next. */
export interface Trip {
  /** When its last share was closed, microseconds since 1970. */
  readonly closedUs: number;
  /** Money, after the fees of all its executions. */
  readonly pnl: number;
  /** `pnl` over the notional of its entries; null where they had none. */
  readonly roi: number | null;
}

/** Of the trip's largest position, what is left of it by rounding: sizes are doubles, and thirds don't come to zero. */
const ROUNDING = 1e-9;

/** By their own time; reports of one time in the order in which the broker's topic has them. */
export const inOrder = (executions: Iterable<Execution>): Execution[] =>
  [...executions].sort((a, b) => a.timestamp - b.timestamp || a.partition - b.partition || a.offset - b.offset);

/**
 * The book of one strategy in one instrument, long or short, at average cost: an entry moves the average, an exit realises
 * its price against it. What crosses zero closes the whole position and opens the rest of it on the other side; its fee
 * is divided by quantity.
 */
export class Book {
  #position = 0;
  /** Average entry price times position: negative for a short. */
  #cost = 0;
  #realised = 0;
  #fees = 0;
  #trip = { largest: 0, notional: 0, pnl: 0 };

  /** Signed: a short is negative. */
  get position(): number {
    return this.#position;
  }

  /** What exits made against the average cost, before fees. */
  get realised(): number {
    return this.#realised;
  }

  get fees(): number {
    return this.#fees;
  }

  /** What one unit of the open position cost in the mean; null where nothing is open. */
  get averagePrice(): number | null {
    return this.#position === 0 ? null : this.#cost / this.#position;
  }

  /** What the open position would make at a price. */
  unrealised(price: number): number {
    return this.#position * price - this.#cost;
  }

  /** Takes the next execution. @returns the trip that it ended */
  execute({ side, timestamp, quantity, price, fee }: Execution): Trip | undefined {
    const change = side === "BUY" ? quantity : -quantity;
    const rest = this.#position + change;
    this.#fees += fee;
    if (this.#position === 0 || this.#position > 0 === change > 0) {
      this.#enter(change, price, fee);
      return undefined;
    }
    if (Math.abs(rest) <= ROUNDING * this.#trip.largest) return this.#close(timestamp, price, fee);
    if (Math.abs(change) < Math.abs(this.#position)) {
      this.#exit(-change, price, fee);
      return undefined;
    }
    const closingFee = fee * Math.abs(this.#position / change);
    const trip = this.#close(timestamp, price, closingFee);
    this.#enter(rest, price, fee - closingFee);
    return trip;
  }

  #enter(change: number, price: number, fee: number): void {
    this.#position += change;
    this.#cost += change * price;
    this.#trip.largest = Math.max(this.#trip.largest, Math.abs(this.#position));
    this.#trip.notional += Math.abs(change * price);
    this.#trip.pnl -= fee;
  }

  /** @param part of the position, with its sign */
  #exit(part: number, price: number, fee: number): void {
    const cost = this.#cost * (part / this.#position);
    const made = part * price - cost;
    this.#position -= part;
    this.#cost -= cost;
    this.#realised += made;
    this.#trip.pnl += made - fee;
  }

  #close(closedUs: number, price: number, fee: number): Trip {
    this.#exit(this.#position, price, fee);
    const { notional, pnl } = this.#trip;
    this.#trip = { largest: 0, notional: 0, pnl: 0 };
    return { closedUs, pnl, roi: notional === 0 ? null : pnl / notional };
  }
}
