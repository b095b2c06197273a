import type { Command } from "commander";
import { requireServices } from "../../config.ts";
import { TradetapeError } from "../../errors.ts";
import { openOps } from "../../operator/ops.ts";
import { type DroppedDay, dropTickDays } from "../../retention/drop-days.ts";
import { requireTicksLanded } from "../../retention/unlanded.ts";
import { isoDate } from "../../table/landing/days.ts";
import { listTickDays, type TickDay } from "../../table/upkeep/tick-days.ts";
import { openKafka, withAdmin } from "../../topic/client.ts";
import { topicName } from "../../topic/topics.ts";
import type { CommandSpec, Session } from "../command.ts";
import { EXIT, type ExitCode } from "../exit.ts";
import { wholeFlag, wrong } from "../flags.ts";
import { count } from "../progress.ts";
import { dayFlag, daysText, today } from "./days.ts";

interface DropFlags {
  readonly before: string;
  readonly wait: string;
  readonly yes?: boolean;
}

export const dropCommand: CommandSpec<DropFlags> = {
  name: "drop",
  summary: "drop the ticks of the days before one, for good and audited; without --yes, say which",
  examples: [
    "tradetape partitions drop --before 2024-01-01          what would go",
    "tradetape partitions drop --before 2024-01-01 --yes    Ctrl-C stops between two days, again goes on",
  ],
  declare: (command) => {
    command.requiredOption("--before <day>", "the first day that is kept, UTC");
    declareDropping(command);
  },
  run: (session, _args, flags) => {
    const first = dayFlag("--before", flags.before);
    if (first > today()) throw wrong(`--before ${flags.before}`, "a day up to today: ticks that come now are kept");
    return drop(session, isoDate(first), flags);
  },
};

export const retainCommand: CommandSpec<DropFlags> = {
  name: "retain",
  summary: "drop the ticks of days older than TRADETAPE_TICK_RETENTION_DAYS; without --yes, say which",
  examples: [
    "tradetape partitions retain",
    "tradetape partitions retain --yes      once a day, from a timer: exit code 2 when it has to wait",
  ],
  declare: declareDropping,
  run: (session, _args, flags) => {
    const { tickRetentionDays } = session.config;
    if (tickRetentionDays < 0) {
      throw new TradetapeError("config_invalid", "TRADETAPE_TICK_RETENTION_DAYS is -1: ticks are kept for ever", {
        next: "Set how many days before today are kept.",
      });
    }
    return drop(session, isoDate(today() - tickRetentionDays), flags);
  },
};

function declareDropping(command: Command): void {
  command.option("--wait <seconds>", "how long to wait for what the log holds to land first", "30");
  command.option("--yes", "do it");
}

async function drop(session: Session, before: string, flags: DropFlags): Promise<ExitCode> {
  const { out, signal, log, progress } = session;
  const waitMs = wholeFlag("--wait", flags.wait, 0)! * 1000;
  const config = requireServices(session.config, "databaseUrl", "kafkaBrokers");
  const ops = await openOps(config, { name: "partitions", role: "tradetape_owner" });
  try {
    const days = (await listTickDays(ops.connection)).filter(({ day }) => day < before);
    if (!flags.yes) return dryRun(session, before, days);
    const topic = topicName(config.namespace, "ticks");
    const check = (admin: Parameters<typeof requireTicksLanded>[1]) =>
      requireTicksLanded(ops.connection, admin, topic, waitMs);
    await withAdmin(openKafka(config, log), check);
    const onDropped = ({ day, rows }: DroppedDay) => progress.line(`${day}: ${count(rows)} ticks dropped`);
    const dropped = await dropTickDays(ops, { before, topic, stop: signal, onDropped });
    const interrupted = signal.aborted;
    const rows = dropped.reduce((sum, one) => sum + one.rows, 0);
    out.result({ dryRun: false, before, dropped, interrupted }, () =>
      [
        `${count(dropped.length)} days with ${count(rows)} ticks dropped; ticks before ${before} are filtered from now on`,
        ...(interrupted ? ["stopped: the same command drops the rest"] : []),
      ].join("\n"),
    );
    return interrupted ? EXIT.interrupted : EXIT.good;
  } finally {
    await ops.close();
  }
}

function dryRun({ out }: Session, before: string, days: readonly TickDay[]): ExitCode {
  out.result({ dryRun: true, before, days }, () =>
    [
      ...(days.length === 0 ? [] : [daysText(days)]),
      `${count(days.length)} days before ${before} would be dropped; nothing was changed: --yes does it`,
    ].join("\n"),
  );
  return EXIT.good;
}
