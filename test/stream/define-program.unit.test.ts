import { describe, expect, test } from "vitest";
import type { BarEvent } from "../../src/event/events.ts";
import { barId, strategyId, symbolId } from "../../src/event/identity.ts";
import { defineProgram, isProgram, type ProgramDefinition } from "../../src/stream/define-program.ts";
import { type PlayedEvent, playProgram } from "../../src/stream/play-program.ts";
import fc from "../support/random/fast-check.ts";
import { idOf, prediction } from "../support/samples.ts";
import { AGENT } from "./whole-agent.ts";

const MIN = 60_000_000;
const START = Date.UTC(2024, 2, 6, 14, 30) * 1000;
const BY = { actor: "bot", modelVersion: "one", strategyId: strategyId("own") };
const SESSION = idOf("session");

const bar = (n: number, change: Partial<BarEvent> = {}): PlayedEvent => {
  const close = 100 + ((n * 7) % 11);
  const prices = { open: close, high: close, low: close, close, volume: 1, source: "own", interval: "1min" };
  const of = { symbol_id: symbolId(n % 2 === 0 ? "EVEN" : "ODD", null), backtest_session_id: null };
  const event = { ...of, ...prices, timestamp: START + n * MIN, ...change };
  return { topic: "bars", event: { ...event, market_data_id: barId(event) } };
};

type Definition = ProgramDefinition<"bars" | "predictions", { count: number }>;

/** Predicts by how many bars the symbol has had, and decides on its own predictions as they come back. */
const DEFINITION: Definition = {
  name: "counting",
  reads: ["bars", "predictions"],
  publishes: ["predictions", "decisions"],
  by: BY,
  state: () => ({ count: 0 }),
  handle({ topic, event }, publisher, state) {
    if (topic === "bars") {
      state.count++;
      const fields = { symbol_id: event.symbol_id, timestamp: event.timestamp, probability_up: 1 / state.count };
      publisher.predict(event.market_data_id, fields);
    } else {
      const fields = { prediction: event, timestamp: event.timestamp, action: "HOLD", approved: false } as const;
      publisher.decide(`${event.prediction_id} ${state.count}`, fields);
    }
  },
};
const counting = (change: Partial<Definition> = {}) => defineProgram({ ...DEFINITION, ...change });
const BARS = Array.from({ length: 40 }, (_, n) => bar(n));

describe("a program that is defined", () => {
  test("has a state per symbol, and is shown what it publishes to what it reads", () => {
    const { published } = playProgram(counting(), BARS.slice(0, 3));
    expect(
      published.map(({ topic, event }) => [topic, "probability_up" in event ? event.probability_up : null]),
    ).toEqual(
      [1, 1, 0.5].flatMap((chance) => [
        ["predictions", chance],
        ["decisions", null],
      ]),
    );
    expect(published[0]).toMatchObject({ headers: { actor: "bot" } });
  });

  test("is played to the end where there are fewer events than it is asked for", () => {
    const whole = playProgram(counting(), BARS);
    expect(playProgram(counting(), BARS, { until: BARS.length + 7 })).toEqual(whole);
  });

  test("killed at any events and gone on from its snapshots it is one that ran through", () => {
    const whole = playProgram(counting(), BARS);
    fc.assert(
      fc.property(fc.array(fc.nat(BARS.length), { maxLength: 6 }), (kills) => {
        let from = playProgram(counting(), BARS, { until: 0 }).snapshot;
        const told = [];
        for (const until of [...kills.toSorted((a, b) => a - b), BARS.length]) {
          const play = playProgram(counting(), BARS, { from, until });
          told.push(...play.published);
          from = play.snapshot;
        }
        expect(told).toEqual(whole.published);
        expect(from).toEqual(whole.snapshot);
      }),
    );
  });

  test("gives the run's session to all it publishes, and other ids with it", () => {
    const program = counting({
      reads: ["bars"],
      publishes: ["bars", "predictions"],
      handle: ({ topic, event }, publisher) => {
        if (topic === "bars" && event.source === "made") return;
        const { market_data_id: _id, backtest_session_id: _session, ...made } = event as BarEvent;
        publisher.publish("bars", { ...made, source: "made" });
        const { symbol_id, timestamp } = event;
        publisher.predict("one", { symbol_id, timestamp, probability_up: 0.5 });
      },
    });
    const [live, own] = [null, SESSION].map((session) =>
      playProgram(program, BARS.slice(0, 1), { session }).published.map(({ event }) => event),
    );
    expect(live!.map((event) => (event as BarEvent).backtest_session_id)).toEqual([null, null]);
    expect(own!.map((event) => (event as BarEvent).backtest_session_id)).toEqual([SESSION, SESSION]);
    expect((own![0] as BarEvent).market_data_id).not.toBe((live![0] as BarEvent).market_data_id);
  });

  test("gives it to what it makes of a live bar, too, and refuses what names another session", () => {
    const again = (named: string | null): ReturnType<typeof counting> =>
      counting({
        publishes: ["bars"],
        handle: ({ topic, event }, publisher) => {
          if (topic !== "bars" || event.interval === "5min") return;
          const { market_data_id: _id, ...made } = event;
          publisher.publish("bars", { ...made, interval: "5min", backtest_session_id: named });
        },
      });
    const { published } = playProgram(again(null), BARS.slice(0, 1), { session: SESSION });
    expect(published.map(({ event }) => (event as BarEvent).backtest_session_id)).toEqual([SESSION]);
    for (const session of [null, idOf("other session")])
      expect(() => playProgram(again(SESSION), BARS.slice(0, 1), { session })).toThrow(`names session ${SESSION}`);
  });

  test("isn't shown events of other sessions, and of live ones only market data", () => {
    const shown: (string | null)[] = [];
    const program = counting({
      handle: ({ topic, event }) => void shown.push(`${topic} ${event.backtest_session_id ?? "live"}`),
    });
    const other = idOf("other session");
    const sessions = [null, SESSION, other];
    const events = sessions.flatMap((of): PlayedEvent[] => [
      bar(0, { backtest_session_id: of }),
      { topic: "predictions", event: prediction(0, { backtest_session_id: of }) },
    ]);
    playProgram(program, events);
    expect(shown).toEqual(["bars live", "predictions live"]);
    shown.length = 0;
    playProgram(program, events, { session: SESSION });
    expect(shown).toEqual(["bars live", `bars ${SESSION}`, `predictions ${SESSION}`]);
  });
});

