import { createHash } from "node:crypto";

/** An order as a decision gives it. */
interface Order {
  /** The decision's id: chance is seeded by it. */
  readonly id: string;
  readonly side: "BUY" | "SELL";
  readonly size: number;
}

/** One execution report. */
export interface Report {
  /** The broker's own id of the report. */
  readonly reportId: string;
  readonly status: "FILLED" | "REJECTED" | "CANCELED";
  readonly quantity: number;
  /** Null when nothing was executed. */
  readonly price: number | null;
  readonly fee: number;
  /** After the market opened for the order, microseconds. */
  readonly afterUs: number;
}

export interface BrokerSettings {
  readonly seed: number;
  /** The median; most lie within half and twice of it. */
  readonly latencyMs: number;
  readonly rejectShare: number;
  readonly partialShare: number;
  readonly cancelShare: number;
  /** Paid on every execution, as a share of its price: half of the spread. */
  readonly slippage: number;
  /** A share of what was executed. */
  readonly feeShare: number;
  /** Hand the reports of an order out in reverse: brokers' streams do that. */
  readonly outOfOrder: boolean;
}

/** Latency and stream order as traders report them of retail brokers; the rest so that every case occurs in a year. */
export const PAPER: BrokerSettings = {
  seed: 1,
  latencyMs: 9,
  rejectShare: 0.03,
  partialShare: 0.3,
  cancelShare: 0.03,
  slippage: 0.0001,
  feeShare: 0.0001,
  outOfOrder: false,
};

/**
 * A broker on paper, for one account and symbol: fills at the price it is handed, a little late and a little worse, in
 * up to three parts, rejects some purchases and cancels the remainder of others. A sale is of what is held, at most, and
 * goes through; of nothing held it is rejected. What it does to an order follows from the seed, the order's id and the
 * position alone, so a restarted one does the same.
 */
export class PaperBroker {
  readonly #settings: BrokerSettings;
  #position: number;

  /** @param position what it holds already: all that it remembers */
  constructor(settings: BrokerSettings = PAPER, position = 0) {
    this.#settings = settings;
    this.#position = position;
  }

  get position(): number {
    return this.#position;
  }

  /** @param price at which the market opened for the order */
  execute(order: Order, price: number): Report[] {
    const chance = chances(this.#settings.seed, order.id);
    const { rejectShare, partialShare, cancelShare, outOfOrder } = this.#settings;
    const size = order.side === "SELL" ? Math.min(order.size, this.#position) : order.size;
    const latency = () => Math.round(this.#settings.latencyMs * 1000 * 4 ** (chance() - 0.5)) + 1;
    const isBuy = order.side === "BUY";
    if (size <= 0 || (chance() < rejectShare && isBuy)) {
      return [{ reportId: `${order.id}-0`, status: "REJECTED", quantity: 0, price: null, fee: 0, afterUs: latency() }];
    }
    const sizes = chance() < partialShare ? parts(size, chance) : [size];
    const isCanceled = isBuy && sizes.length > 1 && chance() < cancelShare / partialShare;
    let afterUs = 0;
    const reports = sizes.map((quantity, n): Report => {
      afterUs += latency();
      const reportId = `${order.id}-${n + 1}`;
      if (isCanceled && n === sizes.length - 1) {
        return { reportId, status: "CANCELED", quantity: 0, price: null, fee: 0, afterUs };
      }
      return { reportId, status: "FILLED", ...this.#fill(order.side, quantity, price), afterUs };
    });
    return outOfOrder ? reports.reverse() : reports;
  }

  #fill(side: "BUY" | "SELL", quantity: number, open: number): { quantity: number; price: number; fee: number } {
    const sign = side === "BUY" ? 1 : -1;
    const price = open * (1 + sign * this.#settings.slippage);
    this.#position += sign * quantity;
    return { quantity, price, fee: quantity * price * this.#settings.feeShare };
  }
}

/** Two or three whole shares' parts where there are so many. */
function parts(size: number, chance: () => number): number[] {
  const count = Math.min(2 + Math.floor(chance() * 2), Math.floor(size));
  if (count < 2) return [size];
  const each = Math.floor(size / count);
  return Array.from({ length: count }, (_, n) => (n < count - 1 ? each : size - each * (count - 1)));
}

/** Numbers in [0, 1) of a seed and a name: 32 bits each of SHA-256. */
function chances(seed: number, name: string): () => number {
  let drawn = 0;
  return () => createHash("sha256").update(`${seed} ${name} ${drawn++}`).digest().readUInt32BE(0) / 2 ** 32;
}
