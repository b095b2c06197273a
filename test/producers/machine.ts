import type { EventOfTopic } from "../../src/event/events.ts";
import type { EventTopic } from "../../src/event/schemas.ts";
import type { InputRecord, Machine } from "../../src/stream/program.ts";

let offset = 0;

/** A record as a program is shown it. @param publishedUs the broker's time; by default a little behind the record before */
export const recordOf = <T extends EventTopic>(
  topic: T,
  event: EventOfTopic[T],
  publishedUs = 1000 * offset,
): InputRecord => ({ topic, event, partition: 0, offset: offset++, publishedUs }) as InputRecord;

/** What a program publishes as it takes records, and, with `idle`, when it has taken all. */
export function published<E = Record<string, unknown>>(
  machine: Machine,
  records: readonly InputRecord[],
  idle = false,
) {
  const drafts = records.flatMap((record) => [...machine.take(record)]);
  if (idle) drafts.push(...(machine.idle?.(0) ?? []));
  return drafts.map(({ event }) => event as E);
}
