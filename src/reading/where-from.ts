import { TradetapeError } from "../errors.ts";
import type { EventTopic } from "../event/schemas.ts";
import { readMicros } from "../event/time/micros.ts";
import type { LogAdmin } from "../topic/log-client.ts";
import type { LogPlace, PartitionOffsets } from "../topic/offsets.ts";
import type { SubscribeFrom } from "./subscription.ts";

/** A topic by both of its names. */
export interface NamedTopic {
  readonly topic: EventTopic;
  /** The full name. */
  readonly topicName: string;
}

/**
 * Where reading begins in each of a topic's partitions.
 * @param from as `requireFrom` took it
 * @throws TradetapeError input_invalid for an offset behind a log's end, or of a partition that there isn't
 */
export async function placesFrom(
  admin: Pick<LogAdmin, "fetchOffsets" | "fetchOffsetsAt">,
  { topic, topicName }: NamedTopic,
  from: SubscribeFrom,
): Promise<LogPlace[]> {
  const ends = await admin.fetchOffsets(topicName);
  const placeOf = (partition: number, offset: number): LogPlace => ({ topicName, partition, offset });
  if (from === "latest") return ends.map(({ partition, high }) => placeOf(partition, high));
  if (from === "beginning") return ends.map(({ partition, low }) => placeOf(partition, low));
  if ("time" in from) {
    // The broker's times are milliseconds: what was published in the midst of one is told by its beginning.
    const found = await admin.fetchOffsetsAt(topicName, Math.ceil((readMicros(from.time) as number) / 1000));
    return ends.map(({ partition, high }) => placeOf(partition, found.get(partition) ?? high));
  }
  const offsets = from.offsets[topic] ?? {};
  requireWithin(topicName, offsets, ends);
  return ends.map(({ partition, low }) => placeOf(partition, offsets[partition] ?? low));
}

function requireWithin(
  topicName: string,
  offsets: Readonly<Record<number, number>>,
  ends: readonly PartitionOffsets[],
): void {
  for (const [partition, offset] of Object.entries(offsets)) {
    const end = ends.find((one) => String(one.partition) === partition);
    if (end !== undefined && Number.isSafeInteger(offset) && offset >= 0 && offset <= end.high) continue;
    const holds = end === undefined ? "there is no such partition" : `the log ends at ${end.high}`;
    throw new TradetapeError("input_invalid", `from: offset ${offset} of ${topicName}/${partition}: ${holds}`, {
      next: "Give offsets of messages that were read of this topic: a topic that was made again counts from 0.",
    });
  }
}

/** @throws TradetapeError input_invalid for what says no place, and for topics that aren't read */
export function requireFrom(topics: readonly EventTopic[], from: unknown): SubscribeFrom {
  if (from === "latest" || from === "beginning") return from;
  const said = (typeof from === "object" && from !== null ? from : {}) as { time?: unknown; offsets?: unknown };
  if (typeof said.offsets === "object" && said.offsets !== null) {
    const others = Object.keys(said.offsets).filter((name) => !(topics as readonly string[]).includes(name));
    if (others.length === 0) return { offsets: said.offsets };
    throw wrongFrom(`offsets of ${others.join(", ")}, to which nobody subscribes`);
  }
  const us = readMicros(said.time);
  if (typeof us === "number") return { time: us };
  throw wrongFrom(said.time === undefined ? JSON.stringify(from) : `a time, which ${us}`);
}

const wrongFrom = (what: string): TradetapeError =>
  new TradetapeError("input_invalid", `from: ${what}`, {
    next: 'Write "latest", "beginning", { time } or { offsets: { ticks: { 0: 4711 } } }.',
  });
