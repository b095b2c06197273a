import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { v5 } from "uuid";
import { describe, expect, it } from "vitest";
import { callId, decisionId, fillId, predictionId } from "../../src/agent/draft.ts";
import type { AgentIdentity } from "../../src/agent/fields.ts";
import {
  type Coordinates,
  checkpointId,
  deedId,
  entryId,
  letterId,
  lossId,
  receiptId,
  replayId,
} from "../../src/audit/log-id.ts";
import { demoSessionId } from "../../src/cli/demo/demo-session.ts";
import type { QuoteEvent, SymbolEvent, TickEvent } from "../../src/event/events.ts";
import type { IdRule, Namespace } from "../../src/event/identity.ts";
import {
  barId,
  doubleField,
  eventId,
  ID_RULES,
  indicatorId,
  integerField,
  NAMESPACES,
  nthQuoteId,
  nthTickId,
  OWN_ID,
  performanceId,
  quoteId,
  strategyId,
  symbolId,
  tickId,
} from "../../src/event/identity.ts";
import { sessionId } from "../../src/session/draft.ts";
import fc from "../support/random/fast-check.ts";
import { listFiles, readText } from "../support/source-tree.ts";

interface Vector {
  rule: IdRule | "event";
  why: string;
  input: never;
  name: string;
  id: string;
}
const golden = JSON.parse(readFileSync(new URL("../../schemas/ids.json", import.meta.url), "utf8")) as {
  rules: Record<string, { namespace: Namespace | null; key: string }>;
  namespaces: Record<Namespace, string>;
  vectors: Vector[];
};

interface AgentKey extends AgentIdentity {
  readonly model_version: string;
  readonly strategy_id: string;
  readonly symbol_id: string;
  readonly key: string;
}
const agent = (input: AgentKey) => ({ ...input, modelVersion: input.model_version, strategyId: input.strategy_id });

type Loss = Coordinates & { readonly from: number; readonly to: number };
type Audited = Coordinates & {
  readonly event_type: string;
  readonly database_id: string;
  readonly digest: string;
  readonly first_offset: number;
  readonly next_offset: number;
};
interface Said extends Coordinates {
  readonly said?: string;
}

interface Operated {
  readonly kind: string;
  readonly database_id: string;
  readonly action_id: string;
  readonly run_id: string;
  readonly key: readonly string[];
  readonly seq: number;
  readonly signature: string;
  readonly finished_us?: string;
  readonly said?: string;
}

/** The code that makes an id by each rule; `event` is what programs make their own by. */
const MAKERS: { readonly [R in IdRule | "event"]: (input: never) => string } = {
  symbol: ({ ticker, exchange }: SymbolEvent) => symbolId(ticker, exchange as string | null),
  strategy: ({ name }: { name: string }) => strategyId(name),
  session: ({ key }: { key: string }) => sessionId(key),
  demo_session: (input: { model_version: string }) => demoSessionId(input.model_version),
  tick: (input: TickEvent & { trading_date?: string }) => tickId(input, input.trading_date),
  nth_tick: (input: TickEvent & { n: number }) => nthTickId(input, input.n),
  quote: quoteId,
  nth_quote: (input: QuoteEvent & { n: number }) => nthQuoteId(input, input.n),
  bar: barId,
  indicator: indicatorId,
  prediction: (input: AgentKey) => predictionId(agent(input), input.symbol_id, input.key),
  decision: (input: AgentKey) => decisionId(agent(input), input.symbol_id, input.key),
  fill: (input: { decision_id: string; broker: string; key: string }) =>
    fillId(input.decision_id, input.broker, input.key),
  performance: performanceId,
  outcome: OWN_ID.outcomes.made,
  call: (input: AgentKey & { timestamp: number; request_sha256: string; n: number }) =>
    callId(agent(input), input.timestamp, input.request_sha256, input.n),
  content: OWN_ID.contents.made,
  audit_entry: (input: Audited) => entryId(input.event_type, input, input.digest),
  audit_letter: (input: Said) => letterId(input, input.said),
  audit_receipt: (input: Audited) =>
    receiptId(input.database_id, { ...input, offset: input.first_offset }, input.next_offset, input.digest),
  audit_loss: (input: Loss) => lossId({ ...input, offset: input.from }, input.to),
  audit_deed: (input: Operated) => deedId(input.kind, input.database_id, input.action_id, input.key),
  audit_replay: ({ database_id: databaseId, run_id: runId, finished_us: finishedUs, said }: Operated) =>
    finishedUs === undefined ? replayId(databaseId, runId) : replayId(databaseId, runId, finishedUs, said!),
  audit_checkpoint: (input: Operated) => checkpointId(input.database_id, input.seq, input.signature),
  event: (input: { namespace: Namespace; fields: (string | null)[] }) => eventId(input.namespace, input.fields),
};

