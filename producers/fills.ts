import { type Draft, draftFill } from "../src/agent/draft.ts";
import { type AgentIdentity, identityOf } from "../src/agent/fields.ts";
import type { BarEvent, DecisionEvent } from "../src/event/events.ts";
import { jsonLines } from "../src/feed/formats/json-lines.ts";
import { producerOf } from "../src/feed/producer.ts";
import { type BrokerSettings, PAPER, PaperBroker } from "../src/strategy/paper-broker.ts";
import type { Program } from "../src/stream/program.ts";

/** Brokers' execution reports, from JSON lines. */
export const fills = producerOf("fills", [jsonLines("fills")]);

const BROKER = "paper";

/**
 * decisions, bars -> fills: a paper broker (src/strategy/paper-broker.ts) carries the approved decisions out at the open
 * of the first bar that begins at their time or later; never at a price that was known when they were taken. Orders of
 * a symbol go one after the other; one without such a bar waits for it.
 *
 * Both topics are read from the beginning after a restart; which of them comes first makes no difference.
 * @param interval the bars' length, as in 1d
 */
export function fillsOfDecisions(
  by: AgentIdentity,
  interval: string,
  settings: BrokerSettings = PAPER,
): Program<SavedBooks> {
  const session = by.session ?? null;
  return {
    name: "fills",
    reads: ["bars", "decisions"],
    snapshot: { version: 1, settings: { ...identityOf(by), ...settings, interval } },
    open: (_isWhole, saved = []) => {
      const books = new Map(saved.map(([symbol, book]) => [symbol, new Book(by, settings, book)]));
      const bookOf = (symbol: string): Book => {
        const book = books.get(symbol) ?? new Book(by, settings);
        books.set(symbol, book);
        return book;
      };
      return {
        take: (record) => {
          if (record.topic === "bars") {
            const { backtest_session_id: own } = record.event;
            const isOurs = record.event.interval === interval && (own === null || own === session);
            return isOurs ? bookOf(record.event.symbol_id).bar(record.event) : [];
          }
          if (record.topic !== "decisions") return [];
          const { backtest_session_id, strategy_id, symbol_id } = record.event;
          if (backtest_session_id !== session || strategy_id !== by.strategyId) return [];
          return bookOf(symbol_id).order(record.event);
        },
        save: () => [...books].map(([symbol, book]) => [symbol, book.save()]),
      };
    },
  };
}

/** What a book remembers, as plain JSON values. */
interface SavedBook {
  readonly starts: readonly number[];
  readonly opens: readonly number[];
  readonly waiting: readonly Required<DecisionEvent>[];
  /** Null is never. */
  readonly orderedUs: number | null;
  readonly position: number;
}
type SavedBooks = readonly (readonly [symbol: string, book: SavedBook])[];

const EMPTY: SavedBook = { starts: [], opens: [], waiting: [], orderedUs: null, position: 0 };

/** One symbol: its opens in the order of time, and the orders that wait for one. */
class Book {
  readonly #by: AgentIdentity;
  readonly #broker: PaperBroker;
  readonly #starts: number[];
  readonly #opens: number[];
  readonly #waiting: Required<DecisionEvent>[];
  #orderedUs: number;

  constructor(by: AgentIdentity, settings: BrokerSettings, saved = EMPTY) {
    this.#by = by;
    this.#broker = new PaperBroker(settings, saved.position);
    this.#starts = [...saved.starts];
    this.#opens = [...saved.opens];
    this.#waiting = [...saved.waiting];
    this.#orderedUs = saved.orderedUs ?? Number.NEGATIVE_INFINITY;
  }

  save(): SavedBook {
    return {
      starts: this.#starts,
      opens: this.#opens,
      // Events that were read have a class of their own.
      waiting: this.#waiting.map((decision) => ({ ...decision })),
      orderedUs: this.#orderedUs === Number.NEGATIVE_INFINITY ? null : this.#orderedUs,
      position: this.#broker.position,
    };
  }

  /** A bar that comes late would have been unknown to the market that we play: it is left out. */
  bar({ timestamp, open }: BarEvent): Draft<"fills">[] {
    if (timestamp <= (this.#starts.at(-1) ?? Number.NEGATIVE_INFINITY)) return [];
    this.#starts.push(timestamp);
    this.#opens.push(open);
    return this.#execute();
  }

  /** A decision that was published twice is one order. */
  order(decision: Required<DecisionEvent>): Draft<"fills">[] {
    if (decision.timestamp <= this.#orderedUs) return [];
    this.#orderedUs = decision.timestamp;
    if (!decision.approved || decision.action === "HOLD") return [];
    this.#waiting.push(decision);
    return this.#execute();
  }

  #execute(): Draft<"fills">[] {
    const drafts: Draft<"fills">[] = [];
    for (let order = this.#waiting[0]; order !== undefined; order = this.#waiting[0]) {
      const at = this.#firstFrom(order.timestamp);
      if (at === this.#starts.length) break;
      this.#waiting.shift();
      drafts.push(...this.#reports(order, this.#starts[at]!, this.#opens[at]!));
    }
    return drafts;
  }

  #reports(decision: Required<DecisionEvent>, openUs: number, open: number): Draft<"fills">[] {
    const { decision_id: id, action, size } = decision;
    const reports = this.#broker.execute({ id, side: action === "BUY" ? "BUY" : "SELL", size }, open);
    return reports.map(({ reportId, status, quantity, price, fee, afterUs }) => {
      const what = { decision, status, quantity, executed_price: price, broker: BROKER, fee };
      return draftFill(this.#by, reportId, { ...what, timestamp: openUs + afterUs });
    });
  }

  /** The place of the first bar that begins at `us` or later; how many there are when none does. */
  #firstFrom(us: number): number {
    let [low, high] = [0, this.#starts.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#starts[middle]! < us) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
