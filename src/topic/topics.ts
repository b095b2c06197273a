import { TradetapeError } from "../errors.ts";
import type { FieldHolding } from "../event/identity.ts";
import type { EventTopic } from "../event/schemas.ts";
import type { LogAdmin } from "./log-client.ts";

export type TopicName = EventTopic | "dead-letters" | "snapshots";

/** A topic keeps its events for ever, or for the hours of a setting. */
type Retention = "for ever" | "topicRetentionHours" | "agentRetentionHours";

interface TopicDeclaration<F extends string | null> {
  /** The event's field whose text is the message key; null where there is one partition and no such field. */
  readonly key: F;
  readonly partitions: number;
  readonly retention: Retention;
  /** What the topic takes as one batch, in bytes. */
  readonly messageBytesMax: number;
  /** Whether Kafka keeps the newest record of each message key only. */
  readonly isCompacted?: true;
}

const MIB = 1024 * 1024;
const sourceTopic = <F extends string | null>(
  key: F,
  partitions: number,
  retention: Retention,
): TopicDeclaration<F> => ({ key, partitions, retention, messageBytesMax: 4 * MIB });

/** What may be a topic's key: a field in which each of its events has a text, or nothing. A letter has no fields. */
type Key<T extends TopicName> = (T extends EventTopic ? FieldHolding<string, T> : never) | null;

/**
 * Every topic. A letter holds its event's bytes and coordinates, so its topic takes twice as much. What programs made, and
 * the bars that they made it of, is small beside ticks, and nothing makes it again once its inputs are gone.
 */
export const TOPICS: { readonly [T in TopicName]: TopicDeclaration<Key<T>> } = {
  symbols: sourceTopic("symbol_id", 1, "for ever"),
  sessions: sourceTopic("backtest_session_id", 1, "for ever"),
  ticks: sourceTopic("symbol_id", 4, "topicRetentionHours"),
  quotes: sourceTopic("symbol_id", 4, "topicRetentionHours"),
  bars: sourceTopic("symbol_id", 4, "agentRetentionHours"),
  indicators: sourceTopic("symbol_id", 4, "agentRetentionHours"),
  predictions: sourceTopic("symbol_id", 4, "agentRetentionHours"),
  decisions: sourceTopic("symbol_id", 4, "agentRetentionHours"),
  fills: sourceTopic("symbol_id", 4, "agentRetentionHours"),
  performance: sourceTopic("strategy_id", 1, "agentRetentionHours"),
  outcomes: sourceTopic("symbol_id", 4, "agentRetentionHours"),
  calls: sourceTopic("call_id", 1, "agentRetentionHours"),
  contents: sourceTopic("content_id", 1, "agentRetentionHours"),
  audit: sourceTopic(null, 1, "for ever"),
  "dead-letters": { key: null, partitions: 1, retention: "for ever", messageBytesMax: 8 * MIB },
  snapshots: { key: null, partitions: 1, retention: "for ever", messageBytesMax: 4 * MIB, isCompacted: true },
};

export const TOPIC_NAMES = Object.keys(TOPICS) as TopicName[];

/** A topic's full name on the cluster. @param namespace config.namespace; empty is none */
export function topicName(namespace: string, topic: TopicName): string {
  return namespace === "" ? topic : `${namespace}.${topic}`;
}

export const CREATE_TOPICS = "Create the topics with `tradetape topics --create`.";

/** How many partitions a topic has. @param name the full name @throws TradetapeError topic_missing, acl_missing */
export async function fetchPartitionCount(admin: LogAdmin, name: string): Promise<number> {
  const found = (await admin.fetchTopics()).get(name);
  if (found !== undefined) return found.partitions;
  await admin.requireVisible([name]);
  throw new TradetapeError("topic_missing", `missing: ${name}`, { next: CREATE_TOPICS });
}
