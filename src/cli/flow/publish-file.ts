import { aborted } from "../../clock.ts";
import type { Incomplete } from "../../event/complete.ts";
import type { EventOfTopic } from "../../event/events.ts";
import type { EventTopic } from "../../event/schemas.ts";
import type { Decision } from "../../feed/decision.ts";
import type { Feed, Place, Rejection, Warning } from "../../feed/feed.ts";
import type { PublishProgress, Tape } from "../../tradetape/tape.ts";
import type { Session } from "../command.ts";
import type { PublishSpeed } from "../publish-speed.ts";
import type { FeedProgress } from "./publish-progress.ts";
import type { ResumeState } from "./resume-state.ts";

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
  readonly signal: AbortSignal;
  readonly speed: PublishSpeed;
  readonly progress: FeedProgress;
  /** Told of each rejection, in the order of the lines. */
  readonly onRejection: (rejection: Rejection) => void;
  /** How far the file was published before, and how far it is now, where that is kept. */
  readonly resume: ResumeState | undefined;
}

/** A live feed may well be silent for longer; a person is told what is waited for. */
const PATIENCE_MS = 5000;

/** What opening gives; undefined when a signal comes before, as it may while standard input says nothing. */
export async function unlessStopped<R>(
  opening: Promise<R>,
  readsStandardInput: boolean,
  { progress, signal }: Pick<Session, "progress" | "signal">,
): Promise<R | undefined> {
  const waitsFor = "its first JSON line, or of other text 256 KB or its end, by which its format is decided";
  const notice = setTimeout(() => {
    if (readsStandardInput) progress.line(`standard input: waiting for ${waitsFor}`);
  }, PATIENCE_MS);
  try {
    return await Promise.race([opening, aborted(signal).then(() => undefined)]);
  } finally {
    clearTimeout(notice);
  }
}

/**
 * Publishes one opened file and resolves when all of it is acknowledged, or, after a signal, all that was read by then.
 * Instruments are acknowledged before the events that name them, so that these find their parent.
 */
export async function publishFeed<T extends EventTopic>(feed: Feed<T>, parts: PublishParts): Promise<FileSummary> {
  const { tape, signal, progress, resume } = parts;
  const { file, format, decisions } = feed.description;
  const seen = { events: 0, rejected: 0, complete: false };
  let sent = 0;
  // A feed that nothing comes from would wait for its next line.
  signal.addEventListener("abort", feed.close);
  try {
    const from = resume?.begin(feed.description);
    if (from !== undefined && from.lines > 0) progress.goesOn(from.lines);
    await progress.symbols(tape.publishAll("symbols", feed.symbols), feed.symbols.length);
    // A whole event is an incomplete one, too; the compiler doesn't see it while T is open.
    const events = watched(feed, parts, seen, from) as AsyncGenerator<readonly Incomplete<T>[]>;
    const onAcked = (now: PublishProgress) => {
      progress.acked(now);
      resume?.acked(now.ackedInOrder);
    };
    ({ sent } = await tape.publishAll(feed.topic, events, { onAcked }));
  } finally {
    signal.removeEventListener("abort", feed.close);
    feed.close();
    progress.end();
    resume?.save();
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
  { tape, signal, speed, progress, onRejection, resume }: PublishParts,
  seen: Seen,
  from: Place | undefined,
): AsyncGenerator<readonly EventOfTopic[T][]> {
  for await (const { events, rejections, symbols, end } of feed.batches(from)) {
    if (symbols.length > 0) await progress.symbols(tape.publishAll("symbols", symbols), symbols.length);
    for (const rejection of rejections) onRejection(rejection);
    seen.rejected += rejections.length;
    progress.rejected(rejections.length);
    for await (const due of speed.let(events)) {
      seen.events += due.length;
      progress.sent(due.length);
      progress.readingWaits = true;
      yield due;
      progress.readingWaits = false;
    }
    if (signal.aborted) return;
    if (end !== undefined) resume?.read(end, seen.events);
  }
  seen.complete = !signal.aborted;
}
