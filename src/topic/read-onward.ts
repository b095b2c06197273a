import { TradetapeError } from "../errors.ts";
import type { LogPlace, TopicPartition } from "./offsets.ts";
import type { LogReading, Seen } from "./read-newest.ts";

/** How long a reader that follows waits for a record, which is how late a signal may be heeded. */
const FOLLOW_WAIT_MS = 500;
const WAIT_MS = 100;

interface OnwardOptions {
  /** Up to these places records of all partitions are handed over by their times; what comes later as it comes. */
  readonly ends: readonly LogPlace[];
  /** Whether reading goes on for ever; if not, it is over at the ends. */
  readonly isFollowing: boolean;
  /** Is told what a log no longer holds of what was to be read. */
  onGone(at: TopicPartition, from: number, to: number): void;
}

/** A part of one partition's log, read to its end. */
interface Run<S> extends TopicPartition {
  /** What is wanted of it, in the order of the offsets. */
  readonly seen: readonly S[];
  /** The offset behind it. */
  readonly next: number;
}

/** One partition, as far as it is read. */
interface Reach<S> extends TopicPartition {
  readonly end: number;
  /** Behind what was fetched. */
  at: number;
  /** Behind what was handed over. */
  told: number;
  /** What was fetched last of it, and how much of that was handed over. */
  fetched: readonly S[];
  taken: number;
  /** Whether an open transaction holds back what comes next. */
  isHeld: boolean;
}

/**
 * Reads partitions of some topics onward, and hands over the records that are wanted: of each partition in the order of its
 * offsets, and of all by the broker's time, as far as the logs went when the reading began. It fetches when it is asked for more.
 * @param begin the first place to read of each partition
 * @throws TradetapeError broker_unreachable, topic_missing, history_lost where a log was cut, and what `look` throws
 */
export async function* readOnward<S extends Seen>(
  reading: Omit<LogReading<S>, "topicName">,
  begin: readonly LogPlace[],
  { ends, isFollowing, onGone }: OnwardOptions,
): AsyncGenerator<Run<S>> {
  const all = begin.map(({ topicName, partition, offset }): Reach<S> => {
    const end = ends.find((one) => one.topicName === topicName && one.partition === partition)?.offset ?? 0;
    return { topicName, partition, end, at: offset, told: offset, fetched: [], taken: 0, isHeld: false };
  });
  const isOpen = ({ at, end, isHeld }: Reach<S>) => isFollowing || (!isHeld && at < end);
  while (!reading.stop.aborted) {
    // What a partition has before its end may be older than all that waits, so it is fetched first.
    const lacking = all.filter((reach) => headOf(reach) === undefined && !reach.isHeld && reach.at < reach.end);
    const run = passed(all) ?? (lacking.length === 0 ? oldestRun(all) : undefined);
    if (run !== undefined) {
      yield run;
      continue;
    }
    const asked = lacking.length > 0 ? lacking : all.filter(isOpen);
    if (asked.length === 0) return;
    await fetchOnward(reading, asked, { onGone, waitMs: lacking.length > 0 ? WAIT_MS : FOLLOW_WAIT_MS });
  }
}

async function fetchOnward<S extends Seen>(
  { log, partitionBytesMax, look }: Omit<LogReading<S>, "topicName">,
  asked: readonly Reach<S>[],
  { onGone, waitMs }: Pick<OnwardOptions, "onGone"> & { readonly waitMs: number },
): Promise<void> {
  const from = asked.map(({ topicName, partition, at }) => ({ topicName, partition, offset: at }));
  const batches = await log.fetchRecords(from, { waitMs, partitionBytesMax });
  const gone: Reach<S>[] = [];
  for (const reach of asked) {
    const batch = batches.find((one) => one.topicName === reach.topicName && one.partition === reach.partition);
    if (batch === undefined) {
      gone.push(reach);
      continue;
    }
    const seen = (await look(batch)).filter(({ offset }) => offset >= batch.fetchedOffset);
    reach.fetched = reach.fetched.slice(reach.taken).concat(seen);
    reach.taken = 0;
    reach.at = batch.nextOffset;
  }
  if (gone.length > 0) await passGone(log, gone, onGone);
  // Where all bring nothing none has anything to bring, as the bytes of an answer are shared out among them.
  const hasMoved = gone.length > 0 || batches.some(({ fetchedOffset, nextOffset }) => nextOffset > fetchedOffset);
  if (!hasMoved) for (const reach of asked) reach.isHeld = true;
}

/** Goes on behind what retention has taken meanwhile. */
async function passGone(
  log: LogReading<Seen>["log"],
  gone: readonly Reach<Seen>[],
  onGone: OnwardOptions["onGone"],
): Promise<void> {
  for (const [topicName, own] of Map.groupBy(gone, (reach) => reach.topicName)) {
    const ends = await log.fetchOffsets(topicName);
    for (const reach of own) {
      const end = ends.find(({ partition }) => partition === reach.partition);
      if (end === undefined || reach.at > end.high) {
        const message = `${topicName}/${reach.partition} no longer holds offset ${reach.at}: it was cut`;
        const next = "`tradetape status` says how far this database had landed it.";
        throw new TradetapeError("history_lost", message, { next });
      }
      if (end.low > reach.at) onGone(reach, reach.at, end.low);
      reach.at = Math.max(reach.at, end.low);
    }
  }
}

/** The next record to be handed over of a partition. */
const headOf = <S>({ fetched, taken }: Reach<S>): S | undefined => fetched[taken];

/** Of a partition of which nothing waits what was passed over, that it be known to have been read. */
function passed<S extends Seen>(all: readonly Reach<S>[]): Run<S> | undefined {
  const reach = all.find((one) => headOf(one) === undefined && one.at > one.told);
  return reach && runOf(reach, reach.taken);
}

/** Of the partition that has the oldest record all that isn't younger than those of the others. */
function oldestRun<S extends Seen>(all: readonly Reach<S>[]): Run<S> | undefined {
  const ready = all.filter((reach) => headOf(reach) !== undefined);
  const [first, second] = ready.toSorted((a, b) => headOf(a)!.publishedAtMs - headOf(b)!.publishedAtMs);
  if (first === undefined) return undefined;
  const untilMs = second === undefined ? Number.POSITIVE_INFINITY : headOf(second)!.publishedAtMs;
  let to = first.taken + 1;
  while (to < first.fetched.length && first.fetched[to]!.publishedAtMs <= untilMs) to++;
  return runOf(first, to);
}

function runOf<S extends Seen>(reach: Reach<S>, to: number): Run<S> {
  const seen = reach.fetched.slice(reach.taken, to);
  reach.taken = to;
  reach.told = headOf(reach)?.offset ?? reach.at;
  return { topicName: reach.topicName, partition: reach.partition, seen, next: reach.told };
}
