import { BollingerBands, EMA, RSI, SMA } from "trading-signals";

/** One value of one indicator after a close. */
export interface IndicatorValue {
  /** SMA, EMA, RSI, MACD, MACD_SIGNAL, MACD_HISTOGRAM, BOLLINGER_UPPER, BOLLINGER_LOWER. */
  readonly name: string;
  /** Its window in bars, where one number says it. */
  readonly period: number | null;
  /** Its settings, where one number doesn't. */
  readonly settings: Readonly<Record<string, number>>;
  readonly value: number;
}

/** Windows in bars. */
interface IndicatorSettings {
  readonly sma: readonly number[];
  readonly ema: readonly number[];
  readonly rsi: number;
  readonly macd: { readonly fast: number; readonly slow: number; readonly signal: number };
  readonly bollinger: { readonly period: number; readonly deviations: number };
}

/** As charts have them everywhere. */
export const USUAL: IndicatorSettings = {
  sma: [20, 50, 200],
  ema: [12, 26],
  rsi: 14,
  macd: { fast: 12, slow: 26, signal: 9 },
  bollinger: { period: 20, deviations: 2 },
};

/**
 * The exponential average with alpha = 2 / (period + 1), which begins with the plain average of its first `period`
 * values, as TA-Lib and d3fc have it. trading-signals begins with the first value alone; the two differ by their first
 * difference times (1 - alpha) per bar since.
 */
export class SeededEma {
  readonly #seed: SMA;
  readonly #average: EMA;

  constructor(period: number) {
    this.#seed = new SMA(period);
    this.#average = new EMA(period);
  }

  /** @returns null before there are `period` values */
  add(value: number): number | null {
    if (this.#seed.isStable) return this.#average.update(value, false);
    const seed = this.#seed.update(value, false);
    return seed === null ? null : this.#average.update(seed, false);
  }
}

/**
 * The indicators of one series of closes, bar by bar, in plain formulas:
 * - SMA(n): mean of the last n closes
 * - EMA(n): `SeededEma`
 * - RSI(14): 100 - 100 / (1 + mean gain / mean loss), the means by Wilder's smoothing (alpha = 1/14) from the plain mean
 *   of the first 14 changes on (Wilder, New Concepts in Technical Trading Systems, 1978)
 * - MACD: EMA(12) - EMA(26), the two that are told beside it, each from its own first value on, as d3fc has it. TA-Lib lets
 *   EMA(12) begin with the mean of closes 15 to 26: the difference is 11/13 of itself per bar, nothing in a double after 250;
 *   MACD_SIGNAL: EMA(9) of it; MACD_HISTOGRAM: their difference (Appel)
 * - BOLLINGER: SMA(20) plus and minus 2 deviations of the same closes; the deviation is the population's, divided by n,
 *   as Bollinger defines it, where d3fc divides by n - 1
 */
export class IndicatorSet {
  readonly #settings: IndicatorSettings;
  readonly #means: readonly { readonly period: number; readonly average: SMA }[];
  readonly #averages: readonly { readonly period: number; readonly average: SeededEma }[];
  readonly #rsi: RSI;
  readonly #fast: SeededEma;
  readonly #slow: SeededEma;
  readonly #signal: SeededEma;
  readonly #bands: BollingerBands;

  constructor(settings: IndicatorSettings = USUAL) {
    const { sma, ema, rsi, macd, bollinger } = settings;
    this.#settings = settings;
    this.#means = sma.map((period) => ({ period, average: new SMA(period) }));
    this.#averages = ema.map((period) => ({ period, average: new SeededEma(period) }));
    this.#rsi = new RSI(rsi);
    this.#fast = new SeededEma(macd.fast);
    this.#slow = new SeededEma(macd.slow);
    this.#signal = new SeededEma(macd.signal);
    this.#bands = new BollingerBands(bollinger.period, bollinger.deviations);
  }

  /** @returns what is known after this close: nothing of an indicator that hasn't seen enough */
  add(close: number): IndicatorValue[] {
    const values: IndicatorValue[] = [];
    const put = (name: string, period: number | null, value: number | null, settings = {}) => {
      if (value !== null && Number.isFinite(value)) values.push({ name, period, settings, value });
    };
    for (const { period, average } of this.#means) put("SMA", period, average.update(close, false));
    for (const { period, average } of this.#averages) put("EMA", period, average.add(close));
    put("RSI", this.#settings.rsi, this.#rsi.update(close, false));
    const [fast, slow] = [this.#fast.add(close), this.#slow.add(close)];
    const macd = fast === null || slow === null ? null : fast - slow;
    const signal = macd === null ? null : this.#signal.add(macd);
    put("MACD", null, macd, this.#settings.macd);
    put("MACD_SIGNAL", null, signal, this.#settings.macd);
    put("MACD_HISTOGRAM", null, macd === null || signal === null ? null : macd - signal, this.#settings.macd);
    const bands = this.#bands.update(close, false);
    const { period, deviations } = this.#settings.bollinger;
    put("BOLLINGER_UPPER", period, bands?.upper ?? null, { deviations });
    put("BOLLINGER_LOWER", period, bands?.lower ?? null, { deviations });
    return values;
  }
}
