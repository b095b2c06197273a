import { TradetapeError } from "../../errors.ts";
import { runsInTheWay } from "../../table/upkeep/replay-run.ts";
import { topicName } from "../../topic/topics.ts";
import type { Consumer } from "../consumer.ts";
import type { LandingServices } from "./landing-services.ts";

/**
 * Refuses to start live consumers on a database that a replay fills or has filled in part: they would land what comes
 * behind the part, and nobody could tell the database from a whole one.
 * @throws TradetapeError replay_partial
 */
export async function refusePartial(services: LandingServices, consumers: readonly Consumer[]): Promise<void> {
  const { questions, config } = services;
  const names = consumers.map(({ topic }) => topicName(config.namespace, topic));
  const [run] = await questions.use((connection) => runsInTheWay(connection, names));
  if (run === undefined) return;
  const topics = run.topics.filter((name) => names.includes(name)).join(", ");
  throw new TradetapeError(
    "replay_partial",
    run.isFinished
      ? `this database holds a part of ${topics} only, from the replay ${run.runId}`
      : `the replay ${run.runId} of ${topics} into this database has not finished`,
    {
      next: run.isFinished
        ? "Consume into another database; a whole replay into a fresh one can be gone on from."
        : "Finish it by the same `tradetape replay --into` command: it goes on where it was.",
    },
  );
}
