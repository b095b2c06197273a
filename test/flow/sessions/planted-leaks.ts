import type { LeakKind } from "../../../src/table/desk/look-ahead.ts";
import { EVERY_SESSION_KIND, idOf, SYMBOL_ID } from "../../support/samples.ts";

export type SessionKind = (typeof EVERY_SESSION_KIND)[number] | "none";
export type Row = Readonly<Record<string, unknown>>;

/** One decision and what it was made of, as the change that makes it a leak or an honest neighbour of one. */
export interface Planted {
  readonly leaks?: readonly LeakKind[];
  readonly provable?: false;
  readonly revised?: true;
  /** Those that it is planted in; without it all. */
  readonly sessions?: readonly SessionKind[];
  /** @param by microseconds, at least one */
  readonly rows: (at: Moment, by: number) => Partial<Story>;
}

/** Of one decision: its time in microseconds, and an id that is its own. */
export interface Moment {
  readonly us: number;
  readonly id: (name: string) => string;
}

interface Input {
  readonly kind: string;
  readonly id: string;
  readonly known_at?: number;
  readonly value?: number;
}

interface Story {
  readonly bar: Row;
  readonly decision: Row;
  readonly prediction: Row | null;
  readonly inputs: readonly Input[] | null;
  readonly predictionInputs: readonly Input[] | null;
  readonly fill: Row;
  /** Rows of further tables. */
  readonly more: readonly (readonly [table: string, row: Row])[];
}

const LIVE: readonly SessionKind[] = ["live", "paper", "none"];
const HISTORY: readonly SessionKind[] = ["backtest", "replay"];
export const SESSION_KINDS: readonly SessionKind[] = [...EVERY_SESSION_KIND, "none"];
export const sessionOf = (kind: SessionKind) => (kind === "none" ? null : idOf(`look-ahead ${kind}`));

export const MINUTE = 60_000_000;
export const iso = (us: number) =>
  `${new Date(Math.floor(us / 1000)).toISOString().slice(0, -1)}${String(us % 1000).padStart(3, "0")}Z`;

/** The broker has the bar 0.2 s after its end, the prediction after 0.5 s, the decision after 1 s. */
const BAR_KNOWN = 200_000;
export const PREDICTION_KNOWN = 500_000;
export const DECISION_KNOWN = 1_000_000;

export const bar = ({ us, id }: Moment, change: Row = {}): Row => ({
  ...{
    market_data_id: id("bar"),
    symbol_id: SYMBOL_ID,
    timestamp: iso(us - MINUTE),
    interval: "1min",
    source: "sample",
  },
  ...{ open: 100, high: 110, low: 90, close: 101, volume: 5, timestamp_ns: 0, ends_at: iso(us) },
  ...{ published_at: iso(us + BAR_KNOWN), revised_at: iso(us), ...change },
});
const replaced = (at: Moment, change: Row): readonly [string, Row] => [
  "market_data_bar_revision",
  bar(at, { close: 99, known_to: iso(at.us + 10), successor_partition: 0, successor_offset: 0, ...change }),
];
const indicator = ({ us, id }: Moment, later: number): readonly [string, Row] => [
  "technical_indicator",
  {
    ...{ indicator_id: id("indicator"), symbol_id: SYMBOL_ID, timestamp: iso(us + later), indicator_name: "RSI" },
    ...{ indicator_value: 0.5, computed_by: "sample", revised_at: iso(us), published_at: iso(us) },
  },
];
const quote = ({ us, id }: Moment, later: number): readonly [string, Row] => [
  "quote",
  {
    ...{ quote_id: id("quote"), symbol_id: SYMBOL_ID, timestamp: iso(us + later), timestamp_ns: 0, bid_price: 100 },
    ...{ ask_price: 101, source: "sample", received_at: iso(us) },
  },
];
const tick = ({ us, id }: Moment, later: number, receivedUs: number): readonly [string, Row] => [
  "market_data_tick",
  {
    ...{
      market_data_id: id("tick"),
      symbol_id: SYMBOL_ID,
      timestamp: iso(us + later),
      timestamp_ns: 0,
      interval: "tick",
    },
    ...{ close: 100, volume: 1, source: "sample", received_at: iso(receivedUs) },
  },
];
export const named = ({ id }: Moment, kind: string, more: Partial<Input> = {}): readonly Input[] => [
  { kind, id: id(kind), ...more },
];

