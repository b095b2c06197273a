import { TradetapeError } from "../../errors.ts";
import type { EventTopic } from "../../event/schemas.ts";
import type { Feed, FeedDescription, FeedOptions, Producer } from "../../feed/feed.ts";
import type { Session } from "../command.ts";
import { EXIT, type ExitCode } from "../exit.ts";
import { decisionsText } from "../feed-flags.ts";
import { printable } from "../output.ts";

const SAMPLE = 3;

interface DryRun {
  readonly description: FeedDescription;
  readonly events: readonly object[];
  readonly rejections: readonly { line: number; reason: string }[];
}

/** Shows what was decided about files, and their first events; sends nothing. */
export async function dryRun(
  { out }: Session,
  producer: Producer<EventTopic>,
  files: readonly string[],
  options: FeedOptions,
): Promise<ExitCode> {
  const runs: DryRun[] = [];
  for (const file of files) runs.push(await firstEvents(await producer.open(file, options)));
  out.result({ topic: producer.topic, files: runs }, () => runs.map(dryRunText).join("\n\n"));
  return runs.some(({ rejections }) => rejections.length > 0) ? EXIT.foundWrong : EXIT.good;
}

async function firstEvents(feed: Feed<EventTopic>): Promise<DryRun> {
  try {
    for await (const { events, rejections } of feed.batches()) {
      const few = { events: events.slice(0, SAMPLE), rejections: rejections.slice(0, SAMPLE) };
      return { description: feed.description, ...few };
    }
    throw new TradetapeError("input_invalid", `${feed.description.file}: no line gives an event`);
  } finally {
    feed.close();
  }
}

function dryRunText({ description, events, rejections }: DryRun): string {
  const lines = [description.file, decisionsText(description.decisions)];
  for (const { line, reason } of rejections) lines.push(`rejected: line ${line}: ${printable(reason)}`);
  for (const event of events) lines.push(JSON.stringify(event));
  return lines.join("\n");
}
