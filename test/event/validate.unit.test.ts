import { describe, expect, it } from "vitest";
import { completeEvent } from "../../src/event/complete.ts";
import { barId, symbolId, tickId } from "../../src/event/identity.ts";
import type { EventTopic } from "../../src/event/schemas.ts";
import { EVENT_BY_TOPIC, EVENT_SCHEMAS, EVENT_TOPICS } from "../../src/event/schemas.ts";
import { checkEvent } from "../../src/event/validate.ts";

const ID = "0198c5a4-8f6e-7c3a-9d2b-5e4f3a2b1c0d";
const at = { symbol_id: ID, timestamp: 1_700_000_000_000_000 };
const GOOD: { [T in EventTopic]: Record<string, unknown> } = {
  symbols: { symbol_id: ID, ticker: "IBM" },
  sessions: { backtest_session_id: ID, kind: "backtest", status: "created", config: '{"a": 1}' },
  ticks: { market_data_id: ID, ...at, close: -37.63, volume: 0, source: "lean", conditions: ["@"], timestamp_ns: 999 },
  quotes: { quote_id: ID, ...at, bid_price: -37.63, bid_size: 0, ask_price: -38, ask_size: 1, source: "sip" },
  bars: { market_data_id: ID, ...at, open: 1, high: 2, low: 0, close: 1, volume: 3, interval: "1d", source: "y" },
  indicators: { indicator_id: ID, ...at, indicator_name: "SMA", indicator_value: 1, period: 20, computed_by: "desk" },
  predictions: { prediction_id: ID, ...at, model_version: "m1", probability_up: 1, confidence_score: 0 },
  decisions: { decision_id: ID, ...at, action: "BUY", size: 5, approved: true },
  fills: { execution_id: ID, decision_id: ID, ...at, executed_price: 1, quantity: 2, status: "FILLED", broker: "b" },
  performance: { performance_id: ID, strategy_id: ID, window_start: 1, window_end: 2, total_trades: 3, win_rate: 0.5 },
  outcomes: {
    ...{ outcome_id: ID, prediction_id: ID, symbol_id: ID, timestamp: 2, model_version: "m", judged_by: "1d test" },
    ...{ base_price: 1, base_at: 1, realised_price: 2, brier: 0.25 },
  },
  calls: {
    ...{ call_id: ID, timestamp: 1, ended_at: 1, kind: "TOOL", actor: "desk", name: "quote", request: "{}" },
    ...{ request_sha256: "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a", request_bytes: 2 },
  },
  contents: {
    ...{ content_id: ID, timestamp: 1, body: "{}" },
    sha256: "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a",
  },
  audit: { log_id: ID, timestamp: 1, event_type: "LLM_CALL", actor: "desk", payload: "{}" },
};

describe("checkEvent, for every topic", () => {
  it.each(EVENT_TOPICS)("passes a good event of %s, with its optional fields given or not", (topic) => {
    expect(checkEvent(topic, GOOD[topic])).toBeNull();
    const { fields } = EVENT_SCHEMAS[EVENT_BY_TOPIC[topic]];
    const nulls = Object.fromEntries(fields.filter((f) => f.nullable).map((f) => [f.name, null]));
    expect(checkEvent(topic, { ...nulls, ...GOOD[topic], nothing: undefined })).toBeNull();
  });
  it.each(EVENT_TOPICS)("names each required field of %s that is missing or null", (topic) => {
    for (const field of EVENT_SCHEMAS[EVENT_BY_TOPIC[topic]].fields) {
      if (field.hasDefault) continue;
      const { [field.name]: _, ...rest } = GOOD[topic];
      expect(checkEvent(topic, rest)).toBe(`${field.name} is missing`);
      expect(checkEvent(topic, { ...GOOD[topic], [field.name]: null })).toMatch(new RegExp(`^${field.name} must`));
    }
  });
  it.each(EVENT_TOPICS)("names each field of %s whose type is wrong", (topic) => {
    for (const field of EVENT_SCHEMAS[EVENT_BY_TOPIC[topic]].fields) {
      expect(checkEvent(topic, { ...GOOD[topic], [field.name]: Symbol("none") })).toMatch(`${field.name} must`);
    }
  });
  it.each(EVENT_TOPICS)("names a field that %s doesn't have", (topic) => {
    expect(checkEvent(topic, { ...GOOD[topic], prise: 1 })).toBe("prise is not a field of this event");
  });
  it("refuses what is no object", () => {
    for (const value of [null, undefined, 1, "x", [], true]) {
      expect(checkEvent("ticks", value)).toBe("the event must be an object");
    }
  });
});