/** What leaks, by what it is. */
const LEAKING: Readonly<Record<string, Planted>> = {
  "a bar that ends later": {
    ...{ leaks: ["future_input"], sessions: HISTORY },
    rows: ({ us }, by) => ({ bar: { ends_at: iso(us + by) } }),
  },
  "a bar that says no end and is longer": {
    ...{ leaks: ["future_input"], rows: () => ({ bar: { ends_at: null, interval: "5min" } }) },
  },
  // By New York's clocks that day has 23 hours.
  "a day's bar an hour before its end": {
    leaks: ["future_input"],
    rows: () => {
      const time = { timestamp: "2024-03-10T23:30:00Z", published_at: "2024-03-10T23:30:01Z" };
      const ofDay = { ...time, timestamp: "2024-03-10T00:00:00Z", interval: "1d", ends_at: null };
      return { bar: ofDay, prediction: null, decision: time, fill: { ...time, priced_at: time.timestamp } };
    },
  },
  "an indicator of later": {
    leaks: ["future_input"],
    rows: (at, by) => ({ inputs: named(at, "indicator"), more: [indicator(at, by)] }),
  },
  "a quote of later": {
    leaks: ["future_input"],
    rows: (at, by) => ({ inputs: named(at, "quote"), more: [quote(at, by)] }),
  },
  "a tick of later": {
    leaks: ["future_input"],
    rows: (at, by) => ({ inputs: named(at, "tick"), more: [tick(at, by, at.us)] }),
  },
  "a bar that ends after the prediction that names it": {
    leaks: ["future_input"],
    rows: (at, by) => ({
      ...{ inputs: null, predictionInputs: named(at, "bar") },
      prediction: { timestamp: iso(at.us - by), known_until: null },
    }),
  },
  "a bar that the broker had later": {
    ...{ leaks: ["late_input"], sessions: LIVE },
    rows: ({ us }, by) => ({ bar: { published_at: iso(us + DECISION_KNOWN + by) } }),
  },
  "a bar whose number came by a later revision": {
    ...{ leaks: ["late_input"], sessions: LIVE },
    rows: (at, by) => ({
      bar: { published_at: iso(at.us + DECISION_KNOWN + by) },
      ...{ inputs: named(at, "bar", { value: 101 }), more: [replaced(at, { published_at: iso(at.us) })] },
    }),
  },
  "a revision that is named by a later time": {
    ...{ leaks: ["late_input"], sessions: LIVE },
    rows: (at, by) => ({ inputs: named(at, "bar", { known_at: at.us + DECISION_KNOWN + by }) }),
  },
  "a tick that the feed gave later": {
    ...{ leaks: ["late_input"], sessions: LIVE },
    rows: (at, by) => ({ inputs: named(at, "tick"), more: [tick(at, 0, at.us + DECISION_KNOWN + by)] }),
  },
  "a bar that the broker had after the prediction that names it": {
    ...{ leaks: ["late_input"], sessions: LIVE },
    rows: (at) => ({
      ...{ inputs: null, predictionInputs: named(at, "bar"), bar: { published_at: iso(at.us + PREDICTION_KNOWN + 1) } },
    }),
  },
  "an id that the tape doesn't have": {
    leaks: ["unknown_input"],
    rows: ({ id }) => ({ inputs: [{ kind: "bar", id: id("no bar") }] }),
  },
  "a tick that the tape doesn't have": {
    leaks: ["unknown_input"],
    rows: (at) => ({ inputs: named(at, "tick") }),
  },
  "an id of another kind": {
    leaks: ["unknown_input"],
    rows: ({ id }) => ({ inputs: [{ kind: "indicator", id: id("bar") }] }),
  },
  "a number that it never had": {
    leaks: ["unknown_input"],
    rows: (at, by) => ({
      inputs: named(at, "bar", { value: 101 + by }),
      more: [replaced(at, { published_at: iso(at.us) })],
    }),
    sessions: LIVE,
  },
  "a revision of before it was known": {
    leaks: ["unknown_input"],
    rows: (at, by) => ({ inputs: named(at, "bar", { known_at: at.us + BAR_KNOWN - by }) }),
  },
  "knowledge of after it": {
    leaks: ["future_knowledge"],
    rows: ({ us }, by) => ({ decision: { known_until: iso(us + by) } }),
  },
  "knowledge of after its prediction": {
    leaks: ["future_knowledge"],
    rows: ({ us }, by) => ({ prediction: { known_until: iso(us + by) } }),
  },
  "a prediction of later": {
    leaks: ["future_prediction"],
    rows: (at, by) => ({ inputs: named(at, "prediction"), prediction: { timestamp: iso(at.us + by) } }),
  },
  "a price of after the fill": {
    leaks: ["future_price"],
    rows: ({ us }, by) => ({ fill: { timestamp: iso(us + 5), priced_at: iso(us + 5 + by) } }),
  },
  "a fill of before the decision": {
    leaks: ["early_fill"],
    rows: ({ us }, by) => ({ fill: { timestamp: iso(us - by), priced_at: iso(us - by) } }),
  },
};

