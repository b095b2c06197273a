import type { FeedRow } from "../../src/feed-health/feed-row.ts";
import type { Meters } from "../../src/metrics/meters.ts";
import { inWindows } from "../../src/status/lag.ts";
import type { PartitionRow } from "../../src/status/read-status.ts";
import { NOTHING_COUNTED } from "../../src/table/landing/ledger.ts";

export const MEASURED = { topic: "paper.ticks", partition: 1 };

const LEDGER = {
  ...NOTHING_COUNTED,
  kind: "batch",
  firstOffset: 0,
  nextOffset: 5,
  holes: 0,
  lost: 0,
  superseded: 0,
  read: 5,
  written: 3,
  dead: 2,
} as const;

/** What is known of the partition. @param change what of it is otherwise */
export const measuredRow = (change: Partial<PartitionRow> = {}) =>
  ({
    ...MEASURED,
    lag: 7,
    secondsBehind: 2.5,
    letters: 1,
    parked: 2,
    outbox: 3,
    caughtUpIn: inWindows(() => 4),
    ...change,
  }) as PartitionRow;

const FEED: FeedRow = {
  kind: "quotes",
  source: "sip",
  calendar: "XNYS",
  state: "dead",
  lastAt: "2026-07-01T14:30:00.000Z",
  silentSeconds: 61,
  isAtLeast: false,
  deadAfterSeconds: 30,
  delaySeconds: 0.01,
  crossed: 3,
  countedBy: "feed",
  gaps: 1,
  lost: 2,
  instruments: [
    { symbolId: "id", ticker: "IBM", exchange: "XNYS", state: "dead", lastAt: null, silentSeconds: 62 },
    { symbolId: "id", ticker: "BTC", exchange: null, state: "unjudged", lastAt: null, silentSeconds: null },
  ],
};

/** Measures everything that there is, at least once. */
export function measureAll(meters: Meters): void {
  const { topic: topicName, partition } = MEASURED;
  meters.landed({ topicName, partition, ledger: [LEDGER], firstPublishedAtMs: Date.now() - 3000 });
  meters.sent({ topicName, events: 10, isAcked: true, seconds: 0.02 });
  meters.sent({ topicName, events: 4, isAcked: false, seconds: 60 });
  meters.group(topicName, "waiting");
  meters.looked([measuredRow()]);
  meters.feeds([FEED]);
}
