import { owingTopics } from "../../table/landing/outbox.ts";
import { topicName } from "../../topic/topics.ts";
import type { Group } from "../group/group.ts";
import { judge, Patience } from "../patience.ts";
import type { LandingServices } from "./landing-services.ts";

/** People act on letters from other processes; what they did reaches the audit topic within about a second. */
const OUTBOX_LOOK_MS = 1000;

/**
 * Looks every OUTBOX_LOOK_MS which of these groups' outboxes have messages that others have left there, and kicks their
 * pumps. One query asks for all groups, because a page of each would be most of what an idle group asks of the database.
 * @param running the groups that run at the moment of a look
 * @returns when `ended` is aborted
 * @throws what no retry mends
 */
export async function watchOutboxes(
  { questions, config, log, clock }: Pick<LandingServices, "questions" | "config" | "log" | "clock">,
  running: () => readonly Pick<Group, "tally" | "pump">[],
  ended: AbortSignal,
): Promise<void> {
  const nameOf = (group: Pick<Group, "tally">) => topicName(config.namespace, group.tally.topic);
  const patience = new Patience(log, ended, clock);
  try {
    for (;;) {
      await clock.sleep(OUTBOX_LOOK_MS, ended);
      const owing = await patience.insist(
        "looking at the outboxes",
        () => questions.use((connection) => owingTopics(connection, running().map(nameOf))),
        (error) => judge(error, "outboxes"),
      );
      for (const group of running()) if (owing.has(nameOf(group))) group.pump.kick();
    }
  } catch (error) {
    if (!ended.aborted) throw error;
  }
}
