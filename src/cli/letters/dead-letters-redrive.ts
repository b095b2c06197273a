import type { Command } from "commander";
import type { GoneValue } from "../../dead-letter/cut-values.ts";
import { type Redriven, redrive } from "../../dead-letter/redrive.ts";
import { awaitOutcome, type RedriveOutcome } from "../../dead-letter/redrive-outcome.ts";
import { type RedrivePlan, redrivePlan } from "../../dead-letter/redrive-plan.ts";
import { openOps } from "../../operator/ops.ts";
import { countOpenLetters, type LetterCount } from "../../table/letters/dead-letters.ts";
import { openKafka } from "../../topic/kafkajs/open-kafka.ts";
import { RawPublisher } from "../../topic/publish/raw-publish.ts";
import type { CommandSpec, Session } from "../command.ts";
import { EXIT, type ExitCode } from "../exit.ts";
import { wholeFlag, wrong } from "../flags.ts";
import { table } from "../output.ts";
import { count } from "../progress.ts";
import { declareFilter, type FilterFlags, letterFilter } from "./letter-filter.ts";

interface RedriveFlags extends FilterFlags {
  readonly limit?: string;
  readonly rate?: string;
  readonly wait?: string;
  readonly again?: boolean;
  readonly yes?: boolean;
}

export const redriveCommand: CommandSpec<RedriveFlags> = {
  name: "redrive",
  summary: "publish letters again, byte for byte; without --yes, say which",
  examples: [
    "tradetape dead-letters redrive --reason missing_parent           what would be sent",
    "tradetape dead-letters redrive --reason missing_parent --yes     send, wait, say what became of them",
    "tradetape dead-letters redrive --topic ticks --rate 100 --yes    at most 100 a second; Ctrl-C stops, again resumes",
  ],
  declare: (command) => {
    declareFilter(command);
    declareActing(command);
    command.option("--rate <n/s>", "events a second at most");
    command.option("--again", "also those that have been redriven TRADETAPE_REDRIVE_ATTEMPTS_MAX times");
    command.option("--wait <seconds>", "how long to wait for them to land", "30");
    command.option("--yes", "do it");
  },
  run: async (session, _args, flags) => {
    const { config } = session;
    const filter = letterFilter(config, flags);
    const lettersMax = wholeFlag("--limit", flags.limit, 1) ?? Number.POSITIVE_INFINITY;
    const perSecondMax = rateFlag(flags.rate);
    const waitMs = wholeFlag("--wait", flags.wait, 0)! * 1000;
    const attemptsMax = flags.again ? Number.POSITIVE_INFINITY : config.redriveAttemptsMax;
    const ops = await openOps(config, { name: "dead letters", role: "tradetape_ops" });
    try {
      const found = await countOpenLetters(ops.connection, filter, config.redriveAttemptsMax);
      const plan = redrivePlan(found, flags.again === true, lettersMax);
      if (!flags.yes) return dryRun(session, plan);
      const client = openKafka(config, session.log);
      const publisher = await RawPublisher.open(client);
      const bar = session.progress.bar("redrive", plan.wouldSend, "events");
      let redriven: readonly Redriven[];
      try {
        const options = { filter, attemptsMax, lettersMax, perSecondMax, stop: session.signal, onProgress: bar.set };
        redriven = await redrive(ops, publisher, { client, config }, options);
      } finally {
        bar.end();
        await publisher.close();
      }
      const outcome = await awaitOutcome(ops.connection, redriven, waitMs, session.signal);
      return report(session, plan, redriven, outcome);
    } finally {
      await ops.close();
    }
  },
};

/** Flags that redrive and discard share. */
export function declareActing(command: Command): void {
  command.option("--until <time>", "letters before then");
  command.option("--limit <n>", "so many letters at most");
}

function rateFlag(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const rate = wholeFlag("--rate", text.replace(/\/s$/, ""), 1)!;
  if (rate > 1_000_000) throw wrong(`--rate ${text}`, "1 to 1000000 a second; without it, as fast as it goes");
  return rate;
}

function dryRun({ out }: Session, plan: RedrivePlan): ExitCode {
  const { letters, wouldSend, worn, unreadable } = plan;
  out.result({ dryRun: true, wouldSend, worn, unreadable, letters }, () =>
    [
      ...(letters.length === 0 ? [] : [lettersText(letters)]),
      `${count(wouldSend)} events would be sent again; nothing was sent: --yes does it`,
      ...leftLines(plan),
    ].join("\n"),
  );
  return EXIT.good;
}

/** Letters by partition and reason. */
export const lettersText = (letters: readonly LetterCount[]): string =>
  table(
    ["topic", "partition", "reason", "letters"],
    letters.map((l) => [l.topic, l.partition, l.reason, l.letters]),
  );

const leftLines = ({ worn, unreadable }: RedrivePlan): string[] => [
  ...(worn === 0
    ? []
    : [`${count(worn)} have been redriven too often and stay as they are: --again sends them, discard gives them up`]),
  ...(unreadable === 0
    ? []
    : [`${count(unreadable)} are of record batches that nobody can read: discard gives them up`]),
];

const STOPPED_SENDING = "stopped: the same command sends the rest";
const STOPPED_WAITING = "stopped waiting: `tradetape dead-letters list` shows those that died again";

function report(session: Session, plan: RedrivePlan, redriven: readonly Redriven[], outcome: RedriveOutcome): ExitCode {
  const sent = redriven.reduce((sum, { offsets }) => sum + offsets.length, 0);
  const gone = redriven.flatMap((one) => one.gone);
  const died = Object.values(outcome.died).reduce((sum, letters) => sum + letters, 0);
  const interrupted = session.signal.aborted;
  const { worn, unreadable } = plan;
  session.progress.close();
  session.out.result({ dryRun: false, sent, gone, worn, unreadable, interrupted, ...outcome }, () =>
    [
      `${count(sent)} events sent again`,
      ...outcomeLines(outcome),
      ...gone.map(goneLine),
      ...leftLines(plan),
      ...(interrupted ? [sent < plan.wouldSend ? STOPPED_SENDING : STOPPED_WAITING] : []),
    ].join("\n"),
  );
  if (interrupted) return EXIT.interrupted;
  return died + worn + gone.length > 0 ? EXIT.foundWrong : EXIT.good;
}

const goneLine = ({ topic, partition, offset, why }: GoneValue): string =>
  `${topic}/${partition}/${offset} can't be sent, only its beginning is kept: ${why}; discard gives it up`;

function outcomeLines(outcome: RedriveOutcome): string[] {
  const { written, replaced, duplicate, filtered, parked, died, landedAmongOthers, onTheWay } = outcome;
  const said: [number, string][] = [
    [written, "landed"],
    [replaced, "were or met an older revision"],
    [duplicate, "had landed before: duplicates"],
    [landedAmongOthers, "landed in batches with others: rows or duplicates"],
    [filtered, "were filtered: their session is deleted"],
    [parked, "wait for their parents: `tradetape parked`"],
    ...Object.entries(died).map(([reason, n]): [number, string] => [n, `died again: ${reason}`]),
    [onTheWay, "are still on the way: `tradetape consume` lands them"],
  ];
  return said.filter(([n]) => n > 0).map(([n, what]) => `  ${count(n)} ${what}`);
}
