import { describe, expect, test } from "vitest";
import { forecast } from "../../src/strategy/model.ts";
import { PAPER, PaperBroker, type Report } from "../../src/strategy/paper/paper-broker.ts";
import { Policy } from "../../src/strategy/policy.ts";
import fc from "../support/random/fast-check.ts";
import { idOf, NOON } from "../support/samples.ts";

const DAY = 86_400_000_000;
const FLAT = { close: 100, rsi: 50, macdHistogram: 0, sma50: 100, sma200: 100, bandUpper: 104, bandLower: 96 };

describe("the model", () => {
  test("is the formula that its docstring states", () => {
    const features = { ...FLAT, rsi: 60, macdHistogram: 0.5, sma50: 101, sma200: 99 };
    // s = 2, z = 2 * 0.5 / 2 + 0.5 - 0.2 = 0.8
    const p = 1 / (1 + Math.exp(-0.8));
    const { probabilityUp, predictedPrice, confidence } = forecast(features);
    expect(probabilityUp).toBeCloseTo(p, 15);
    // 20 closes of independent moves vary by 399 / 120 times a move's variance; the mean size is 0.8 of its deviation.
    expect(predictedPrice).toBeCloseTo(100 + (2 * p - 1) * 2 * Math.sqrt(120 / 399) * Math.sqrt(2 / Math.PI), 12);
    expect(confidence).toBeCloseTo(2 * p - 1, 15);
  });

  test("expects a price above the close just when a rise is likelier than a fall, also of negative prices", () => {
    const number = (least: number, most: number) => fc.double({ min: least, max: most, noNaN: true });
    const features = fc.record({
      ...{ close: number(-100, 1e6), rsi: number(0, 100), macdHistogram: number(-50, 50) },
      ...{ sma50: number(1, 1e6), sma200: number(1, 1e6), bandLower: number(0, 1e6) },
    });
    fc.assert(
      fc.property(features, number(0.01, 1e5), (some, width) => {
        const { probabilityUp: p, predictedPrice } = forecast({ ...some, bandUpper: some.bandLower + width });
        const expected = Math.abs(2 * p - 1) < 1e-9 ? 0 : Math.sign(p - 0.5);
        if (expected !== 0) expect(Math.sign(predictedPrice - some.close)).toBe(expected);
      }),
    );
  });

  test("knows nothing where nothing moves", () => {
    const still = { ...FLAT, bandUpper: 100, bandLower: 100 };
    expect(forecast(still)).toEqual({ probabilityUp: 0.5, predictedPrice: 100, confidence: 0 });
  });
});

describe("the policy", () => {
  const settings = { entry: 0.6, size: 10, positionMax: 10, confidenceMin: 0.25, cooldownUs: 5 * DAY };
  const at = (day: number, probabilityUp: number) => ({
    timestamp: NOON + day * DAY,
    probabilityUp,
    confidence: Math.abs(2 * probabilityUp - 1),
  });

  test("holds between its entries, and asks for nothing", () => {
    expect(new Policy(settings).decide(at(0, 0.55))).toMatchObject({ action: "HOLD", size: 0, approved: false });
  });

  test("buys, holds what it has, sells it, and names the filter that objects", () => {
    const policy = new Policy(settings);
    const decide = (day: number, p: number) => {
      const { action, size, approved, reason } = policy.decide(at(day, p));
      return `${action} ${size} ${approved ? "approved" : "refused"}: ${reason}`;
    };
    expect([
      decide(0, 0.3),
      decide(1, 0.61),
      decide(2, 0.7),
      decide(3, 0.7),
      decide(4, 0.3),
      decide(5, 0.7),
      decide(7, 0.7),
    ]).toEqual([
      "SELL 10 refused: sell: a rise has 30.0 %; position: nothing is held",
      "BUY 10 refused: buy: a rise has 61.0 %; confidence: 22.0 % of 25.0 %",
      "BUY 10 approved: buy: a rise has 70.0 %",
      "BUY 10 refused: buy: a rise has 70.0 %; position: 10 of 10 at most are held; cooldown: 1 of 5 days",
      "SELL 10 approved: sell: a rise has 30.0 %",
      "BUY 10 refused: buy: a rise has 70.0 %; cooldown: 3 of 5 days",
      "BUY 10 approved: buy: a rise has 70.0 %",
    ]);
  });
});

describe("the paper broker", () => {
  const thousand = (settings = PAPER) => {
    const broker = new PaperBroker(settings);
    return Array.from({ length: 1000 }, (_, n) =>
      broker.execute({ id: idOf(`order ${n}`), side: n % 2 === 0 ? "BUY" : "SELL", size: 10 }, 100),
    );
  };
  const orders = thousand();
  const filled = (reports: readonly Report[]) => reports.reduce((sum, { quantity }) => sum + quantity, 0);

  test("does the same again for the same seed, and something else for another", () => {
    expect(thousand()).toEqual(orders);
    expect(thousand({ ...PAPER, seed: 2 })).not.toEqual(orders);
  });

  test("fills whole, in parts, cancels remainders and rejects", () => {
    const kinds = new Set(orders.map((reports) => reports.map(({ status }) => status).join(" ")));
    for (const kind of ["FILLED", "FILLED FILLED", "FILLED FILLED FILLED", "REJECTED", "FILLED CANCELED"]) {
      expect(kinds).toContain(kind);
    }
  });

  test("never sells what it doesn't hold, and holds nothing after a sale", () => {
    for (let n = 0; n < orders.length; n += 2) {
      expect(filled(orders[n]!)).toBeLessThanOrEqual(10);
      expect(filled(orders[n + 1]!)).toBe(filled(orders[n]!));
    }
  });

  test("is later with every part, a little worse than the open, and takes its fee", () => {
    for (const reports of orders) {
      expect(reports.every(({ afterUs }, i) => afterUs > (reports[i - 1]?.afterUs ?? 0))).toBe(true);
    }
    const [bought, sold] = [orders[0]![0]!, orders[1]![0]!];
    expect([bought.price, sold.price]).toEqual([100 * 1.0001, 100 * 0.9999]);
    expect(bought.fee).toBeCloseTo(bought.quantity * 100 * 1.0001 * 0.0001, 12);
  });

  test("hands its reports out in reverse when it is told to, and they are the same reports", () => {
    expect(thousand({ ...PAPER, outOfOrder: true })).toEqual(orders.map((reports) => [...reports].reverse()));
  });
});
