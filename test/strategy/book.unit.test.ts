import { describe, expect, test } from "vitest";
import { Book, type Execution, inOrder, type Trip } from "../../src/strategy/book.ts";
import fc from "../support/random/fast-check.ts";

const DAY = 86_400_000_000;
const NEAR = 1e-9;

/** A quantity below 0 is a sale. */
type Signed = readonly [quantity: number, price: number, fee?: number];

/** Executions, one a day. */
function executions(...all: readonly Signed[]): Execution[] {
  return all.map(([signed, price, fee = 0], n) => ({
    side: signed > 0 ? "BUY" : "SELL",
    timestamp: n * DAY,
    partition: 0,
    offset: n,
    quantity: Math.abs(signed),
    price,
    fee,
  }));
}

function booked(all: readonly Execution[]): { book: Book; trips: Trip[] } {
  const book = new Book();
  const trips = all.flatMap((execution) => book.execute(execution) ?? []);
  return { book, trips };
}

const tripsOf = (...all: readonly Signed[]) =>
  booked(executions(...all)).trips.map(({ pnl, roi }) => [pnl, roi === null ? null : Math.round(roi / NEAR) * NEAR]);

describe("a trip", () => {
  test("goes from flat to flat, its partial fills and fees included", () => {
    const { trips } = booked(executions([6, 100, 1], [4, 110, 1], [-3, 120, 1], [-7, 130, 1], [1, 50]));
    const pnl = 360 + 910 - 600 - 440 - 4;
    expect(trips).toEqual([{ closedUs: 3 * DAY, pnl: expect.closeTo(pnl, 9), roi: expect.closeTo(pnl / 1040, 12) }]);
  });

  test("of a short has its sale as its notional", () => {
    expect(tripsOf([-10, 100], [10, 50])).toEqual([[500, 0.5]]);
    expect(tripsOf([-10, 100], [10, 200])).toEqual([[-1000, -1]]);
  });

  test("ends where the position goes through zero, and the rest begins the next one", () => {
    const flips = [20, -20, 20, -20].map((signed, n) => [-signed, n % 2 === 0 ? 110 : 100] as const);
    expect(tripsOf([10, 100], ...flips, [-10, 110])).toEqual([
      [100, 0.1],
      [100, expect.closeTo(1 / 11, 8)],
      [100, 0.1],
      [100, expect.closeTo(1 / 11, 8)],
      [100, 0.1],
    ]);
    const { book } = booked(executions([10, 100, 2], [-30, 110, 3]));
    expect([book.position, book.fees, book.unrealised(100)]).toEqual([-20, 5, 200]);
    // A third of the sale's fee closes the long one: 100 - 2 - 1.
    expect(booked(executions([10, 100, 2], [-30, 110, 3])).trips[0]?.pnl).toBeCloseTo(97, 12);
  });

  test("of a huge quantity in thirds ends, and doesn't swallow the next one", () => {
    const thirds = [-41_152_263.041, -41_152_263.041, -41_152_263.041].map((part) => [part, 1.1] as const);
    const trips = tripsOf([123_456_789.123, 1], ...thirds, [1000, 10], [-1000, 12]);
    expect(trips.map(([, roi]) => roi)).toEqual([expect.closeTo(0.1, 9), expect.closeTo(0.2, 9)]);
  });

  test("of the tiniest quantity is one", () => {
    expect(tripsOf([1e-12, 100], [-5e-13, 120], [-5e-13, 120]).map(([, roi]) => roi)).toEqual([expect.closeTo(0.2, 9)]);
  });

  test("at a price below zero has a return, and at zero money without one", () => {
    expect(tripsOf([1, -37], [-1, 10])).toEqual([[47, expect.closeTo(47 / 37, 8)]]);
    expect(tripsOf([-1, -10], [1, -37])).toEqual([[27, expect.closeTo(2.7, 8)]]);
    expect(tripsOf([1, 0], [-1, 10])).toEqual([[10, null]]);
  });
});

test("an order of one time is the log's, whatever comes first", () => {
  const [bought, sold] = executions([1, 100], [-1, 110]).map((one) => ({ ...one, timestamp: 0 }));
  expect(booked(inOrder([sold!, bought!])).trips).toEqual([{ closedUs: 0, pnl: 10, roi: 0.1 }]);
  const [first, second] = [
    { ...sold!, partition: 0, offset: 9 },
    { ...bought!, partition: 1, offset: 0 },
  ];
  expect(inOrder([second, first])).toEqual([first, second]);
});

