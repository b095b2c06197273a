import { readConfig } from "../../src/config.ts";
import { type EventMaker, type Mixture, type SimulatedTopic, uuid } from "./events.ts";
import type { LogEntry, Parent } from "./fakes/fake-log.ts";
import { type FaultRates, someFaults } from "./faults.ts";
import { Random } from "./virtual-time.ts";

/** What happens to whom, when. */
export interface Action {
  readonly atMs: number;
  readonly kind:
    | "kill"
    | "freeze"
    | "stop"
    | "force-stop"
    | "start"
    | "rebalance"
    | "tamper"
    | "restart-postgres"
    | "fail-over"
    | "drop-days"
    | "delete-records"
    | "remake"
    | "cut";
  /** How many of the last commits a failover's replica lacks; the dice say when it is absent. */
  readonly commits?: number;
}

/** What a schedule that was written by hand has instead of dice. */
export interface Script {
  /** Puts records into the first partition's log. */
  produce(add: (atMs: number, entry: (maker: EventMaker, nowMs: number) => LogEntry) => void): void;
  /** What the log holds after `remake`. */
  remade?(maker: EventMaker, nowMs: number): LogEntry[];
  /** Whether the answer to this statement is lost, once. */
  isUnheard?(text: string, session: string): boolean;
}

/** One schedule, as its seed or a person makes it. */
export interface Plan {
  readonly seed: number;
  readonly topic: SimulatedTopic;
  readonly partitions: number;
  readonly processes: number;
  readonly mixture: Mixture;
  /** How many records each partition gets, and when the last of them comes. */
  readonly records: readonly number[];
  readonly producedMs: number;
  readonly faults: FaultRates;
  readonly fetchRecordsMax: number;
  readonly actions: readonly Action[];
  /** From here on nothing goes wrong any more. */
  readonly healsMs: number;
  /** How long parents' landings lie behind their publishing. */
  readonly parentLagMs: number;
  /** Whether brokers tell the ids of topics. */
  readonly tellsIds: boolean;
  readonly config: ReturnType<typeof readConfig> & { readonly databaseUrl: string };
  readonly script?: Script;
}

const BASE = readConfig({ databaseUrl: "postgres://nobody@127.0.0.1:1/none" }, {}) as Plan["config"];

const COMMON = ["kill", "freeze", "stop", "force-stop", "start", "rebalance", "tamper", "restart-postgres"] as const;

export function planOf(seed: number): Plan {
  const random = new Random(seed);
  const topic = random.pick(["ticks", "bars", "predictions", "predictions"] as const);
  const partitions = random.pick([1, 1, 2, 3]);
  const healsMs = random.between(2000, 9000);
  const size = random.pick([5, 20, 40]);
  return {
    seed,
    topic,
    partitions,
    processes: random.between(1, 3),
    mixture: {
      topic,
      parents: someParents(random, topic, healsMs),
      marker: random.pick([0, 0, 0.1, 0.3]),
      aborted: random.pick([0, 0, 0.1]),
      poison: random.pick([0, 0, 0.05, 0.3]),
      repeat: random.pick([0, 0, 0.1, 0.4]),
      days: random.pick([1, 2, 5]),
    },
    records: Array.from({ length: partitions }, () => random.between(1, size)),
    producedMs: random.pick([0, healsMs / 2, healsMs]),
    faults: someFaults(random),
    fetchRecordsMax: random.pick([1, 4, 10, 50]),
    actions: someActions(random, topic, healsMs),
    healsMs,
    parentLagMs: random.pick([10, 500, 4000]),
    tellsIds: random.chance(0.5),
    config: {
      ...BASE,
      sessionTimeoutMs: 6000,
      lockTimeoutMs: random.pick([300, 1000, 3000]),
      sweepIntervalMs: random.pick([300, 1000]),
      historyCheckMs: random.pick([1000, 3000]),
      parkDeadlineMs: random.pick([500, 3000]),
      parkedEventsMax: random.pick([1, 5, 1000]),
      landingBufferBytesMax: random.pick([1, 12_000, 1_000_000]),
      newDaysPerBatchMax: random.pick([1, 2, 32]),
      landingConnections: random.pick([1, 2]),
      // With 5 there is one session to land on: what asked for a second one while it has one would wait for ever.
      databaseSessionsMax: random.pick([5, 6, 12]),
    },
  };
}

function someParents(random: Random, topic: SimulatedTopic, healsMs: number): Parent[] {
  const never = { landedMs: undefined, usedMs: undefined };
  const first = { id: uuid(2, 0), publishedMs: 0, ...never };
  const others = Array.from({ length: random.between(0, 3) }, (_, n) => ({
    id: uuid(2, n + 1),
    ...never,
    publishedMs: random.chance(0.2) ? undefined : random.between(0, random.pick([0, healsMs])),
  }));
  // A prediction's first symbol is there, so that some can land at once; ticks and bars may have no session.
  return topic === "predictions" ? [first, ...others] : others;
}

function someActions(random: Random, topic: SimulatedTopic, healsMs: number): Action[] {
  const actions: Action[] = Array.from({ length: random.pick([0, 1, 3, 8]) }, () => ({
    atMs: random.between(100, healsMs),
    kind: random.pick(COMMON),
  }));
  if (topic === "ticks" && random.chance(0.2)) actions.push({ atMs: random.between(0, healsMs), kind: "drop-days" });
  // What loses records is rare: every other schedule has to show that nothing is lost.
  const loss = random.next();
  if (loss < 0.08) actions.push({ atMs: random.between(100, healsMs), kind: "delete-records" });
  else if (loss < 0.11) actions.push({ atMs: random.between(500, healsMs), kind: "fail-over" });
  else if (loss < 0.15) actions.push({ atMs: random.between(500, healsMs), kind: "remake" });
  else if (loss < 0.21) {
    for (let n = random.between(1, 3); n > 0; n--) actions.push({ atMs: random.between(500, healsMs), kind: "cut" });
  }
  return actions.sort((a, b) => a.atMs - b.atMs);
}
