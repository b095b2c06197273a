import { TradetapeError } from "../errors.ts";
import type { LogReading, Seen } from "./read-newest.ts";

/** How long a reader that follows waits for a record, which is how late a signal may be heeded. */
const FOLLOW_WAIT_MS = 500;
const WAIT_MS = 100;

interface OnwardOptions {
  /** The offset behind the last one to read, by partition; undefined reads on for ever. */
  readonly to?: ReadonlyMap<number, number> | undefined;
  /** Up to these offsets records of all partitions are handed over by their times; what comes later as it comes. */
  readonly ordered: ReadonlyMap<number, number>;
  /** Is told what the log no longer holds of what was to be read. */
  onGone(partition: number, from: number, to: number): void;
}

/**
 * Reads a topic onward from some offsets, and hands over the records that are wanted: of each partition in the order of its
 * offsets, and of all by the broker's time, as far as the logs went when the reading began.
 * @param begin the first offset to read, by partition, of those that are read
 * @throws TradetapeError broker_unreachable, topic_missing, and what `look` throws
 */
export async function* readOnward<S extends Seen>(
  reading: LogReading<S>,
  begin: ReadonlyMap<number, number>,
  { to, ordered, onGone }: OnwardOptions,
): AsyncGenerator<S> {
  const at = new Map(begin);
  const waiting = new Map([...at.keys()].map((partition): [number, S[]] => [partition, []]));
  const held = new Set<number>();
  const isFollowing = to === undefined;
  const isOpen = (partition: number) =>
    isFollowing || (!held.has(partition) && at.get(partition)! < (to.get(partition) ?? 0));
  const isBehind = (partition: number) =>
    isOpen(partition) && !held.has(partition) && at.get(partition)! < (ordered.get(partition) ?? 0);
  while (!reading.stop.aborted) {
    // What a partition has before `ordered` may be older than all that waits, so it is fetched first.
    const lacking = [...at.keys()].filter((partition) => isBehind(partition) && waiting.get(partition)!.length === 0);
    if (lacking.length === 0) {
      const next = oldest(waiting);
      if (next !== undefined) {
        yield next;
        continue;
      }
    }
    const asked = lacking.length > 0 ? lacking : [...at.keys()].filter(isOpen);
    if (asked.length === 0) return;
    await fetchOnward(reading, at, asked, {
      waiting,
      held,
      onGone,
      waitMs: lacking.length > 0 ? WAIT_MS : FOLLOW_WAIT_MS,
    });
  }
}

interface Onward<S> extends Pick<OnwardOptions, "onGone"> {
  readonly waiting: ReadonlyMap<number, S[]>;
  /** Partitions of which an open transaction holds back what comes behind it. */
  readonly held: Set<number>;
  readonly waitMs: number;
}

async function fetchOnward<S extends Seen>(
  { log, topicName, partitionBytesMax, look }: LogReading<S>,
  at: Map<number, number>,
  asked: readonly number[],
  { waiting, held, onGone, waitMs }: Onward<S>,
): Promise<void> {
  const from = new Map(asked.map((partition) => [partition, at.get(partition)!]));
  const batches = await log.fetchRecords(topicName, from, { waitMs, partitionBytesMax });
  for (const batch of batches) {
    const seen = await look(batch);
    waiting.get(batch.partition)!.push(...seen.filter(({ offset }) => offset >= batch.fetchedOffset));
    at.set(batch.partition, batch.nextOffset);
  }
  const gone = asked.filter((partition) => !batches.some((batch) => batch.partition === partition));
  if (gone.length > 0) await passGone(log, topicName, at, gone, onGone);
  // Where all bring nothing none has anything to bring, as the bytes of an answer are shared out among them.
  const hasMoved = gone.length > 0 || batches.some(({ fetchedOffset, nextOffset }) => nextOffset > fetchedOffset);
  if (!hasMoved) for (const partition of asked) held.add(partition);
}

/** Goes on behind what retention has taken meanwhile. */
async function passGone(
  log: LogReading<Seen>["log"],
  topicName: string,
  at: Map<number, number>,
  gone: readonly number[],
  onGone: OnwardOptions["onGone"],
): Promise<void> {
  const ends = await log.fetchOffsets(topicName);
  for (const partition of gone) {
    const [offset, end] = [at.get(partition)!, ends.find((one) => one.partition === partition)];
    if (end === undefined || offset > end.high) {
      throw new TradetapeError(
        "history_lost",
        `${topicName}/${partition} no longer holds offset ${offset}: it was cut`,
        {
          next: "`tradetape status` says how far this database had landed it.",
        },
      );
    }
    if (end.low > offset) onGone(partition, offset, end.low);
    at.set(partition, Math.max(offset, end.low));
  }
}

function oldest<S extends Seen>(waiting: ReadonlyMap<number, S[]>): S | undefined {
  const heads = [...waiting.values()].filter((queue) => queue.length > 0);
  if (heads.length === 0) return undefined;
  return heads.reduce((a, b) => (b[0]!.publishedAtMs < a[0]!.publishedAtMs ? b : a)).shift();
}