/** Their neighbours, which don't. */
const HONEST: Readonly<Record<string, Planted>> = {
  "equal times": {
    rows: (at) => ({
      inputs: [...named(at, "bar"), ...named(at, "indicator"), ...named(at, "quote"), ...named(at, "prediction")],
      more: [indicator(at, 0), quote(at, 0)],
      ...{ bar: { published_at: iso(at.us + PREDICTION_KNOWN) }, predictionInputs: named(at, "bar") },
      ...{ prediction: { known_until: iso(at.us) }, decision: { known_until: iso(at.us) } },
    }),
  },
  "history that was loaded later": {
    sessions: HISTORY,
    rows: ({ us }, by) => ({ bar: { published_at: iso(us + DECISION_KNOWN + by) } }),
  },
  "the first content of a bar that was revised later": {
    sessions: LIVE,
    rows: (at, by) => ({
      bar: { published_at: iso(at.us + DECISION_KNOWN + by) },
      inputs: named(at, "bar", { known_at: at.us + 1, value: 99 }),
      more: [replaced(at, { published_at: iso(at.us + 1) })],
    }),
  },
  "a bar that was told again": {
    rows: (at) => ({ inputs: named(at, "bar", { known_at: at.us + BAR_KNOWN + 1, value: 101 }) }),
  },
  "a content that had been replaced already": {
    sessions: LIVE,
    rows: (at) => ({
      inputs: named(at, "bar", { known_at: at.us + DECISION_KNOWN, value: 99 }),
      more: [replaced(at, { published_at: iso(at.us) })],
    }),
  },
  "a revised bar in a backtest": {
    ...{ sessions: HISTORY, revised: true },
    rows: (at) => ({ inputs: named(at, "bar", { value: 101 }), more: [replaced(at, { published_at: iso(at.us) })] }),
  },
  "a bar of long before, without a time of the broker in its end": {
    rows: ({ us }) => ({ bar: { timestamp: iso(us - 50 * 24 * 60 * MINUTE), ends_at: null, interval: "1h" } }),
  },
  "an early report that nothing was filled": {
    rows: ({ us }) => ({ fill: { timestamp: iso(us - 9), priced_at: null, status: "REJECTED", quantity: 0 } }),
  },
  "knowledge alone": { rows: ({ us }) => ({ inputs: null, decision: { known_until: iso(us) } }) },
  "its prediction's knowledge alone": {
    rows: ({ us }) => ({ inputs: null, prediction: { known_until: iso(us) } }),
  },
  "history that landed before its time was kept": {
    sessions: HISTORY,
    rows: () => ({ bar: { published_at: null } }),
  },
  "nothing named": { provable: false, rows: () => ({ inputs: null }) },
  "an empty list": { provable: false, rows: () => ({ inputs: [], prediction: null }) },
  "a bar that nobody knows the end of": {
    provable: false,
    rows: () => ({ bar: { interval: "tape", ends_at: null } }),
  },
  "a bar that landed before its time was kept": {
    ...{ provable: false, sessions: LIVE },
    rows: () => ({ bar: { published_at: null } }),
  },
};

export const PLANTED: Readonly<Record<string, Planted>> = { ...LEAKING, ...HONEST };
