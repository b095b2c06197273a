import { describe, expect, it } from "vitest";
import { barsOfTicks } from "../../producers/bars.ts";
import { type Days, exchangeDays, zoneDays } from "../../src/calendar/days.ts";
import type { BarEvent } from "../../src/event/events.ts";
import { barId } from "../../src/event/identity.ts";
import type { InputRecord } from "../../src/stream/program.ts";
import { tick } from "../support/samples.ts";

const at = (iso: string) => Date.parse(iso) * 1000;
const DAY = 86_400_000_000;
const LENGTHS = { "1min": 60_000_000, "1d": DAY, "1w": 7 * DAY } as const;

type Print = readonly [time: string, price: number, size: number, ...conditions: string[]];
const EXTENDED = "2000";
const AVERAGE = "100000";
const DERIVATIVE = "200";

/** Two winter days of a share: trades at 19:26 and 19:52 in New York are of the next day in UTC. */
const PRINTS: readonly Print[] = [
  ["2014-01-06T14:30:01Z", 10, 100],
  ["2014-01-06T14:30:20Z", 5, 100, AVERAGE],
  ["2014-01-06T20:59:59Z", 11, 100],
  ["2014-01-07T00:26:07Z", 12, 10, EXTENDED],
  ["2014-01-07T13:47:49Z", 20, 10, EXTENDED],
  ["2014-01-07T14:30:03Z", 21, 100],
  ["2014-01-07T18:00:00Z", 18, 100, DERIVATIVE],
  ["2014-01-07T18:00:01Z", 22, 100],
  ["2014-01-07T20:59:59Z", 23, 100],
  ["2014-01-07T21:00:47Z", 24, 900],
  ["2014-01-08T00:52:28Z", 25, 10, EXTENDED],
];

const shown = ({ interval, timestamp, ends_at, open, high, low, close, volume }: BarEvent) => {
  const [start, end] = [timestamp, ends_at!].map((us) => new Date(us / 1000).toISOString().slice(5, 16));
  return `${interval} ${start} ${end} ${open} ${high} ${low} ${close} x${volume}`;
};

function barsOf(days: Days | null, ...names: readonly (keyof typeof LENGTHS)[]) {
  const intervals = names.map((name) => ({ name, us: LENGTHS[name] }));
  const machine = barsOfTicks({ intervals, days, latenessUs: 0, session: null }).open(() => true);
  const ticks = PRINTS.map(([time, close, volume, ...conditions], n) =>
    tick(n, { timestamp: at(time), timestamp_ns: 0, close, volume, conditions, source: "lean" }),
  );
  const records = ticks.map((event, offset) => ({ topic: "ticks", event, partition: 0, offset, publishedUs: 1 }));
  const drafts = records.flatMap((record) => machine.take(record as unknown as InputRecord));
  const events = [...drafts, ...machine.idle!(at("2014-02-01"))].map(({ event }) => event as Required<BarEvent>);
  return { bars: events.map(shown), events, counts: machine.counts!() };
}

describe("bars of ticks by days", () => {
  it("of the UTC clock cut a share's evening off, and make a day of it", () => {
    expect(barsOf(null, "1d").bars).toEqual([
      "1d 01-06T00:00 01-07T00:00 10 11 10 11 x300",
      "1d 01-07T00:00 01-08T00:00 12 24 12 24 x1320",
      "1d 01-08T00:00 01-09T00:00 25 25 25 25 x10",
    ]);
  });
  it("of the exchange's zone have it with the day before", () => {
    expect(barsOf(zoneDays("America/New_York"), "1d", "1w").bars).toEqual([
      "1d 01-06T05:00 01-07T05:00 10 12 10 12 x310",
      "1d 01-07T05:00 01-08T05:00 20 25 18 25 x1320",
      "1w 01-06T05:00 01-13T05:00 10 25 10 25 x1630",
    ]);
  });
  it("of the exchange's extended hours are as long as trading is", () => {
    expect(barsOf(exchangeDays("XNYS", "extended"), "1d").bars).toEqual([
      "1d 01-06T09:00 01-07T01:00 10 12 10 12 x310",
      "1d 01-07T09:00 01-08T01:00 20 25 18 25 x1320",
    ]);
  });
  it("of its regular hours leave out what is traded before and after, also the closing auction's print", () => {
    const { bars, counts } = barsOf(exchangeDays("XNYS", "regular"), "1d", "1w");
    expect(bars).toEqual([
      "1d 01-06T14:30 01-06T21:00 10 11 10 11 x300",
      "1d 01-07T14:30 01-07T21:00 21 23 18 23 x400",
      "1w 01-06T14:30 01-10T21:00 10 23 10 23 x700",
    ]);
    expect(counts).toMatchObject({ outside: 4, late: 0, unknown_condition: 0 });
  });
  it("take a price that is derived from another only into the day, not into its minute", () => {
    expect(barsOf(exchangeDays("XNYS", "regular"), "1min").bars).toEqual([
      "1min 01-06T14:30 01-06T14:31 10 10 10 10 x200",
      "1min 01-06T20:59 01-06T21:00 11 11 11 11 x100",
      "1min 01-07T14:30 01-07T14:31 21 21 21 21 x100",
      "1min 01-07T18:00 01-07T18:01 22 22 22 22 x200",
      "1min 01-07T20:59 01-07T21:00 23 23 23 23 x100",
    ]);
  });
  it("are a series for each, by their source and so by their ids", () => {
    const all = [null, zoneDays("UTC"), exchangeDays("XNYS", "regular"), exchangeDays("XNYS", "extended")];
    const series = all.map((days) => barsOf(days, "1d").events);
    expect(series.map(([first]) => first!.source)).toEqual([
      "ticks:lean",
      "ticks:lean@UTC",
      "ticks:lean@XNYS-regular",
      "ticks:lean@XNYS-extended",
    ]);
    const ids = series.flat().map((event) => event.market_data_id);
    expect(new Set(ids).size).toBe(ids.length);
    expect(series.flat().every((event) => event.market_data_id === barId(event))).toBe(true);
  });
});
