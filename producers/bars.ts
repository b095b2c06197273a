import type { Draft } from "../src/agent/draft.ts";
import type { BarEvent, TickEvent } from "../src/event/events.ts";
import { barId } from "../src/event/identity.ts";
import type { EventTopic } from "../src/event/schemas.ts";
import { BAR_FORMATS } from "../src/feed/formats/catalogue.ts";
import { byMap } from "../src/feed/formats/mapped.ts";
import { producerOf } from "../src/feed/producer.ts";
import { BarBuilder, type Interval, type OpenBar } from "../src/strategy/bar-builder.ts";
import type { Program } from "../src/stream/program.ts";

/** Bars, from the formats of `tradetape feeds list`, a map or JSON lines. */
export const bars = producerOf("bars", BAR_FORMATS, byMap("bars"));

interface BarsOptions {
  /** Lengths of the bars; they begin at whole multiples since 1970, so days are UTC days. */
  readonly intervals: readonly Interval[];
  /** For how long after its end, in event time, a bar takes late ticks. */
  readonly latenessUs: number;
  /** Whose ticks; null is live. */
  readonly session: string | null;
}

/**
 * ticks -> bars, per symbol and source: open and close by the ticks' own time, high, low, summed volume. A bar is
 * published when a tick of its symbol lies behind its end, or, once all ticks are read, when the clock does; and again
 * when late ticks change it. Its `revised_at` is the broker's time of its last tick, so what is published twice is the
 * same, and the most complete bar stays. Its source is `ticks:` and the ticks' own.
 *
 * A restart reads again from the first tick of the oldest bar that may still change, and tells nothing until it is
 * where it was. Later than `latenessUs` is counted (`late`), not applied.
 */
export function barsOfTicks({ intervals, latenessUs, session }: BarsOptions): Program {
  const ascending = [...intervals].sort((a, b) => a.us - b.us);
  return {
    name: "bars",
    reads: ["ticks"],
    snapshot: null,
    open: (isWhole) => {
      const counts = { late: 0, duplicate: 0, partial: 0 };
      const byPartition = new Map<number, Map<string, { builder: BarBuilder; tick: TickEvent }>>();
      return {
        take: (record) => {
          if (record.topic !== "ticks" || record.event.backtest_session_id !== session) return [];
          const { event: tick, partition, offset, publishedUs } = record;
          const series = byPartition.get(partition) ?? new Map();
          byPartition.set(partition, series);
          const key = `${tick.symbol_id} ${tick.source}`;
          if (!series.has(key)) {
            // Where the log's front is gone, the first tick seen may be the middle of its bars.
            const wholeFromUs = isWhole("ticks", partition) ? Number.NEGATIVE_INFINITY : tick.timestamp + 1;
            series.set(key, { builder: new BarBuilder(ascending, latenessUs, wholeFromUs, counts), tick });
          }
          return series
            .get(key)!
            .builder.add(tick, offset, publishedUs)
            .map((bar: OpenBar) => draftOf(bar, tick));
        },
        idle: (nowUs) =>
          [...byPartition.values()].flatMap((series) =>
            [...series.values()].flatMap(({ builder, tick }) => builder.told(nowUs).map((bar) => draftOf(bar, tick))),
          ),
        oldest: (_topic: EventTopic, partition) =>
          Math.min(...[...(byPartition.get(partition)?.values() ?? [])].map(({ builder }) => builder.oldest)),
        counts: () => counts,
      };
    },
  };
}

function draftOf(bar: OpenBar, tick: TickEvent): Draft<"bars"> {
  const { interval, start, end, open, high, low, close, volume, openedAt, closedAt, revisedUs } = bar;
  const event: Required<BarEvent> = {
    market_data_id: "",
    symbol_id: tick.symbol_id,
    timestamp: start,
    open,
    high,
    low,
    close,
    volume,
    interval,
    source: `ticks:${tick.source}`,
    venue: null,
    received_at: null,
    revised_at: revisedUs,
    ends_at: end,
    first_trade_at: openedAt[0],
    last_trade_at: closedAt[0],
    backtest_session_id: tick.backtest_session_id ?? null,
  };
  event.market_data_id = barId(event);
  return { topic: "bars", event, headers: {} };
}
