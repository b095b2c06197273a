import type { Consumer } from "tradetape-kafkajs";
import type { Clock } from "../../clock.ts";
import type { Log } from "../../log.ts";
import { outagesOf } from "./outages.ts";

/** A member that is in its group sends a heartbeat every few seconds. */
const SILENCE_MS = 10_000;
/** How often a silence is told that goes on, and after how long one that a broker's outage explains. */
const LASTING_MS = 60_000;
const LOOK_MS = 1000;

/**
 * Has the log say when a member has had no group for SILENCE_MS, and again every LASTING_MS: nothing of its topics is read
 * meanwhile.
 * @returns what ends the watch
 */
export function watchSilence(
  { on, events }: Pick<Consumer, "on" | "events">,
  groupId: string,
  log: Log,
  clock: Pick<Clock, "now" | "every">,
): () => void {
  const outages = outagesOf(log);
  let heardMs = clock.now();
  let explainedMs = heardMs;
  let toldMs: number | undefined;
  const hear = () => {
    if (toldMs !== undefined) log.warn({ group: groupId }, "the group is there again");
    heardMs = clock.now();
    toldMs = undefined;
  };
  on(events.GROUP_JOIN, hear);
  on(events.HEARTBEAT, hear);
  return clock.every(LOOK_MS, () => {
    const now = clock.now();
    if (outages.goesOn) explainedMs = now;
    const first = outages.goesOn ? heardMs + LASTING_MS : Math.max(heardMs, explainedMs) + SILENCE_MS;
    if (now < (toldMs === undefined ? first : toldMs + LASTING_MS)) return;
    toldMs = now;
    log.warn(
      { group: groupId, seconds: Math.round((now - heardMs) / 1000) },
      "no assignment from Kafka: the group's broker is away, or a member that died is waited for",
    );
  });
}
