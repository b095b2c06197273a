/** A bar's close. */
interface Close {
  readonly endUs: number;
  readonly price: number;
  /** Which revision of the bar this is. */
  readonly revisedUs: number;
}

/** A prediction, as far as judging it goes. */
interface Forecast {
  readonly id: string;
  readonly modelVersion: string;
  readonly timestamp: number;
  readonly probabilityUp: number | null;
  readonly predictedPrice: number | null;
}

/** What came of a forecast: the close that was known as it was made, and the one that its horizon ended at. */
export interface Judgement {
  readonly forecast: Forecast;
  readonly base: Close;
  readonly realised: Close;
  /** The latest of all bars so far: a late bar that was revised long ago must not lose against an outcome without it. */
  readonly revisedUs: number;
}

/** What a judge remembers, as plain JSON values. */
export interface JudgeState {
  readonly hasOwn: boolean;
  readonly revisedUs: number | null;
  readonly closes: readonly Close[];
  readonly forecasts: readonly (Forecast & { readonly horizonUs: number; readonly told: string | null })[];
}

interface Waiting {
  readonly forecast: Forecast;
  /** What was said of it last, to say nothing twice. */
  told: string | null;
}

/**
 * The forecasts about one instrument's prices of one source, and the closes that judge them, in any order. The base is the
 * last close that was known at the forecast's time. The realised one is the first close at or after the horizon's end, and
 * after the base: a bar that ends up to half a bar before it still counts as at it, as days are hours longer or shorter by
 * clocks and holidays. Bars of a session of its own push out live ones of the same source.
 */
export class Judge {
  readonly #earlyUs: number;
  #hasOwn: boolean;
  #revisedUs: number;
  /** By their ends. */
  #closes: Close[];
  /** By the length of the horizon, then by time. */
  readonly #forecasts = new Map<number, Waiting[]>();

  /** @param barUs the nominal length of the bars */
  constructor(barUs: number, state: JudgeState | undefined) {
    this.#earlyUs = barUs / 2;
    this.#hasOwn = state?.hasOwn ?? false;
    this.#revisedUs = state?.revisedUs ?? Number.NEGATIVE_INFINITY;
    this.#closes = [...(state?.closes ?? [])];
    for (const { horizonUs, told, ...forecast } of state?.forecasts ?? []) {
      const list = this.#forecasts.get(horizonUs) ?? [];
      this.#forecasts.set(horizonUs, list);
      list.push({ forecast, told });
    }
  }

  /**
   * @param horizonUs at least a bar's length
   * @returns what is known now of this forecast; nothing where one of its two closes is missing, or it was told before
   */
  forecast(forecast: Forecast, horizonUs: number): Judgement[] {
    const list = this.#forecasts.get(horizonUs) ?? [];
    this.#forecasts.set(horizonUs, list);
    let at = placeOf(list, forecast.timestamp, timeOf);
    for (; list[at]?.forecast.timestamp === forecast.timestamp; at++) {
      if (list[at]!.forecast.id === forecast.id) return [];
    }
    const waiting = { forecast, told: null };
    list.splice(at, 0, waiting);
    return this.#judge(waiting, horizonUs);
  }

  /** @returns the forecasts that this close judges, or judges otherwise than before */
  close(close: Close, isOwn: boolean): Judgement[] {
    if (!isOwn && this.#hasOwn) return [];
    if (isOwn && !this.#hasOwn) {
      this.#hasOwn = true;
      this.#closes = [];
    }
    this.#revisedUs = Math.max(this.#revisedUs, close.revisedUs);
    const at = placeOf(this.#closes, close.endUs, endOf);
    const known = this.#closes[at]?.endUs === close.endUs ? this.#closes[at]! : undefined;
    if (known !== undefined && close.revisedUs < known.revisedUs) return [];
    this.#closes.splice(at, known === undefined ? 0 : 1, close);
    const before = this.#closes[at - 1]?.endUs ?? Number.NEGATIVE_INFINITY;
    const after = this.#closes[at + 1]?.endUs ?? Number.POSITIVE_INFINITY;
    return [...this.#forecasts].flatMap(([horizonUs, list]) => {
      // As realised close it serves those that are due behind the close before it, as base those of before the next one.
      const from = placeOf(list, before - horizonUs + this.#earlyUs, timeOf);
      const until = placeOf(list, after, timeOf);
      return list.slice(from, until).flatMap((waiting) => this.#judge(waiting, horizonUs));
    });
  }

  /** How many forecasts have no outcome yet. */
  get waiting(): number {
    return [...this.#forecasts.values()].reduce(
      (sum, list) => sum + list.filter(({ told }) => told === null).length,
      0,
    );
  }

  save(): JudgeState {
    const forecasts = [...this.#forecasts].flatMap(([horizonUs, list]) =>
      list.map(({ forecast, told }) => ({ ...forecast, horizonUs, told })),
    );
    const revisedUs = this.#closes.length === 0 ? null : this.#revisedUs;
    return { hasOwn: this.#hasOwn, revisedUs, closes: this.#closes, forecasts };
  }

  #judge(waiting: Waiting, horizonUs: number): Judgement[] {
    const { forecast } = waiting;
    const next = placeOf(this.#closes, forecast.timestamp + 1, endOf);
    const due = placeOf(this.#closes, forecast.timestamp + horizonUs - this.#earlyUs, endOf);
    const [base, realised] = [this.#closes[next - 1], this.#closes[Math.max(next, due)]];
    if (base === undefined || realised === undefined) return [];
    const told = `${base.endUs} ${base.price} ${realised.endUs} ${realised.price}`;
    if (told === waiting.told) return [];
    waiting.told = told;
    return [{ forecast, base, realised, revisedUs: this.#revisedUs }];
  }
}

const timeOf = ({ forecast }: Waiting) => forecast.timestamp;
const endOf = ({ endUs }: Close) => endUs;

/** The place of the first of a sorted list that lies at `us` or later; its length when none does. */
function placeOf<T>(list: readonly T[], us: number, of: (item: T) => number): number {
  let [low, high] = [0, list.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (of(list[middle]!) < us) low = middle + 1;
    else high = middle;
  }
  return low;
}