const tick: TickEvent = {
  market_data_id: "",
  symbol_id: symbolId("IBM", null),
  timestamp: 1_381_152_600_000_000,
  close: 181.52,
  volume: 100,
  source: "lean",
};

describe("golden ids", () => {
  it("has the namespaces of schemas/ids.json", () => {
    expect(NAMESPACES).toEqual(golden.namespaces);
  });
  it.each(golden.vectors)("makes the $rule id of the golden vector: $why", ({ rule, input, id }) => {
    expect(MAKERS[rule](input)).toBe(id);
  });
  it.each(golden.vectors)("agrees with the uuid package about the hash of $rule: $why", ({ rule, input, name, id }) => {
    const space = rule === "event" ? (input as { namespace: Namespace }).namespace : ID_RULES[rule];
    expect(v5(Buffer.from(name, "hex"), NAMESPACES[space])).toBe(id);
  });
  const python = spawnSync("python3", ["--version"]).status === 0;
  it.skipIf(!python)("are recomputed by Python (skipped where there is no python3)", () => {
    const { status, stdout } = spawnSync("python3", [fileURLToPath(new URL("../interop/ids.py", import.meta.url))]);
    expect({ status, said: String(stdout) }).toEqual({ status: 0, said: expect.stringContaining(", 0 wrong") });
  });
  it("has every rule of the code, its namespace and a vector of it in schemas/ids.json", () => {
    const { event: _event, ...rules } = golden.rules;
    expect(Object.fromEntries(Object.entries(rules).map(([rule, { namespace }]) => [rule, namespace]))).toEqual(
      ID_RULES,
    );
    expect(new Set(golden.vectors.map(({ rule }) => rule))).toEqual(new Set(Object.keys(MAKERS)));
  });
  it("gives no id twice", () => {
    expect(new Set(golden.vectors.map((v) => v.id)).size).toBe(golden.vectors.length);
  });
  it("makes no id of the product's own by a rule without a name", () => {
    const unnamed = listFiles().filter(
      (path) => /^(src|producers|consumers)\//.test(path) && /\beventId\(/.test(readText(path)),
    );
    expect(unnamed).toEqual(["src/event/natural-key.ts"]);
  });
});

/** The same id, written for clearness instead of speed. */
function plainly(fields: readonly (string | null)[]): string {
  const parts = fields.map((text) => {
    const bytes = Buffer.from(text ?? "");
    const length = Buffer.alloc(4);
    length.writeInt32BE(text === null ? -1 : bytes.length);
    return Buffer.concat([length, bytes]);
  });
  return v5(Buffer.concat(parts), NAMESPACES.fill);
}

describe("eventId", () => {
  it("hashes what the uuid package hashes, for any text, ASCII or not, short or long", () => {
    const field = fc.option(fc.string({ unit: "grapheme", maxLength: 3000 }));
    fc.assert(
      fc.property(fc.array(field, { maxLength: 12 }), (fields) => {
        expect(eventId("fill", fields)).toBe(plainly(fields));
      }),
    );
  });
  it("gives different lists of fields different ids", () => {
    const lists = fc.array(fc.option(fc.string({ maxLength: 3 })), { maxLength: 4 });
    fc.assert(
      fc.property(lists, lists, (a, b) => {
        expect(eventId("fill", a) === eventId("fill", b)).toBe(JSON.stringify(a) === JSON.stringify(b));
      }),
    );
  });
  it("refuses a lone surrogate, which UTF-8 would replace and so give two keys one id", () => {
    expect(() => eventId("fill", ["\ud800"])).toThrow("lone surrogate");
  });
  it("keeps every byte of a field that outgrows the buffer, and of those before it", () => {
    const fields = ["before", "日".repeat(300_000), null, "after"];
    expect(eventId("fill", fields)).toBe(plainly(fields));
  });
});

