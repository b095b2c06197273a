import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import fc from "fast-check";
import { v5 } from "uuid";
import { describe, expect, it } from "vitest";
import type { BarEvent, IndicatorEvent, PerformanceEvent, TickEvent } from "../../src/event/events.ts";
import type { Namespace } from "../../src/event/identity.ts";
import {
  barId,
  doubleField,
  eventId,
  indicatorId,
  integerField,
  NAMESPACES,
  nthTickId,
  performanceId,
  symbolId,
  tickId,
} from "../../src/event/identity.ts";

interface Vector {
  rule: string;
  why: string;
  input: Record<string, unknown>;
  name: string;
  id: string;
}
const golden = JSON.parse(readFileSync(new URL("../../schemas/ids.json", import.meta.url), "utf8")) as {
  namespaces: Record<Namespace, string>;
  vectors: Vector[];
};

function make({ rule, input }: Vector): string {
  const all = input as never;
  switch (rule) {
    case "symbol":
      return symbolId(input.ticker as string, input.exchange as string | null);
    case "tick":
      return tickId(all as TickEvent, input.trading_date as string | undefined);
    case "nth_tick":
      return nthTickId(all as TickEvent, input.n as number);
    case "bar":
      return barId(all as BarEvent);
    case "indicator":
      return indicatorId(all as IndicatorEvent);
    case "performance":
      return performanceId(all as PerformanceEvent);
    case "event":
      return eventId(input.namespace as Namespace, input.fields as (string | null)[]);
    default:
      throw new Error(`schemas/ids.json: unknown rule ${rule}`);
  }
}

const NAMESPACE_OF: Record<string, Namespace> = { nth_tick: "tick" };
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
  it.each(golden.vectors)("makes the $rule id of the golden vector: $why", (vector) => {
    expect(make(vector)).toBe(vector.id);
  });
  it.each(golden.vectors)("agrees with the uuid package about the hash of $rule: $why", (vector) => {
    const namespace = NAMESPACE_OF[vector.rule] ?? (vector.rule as Namespace);
    const space = vector.rule === "event" ? (vector.input.namespace as Namespace) : namespace;
    expect(v5(Buffer.from(vector.name, "hex"), NAMESPACES[space])).toBe(vector.id);
  });
  const python = spawnSync("python3", ["--version"]).status === 0;
  it.skipIf(!python)("are recomputed by Python (skipped where there is no python3)", () => {
    const { status, stdout } = spawnSync("python3", [fileURLToPath(new URL("../interop/ids.py", import.meta.url))]);
    expect({ status, said: String(stdout) }).toEqual({ status: 0, said: expect.stringContaining(", 0 wrong") });
  });
  it("covers every rule and gives no id twice", () => {
    expect(new Set(golden.vectors.map((v) => v.rule)).size).toBe(7);
    expect(new Set(golden.vectors.map((v) => v.id)).size).toBe(golden.vectors.length);
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
