import { describe, expect, test } from "vitest";
import { indicatorsOfBars } from "../../producers/indicators.ts";
import type { AnyDraft } from "../../src/agent/draft.ts";
import { IndicatorSeries } from "../../src/strategy/indicator-series.ts";
import type { InputRecord, Machine } from "../../src/stream/program.ts";
import { bar, idOf } from "../support/samples.ts";

const DAY = 86_400_000_000;
const START = Date.UTC(2010, 0, 1) * 1000;
const SESSION = idOf("session");

let offset = 0;
const record = (topic: InputRecord["topic"], event: object) =>
  ({ topic, event, partition: 0, offset: offset++, publishedUs: START }) as unknown as InputRecord;
const show = (machine: Machine, ...records: InputRecord[]) => records.flatMap((one) => machine.take(one));
const dayOf = (n: number) => ({ timestamp: START + n * DAY, interval: "1d", ends_at: START + (n + 1) * DAY }) as const;
const dayBar = (n: number, close: number) => record("bars", bar(n, { ...dayOf(n), open: close, close }));

describe("indicators of bars", () => {
  const open = () => indicatorsOfBars({ interval: "1d", actor: "bot", session: SESSION }).open(() => true);
  const close = (n: number) => 100 + 10 * Math.sin(n / 7) + (n % 5);
  const last = (drafts: readonly AnyDraft[]) => {
    const values = new Map<string, number>();
    for (const { event } of drafts as readonly { event: { indicator_id: string; indicator_value: number } }[]) {
      values.set(event.indicator_id, event.indicator_value);
    }
    return values;
  };
  const inOrder = Array.from({ length: 300 }, (_, n) => dayBar(n, close(n)));
  const expected = last(show(open(), ...inOrder));

  test("of bars that come late, or are revised, end as if they had come in order", () => {
    const shuffled = inOrder.filter((_, n) => n !== 150 && n !== 250);
    const wrong = dayBar(290, 1);
    const machine = open();
    const drafts = show(machine, ...shuffled.slice(0, -9), wrong, ...shuffled.slice(-8), inOrder[250]!, inOrder[150]!);
    expect(last([...drafts, ...show(machine, inOrder[290]!, inOrder[291]!)])).toEqual(expected);
  });

  test("follow a bar's latest revision, whichever comes first, and win over values that were made without it", () => {
    const machine = open();
    const revised = (n: number, price: number, us: number) =>
      record("bars", bar(n, { ...dayOf(n), open: price, close: price, revised_at: us }));
    const newest = new Map<string, { revised_at: number; indicator_value: number }>();
    const shown = [
      ...inOrder.slice(0, 250).map(({ event }, n) => revised(n, (event as { close: number }).close, START + 100 + n)),
      revised(255, close(255), START + 900),
      revised(240, 1, START + 10),
      revised(250, close(250), START + 20),
    ];
    for (const { event } of show(machine, ...shown)) {
      const value = event as unknown as { indicator_id: string; revised_at: number; indicator_value: number };
      const { indicator_id: id, revised_at } = value;
      if (revised_at >= (newest.get(id)?.revised_at ?? 0)) newest.set(id, value);
    }
    const wanted = last(show(open(), ...inOrder.slice(0, 251), inOrder[255]!));
    expect(new Map([...newest].map(([id, value]) => [id, value.indicator_value]))).toEqual(wanted);
  });

  test("of a bar that comes twice are published once", () => {
    const machine = open();
    show(machine, ...inOrder);
    expect(show(machine, ...inOrder)).toEqual([]);
  });

  test("of a late bar are published from it on, not before", () => {
    const machine = open();
    show(machine, ...inOrder);
    const times = show(machine, dayBar(280, 50)).map(({ event }) => (event as { timestamp: number }).timestamp);
    expect(Math.min(...times)).toBe(START + 281 * DAY);
  });

  test("don't change by what is no longer kept", () => {
    const KEPT = 500;
    const at = (n: number, price: number) => ({ start: START + n * DAY, end: START + (n + 1) * DAY, close: price });
    const [cut, whole] = [new IndicatorSeries(KEPT), new IndicatorSeries()];
    for (let n = 0; n < 2600; n++) {
      cut.take(at(n, close(n)), n);
      whole.take(at(n, close(n)), n);
    }
    expect(cut.take(at(1000, 1), 1000)).toEqual([]);
    const changed = cut.take(at(2400, 42), 2400);
    const wanted = whole.take(at(2400, 42), 2400);
    expect(changed.map(({ end, value }) => [end, value.name])).toEqual(
      wanted.map(({ end, value }) => [end, value.name]),
    );
    for (const [i, { value }] of changed.entries()) expect(value.value).toBeCloseTo(wanted[i]!.value.value, 9);
  });
});
