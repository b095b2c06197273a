/** What the model looks at: indicators of one bar. */
export interface Features {
  readonly rsi: number;
  readonly macdHistogram: number;
  readonly sma20: number;
  readonly sma50: number;
  readonly sma200: number;
  readonly bandUpper: number;
  readonly bandLower: number;
}

interface Forecast {
  readonly probabilityUp: number;
  readonly predictedPrice: number;
  readonly confidence: number;
}

export const MODEL_VERSION = "trend-logit-1";

/** Chosen by hand, fitted to nothing: an example whose every number can be followed, and no advice. */
const WEIGHTS = { acceleration: 2, trend: 0.5, stretch: 1 } as const;

/**
 * A logit of three numbers that anybody can recompute:
 *
 *     s = (upper band - lower band) / 4, the deviation of the last 20 closes (the bands lie 2 of them away)
 *     z = 2 * MACD histogram / s + 0.5 * sign(SMA 50 - SMA 200) - (RSI - 50) / 50
 *     probability up = 1 / (1 + exp(-z))
 *     predicted price = SMA 20 + (2 * probability - 1) * s;  confidence = |2 * probability - 1|
 *
 * Acceleration as Appel reads the histogram (Technical Analysis, 2005), the trend by the moving averages' order (Brock,
 * Lakonishok and LeBaron, Journal of Finance 47, 1992), and Wilder's RSI against what has run too far.
 */
export function forecast(features: Features): Forecast {
  const { rsi, macdHistogram, sma20, sma50, sma200, bandUpper, bandLower } = features;
  const deviation = (bandUpper - bandLower) / 4;
  // Twenty equal closes: nothing moves, so nothing accelerates.
  const acceleration = deviation > 0 ? macdHistogram / deviation : 0;
  const z =
    WEIGHTS.acceleration * acceleration +
    WEIGHTS.trend * Math.sign(sma50 - sma200) -
    (WEIGHTS.stretch * (rsi - 50)) / 50;
  const probabilityUp = 1 / (1 + Math.exp(-z));
  const lean = 2 * probabilityUp - 1;
  return { probabilityUp, predictedPrice: sma20 + lean * deviation, confidence: Math.abs(lean) };
}
