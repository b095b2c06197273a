/** What is measured: the one place that names it. */
interface MetricDeclaration {
  readonly kind: "counter" | "gauge" | "histogram";
  readonly unit: string;
  /** Each with values that there are few of, none of them anybody's data but for a feed's name and an instrument's. */
  readonly labels: readonly string[];
  readonly help: string;
  /** Which commands have it. */
  readonly of: string;
}

/** Upper bounds in seconds: from what a quiet machine needs to what an outage costs. */
export const LATENCY_BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800];

const PLACE = ["topic", "partition"] as const;
const LANDING = "consume, replay";
const FEEDS = "feeds status";
const PUBLISHING = "publish, run, the library";

/** Every metric by its name: Prometheus's conventions, the unit in the name, times in seconds. */
export const METRICS = {
  tradetape_landed_events_total: {
    kind: "counter",
    unit: "events",
    labels: [...PLACE, "outcome"],
    help: "Events that this process landed, by what became of them: written, duplicate, replaced, dead, parked or filtered",
    of: LANDING,
  },
  tradetape_landed_batches_total: {
    kind: "counter",
    unit: "batches",
    labels: PLACE,
    help: "Batches that this process committed",
    of: LANDING,
  },
  tradetape_event_to_row_seconds: {
    kind: "histogram",
    unit: "seconds",
    labels: ["topic"],
    help: "From the broker's time of a batch's first event to the commit of its rows, once a batch",
    of: LANDING,
  },
  tradetape_last_record_processed_timestamp_seconds: {
    kind: "gauge",
    unit: "seconds since 1970",
    labels: PLACE,
    help: "When this process last committed a batch",
    of: LANDING,
  },
  tradetape_group_state: {
    kind: "gauge",
    unit: "1 or 0",
    labels: ["topic", "state"],
    help: "1 for what this process's group does: running, waiting or stopped",
    of: "consume",
  },
  tradetape_lag_offsets: {
    kind: "gauge",
    unit: "offsets",
    labels: PLACE,
    help: "From the first event that has not landed to the log's end for readers",
    of: "consume",
  },
  tradetape_lag_seconds: {
    kind: "gauge",
    unit: "seconds",
    labels: PLACE,
    help: "How long the broker has had the first event that has not landed; 0 where none waits, absent where its time is unknown",
    of: "consume",
  },
  tradetape_caught_up_in_seconds: {
    kind: "gauge",
    unit: "seconds",
    labels: PLACE,
    help: "Until all has landed, by the rates of the last minute; +Inf where the lag doesn't shrink",
    of: "consume",
  },
  tradetape_open_letters: {
    kind: "gauge",
    unit: "letters",
    labels: PLACE,
    help: "Letters that nobody has redriven or discarded",
    of: "consume",
  },
  tradetape_parked_events: {
    kind: "gauge",
    unit: "events",
    labels: PLACE,
    help: "Events that wait for their parents",
    of: "consume",
  },
  tradetape_outbox_messages: {
    kind: "gauge",
    unit: "messages",
    labels: PLACE,
    help: "Audit entries and letters that a committed batch still has to publish",
    of: "consume",
  },
  tradetape_feed_state: {
    kind: "gauge",
    unit: "1 or 0",
    labels: ["source", "kind", "calendar", "state"],
    help: "1 for what a feed does: live, dead, closed, learning or unjudged",
    of: FEEDS,
  },
  tradetape_feed_silent_seconds: {
    kind: "gauge",
    unit: "seconds",
    labels: ["source", "kind", "calendar"],
    help: "While its market is open, since a feed's newest event, or since the open; absent while it is closed or unjudged",
    of: FEEDS,
  },
  tradetape_instrument_silent_seconds: {
    kind: "gauge",
    unit: "seconds",
    labels: ["source", "kind", "exchange", "ticker"],
    help: "As of the feed, of one instrument",
    of: FEEDS,
  },
  tradetape_feed_crossed_quotes: {
    kind: "gauge",
    unit: "quotes",
    labels: ["source", "calendar"],
    help: "Quotes whose bid lay above their ask, since it was looked",
    of: FEEDS,
  },
  tradetape_feed_lost_numbers: {
    kind: "gauge",
    unit: "events",
    labels: ["source", "kind", "calendar"],
    help: "Numbers of a feed's events that never came, since it was looked; absent where nobody can tell what they count",
    of: FEEDS,
  },
  tradetape_published_events_total: {
    kind: "counter",
    unit: "events",
    labels: ["topic"],
    help: "Events that every replica has acknowledged",
    of: PUBLISHING,
  },
  tradetape_refused_events_total: {
    kind: "counter",
    unit: "events",
    labels: ["topic"],
    help: "Events that were not acknowledged for good; they may be in the topic all the same",
    of: PUBLISHING,
  },
  tradetape_publish_to_ack_seconds: {
    kind: "histogram",
    unit: "seconds",
    labels: ["topic"],
    help: "From a batch's first event to its acknowledgement, once a batch",
    of: PUBLISHING,
  },
} as const satisfies Readonly<Record<string, MetricDeclaration>>;

export type MetricName = keyof typeof METRICS;
