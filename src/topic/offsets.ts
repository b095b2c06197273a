/** A partition of a topic, by the topic's full name. */
export interface TopicPartition {
  readonly topicName: string;
  readonly partition: number;
}

/** A place in the log of a partition. */
export interface LogPlace extends TopicPartition {
  readonly offset: number;
}

/** The places of a topic's partitions. @param offsets by partition */
export const placesAt = (topicName: string, offsets: ReadonlyMap<number, number>): LogPlace[] =>
  [...offsets].map(([partition, offset]) => ({ topicName, partition, offset }));

/** What Kafka keeps of a group for a partition: the offset of the next record, and a note that the reader put beside it. */
export interface Mark extends LogPlace {
  readonly note: string;
}

/** Where the part of a log ends that the leader of an epoch took: the offset behind it. */
export interface EpochEnd {
  readonly epoch: number;
  readonly end: number;
}

/** What readers get of one partition's log from an offset on: not what transactions left that were aborted or are open. */
export interface VisibleLog {
  /** Where it ends for readers: where the oldest open transaction begins, or the log's end. */
  readonly end: number;
  /** Its first record; undefined where there is none. */
  readonly first: VisibleRecord | undefined;
  /** Where the log itself ends, what readers don't get yet included. */
  readonly logEnd: number;
  /** The first record of the oldest open transaction, which lies at `end`; undefined where none is open. */
  readonly open: VisibleRecord | undefined;
}

export interface VisibleRecord {
  readonly offset: number;
  /** The broker's time, milliseconds since 1970; undefined where its producer set the time, or it can't be read. */
  readonly publishedAtMs: number | undefined;
}

/** One partition's log: `low` is the first offset it still holds, `high` the one the next record will get. */
export interface PartitionOffsets {
  readonly partition: number;
  readonly low: number;
  readonly high: number;
}

/** A log's offsets count up from 0 by one: a number holds each exactly, because none ever reaches 2^53. */
export function offsetNumber(text: string): number {
  const offset = Number(text);
  if (!Number.isSafeInteger(offset)) throw new Error(`offset ${text} is beyond 2^53`);
  return offset;
}
