import { describe, expect, it } from "vitest";
import { quotes } from "../../producers/quotes.ts";
import { nthQuoteId, quoteId, symbolId } from "../../src/event/identity.ts";
import type { FeedOptions } from "../../src/feed/feed.ts";
import { readText } from "../support/feeds/feed-files.ts";

const AT = Date.parse("2024-03-05T14:30:00Z") * 1000;
const BASE = { symbol_id: symbolId("IBM", null), timestamp: AT, source: "desk" };
const QUOTE = { ...BASE, bid_price: 184.25, bid_size: 3, ask_price: 184.5, ask_size: 1 };

const read = (lines: readonly object[], options: FeedOptions = {}) =>
  readText(quotes, "quotes.jsonl", lines.map((line) => JSON.stringify(line)).join("\n"), options);

describe("quotes as JSON lines", () => {
  it("are told apart by the feed's sequence or by their order", async () => {
    const own = "0198c5a4-8f6e-7c3a-9d2b-5e4f3a2b1c0d";
    const { events, rejections } = await read([
      ...[QUOTE, { ...QUOTE, sequence: "7" }, QUOTE, { ...QUOTE, quote_id: own }],
      { ...QUOTE, sequence: null },
    ]);
    expect(rejections).toEqual([]);
    expect(events.map((event) => event.quote_id)).toEqual([
      nthQuoteId(QUOTE, 0),
      quoteId({ ...QUOTE, sequence: "7" }),
      nthQuoteId(QUOTE, 1),
      own,
      nthQuoteId(QUOTE, 2),
    ]);
  });

  it("may lack a side or sizes, and are rejected by line without both sides", async () => {
    const { bid_price, ask_price } = QUOTE;
    const { events, rejections } = await read([
      ...[
        { ...BASE, bid_price },
        { ...BASE, ask_price, bid_price: null },
        { ...BASE, bid_price, ask_price },
      ],
      ...[BASE, { ...BASE, bid_price, ask_size: 1 }, { ...QUOTE, bid_size: -1 }],
    ]);
    expect(events.length).toBe(3);
    expect(rejections).toEqual([
      { line: 4, reason: "bid_price must be given when ask_price is missing" },
      { line: 5, reason: "ask_size must be left out when ask_price is missing" },
      { line: 6, reason: "bid_size must not be negative" },
    ]);
  });
});

describe("quotes beside each other", () => {
  it.each([false, true])("land crossed and locked, and are counted (--strict: %s)", async (strict) => {
    const { feed, events, rejections } = await read(
      [
        ...[QUOTE, { ...QUOTE, bid_price: 184.75 }, { ...QUOTE, ask_price: 184.25 }],
        ...[
          { ...BASE, bid_price: 184 },
          { ...BASE, ask_price: 184 },
          { ...QUOTE, bid_price: 200 },
        ],
      ],
      { strict },
    );
    expect([events.length, rejections]).toEqual([6, []]);
    expect(feed.warnings()).toEqual([
      { what: "crossed quote, whose bid lies above its ask", count: 2, line: 2 },
      { what: "locked quote, whose bid lies on its ask", count: 1, line: 3 },
    ]);
  });

  it("are warned of where a price is a hundred times its neighbour, and rejected then with --strict", async () => {
    const far = { ...QUOTE, bid_price: 18425, ask_price: 18450 };
    const { feed, rejections } = await read([QUOTE, far], { strict: true });
    expect(feed.warnings()).toEqual([{ what: "price 100 times off its neighbour", count: 1, line: 2 }]);
    expect(rejections).toEqual([{ line: 2, reason: "price 100 times off its neighbour: 18425 after 184.25" }]);
  });
});
