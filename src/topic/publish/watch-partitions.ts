import { oneAtATime } from "../../clock.ts";
import type { Log } from "../../log.ts";
import { type LogClient, withAdmin } from "../log-client.ts";
import type { EventWriter } from "./event-writer.ts";

/** Consumers find more partitions as soon, by their own look (`METADATA_MAX_AGE_MS`). */
const LOOK_MS = 15_000;

/**
 * Has writers know how many partitions their topics have, which may grow while a program publishes. A look that fails is
 * left to the next one, because what is wrong with the broker shows where events are published.
 * @param writers is read at every look
 * @returns what ends the looking
 */
export function watchPartitions(
  client: LogClient,
  writers: () => Iterable<Pick<EventWriter, "spreadOver">>,
  log: Log,
): () => void {
  const look = () =>
    withAdmin(client, (admin) => admin.fetchTopics()).then(
      (topics) => {
        for (const writer of writers()) writer.spreadOver(topics);
      },
      (error: Error) => log.debug({ error: error.message }, "the topics' partitions were not looked up"),
    );
  const timer = setInterval(oneAtATime(look), LOOK_MS);
  // A program that has nothing else to do ends.
  timer.unref();
  return () => clearInterval(timer);
}
