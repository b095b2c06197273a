/** A partition of a topic, by the topic's full name. */
export interface TopicPartition {
  readonly topicName: string;
  readonly partition: number;
}

/** What Kafka keeps of a group for a partition: the offset of the next record, and a note that the reader put beside it. */
export interface Mark extends TopicPartition {
  readonly offset: number;
  readonly note: string;
}

/** Where the part of a log ends that the leader of an epoch took: the offset behind it. */
export interface EpochEnd {
  readonly epoch: number;
  readonly end: number;
}

/** One partition's log: `low` is the first offset it still holds, `high` the one the next record will get. */
export interface PartitionOffsets {
  readonly partition: number;
  readonly low: number;
  readonly high: number;
}
