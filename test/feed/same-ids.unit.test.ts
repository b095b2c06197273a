import { describe, expect, it } from "vitest";
import type { QuoteEvent } from "../../src/event/events.ts";
import { SameIds } from "../../src/feed/same-ids.ts";
import { idOf, quote } from "../support/samples.ts";

/** The line that a second quote of the same id, changed so, is said to contradict; 0 for none. */
const lineOf = (change: Partial<QuoteEvent>, first: Partial<QuoteEvent> = {}): number => {
  const seen = new SameIds();
  expect(seen.lineOfOther(quote(1, first), 7)).toBe(0);
  return seen.lineOfOther({ ...quote(1, first), ...change }, 8);
};

describe("two quotes of one file with one id", () => {
  it.each<Partial<QuoteEvent>>([
    ...[{ bid_price: 1 }, { bid_size: 1 }, { ask_price: 1 }, { ask_size: null }, { timestamp: 1 }],
    ...[{ timestamp_ns: 5 }, { conditions: ["Q"] }, { bid_price: null, bid_size: null }],
  ])("contradict each other by %o", (change) => {
    expect(lineOf(change)).toBe(7);
  });

  it("say the same where only the time of receipt differs", () => {
    expect(lineOf({})).toBe(0);
    expect(lineOf({ received_at: 5 })).toBe(0);
  });

  it("are told apart by their whole content where the feed numbers none, so nothing is compared", () => {
    expect(lineOf({ bid_price: 1 }, { sequence: null })).toBe(0);
    expect(lineOf({ quote_id: idOf("another"), bid_price: 1 })).toBe(0);
  });
});
