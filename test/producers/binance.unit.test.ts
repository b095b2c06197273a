import { describe, expect, it } from "vitest";
import { ticks } from "../../producers/ticks.ts";
import { tickId } from "../../src/event/identity.ts";
import { checkEvent } from "../../src/event/validate.ts";
import { decidedOf, readText } from "../support/feeds/feed-files.ts";

const TRADE = "4411927701,93576.00000000,0.00012000,11.22912000,1735689600123,True,True";
const AGG = "3358101102,93576.00000000,0.00500000,4411927701,4411927703,1735689600123456,False,True";

describe("Binance trades", () => {
  it("are read with the venue's id, in milliseconds", async () => {
    const { feed, events } = await readText(ticks, "BTCUSDT-trades-2024-12-31.csv", TRADE);
    expect(decidedOf(feed)).toMatchObject({ format: "binance-trades", time: "epoch ms", symbols: "BTCUSDT" });
    expect(events[0]).toMatchObject({
      timestamp: 1_735_689_600_123_000,
      close: 93_576,
      volume: 0.00012,
      trade_id: "4411927701",
      source: "binance-trades",
      conditions: ["buyer_maker"],
    });
    expect(events[0]?.market_data_id).toBe(tickId(events[0]!));
    expect(checkEvent("ticks", events[0])).toBeNull();
  });
  it("are read in microseconds as aggregates, which are another data set", async () => {
    const { feed, events } = await readText(ticks, "a.csv", AGG, { symbol: "BTCUSDT@BINANCE" });
    expect(decidedOf(feed)).toMatchObject({
      format: "binance-aggtrades",
      time: "epoch us",
      source: "binance-aggtrades",
    });
    expect(events[0]).toMatchObject({ timestamp: 1_735_689_600_123_456, volume: 0.005, conditions: ["seller_maker"] });
  });
  it("are read with a header, too", async () => {
    const header = "id,price,qty,quote_qty,time,is_buyer_maker,is_best_match";
    const { events, rejections } = await readText(ticks, "a.csv", `${header}\n${TRADE}\n`, { symbol: "BTCUSDT" });
    expect([events.length, rejections.length]).toEqual([1, 0]);
    const agg = "agg_trade_id,price,quantity,first_trade_id,last_trade_id,transact_time,is_buyer_maker,is_best_match";
    const other = await readText(ticks, "a.csv", `${agg}\n${AGG}\n`, { symbol: "BTCUSDT" });
    expect([other.events.length, other.rejections.length]).toEqual([1, 0]);
  });
  it("keep trade ids beyond 2^53", async () => {
    const id = "92233720368547758071234";
    const { events } = await readText(ticks, "a.csv", TRADE.replace("4411927701", id), { symbol: "X" });
    expect(events[0]?.trade_id).toBe(id);
  });
  it("reject each bad line by number and go on", async () => {
    const bad = [
      TRADE.replace(",True,True", ",True"),
      TRADE.replace("93576", "93k"),
      TRADE.replace("93576", "-93576"),
      TRADE.replace("0.00012000", "-1"),
      TRADE.replace("0.00012000", "1e999"),
      TRADE.replace("1735689600123", "1735689600123456"),
      TRADE.replace("1735689600123", "4935689600123"),
      TRADE.replace("True", "maybe"),
      TRADE.replace("4411927701", "abc"),
    ];
    const lines = [TRADE, ...bad, TRADE].join("\n");
    const { events, rejections } = await readText(ticks, "a.csv", lines, { symbol: "X" });
    expect(events.length).toBe(2);
    expect(rejections.map((r) => r.line)).toEqual([2, 3, 4, 5, 6, 7, 8, 9, 10]);
    expect(rejections[5]?.reason).toMatch(/outside of the years/);
    expect(rejections[6]?.reason).toMatch(/two days ahead/);
  });
});
