import { Refusal } from "../../event/letter.ts";
import { hasSessions } from "../../table/rows/landing-table.ts";
import type { Records } from "../../topic/fetch/records.ts";
import type { LogMember } from "../../topic/log-client.ts";
import type { Encoder } from "../encode/encoder.ts";
import { readEvent } from "../encode/read-event.ts";
import { sessionOf } from "../encode/session-sieve.ts";
import type { Lane } from "./lane.ts";
import type { Pace, Stretch } from "./replay-terms.ts";

/** The index of the first record at `offset` or later; the count of records when there is none. */
export function firstFrom(records: Records, offset: number): number {
  let low = 0;
  let high = records.count;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (records.offsetOf(middle) < offset) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Hands fetched records to `pace` instead of their lane. @returns whether fetching of the partition is to pause */
export function withhold(
  pace: Pace,
  fetched: {
    readonly encoder: Encoder;
    readonly topicName: string;
    readonly lane: Lane;
    readonly records: Records;
    readonly part: Stretch;
    readonly bytes: number;
    readonly member: Pick<LogMember, "letGo">;
    readonly push: (part: Stretch) => void;
  },
): boolean {
  const { encoder, topicName, lane, records, part, bytes, member, push } = fetched;
  // The first batch after a claim begins with the landmark, which has landed.
  const firstOffset = Math.max(part.firstOffset, lane.tail ?? 0);
  const { claimed } = lane;
  return pace.withhold({
    topicName,
    partition: lane.partition,
    ...part,
    firstOffset,
    from: firstFrom(records, firstOffset),
    bytes,
    offsetOf: (index) => records.offsetOf(index),
    timeOf: (index) => timeOf(encoder, records, index),
    release: (of) => {
      if (lane.claimed === claimed && lane.tail !== undefined) push(of);
    },
    wanted: () => member.letGo({ topicName, partition: lane.partition }),
  });
}

/**
 * The time of a record's event. Undefined where the record is no event, or its event isn't served: `ReplayPace` lets such a
 * record go as soon as those before it have gone, because nothing says when it happened.
 */
function timeOf(encoder: Encoder, records: Records, index: number): number | undefined {
  const { consumer, filter } = encoder;
  const publishedAtMs = records.publishedAtMs(index);
  if (consumer.time === undefined || !filter.hasTime(publishedAtMs)) return undefined;
  const event = readEvent(encoder, records.record(index).value, publishedAtMs * 1000);
  if (event instanceof Refusal) return undefined;
  const isOfOthers = hasSessions(consumer.landing) && !filter.hasSession(sessionOf(event));
  return isOfOthers ? undefined : (event[consumer.time] as number);
}
