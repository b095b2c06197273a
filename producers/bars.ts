import type { Draft } from "../src/agent/draft.ts";
import { type Days, utcSpans } from "../src/calendar/days.ts";
import { DAY_US } from "../src/event/day.ts";
import type { BarEvent, TickEvent } from "../src/event/events.ts";
import { barId } from "../src/event/identity.ts";
import type { EventTopic } from "../src/event/schemas.ts";
import { BAR_FORMATS } from "../src/feed/formats/catalogue.ts";
import { byMap } from "../src/feed/formats/mapped.ts";
import { producerOf } from "../src/feed/producer.ts";
import { BarBuilder, type OpenBar } from "../src/strategy/bar-builder.ts";
import { printsOf } from "../src/strategy/prints.ts";
import { defineProgram } from "../src/stream/define-program.ts";
import type { Program } from "../src/stream/program.ts";

/** Bars, from the formats of `tradetape feeds list`, a map or JSON lines. */
export const bars = producerOf("bars", BAR_FORMATS, byMap("bars"));

/** A length of bars: its one name, and how long they are at most. */
export interface IntervalLength {
  readonly name: string;
  readonly us: number;
}

interface BarsOptions {
  readonly intervals: readonly IntervalLength[];
  /** Whose days, weeks and months; null is the UTC clock, on which bars begin at whole multiples since 1970. */
  readonly days: Days | null;
  /** For how long after its end, in event time, a bar takes late ticks. */
  readonly latenessUs: number;
  /** Whose ticks; null is live. */
  readonly session: string | null;
}

/** The bars of one symbol and source. */
interface Series {
  readonly builder: BarBuilder;
  /** What a tick may set. */
  readonly setsOf: (tick: TickEvent) => number;
  /** What all its bars have in common. */
  readonly of: Pick<Required<BarEvent>, "symbol_id" | "source" | "backtest_session_id">;
}

/**
 * ticks -> bars, per symbol and source: open and close by the ticks' own time, high, low, summed volume. A bar is
 * published when a tick of its symbol lies behind its end, or, once all ticks are read, when the clock does; and again
 * when late ticks change it. Its `revised_at` is the broker's time of its last tick, so what is published twice is the
 * same, and the most complete bar stays. Its source is `ticks:` and the ticks' own, and, where `days` are given, `@` and
 * their name: bars of other days are another series. What a trade may set, its conditions say (`printsOf`). Ticks of other
 * sessions are counted (`ofOtherSessions`), as are bars that the clock had told and no tick has closed yet (`open`).
 *
 * A restart reads again from the first tick of the oldest bar that may still change, and tells nothing until it is
 * where it was. Later than `latenessUs` is counted (`late`), not applied.
 */
export function barsOfTicks({ intervals, days, latenessUs, session }: BarsOptions): Program {
  const ascending = [...intervals]
    .sort((a, b) => a.us - b.us)
    .map(({ name, us }) => ({ name, isLong: us >= DAY_US, spanOf: days?.spansOf(name) ?? utcSpans(us) }));
  return defineProgram({
    name: "bars",
    reads: ["ticks"],
    publishes: ["bars"],
    snapshot: null,
    open: (isWhole) => {
      const told = { late: 0, duplicate: 0, partial: 0, outside: 0, unpriced: 0 };
      const counts = { ...told, filtered: 0, unknown_condition: 0, ofOtherSessions: 0 };
      const byPartition = new Map<number, Map<string, Series>>();
      return {
        take: (record) => {
          if (record.topic !== "ticks") return [];
          if (record.event.backtest_session_id !== session) {
            counts.ofOtherSessions++;
            return [];
          }
          const { event: tick, partition, offset, publishedUs } = record;
          const series = byPartition.get(partition) ?? new Map<string, Series>();
          byPartition.set(partition, series);
          const key = `${tick.symbol_id} ${tick.source}`;
          if (!series.has(key)) {
            // Where the log's front is gone, the first tick seen may be the middle of its bars.
            const wholeFromUs = isWhole("ticks", partition) ? Number.NEGATIVE_INFINITY : tick.timestamp + 1;
            const source = `ticks:${tick.source}${days === null ? "" : `@${days.name}`}`;
            const of = { symbol_id: tick.symbol_id, source, backtest_session_id: session };
            const builder = new BarBuilder(ascending, latenessUs, wholeFromUs, counts);
            series.set(key, { builder, setsOf: printsOf(tick.source, days?.isRegular === true, counts), of });
          }
          const { builder, setsOf, of } = series.get(key)!;
          return builder.add(tick, offset, publishedUs, setsOf(tick)).map((bar) => draftOf(bar, of));
        },
        idle: (nowUs) =>
          [...byPartition.values()].flatMap((series) =>
            [...series.values()].flatMap(({ builder, of }) => builder.told(nowUs).map((bar) => draftOf(bar, of))),
          ),
        oldest: (_topic: EventTopic, partition) =>
          Math.min(...[...(byPartition.get(partition)?.values() ?? [])].map(({ builder }) => builder.oldest)),
        counts: () => {
          const all = [...byPartition.values()].flatMap((series) => [...series.values()]);
          return { ...counts, open: all.reduce((sum, { builder }) => sum + builder.open, 0) };
        },
      };
    },
  });
}

function draftOf(bar: OpenBar, of: Series["of"]): Draft<"bars"> {
  const { interval, start, end, open, high, low, close, volume, openedAt, closedAt, revisedUs } = bar;
  const event: Required<BarEvent> = {
    market_data_id: "",
    ...of,
    timestamp: start,
    open,
    high,
    low,
    close,
    volume,
    interval,
    venue: null,
    received_at: null,
    revised_at: revisedUs,
    ends_at: end,
    first_trade_at: openedAt?.[0] ?? null,
    last_trade_at: closedAt?.[0] ?? null,
  };
  event.market_data_id = barId(event);
  return { topic: "bars", event, headers: {} };
}
