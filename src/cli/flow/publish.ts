import { type Command, InvalidArgumentError } from "commander";
import { bars } from "../../../producers/bars.ts";
import { calls } from "../../../producers/calls.ts";
import { contents } from "../../../producers/contents.ts";
import { decisions } from "../../../producers/decisions.ts";
import { fills } from "../../../producers/fills.ts";
import { indicators } from "../../../producers/indicators.ts";
import { outcomes } from "../../../producers/outcomes.ts";
import { performance } from "../../../producers/performance.ts";
import { predictions } from "../../../producers/predictions.ts";
import { quotes } from "../../../producers/quotes.ts";
import { sessions } from "../../../producers/sessions.ts";
import { symbols } from "../../../producers/symbols.ts";
import { ticks } from "../../../producers/ticks.ts";
import { SYSTEM_CLOCK } from "../../clock.ts";
import { TradetapeError } from "../../errors.ts";
import type { EventTopic } from "../../event/schemas.ts";
import { decideAll } from "../../feed/decide-all.ts";
import type { FeedOptions, Producer } from "../../feed/feed.ts";
import { parseSpeed } from "../../replay/bounds.ts";
import { openKafka } from "../../topic/kafkajs/open-kafka.ts";
import { type LogClient, withAdmin } from "../../topic/log-client.ts";
import { topicName } from "../../topic/topics.ts";
import { connectTape } from "../../tradetape/connect-tape.ts";
import { answering } from "../answering.ts";
import type { CommandSpec, Session } from "../command.ts";
import { EXIT, type ExitCode } from "../exit.ts";
import { decisionsText, feedFlags } from "../feed-flags.ts";
import { table } from "../output.ts";
import { PublishSpeed } from "../publish-speed.ts";
import { dryRun } from "./publish-dry-run.ts";
import { type FileSummary, publishFeed, unlessStopped } from "./publish-file.ts";
import { FeedProgress } from "./publish-progress.ts";
import { Rejects } from "./rejects.ts";
import { flagsOf, ResumeState } from "./resume-state.ts";

/** What `publish` takes as its first argument: every event but those of the audit trail, which only landing writes. */
const PRODUCERS: { readonly [T in Exclude<EventTopic, "audit">]: Producer<T> } = {
  ticks,
  quotes,
  bars,
  indicators,
  predictions,
  decisions,
  fills,
  performance,
  outcomes,
  calls,
  contents,
  symbols,
  sessions,
};
const KINDS = Object.keys(PRODUCERS);

interface PublishOptions extends FeedOptions {
  readonly dryRun?: boolean;
  readonly rejects?: string;
  readonly resume?: string;
  readonly speed: string;
}

export const publishCommand: CommandSpec<PublishOptions> = {
  name: "publish",
  summary: "publish a file's events to their topic",
  examples: [
    "tradetape publish ticks ibm_20131007.zip",
    "tradetape publish ticks BTCUSDT-trades-2025-01-01.zip --symbol BTCUSDT@BINANCE",
    "tradetape publish bars spy.csv --symbol SPY --dry-run      what is decided and undecided; nothing is sent",
    "tradetape publish bars mine.csv --map mine.map.yaml        a layout of your own (see `tradetape feeds sniff`)",
    "producer | tradetape publish predictions -                 JSON lines from standard input",
    "tradetape publish ticks ibm_20131007.zip --speed 10x       ten times as fast as it happened",
  ],
  isServed: true,
  declare: (command) => declareFlags(command),
  run: async (session, [kind, ...files], options) => {
    const producer: Producer<EventTopic> = PRODUCERS[kind as keyof typeof PRODUCERS];
    const { eventBytesMax, early1970, rulesOff } = session.config;
    const limited = { ...options, eventBytesMax, early1970, rulesOff: new Set(rulesOff) };
    return options.dryRun ? dryRun(session, producer, files, limited) : publish(session, producer, files, limited);
  },
};

function declareFlags(command: Command): void {
  command
    .argument("<kind>", `one of ${KINDS.join(", ")}`, (value: string) => {
      if (KINDS.includes(value)) return value;
      throw new InvalidArgumentError(`It is one of ${KINDS.join(", ")}.`);
    })
    .argument("<file...>", "files; - is standard input; .zip and .gz are unpacked");
  feedFlags(command)
    .option("--dry-run", "show what was decided and the first events, send nothing")
    .option("--speed <speed>", "max, 1x or 10x as fast as it happened, or events a second (500/s)", "max")
    .option("--rejects <file>", "append every rejected line to this file, with its text and the reason, as JSON lines")
    .option("--resume <file>", "keep how far files are published in this file, and go on from there");
}

