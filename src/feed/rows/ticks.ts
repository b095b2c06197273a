import { shown } from "../../errors.ts";
import type { TickEvent } from "../../event/events.ts";
import { nthTickId, tickId } from "../../event/identity.ts";
import type { Settled } from "../decide/settle.ts";
import { conditionsReader } from "./conditions.ts";
import { Counters } from "./counters.ts";
import { type Maker, nullsOf, textReader } from "./row.ts";

/** Trades of rows. */
export function tickMaker(settled: Settled, session: string | null): Maker<"ticks"> {
  const { columns, price, size, source } = settled;
  const nulls = nullsOf(settled);
  const priceAt = columns.fields.get("price")![0]!;
  const sizeAt = columns.fields.get("size")![0]!;
  const tradeIdOf = textReader(settled, "trade_id", nulls);
  const venueOf = textReader(settled, "venue", nulls);
  const conditionsOf = conditionsReader(settled, nulls);
  const counters = new Counters(nthTickId);
  return ({ cells, symbolId, time }) => {
    const close = price(cells[priceAt]!);
    if (Number.isNaN(close)) return `the price ${shown(cells[priceAt]!)} is no number as the rows before it write them`;
    const volume = size(cells[sizeAt]!);
    if (!(volume >= 0)) return `the size ${shown(cells[sizeAt]!)} is no number from 0 on`;
    const conditions = conditionsOf(cells);
    if (typeof conditions === "string") return conditions;
    const tick: TickEvent = {
      market_data_id: "",
      symbol_id: symbolId,
      timestamp: time.us,
      timestamp_ns: time.ns,
      close,
      volume,
      source,
      trade_id: tradeIdOf(cells),
      venue: venueOf(cells),
      conditions,
      received_at: null,
      backtest_session_id: session,
    };
    if (tick.trade_id !== null) {
      tick.market_data_id = tickId(tick);
      return tick;
    }
    const made = counters.idOf(tick);
    if (typeof made === "string") return made;
    tick.market_data_id = made.id;
    return tick;
  };
}
