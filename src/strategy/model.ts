/** What the model looks at: a bar's close, and its indicators. */
export interface Features {
  readonly close: number;
  readonly rsi: number;
  readonly macdHistogram: number;
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

export const MODEL_VERSION = "trend-logit-2";

/** Chosen by hand, fitted to nothing: an example whose every number can be followed, and no advice. */
const WEIGHTS = { acceleration: 2, trend: 0.5, stretch: 1 } as const;

/** Of the closes in the bands. */
const CLOSES = 20;

/**
 * How far a price goes in one bar, as a share of the deviation of 20 closes. Where each move is independent of the others and of
 * the deviation d, n closes in a row are expected to vary around their mean by d * d * (n * n - 1) / (6 * n), and a normally
 * distributed move has the mean size d * sqrt(2 / pi).
 */
const TYPICAL_MOVE = Math.sqrt(2 / Math.PI) / Math.sqrt((CLOSES * CLOSES - 1) / (6 * CLOSES));

/**
 * A logit of three numbers that anybody can recompute:
 *
 *     s = (upper band - lower band) / 4, the deviation of the last 20 closes (the bands lie 2 of them away)
 *     z = 2 * MACD histogram / s + 0.5 * sign(SMA 50 - SMA 200) - (RSI - 50) / 50
 *     probability up = 1 / (1 + exp(-z))
 *     predicted price = close + (2 * probability - 1) * 0.4376 * s;  confidence = |2 * probability - 1|
 *
 * Acceleration as Appel reads the histogram (Technical Analysis, 2005), the trend by the moving averages' order (Brock,
 * Lakonishok and LeBaron, Journal of Finance 47, 1992), and Wilder's RSI against what has run too far. The price is what is
 * expected one bar ahead of a typical move (`TYPICAL_MOVE`) up with that probability, and else down, so that it lies above the
 * close just when a rise is likelier than a fall.
 */
export function forecast(features: Features): Forecast {
  const { close, rsi, macdHistogram, sma50, sma200, bandUpper, bandLower } = features;
  const deviation = (bandUpper - bandLower) / 4;
  // Twenty equal closes: nothing moves, so nothing accelerates.
  const acceleration = deviation > 0 ? macdHistogram / deviation : 0;
  const z =
    WEIGHTS.acceleration * acceleration +
    WEIGHTS.trend * Math.sign(sma50 - sma200) -
    (WEIGHTS.stretch * (rsi - 50)) / 50;
  const probabilityUp = 1 / (1 + Math.exp(-z));
  const lean = 2 * probabilityUp - 1;
  return { probabilityUp, predictedPrice: close + lean * TYPICAL_MOVE * deviation, confidence: Math.abs(lean) };
}