/** The same book in whole numbers, of thousandths: exact, with fractions where something is divided. */
class Fraction {
  readonly top: bigint;
  readonly bottom: bigint;

  constructor(top: bigint, bottom = 1n) {
    const divisor = gcd(top < 0n ? -top : top, bottom < 0n ? -bottom : bottom) || 1n;
    const sign = bottom < 0n ? -1n : 1n;
    [this.top, this.bottom] = [(sign * top) / divisor, (sign * bottom) / divisor];
  }

  plus = (other: Fraction) =>
    new Fraction(this.top * other.bottom + other.top * this.bottom, this.bottom * other.bottom);
  times = (other: Fraction) => new Fraction(this.top * other.top, this.bottom * other.bottom);
  over = (other: Fraction) => new Fraction(this.top * other.bottom, this.bottom * other.top);
  negated = () => new Fraction(-this.top, this.bottom);

  /** 20 digits behind the point, more than a double has. */
  get value(): number {
    return Number((this.top * 10n ** 20n) / this.bottom) / 1e20;
  }
}

const gcd = (a: bigint, b: bigint): bigint => (b === 0n ? a : gcd(b, a % b));
const exact = (value: number) => new Fraction(BigInt(Math.round(value * 1000)), 1000n);
const ZERO = new Fraction(0n);

/**
 * Trips share by share, so to speak: each trip's executions are gathered first, a flip's divided between two, and its pnl
 * is what came in less what went out. No average is kept.
 */
function exactTrips(all: readonly Execution[]): { pnl: number; roi: number | null }[] {
  const trips: { pnl: number; roi: number | null }[] = [];
  let [position, cash, notional] = [ZERO, ZERO, ZERO];
  for (const { side, quantity, price, fee } of all) {
    const [sign, at] = [side === "BUY" ? 1n : -1n, exact(price)];
    let rest = exact(quantity);
    const take = (part: Fraction) => {
      const signed = part.times(new Fraction(sign));
      const isEntry = position.top === 0n || position.top > 0n === sign > 0n;
      const worth = part.times(at);
      if (isEntry) notional = notional.plus(worth.top < 0n ? worth.negated() : worth);
      position = position.plus(signed);
      cash = cash.plus(signed.times(at).negated()).plus(
        exact(fee)
          .times(part.over(exact(quantity)))
          .negated(),
      );
      rest = rest.plus(part.negated());
      if (position.top !== 0n) return;
      trips.push({ pnl: cash.value, roi: notional.top === 0n ? null : cash.over(notional).value });
      [cash, notional] = [ZERO, ZERO];
    };
    const held = position.top < 0n ? position.negated() : position;
    const isFlip = position.top > 0n !== sign > 0n && held.top > 0n && rest.plus(held.negated()).top > 0n;
    if (isFlip) take(held);
    take(rest);
  }
  return trips;
}

test("10,000 random executions with shorts, flips and prices below zero come to what exact fractions say", () => {
  const quantity = fc.integer({ min: 1, max: 20_000 }).map((thousandths) => thousandths / 1000);
  const price = fc.integer({ min: -5000, max: 500_000 }).map((thousandths) => thousandths / 1000);
  const whole = fc.tuple(fc.boolean(), fc.boolean(), quantity, price, fc.integer({ min: 0, max: 2000 }));
  const all = fc.sample(whole, { numRuns: 10_000, seed: 1 });
  let held = 0;
  const made = all.flatMap(([isBuy, isClosing, size, at, fee]): [number, number, number][] => {
    const signed = isClosing && held !== 0 ? -held : isBuy ? size : -size;
    held = Math.round((held + signed) * 1000) / 1000;
    return [[signed, at, fee / 1000]];
  });
  const { trips } = booked(executions(...made));
  const expected = exactTrips(executions(...made));
  expect(trips.length).toBe(expected.length);
  expect(trips.length).toBeGreaterThan(4000);
  for (const [n, { pnl, roi }] of trips.entries()) {
    const right = expected[n]!;
    expect(Math.abs(pnl - right.pnl), `${n}`).toBeLessThanOrEqual(NEAR * Math.max(1, Math.abs(right.pnl)));
    if (right.roi === null) expect(roi).toBeNull();
    else expect(Math.abs(roi! - right.roi), `${n}`).toBeLessThanOrEqual(NEAR * Math.max(1, Math.abs(right.roi)));
  }
});
