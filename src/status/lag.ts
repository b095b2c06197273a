/** A figure by what happened in the last 10 seconds, and in the last minute. */
export interface OverWindows<T> {
  readonly over10s: T;
  readonly over60s: T;
}

/** The windows' lengths, in seconds. */
export const WINDOW_SECONDS: OverWindows<number> = { over10s: 10, over60s: 60 };

/** The same for both windows. */
export const inWindows = <T>(of: (window: keyof OverWindows<unknown>) => T): OverWindows<T> => ({
  over10s: of("over10s"),
  over60s: of("over60s"),
});

/** Seconds until what is published is landed at once; `never` where as much is published as lands, or more. */
export type CaughtUpIn = number | "never";

/** How far and how late landing is. */
export interface Lateness {
  /** Offsets from the first record that has not landed to the log's end for readers. */
  readonly lag: number;
  /** How long the broker has had that record; null where its producer set its time, or it can't be read. */
  readonly secondsBehind: number | null;
}

/** What has waited for less is on its way: a landing takes that long, and rates say nothing about it. */
const ON_ITS_WAY_SECONDS = 1;

/**
 * How long it takes to land what waits and what is published meanwhile.
 * @param landedPerSecond offsets @param publishedPerSecond offsets
 */
export function caughtUpIn(
  { lag, secondsBehind }: Lateness,
  landedPerSecond: number,
  publishedPerSecond: number,
): CaughtUpIn {
  if (lag === 0 || (secondsBehind !== null && secondsBehind < ON_ITS_WAY_SECONDS)) return 0;
  const gainedPerSecond = landedPerSecond - publishedPerSecond;
  return gainedPerSecond > 0 ? lag / gainedPerSecond : "never";
}

/** A topic's lateness is that of its slowest partition. */
export interface TopicLateness extends Lateness {
  readonly caughtUpIn: OverWindows<CaughtUpIn>;
  /** The partition that is most seconds behind; of several the first. */
  readonly worstPartition: number;
  /** How many seconds it is further behind than the median partition: much, where one key has most of the events. */
  readonly skewSeconds: number;
}

interface PartitionLateness extends Lateness {
  readonly partition: number;
  readonly caughtUpIn: OverWindows<CaughtUpIn>;
}

/** @param partitions all of one topic, at least one */
export function topicLateness(partitions: readonly PartitionLateness[]): TopicLateness {
  const byTime = partitions.toSorted((a, b) => (b.secondsBehind ?? 0) - (a.secondsBehind ?? 0));
  const worst = byTime[0]!;
  const seconds = byTime.map(({ secondsBehind }) => secondsBehind ?? 0);
  return {
    lag: partitions.reduce((sum, { lag }) => sum + lag, 0),
    secondsBehind: partitions.every(({ secondsBehind }) => secondsBehind === null) ? null : seconds[0]!,
    caughtUpIn: inWindows((window) => latest(partitions.map((one) => one.caughtUpIn[window]))),
    worstPartition: worst.partition,
    skewSeconds: seconds[0]! - medianOf(seconds),
  };
}

const latest = (all: readonly CaughtUpIn[]): CaughtUpIn =>
  all.includes("never") ? "never" : Math.max(...(all as readonly number[]));

/** @param sorted at least one */
const medianOf = (sorted: readonly number[]): number =>
  (sorted[Math.floor((sorted.length - 1) / 2)]! + sorted[Math.ceil((sorted.length - 1) / 2)]!) / 2;
