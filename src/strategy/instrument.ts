import { type Account, accountOf, type DayClose, type Window } from "./account.ts";
import { Book, type Execution, inOrder } from "./book.ts";
import { Closes, type ClosingBar } from "./closes.ts";

/** The decision that executions carry out. */
interface Order {
  readonly side: Execution["side"];
  /** Whose prices it is about; null where it doesn't say. */
  readonly source: string | null;
}

/** An execution whose side stands in the decision that it carries out, which may be read later. */
type Fill = Omit<Execution, "side"> & {
  readonly decision: string;
  /** Whose price it was executed at; null where it doesn't say, and its decision's counts. */
  readonly source: string | null;
};

/** What is remembered of an instrument, as plain JSON values. */
export interface SavedInstrument {
  readonly orders: readonly (readonly [decision: string, order: Order])[];
  readonly fills: readonly (readonly [execution: string, fill: Fill])[];
  readonly closes: readonly ClosingBar[];
}

/**
 * What is known of one strategy in one instrument: it may come in any order, and more than once.
 *
 * Its position is marked with closes of the source that its executions were priced by, so that a second source of bars
 * changes nothing. Executions of two sources are marked by nothing, unless one is told.
 */
export class Instrument {
  readonly #source: string | null;
  readonly #orders: Map<string, Order>;
  readonly #fills: Map<string, Fill>;
  readonly #closes = new Closes();
  #history: TradeHistory | undefined;

  /** @param source of the bars that mark the position; null is that of its executions, else the only one there is */
  constructor(source: string | null, saved: SavedInstrument = { orders: [], fills: [], closes: [] }) {
    this.#source = source;
    this.#orders = new Map(saved.orders);
    this.#fills = new Map(saved.fills);
    for (const bar of saved.closes) this.#closes.take(bar);
  }

  save(): SavedInstrument {
    return { orders: [...this.#orders], fills: [...this.#fills], closes: this.#closes.save() };
  }

  decide(id: string, order: Order): void {
    this.#orders.set(id, order);
    this.#history = undefined;
  }

  fill(id: string, fill: Fill): void {
    if (this.#fills.has(id)) return;
    this.#fills.set(id, fill);
    this.#history = undefined;
  }

  close(bar: ClosingBar): void {
    this.#closes.take(bar);
    this.#history = undefined;
  }

  /** All of it in order; undefined where nothing was executed. */
  history(): TradeHistory | undefined {
    if (this.#history !== undefined || this.#fills.size === 0) return this.#history;
    const pricedBy = new Set<string>();
    const executions = [...this.#fills.values()].flatMap(({ decision, source, ...rest }) => {
      const order = this.#orders.get(decision);
      if (order === undefined) return [];
      const named = source ?? order.source;
      if (named !== null) pricedBy.add(named);
      return [{ ...rest, side: order.side }];
    });
    if (executions.length === 0) return undefined;
    const sources = [...pricedBy].sort();
    this.#history = new TradeHistory(inOrder(executions), this.#marksOf(sources), sources);
    return this.#history;
  }

  #marksOf(pricedBy: readonly string[]): ReturnType<Closes["series"]> {
    if (this.#source === null && pricedBy.length > 1) return null;
    return this.#closes.series(this.#source ?? pricedBy[0] ?? null);
  }
}

/** One instrument's executions and marks, to be counted by windows. */
export class TradeHistory {
  readonly #executions: readonly Execution[];
  readonly #marks: readonly DayClose[] | null;
  readonly #accounts = new Map<string, Account>();
  /** The source of the marks; null where there are none. */
  readonly markedBy: string | null;
  /** The sources that the executions name. */
  readonly pricedBy: readonly string[];
  /** The latest time that is known: an execution's, or the end of a bar. */
  readonly latestUs: number;

  constructor(
    executions: readonly Execution[],
    closes: { readonly source: string; readonly marks: readonly DayClose[] } | null,
    pricedBy: readonly string[],
  ) {
    this.#executions = executions;
    this.#marks = closes?.marks ?? null;
    this.markedBy = closes?.source ?? null;
    this.pricedBy = pricedBy;
    this.latestUs = Math.max(executions.at(-1)!.timestamp, closes?.marks.at(-1)?.endUs ?? 0);
  }

  account(window: Window): Account {
    const key = `${window.startUs} ${window.endUs}`;
    const account = this.#accounts.get(key) ?? accountOf(this.#executions, this.#marks, window);
    this.#accounts.set(key, account);
    return account;
  }

  /** The UTC years in which something was executed or a position was open. */
  years(): Set<number> {
    const years = new Set<number>();
    const book = new Book();
    for (const [n, execution] of this.#executions.entries()) {
      book.execute(execution);
      const { timestamp } = execution;
      // A bar that ends as a year begins is of the year before.
      const untilUs = book.position === 0 ? timestamp : (this.#executions[n + 1]?.timestamp ?? this.latestUs - 1);
      years.add(yearOf(timestamp));
      for (let year = yearOf(timestamp) + 1; year <= yearOf(untilUs); year++) years.add(year);
    }
    return years;
  }
}

const yearOf = (us: number) => new Date(us / 1000).getUTCFullYear();
