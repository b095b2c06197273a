import { Counter, Gauge, Histogram, type Registry } from "prom-client";
import type { LandedStep } from "../batch/meter.ts";
import type { FeedRow } from "../feed-health/feed-row.ts";
import type { PartitionRow } from "../status/read-status.ts";
import { LEDGER_COUNTS } from "../table/landing/ledger.ts";
import type { SentBatch } from "../topic/publish/publish.ts";
import { LATENCY_BUCKETS, METRICS, type MetricName } from "./declared.ts";
import type { MetricRegistry } from "./metric-registry.ts";

/** What becomes of events; `read` is their sum. */
const OUTCOMES = LEDGER_COUNTS.filter((name) => name !== "read");

const FEED_STATES = ["live", "dead", "closed", "learning", "unjudged"] as const satisfies FeedRow["state"][];

const GROUP_STATES = ["running", "waiting", "stopped"] as const;

/** The names of the metrics of a kind. */
type Named<K extends string> = { [N in MetricName]: (typeof METRICS)[N]["kind"] extends K ? N : never }[MetricName];

/** What is measured, in a registry of prom-client's. */
export class Meters {
  readonly #registry: Registry;

  /** @param registry may hold these metrics already, as of another connection: they are counted together then */
  constructor(registry: MetricRegistry) {
    this.#registry = registry as Registry;
  }

  readonly landed = ({ topicName: topic, partition, ledger, firstPublishedAtMs }: LandedStep): void => {
    if (ledger.length === 0) return;
    const place = { topic, partition };
    const nowMs = Date.now();
    const events = this.#counter("tradetape_landed_events_total");
    // A counter that appears with its first event has no increase that Prometheus would see: it has to be there as 0.
    for (const row of ledger) for (const outcome of OUTCOMES) events.inc({ ...place, outcome }, row[outcome]);
    this.#counter("tradetape_landed_batches_total").inc(place, ledger.length);
    this.#gauge("tradetape_last_record_processed_timestamp_seconds").set(place, nowMs / 1000);
    if (firstPublishedAtMs === undefined) return;
    const seconds = Math.max(0, nowMs - firstPublishedAtMs) / 1000;
    this.#histogram("tradetape_event_to_row_seconds").observe({ topic }, seconds);
  };

  readonly sent = ({ topicName: topic, events, isAcked, seconds }: SentBatch): void => {
    this.#counter("tradetape_published_events_total").inc({ topic }, isAcked ? events : 0);
    this.#counter("tradetape_refused_events_total").inc({ topic }, isAcked ? 0 : events);
    if (isAcked) this.#histogram("tradetape_publish_to_ack_seconds").observe({ topic }, seconds);
  };

  /** @param topic the full name */
  group(topic: string, state: (typeof GROUP_STATES)[number]): void {
    const gauge = this.#gauge("tradetape_group_state");
    for (const one of GROUP_STATES) gauge.set({ topic, state: one }, one === state ? 1 : 0);
  }

  /** @param rows what was seen; undefined where nothing could be: figures that nobody can vouch for are absent */
  looked(rows: readonly PartitionRow[] | undefined): void {
    const lag = this.#gauge("tradetape_lag_offsets");
    const late = this.#gauge("tradetape_lag_seconds");
    const caughtUp = this.#gauge("tradetape_caught_up_in_seconds");
    const letters = this.#gauge("tradetape_open_letters");
    const parked = this.#gauge("tradetape_parked_events");
    const outbox = this.#gauge("tradetape_outbox_messages");
    for (const gauge of [lag, late, caughtUp, letters, parked, outbox]) gauge.reset();
    for (const row of rows ?? []) {
      const place = { topic: row.topic, partition: row.partition };
      const { over60s } = row.caughtUpIn;
      lag.set(place, row.lag);
      if (row.secondsBehind !== null) late.set(place, row.secondsBehind);
      caughtUp.set(place, over60s === "never" ? Number.POSITIVE_INFINITY : over60s);
      letters.set(place, row.letters);
      parked.set(place, row.parked);
      outbox.set(place, row.outbox);
    }
  }

  /** @param rows of all feeds that are known */
  feeds(rows: readonly FeedRow[]): void {
    const states = this.#gauge("tradetape_feed_state");
    const silent = this.#gauge("tradetape_feed_silent_seconds");
    const each = this.#gauge("tradetape_instrument_silent_seconds");
    const crossed = this.#gauge("tradetape_feed_crossed_quotes");
    const lost = this.#gauge("tradetape_feed_lost_numbers");
    for (const gauge of [states, silent, each, crossed, lost]) gauge.reset();
    for (const row of rows) {
      const { source, kind } = row;
      const calendar = row.calendar ?? "";
      for (const state of FEED_STATES) states.set({ source, kind, calendar, state }, state === row.state ? 1 : 0);
      if (row.silentSeconds !== null) silent.set({ source, kind, calendar }, row.silentSeconds);
      if (kind === "quotes") crossed.set({ source, calendar }, row.crossed);
      if (row.lost !== null) lost.set({ source, kind, calendar }, row.lost);
      for (const { symbolId, ticker, exchange, silentSeconds } of row.instruments) {
        if (silentSeconds === null) continue;
        each.set({ source, kind, exchange: exchange ?? "", ticker: ticker ?? symbolId }, silentSeconds);
      }
    }
  }

  #counter(name: Named<"counter">): Counter {
    return this.#made(name, () => new Counter(this.#shape(name)));
  }

  #gauge(name: Named<"gauge">): Gauge {
    return this.#made(name, () => new Gauge(this.#shape(name)));
  }

  #histogram(name: Named<"histogram">): Histogram {
    return this.#made(name, () => new Histogram({ ...this.#shape(name), buckets: LATENCY_BUCKETS }));
  }

  #shape(name: MetricName) {
    const { help, labels } = METRICS[name];
    return { name, help, labelNames: [...labels], registers: [this.#registry] };
  }

  #made<M>(name: MetricName, make: () => M): M {
    return (this.#registry.getSingleMetric(name) as M | undefined) ?? make();
  }
}