const wrongs: [EventTopic, Record<string, unknown>, string][] = [
  ["ticks", { market_data_id: ID.toUpperCase() }, "market_data_id must be a UUID in lower case"],
  ["ticks", { symbol_id: "0198c5a48f6e7c3a9d2b5e4f3a2b1c0d" }, "symbol_id must be a UUID in lower case"],
  ["ticks", { close: Number.NaN }, "close must be a finite number"],
  ["ticks", { close: Number.POSITIVE_INFINITY }, "close must be a finite number"],
  ["ticks", { close: "181.5" }, "close must be a finite number"],
  ["ticks", { timestamp: 1.5 }, "timestamp must be whole microseconds"],
  ["ticks", { timestamp: 2 ** 53 }, "timestamp must be whole microseconds"],
  ["ticks", { timestamp: 5n }, "timestamp must be whole microseconds"],
  ["ticks", { source: "a\0b" }, "source must not hold a NUL"],
  ["ticks", { venue: "\udc00" }, "venue must not hold a lone surrogate"],
  ["ticks", { conditions: ["@", null] }, "conditions item 1 must be text"],
  ["ticks", { conditions: "@" }, "conditions must be a list"],
  ["indicators", { period: 2 ** 31 }, "period must be a whole number of 32 bits"],
  ["indicators", { parameters: "{fast: 12}" }, "parameters must be valid JSON text"],
  ["indicators", { parameters: '{"a": "\\u0000"}' }, "parameters must not hold an escaped NUL"],
  ["indicators", { parameters: '{"\\ud800": 1}' }, "parameters must not hold an escaped NUL or lone surrogate"],
  ["indicators", { parameters: "[".repeat(50_000) + "]".repeat(50_000) }, "parameters must"],
  ["decisions", { action: "buy" }, "action must be one of BUY, SELL, HOLD"],
  ["decisions", { approved: 1 }, "approved must be true or false"],
  ["fills", { status: "PARTIAL" }, "status must be one of FILLED, REJECTED, CANCELED"],
  ["fills", { latency_ms: 1.5 }, "latency_ms must be a whole number of 32 bits"],
  ["sessions", { kind: "Live" }, "kind must be one of live, paper, backtest, replay"],
  ["audit", { source_offset: 2 ** 53 }, "source_offset must be a whole number within 2^53"],
];

describe("checkEvent, by field", () => {
  it.each(wrongs)("refuses in %s %o", (topic, change, sentence) => {
    expect(checkEvent(topic, { ...GOOD[topic], ...change })).toContain(sentence);
  });
  it("refuses a bad text again right after it passed a good one", () => {
    expect(checkEvent("ticks", GOOD.ticks)).toBeNull();
    expect(checkEvent("ticks", { ...GOOD.ticks, source: "\0" })).not.toBeNull();
    expect(checkEvent("ticks", { ...GOOD.ticks, source: "\0" })).not.toBeNull();
  });
});

describe("completeEvent", () => {
  it("makes the id of an event that has none, and leaves the given object alone", () => {
    const { market_data_id: _, ...bar } = GOOD.bars;
    expect(completeEvent("bars", bar)).toEqual({ ...bar, market_data_id: barId(bar as never) });
    expect(bar).not.toHaveProperty("market_data_id");
    expect(completeEvent("symbols", { ticker: "IBM" })).toEqual({ ticker: "IBM", symbol_id: symbolId("IBM", null) });
    const tick = { ...GOOD.ticks, market_data_id: null, trade_id: "7" };
    expect(completeEvent("ticks", tick)).toMatchObject({ market_data_id: tickId(tick as never) });
  });
  it("keeps an id that is given, and the object with it", () => {
    expect(completeEvent("bars", GOOD.bars)).toBe(GOOD.bars);
    expect(completeEvent("fills", GOOD.fills)).toBe(GOOD.fills);
  });
  it("says what is wrong instead of hashing bad ingredients", () => {
    expect(completeEvent("symbols", { ticker: "\ud800" })).toBe("ticker must not hold a lone surrogate");
    expect(completeEvent("bars", { ...GOOD.bars, market_data_id: undefined, timestamp: 0.5 })).toContain("timestamp");
    expect(completeEvent("ticks", { ...GOOD.ticks, market_data_id: undefined })).toContain("market_data_id is missing");
    expect(completeEvent("fills", { ...GOOD.fills, execution_id: undefined })).toBe("execution_id is missing");
    expect(completeEvent("bars", [1])).toContain("symbol_id is missing");
    expect(completeEvent("bars", null)).toBe("the event must be an object");
  });
});