async function publish(
  session: Session,
  producer: Producer<EventTopic>,
  files: readonly string[],
  options: PublishOptions,
): Promise<ExitCode> {
  const { config, out, progress, signal, log, served } = session;
  const speed = parseSpeed(options.speed);
  const isLive = files.at(-1) === "-";
  if (options.resume !== undefined && files.includes("-")) {
    throw new TradetapeError("input_invalid", "--resume: standard input can't be read again from its start", {
      next: "Write it to a file and publish that, or leave --resume out.",
    });
  }
  const decided = await unlessStopped(decideAll(producer, files, options), files.includes("-"), session);
  const rejects = new Rejects(out.json, options.rejects);
  const summaries: FileSummary[] = [];
  const client = openKafka(config, log);
  const resume = await openResume(session, client, producer.topic, options, rejects);
  const tape = await connectTape(config, log, client, served?.meters.sent);
  const status = async () => ({ topic: producer.topic, files: summaries });
  served?.began({ faults: () => [], services: { broker: answering(config, log).broker }, status });
  try {
    for (const { file, open } of decided ?? []) {
      if (signal.aborted) break;
      const feed = await open();
      const name = feed.description.file;
      const parts = { name: name.split("/").at(-1)!, bytes: feed.progress, progress, clock: SYSTEM_CLOCK };
      summaries.push(
        await publishFeed(feed, {
          tape,
          signal,
          resume,
          speed: new PublishSpeed(speed, signal),
          progress: new FeedProgress({ ...parts, event: isLive ? out.event : undefined }),
          onRejection: (rejection) => rejects.add(file, rejection),
        }),
      );
    }
  } finally {
    await tape.close();
    rejects.close();
  }
  progress.close();
  const total = (of: "read" | "sent" | "rejected") => summaries.reduce((sum, summary) => sum + summary[of], 0);
  const result = { read: total("read"), sent: total("sent"), rejected: total("rejected") };
  const rejections = rejects.kept;
  out.result({ event: "published", topic: producer.topic, ...result, files: summaries, rejections }, () =>
    publishedText(summaries, rejects),
  );
  if (signal.aborted) {
    // A live feed has no end of its own: to stop it is all that can be done with it.
    const isDone = isLive && files.slice(0, -1).every((_, index) => summaries[index]?.complete === true);
    return isDone ? EXIT.good : EXIT.interrupted;
  }
  return result.rejected > 0 ? EXIT.foundWrong : EXIT.good;
}

async function openResume(
  { config }: Session,
  client: LogClient,
  topic: EventTopic,
  options: PublishOptions,
  rejects: Rejects,
): Promise<ResumeState | undefined> {
  if (options.resume === undefined) return undefined;
  const { clusterId } = await withAdmin(client, (admin) => admin.fetchCluster());
  const run = { topic: topicName(config.namespace, topic), cluster: clusterId, flags: flagsOf(options) };
  return ResumeState.open(options.resume, run, () => rejects.sync());
}

function publishedText(summaries: readonly FileSummary[], rejects: Rejects): string {
  const rows = summaries.map((s) => [s.file, s.format, s.read, s.sent, s.rejected, s.leftOut]);
  if (summaries.length > 1) {
    const sum = (of: "read" | "sent" | "rejected" | "leftOut") => summaries.reduce((all, s) => all + s[of], 0);
    rows.push(["together", "", sum("read"), sum("sent"), sum("rejected"), sum("leftOut")]);
  }
  const summary = table(["file", "format", "read", "sent", "rejected", "left out"], rows);
  const parts = [rejects.count === 0 ? "" : rejects.text(), ...decisionTexts(summaries), summary];
  return parts.filter((part) => part !== "").join("\n\n");
}

/** What was decided about each file, once for files of which the same was decided; and what looked wrong in them. */
function decisionTexts(summaries: readonly FileSummary[]): string[] {
  const groups = Map.groupBy(summaries, ({ decisions }) => JSON.stringify(decisions));
  const decided = [...groups.values()].map(([first, ...same]) => {
    const more = same.length === 0 ? "" : ` and ${same.length} more`;
    return `${first!.file}${more}\n${decisionsText(first!.decisions)}`;
  });
  const warned = summaries.flatMap(({ file, warnings }) =>
    warnings.map(({ what, count, line }) => `warning: ${file}: ${what}, ${count} times, first in line ${line}`),
  );
  return [...decided, warned.join("\n")];
}
