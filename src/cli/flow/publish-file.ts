import type { Incomplete } from "../../event/complete.ts";
import type { EventOfTopic } from "../../event/events.ts";
import type { EventTopic } from "../../event/schemas.ts";
import type { Decision } from "../../feed/decision.ts";
import type { Feed, Rejection, Warning } from "../../feed/feed.ts";
import type { Tape } from "../../tradetape/tape.ts";
import type { Progress } from "../progress.ts";
import type { PublishSpeed } from "../publish-speed.ts";

/** What became of a file's lines. Every event that was read and not rejected has been acknowledged. */
export interface FileSummary {
  readonly file: string;
  readonly format: string;
  /** Events and rejections; header and empty lines are neither. */
  readonly read: number;
  readonly sent: number;
  readonly rejected: number;
  /** Lines that --symbols or a map's filters left out; not among those read. */
  readonly leftOut: number;
  readonly complete: boolean;
  /** What reading it rested on, and what decided that. */
  readonly decisions: readonly Decision[];
  /** What is allowed and looked wrong. */
  readonly warnings: readonly Warning[];
}

interface PublishParts {
  readonly tape: Tape;
  readonly progress: Progress;
  readonly signal: AbortSignal;
  readonly speed: PublishSpeed;
  /** Told of each rejection, in the order of the lines. */
  readonly onRejection: (rejection: Rejection) => void;
}

/**
 * Publishes one opened file and resolves when all of it is acknowledged, or, after a signal, all that was read by then.
 * Instruments are acknowledged before the events that name them, so that these find their parent.
 */
export async function publishFeed<T extends EventTopic>(feed: Feed<T>, parts: PublishParts): Promise<FileSummary> {
  const { file, format, decisions } = feed.description;
  const { total } = feed.progress();
  const bar = parts.progress.bar(file.split("/").at(-1) ?? file, total ?? undefined, "bytes");
  const seen = { events: 0, rejected: 0, complete: false };
  let sent = 0;
  try {
    await parts.tape.publishAll("symbols", feed.symbols);
    // A whole event is an incomplete one, too; the compiler doesn't see it while T is open.
    const events = watched(feed, parts, seen, bar.set) as AsyncGenerator<readonly Incomplete<T>[]>;
    ({ sent } = await parts.tape.publishAll(feed.topic, events));
  } finally {
    feed.close();
    bar.end();
  }
  return {
    file,
    format,
    read: seen.events + seen.rejected,
    sent,
    rejected: seen.rejected,
    leftOut: feed.leftOut(),
    complete: seen.complete,
    decisions,
    warnings: feed.warnings(),
  };
}

type Seen = { events: number; rejected: number; complete: boolean };

/** The feed's events in arrays as they are due, counted as they go by; ends early, between two arrays, after a signal. */
async function* watched<T extends EventTopic>(
  feed: Feed<T>,
  { tape, signal, speed, onRejection }: PublishParts,
  seen: Seen,
  setBar: (done: number) => void,
): AsyncGenerator<readonly EventOfTopic[T][]> {
  for await (const { events, rejections, symbols } of feed.batches()) {
    if (symbols.length > 0) await tape.publishAll("symbols", symbols);
    for (const rejection of rejections) onRejection(rejection);
    seen.rejected += rejections.length;
    for await (const due of speed.let(events)) {
      seen.events += due.length;
      yield due;
    }
    setBar(feed.progress().read);
    if (signal.aborted) return;
  }
  seen.complete = true;
}
