import type { Command } from "commander";
import { hasherOf } from "../../batch/consumer.ts";
import { requireServices } from "../../config.ts";
import { isoDate } from "../../event/day.ts";
import { openOps } from "../../operator/ops.ts";
import { type DroppedDay, dropDays, type PlannedDrop, planDrop } from "../../retention/drop-days.ts";
import { requireLanded } from "../../retention/unlanded.ts";
import { openKafka } from "../../topic/kafkajs/open-kafka.ts";
import { withAdmin } from "../../topic/log-client.ts";
import { topicName } from "../../topic/topics.ts";
import type { CommandSpec, Session } from "../command.ts";
import { EXIT, type ExitCode } from "../exit.ts";
import { wholeFlag, wrong } from "../flags.ts";
import { count } from "../progress.ts";
import { dayFlag, daysText, declareTopic, oneWithDays, type TopicFlag, today } from "./days.ts";

interface DropFlags extends TopicFlag {
  readonly wait: string;
  readonly dryRun?: boolean;
  readonly yes?: boolean;
}

export const dropCommand: CommandSpec<DropFlags & { readonly before: string }> = {
  name: "drop",
  summary: "drop the days before one, for good and audited; without --yes, say which, as --dry-run does",
  examples: [
    "tradetape partitions drop --topic ticks --before 2024-01-01 --dry-run    what would go, or what refuses it",
    "tradetape partitions drop --topic ticks --before 2024-01-01 --yes    Ctrl-C stops between two days, again goes on",
  ],
  declare: (command) => {
    command.requiredOption("--before <day>", "the first day that is kept, UTC");
    declareDropping(command);
  },
  run: (session, _args, flags) => {
    const first = dayFlag("--before", flags.before);
    if (first > today()) throw wrong(`--before ${flags.before}`, "a day up to today: what comes now is kept");
    return drop(session, isoDate(first), flags);
  },
};

export const retainCommand: CommandSpec<DropFlags & { readonly keepDays: string }> = {
  name: "retain",
  summary: "keep today and so many days before it, drop what is older; without --yes, say which, as --dry-run does",
  examples: [
    "tradetape partitions retain --topic ticks --keep-days 365 --dry-run",
    "tradetape partitions retain --topic ticks --keep-days 365 --yes    from a daily timer; exit code 2: try again",
  ],
  declare: (command) => {
    command.requiredOption("--keep-days <days>", "how many days before today are kept, UTC");
    declareDropping(command);
  },
  run: (session, _args, flags) => {
    const days = wholeFlag("--keep-days", flags.keepDays, 0)!;
    return drop(session, isoDate(Math.max(0, today() - days)), flags);
  },
};

function declareDropping(command: Command): void {
  command.option("--wait <seconds>", "how long to wait for what the log holds to land first", "30");
  command.option("--dry-run", "look at all that the drop looks at, say which days would go, change nothing");
  command.option("--yes", "do it");
  declareTopic(command);
}

async function drop(session: Session, before: string, flags: DropFlags): Promise<ExitCode> {
  const { out, signal, log, progress } = session;
  const waitMs = wholeFlag("--wait", flags.wait, 0)! * 1000;
  if (flags.yes && flags.dryRun) throw wrong("--yes with --dry-run", "one of the two");
  const config = requireServices(session.config, "databaseUrl", "kafkaBrokers");
  const { namespace } = config;
  const consumer = oneWithDays(namespace, flags);
  const { topic, landing } = consumer;
  const ops = await openOps(config, { name: "partitions", role: "tradetape_owner" });
  try {
    const check = (admin: Parameters<typeof requireLanded>[1]) =>
      requireLanded(ops.connection, admin, { topic, namespace }, waitMs);
    await withAdmin(openKafka(config, log), check);
    const name = topicName(namespace, topic);
    if (!flags.yes) return dryRun(session, topic, await planDrop(ops, { landing, before, topic: name }));
    const onDropped = ({ day, rows }: DroppedDay) => progress.line(`${day}: ${count(rows)} ${topic} dropped`);
    const hasher = hasherOf(consumer);
    const dropped = await dropDays(ops, { landing, hasher, before, topic: name, stop: signal, onDropped });
    const interrupted = signal.aborted;
    const rows = dropped.reduce((sum, one) => sum + one.rows, 0);
    out.result({ dryRun: false, before, dropped, interrupted }, () =>
      [
        `${count(dropped.length)} days with ${count(rows)} ${topic} dropped; ${topic} before ${before} are filtered from now on`,
        ...(interrupted ? ["stopped: the same command drops the rest"] : []),
      ].join("\n"),
    );
    return interrupted ? EXIT.interrupted : EXIT.good;
  } finally {
    await ops.close();
  }
}

function dryRun({ out }: Session, topic: string, { keepFrom, days }: PlannedDrop): ExitCode {
  const would = `${count(days.length)} days before ${keepFrom} would be dropped, ${topic} of then filtered from then on`;
  out.result({ dryRun: true, before: keepFrom, days }, () =>
    [...(days.length === 0 ? [] : [daysText(days)]), `${would}; nothing was changed: --yes does it`].join("\n"),
  );
  return EXIT.good;
}
