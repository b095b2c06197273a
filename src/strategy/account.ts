import { DAY_US, type Day, dayOf } from "../event/day.ts";
import { Book, type Execution, type Trip } from "./book.ts";

export interface Window {
  /** The first microsecond in it, since 1970. */
  readonly startUs: number;
  /** The first one behind it. */
  readonly endUs: number;
}

/** The last close of a UTC day's bars. */
export interface DayClose {
  /** When its bar ended, microseconds since 1970. */
  readonly endUs: number;
  readonly price: number;
}

/** One UTC day of an account. What needs a mark is null where something is held that has none. */
export interface AccountDay {
  readonly day: Day;
  /** Money, from the start of the window to the end of this day; null also where `Account.before` is. */
  readonly pnl: number | null;
  /** Of `pnl` what exits made, after all fees; the rest is what is open. */
  readonly realised: number;
  readonly fees: number;
  /** The most that was at stake on the day: the position at the close before it, or at the price of an execution. */
  readonly stake: number | null;
  /** The position at this day's close, as money without a sign. */
  readonly exposure: number | null;
  /** The same with its sign: a short is negative. Of several instruments the long ones less the short ones. */
  readonly net: number | null;
}

/** What a strategy did in a window with one instrument, or with all of them. Money is in the instrument's currency. */
export interface Account {
  /** Those that closed in the window. */
  readonly trips: readonly Trip[];
  /** What exits made against the average cost, after all fees of the window. */
  readonly realised: number;
  readonly fees: number;
  /** Quantity at the window's end, a short one below 0; null of several instruments. */
  readonly position: number | null;
  /** What one unit of it cost in the mean; null where nothing is open, and of several instruments. */
  readonly averagePrice: number | null;
  /** The last close by the window's end; null where there is none, and of several instruments. */
  readonly mark: DayClose | null;
  /** What the position at the window's end would make at its mark; null where it has none. */
  readonly unrealised: number | null;
  /** Realised, and what the open position made in the window; null where a position at either end has no mark. */
  readonly pnl: number | null;
  /** `pnl` of the time before the window. */
  readonly before: number | null;
  /** The position at the window's start as money, a short one below 0; null where it has no mark. */
  readonly netBefore: number | null;
  /** From the first day on that knows an execution, those on which something was executed or a bar closed. */
  readonly days: readonly AccountDay[];
  /** Whether `days` are all there: where nothing marks the instrument, those on which only a bar closed aren't known. */
  readonly hasAllDays: boolean;
}

/**
 * A window of one instrument's account, marked at the end of each UTC day with the last close that the day's bars had: a
 * day that has none is marked with the one before it.
 * @param executions all there ever were, in order
 * @param marks one a day, in order; null where nothing marks the instrument
 */
export function accountOf(
  executions: readonly Execution[],
  marks: readonly DayClose[] | null,
  { startUs, endUs }: Window,
): Account {
  const walk = new Walk(executions, marks ?? []);
  walk.to(startUs);
  const { realised, fees, value: before, net: netBefore } = walk;
  const lessBefore = (value: number | null) => (value === null || before === null ? null : value - before);
  const earned = () => ({ realised: walk.realised - walk.fees - (realised - fees), fees: walk.fees - fees });
  const days: AccountDay[] = [];
  let exposure = sizeOf(netBefore);
  for (const day of daysOf(executions, marks ?? [], { startUs, endUs })) {
    const executed = walk.to(Math.min((day + 1) * DAY_US, endUs));
    const stake = exposure === null ? null : Math.max(exposure, executed);
    const { net } = walk;
    exposure = sizeOf(net);
    if (walk.hasBegun) days.push({ day, pnl: lessBefore(walk.value), ...earned(), stake, exposure, net });
  }
  return {
    trips: walk.trips.filter(({ closedUs }) => closedUs >= startUs),
    ...earned(),
    position: walk.position,
    averagePrice: walk.averagePrice,
    mark: walk.mark,
    unrealised: walk.unrealised,
    pnl: lessBefore(walk.value),
    before,
    netBefore,
    days,
    // What was neither held nor traded has no day that counts.
    hasAllDays: marks !== null || (days.length === 0 && before !== null),
  };
}

const sizeOf = (net: number | null) => (net === null ? null : Math.abs(net));

/** The UTC days of a window on which something was executed or a bar closed. */
function daysOf(executions: readonly Execution[], marks: readonly DayClose[], { startUs, endUs }: Window): Day[] {
  const executed = executions.filter(({ timestamp }) => timestamp >= startUs && timestamp < endUs);
  const marked = marks.filter((mark) => mark.endUs > startUs && mark.endUs <= endUs);
  const days = [...executed.map(({ timestamp }) => dayOf(timestamp)), ...marked.map((mark) => dayOf(mark.endUs - 1))];
  return [...new Set(days)].sort((a, b) => a - b);
}

/** A book and its mark, on their way through time. */
class Walk {
  readonly #executions: readonly Execution[];
  readonly #marks: readonly DayClose[];
  readonly #book = new Book();
  #executed = 0;
  #marked = 0;
  readonly trips: Trip[] = [];

  constructor(executions: readonly Execution[], marks: readonly DayClose[]) {
    this.#executions = executions;
    this.#marks = marks;
  }

  /** Takes what happened before a time. @returns the most that was at stake behind one of the executions */
  to(us: number): number {
    let stake = 0;
    for (; this.#executed < this.#executions.length; this.#executed++) {
      const execution = this.#executions[this.#executed]!;
      if (execution.timestamp >= us) break;
      const trip = this.#book.execute(execution);
      if (trip !== undefined) this.trips.push(trip);
      stake = Math.max(stake, Math.abs(this.#book.position * execution.price));
    }
    while ((this.#marks[this.#marked]?.endUs ?? Number.POSITIVE_INFINITY) <= us) this.#marked++;
    return stake;
  }

  get hasBegun(): boolean {
    return this.#executed > 0;
  }

  get position(): number {
    return this.#book.position;
  }

  get realised(): number {
    return this.#book.realised;
  }

  get fees(): number {
    return this.#book.fees;
  }

  get averagePrice(): number | null {
    return this.#book.averagePrice;
  }

  get mark(): DayClose | null {
    return this.#marks[this.#marked - 1] ?? null;
  }

  get unrealised(): number | null {
    const { mark } = this;
    if (this.position === 0) return 0;
    return mark === null ? null : this.#book.unrealised(mark.price);
  }

  get value(): number | null {
    const { unrealised } = this;
    return unrealised === null ? null : this.realised - this.fees + unrealised;
  }

  get net(): number | null {
    const { mark } = this;
    if (this.position === 0) return 0;
    return mark === null ? null : this.position * mark.price;
  }
}