describe("numbers in a key", () => {
  it("writes any finite double as its eight big-endian bytes, and -0 as 0", () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (value) => {
        const bytes = Buffer.alloc(8);
        bytes.writeDoubleBE(value === 0 ? 0 : value);
        expect(doubleField(value)).toBe(bytes.toString("hex"));
      }),
    );
    expect(doubleField(-0)).toBe("0000000000000000");
  });
  it("has no id for NaN, infinities and rounded integers", () => {
    for (const close of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]) {
      expect(() => nthTickId({ ...tick, close }, 0)).toThrow("NaN and infinities");
    }
    expect(() => nthTickId({ ...tick, timestamp: 2 ** 53 }, 0)).toThrow("2^53");
    expect(() => integerField(1.5)).toThrow("2^53");
  });
});

describe("what makes a tick another tick", () => {
  it("every column does but received_at", () => {
    const same = nthTickId({ ...tick, received_at: 5, timestamp_ns: 0, conditions: null, venue: null }, 0);
    expect(nthTickId(tick, 0)).toBe(same);
    const others = [
      nthTickId(tick, 1),
      nthTickId({ ...tick, venue: "P" }, 0),
      nthTickId({ ...tick, source: "other" }, 0),
      nthTickId({ ...tick, timestamp: tick.timestamp + 1 }, 0),
      nthTickId({ ...tick, timestamp_ns: 1 }, 0),
      nthTickId({ ...tick, close: 181.53 }, 0),
      nthTickId({ ...tick, volume: 101 }, 0),
      nthTickId({ ...tick, conditions: ["P"] }, 0),
      nthTickId({ ...tick, backtest_session_id: tick.symbol_id }, 0),
      nthTickId({ ...tick, symbol_id: symbolId("BAC", null) }, 0),
    ];
    expect(new Set([same, ...others]).size).toBe(11);
  });
  it("only the venue's id and day do where there is a trade_id", () => {
    const id = tickId({ ...tick, trade_id: "7" });
    expect(tickId({ ...tick, trade_id: "7", close: 1, timestamp: tick.timestamp + 1 })).toBe(id);
    expect(tickId({ ...tick, trade_id: "7", timestamp: tick.timestamp + 86_400_000_000 })).not.toBe(id);
    expect(() => tickId(tick)).toThrow("nthTickId");
  });
});

describe("what makes a quote another quote", () => {
  const quote: Omit<QuoteEvent, "quote_id"> = {
    symbol_id: symbolId("IBM", null),
    timestamp: 1_381_152_600_000_000,
    bid_price: 181.51,
    bid_size: 3,
    ask_price: 181.52,
    ask_size: 1,
    source: "sip",
  };
  it("every column does but received_at", () => {
    const same = nthQuoteId({ ...quote, received_at: 5, timestamp_ns: 0, conditions: null, venue: null }, 0);
    expect(nthQuoteId(quote, 0)).toBe(same);
    const others = [
      nthQuoteId(quote, 1),
      nthQuoteId({ ...quote, venue: "P" }, 0),
      nthQuoteId({ ...quote, source: "other" }, 0),
      nthQuoteId({ ...quote, timestamp: quote.timestamp + 1 }, 0),
      nthQuoteId({ ...quote, timestamp_ns: 1 }, 0),
      nthQuoteId({ ...quote, bid_price: 181.52 }, 0),
      nthQuoteId({ ...quote, bid_size: null }, 0),
      nthQuoteId({ ...quote, ask_price: 181.51 }, 0),
      nthQuoteId({ ...quote, ask_size: 0 }, 0),
      nthQuoteId({ ...quote, conditions: ["R"] }, 0),
      nthQuoteId({ ...quote, backtest_session_id: quote.symbol_id }, 0),
      nthQuoteId({ ...quote, symbol_id: symbolId("BAC", null) }, 0),
    ];
    expect(new Set([same, ...others]).size).toBe(13);
  });
  it("only the feed's number and day do where there is a sequence", () => {
    const id = quoteId({ ...quote, sequence: "7" });
    expect(quoteId({ ...quote, sequence: "7", bid_price: 1, timestamp: quote.timestamp + 1 })).toBe(id);
    expect(quoteId({ ...quote, sequence: "7", timestamp: quote.timestamp + 86_400_000_000 })).not.toBe(id);
    expect(() => quoteId(quote)).toThrow("nthQuoteId");
  });
});