describe("refused in words is", () => {
  test.each<[string, Partial<Definition>, string]>([
    ["a name in capitals", { name: "Counting" }, "name has to be of small letters"],
    ["a topic that isn't one", { reads: ["prices" as "bars"] }, "reads has to be a list of topics, of symbols, "],
    ["a topic twice", { reads: ["bars", "bars"] }, "reads names a topic twice"],
    ["no topic", { reads: [] }, "reads has to be a list of topics"],
    ["no list of what it publishes", { publishes: undefined as never }, "publishes has to be a list of topics"],
    ["a version of parts", { version: 1.5 }, "version has to be a whole number"],
    ["no handle", { handle: undefined as never }, "handle has to be a function"],
    ["a strategy that is no UUID", { by: { ...BY, strategyId: "own" } }, "strategyId must be a UUID"],
  ])("%s", (_, change, says) => {
    expect(() => counting(change)).toThrow(says);
  });

  const failing = (handle: Definition["handle"]) => () => playProgram(counting({ handle }), BARS);

  test.each<[string, Definition["handle"], string]>([
    [
      "a topic that it doesn't name",
      (_, by) => void by.publish("symbols", { ticker: "A" }),
      'isn\'t among what its "publishes"',
    ],
    ["what breaks a rule", (_, by) => void by.predict("", {} as never), "predictions: key must be given, as text"],
    ["a handle that waits", (async () => {}) as never, "handle is async"],
    [
      "a bug of its own",
      () => {
        throw new RangeError("no such price");
      },
      "RangeError: no such price, at ",
    ],
  ])("%s, with the event's place", (_, handle, says) => {
    expect(failing(handle)).toThrow(says);
    expect(failing(handle)).toThrow("counting failed on bars/0 at offset 0: ");
    expect(failing(handle)).toThrow(expect.objectContaining({ code: "input_invalid", next: expect.any(String) }));
  });

  test("what publishes when its event is over", () => {
    const kept: Parameters<Definition["handle"]>[1][] = [];
    playProgram(counting({ handle: (_, publisher) => void kept.push(publisher) }), BARS.slice(0, 1));
    expect(() =>
      kept[0]!.predict("k", { symbol_id: symbolId("A", null), timestamp: START, probability_up: 0.5 }),
    ).toThrow("counting publishes after its handle has returned");
  });

  test("an event that isn't one, by its number", () => {
    expect(() => playProgram(counting(), [bar(0), bar(1, { volume: -1 })])).toThrow("event 1: bars: volume");
  });

  test("a state that JSON doesn't bring back", () => {
    const program = defineProgram({ ...DEFINITION, reads: ["bars"], state: () => new Map(), handle: () => {} });
    expect(() => playProgram(program, BARS.slice(0, 1))).toThrow("the state of counting doesn't come back from JSON");
  });
});

test("tradetape's own programs are defined by the same function, and a look-alike isn't a program", () => {
  expect(AGENT.map(isProgram)).toEqual(AGENT.map(() => true));
  expect(isProgram({ ...DEFINITION })).toBe(false);
  expect(isProgram(null)).toBe(false);
});
