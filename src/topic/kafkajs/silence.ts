import type { Consumer } from "tradetape-kafkajs";
import type { Clock } from "../../clock.ts";
import type { Log } from "../../log.ts";

/** A member that is in its group sends a heartbeat every few seconds. */
const SILENCE_MS = 10_000;
const LOOK_MS = 1000;

/**
 * Has the log say every SILENCE_MS that a member has had no group for so long: nothing of its topics is read meanwhile.
 * @returns what ends the watch
 */
export function watchSilence(
  { on, events }: Pick<Consumer, "on" | "events">,
  groupId: string,
  log: Log,
  clock: Pick<Clock, "now" | "every">,
): () => void {
  let heardMs = clock.now();
  let told = 0;
  const hear = () => {
    if (told > 0) log.warn({ group: groupId }, "the group is there again");
    heardMs = clock.now();
    told = 0;
  };
  on(events.GROUP_JOIN, hear);
  on(events.HEARTBEAT, hear);
  return clock.every(LOOK_MS, () => {
    const silences = Math.floor((clock.now() - heardMs) / SILENCE_MS);
    if (silences <= told) return;
    told = silences;
    const seconds = (silences * SILENCE_MS) / 1000;
    log.warn(
      { group: groupId, seconds },
      "no assignment from Kafka: the group's broker is away, or a member that died is waited for",
    );
  });
}
