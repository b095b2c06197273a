/**
 * How often kafkajs asks the cluster for its topics' partitions and their leaders without a reason: more partitions are
 * found by it, and an operator may add some at any time. kafkajs's own 5 minutes would leave them lying as long.
 */
export const METADATA_MAX_AGE_MS = 15_000;
