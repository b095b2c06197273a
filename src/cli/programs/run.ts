import { type Command, Option } from "commander";
import { sumUp } from "../../batch/sum-up.ts";
import { SYSTEM_CLOCK } from "../../clock.ts";
import { requireServices } from "../../config.ts";
import { Admission } from "../../event/admission.ts";
import { openRegistry } from "../../event/registry.ts";
import { MODEL_VERSION } from "../../strategy/model.ts";
import { type RunServices, type RunTally, runProgram } from "../../stream/run.ts";
import { openKafka } from "../../topic/kafkajs/open-kafka.ts";
import type { Tape } from "../../tradetape/tape.ts";
import type { CommandSpec, Session } from "../command.ts";
import { EXIT } from "../exit.ts";
import { connectForPrograms, openForService } from "../flow/service-start.ts";
import { table } from "../output.ts";
import { type Chosen, choosePrograms, LIVE, PROGRAM_NAMES } from "./agent-programs.ts";
import { agentRunOf, type RunFlags } from "./agent-run.ts";
import { declareBarFlags, lengthFlag } from "./bar-flags.ts";

export const runCommand: CommandSpec<RunFlags> = {
  name: "run",
  summary: "run programs on the topics: all of the reference agent's, or those named, or your own",
  examples: [
    "tradetape run bars                                         bars of the ticks, until Ctrl-C",
    "tradetape run bars --until-caught-up                       of the ticks there are now, then end",
    "tradetape run bars --calendar XNYS --intervals 1min,1d     of New York's regular hours",
    "tradetape run --session 0198c5a4-... --interval 1d         a whole agent, on paper",
    "tradetape run bars indicators predictions decisions        live, but for orders: those are a broker's",
    "tradetape run ./momentum.ts                                a program of your own, which the file exports by default",
    "tradetape run bars indicators ./momentum.ts decisions      the same in the place of one of ours",
  ],
  isService: true,
  runsOn: ({ untilCaughtUp = false }) => !untilCaughtUp,
  isServed: true,
  declare: (command) => declareFlags(command),
  run: async (session, names, flags) => {
    const run = agentRunOf(flags, names.length === 0 ? PROGRAM_NAMES : names, LIVE);
    const chosen = await choosePrograms(names, run);
    const { untilCaughtUp = false, failFast = false } = flags;
    const programs = chosen.map(({ program }) => program);
    const connect = () => connectForPrograms(session, programs);
    const tape = await openForService(session, !untilCaughtUp && !failFast, connect);
    if (tape === undefined) return EXIT.good;
    let tallies: Readonly<Record<string, RunTally>>;
    try {
      tallies = await runPrograms(session, tape, chosen, run.session, untilCaughtUp ? Promise.resolve() : undefined);
    } finally {
      await tape.close();
    }
    session.progress.close();
    session.out.result(tallies, () => tallyText(tallies));
    return untilCaughtUp && session.signal.aborted ? EXIT.interrupted : EXIT.good;
  },
};

function declareFlags(command: Command): void {
  const length = (flag: string, doc: string, standard: string) =>
    command.addOption(new Option(flag, doc).argParser(lengthFlag).default(lengthFlag(standard), standard));
  command
    .argument("[program...]", `of ${PROGRAM_NAMES.join(", ")}; or the file of one of your own, as ./momentum.ts`)
    .option(
      "--session <id>",
      "the backtest or paper session of everything; without it, of programs named without fills: live",
    )
    .option("--actor <name>", "who acts, as the audit log shows it", "tradetape")
    .option("--strategy <name>", "the strategy; its id is made of the name", MODEL_VERSION)
    .option("--seed <number>", "the paper broker's chance", "1")
    .option("--source <name>", "whose bars are traded, where a symbol has those of several sources")
    .option("--capital <money>", "what the strategy began with, which performance takes daily returns of")
    .option("--out-of-order", "the paper broker hands its reports out in reverse")
    .option("--until-caught-up", "end when what the topics hold now has been taken")
    .option("--fail-fast", "end where a service is away at the start");
  length("--interval <length>", "the bars that indicators, predictions, fills and outcomes are made of", "1d");
  declareBarFlags(command);
  length("--allowed-lateness <length>", "how late a tick may change a bar, in event time", "10min");
}

/**
 * Runs programs side by side until a stop, or until the last one has taken all that follows from what the topics held
 * when `caughtUpWith` resolved: each ends at what it has been handed when the one before it has ended.
 */
export async function runPrograms(
  { config, log, signal, progress }: Pick<Session, "config" | "log" | "signal" | "progress">,
  tape: Tape,
  chosen: readonly Chosen[],
  ofSession: string | null,
  caughtUpWith?: Promise<unknown>,
): Promise<Readonly<Record<string, RunTally>>> {
  const registry = openRegistry(requireServices(config, "schemaRegistryUrl"), new Admission(config, log));
  const publish: RunServices["publish"] = ({ topic, event, headers }) =>
    tape.publish(topic, event as never, { headers });
  const services = { client: openKafka(config, log), registry, config, log, publish };
  const failed = new AbortController();
  const stop = AbortSignal.any([signal, failed.signal]);
  const told = new Map<string, RunTally>();
  const done = () => [...told].map(([program, { read, published }]) => [{ program }, { read, published }] as const);
  const endSummaries = sumUp({ log, clock: SYSTEM_CLOCK }, "read and published", done);
  const one = async ({ program, key }: Chosen, before: Promise<unknown> | undefined) => {
    const { name } = program;
    const bar = progress.bar(name, undefined, "events read");
    const onProgress = (tally: RunTally) => {
      told.set(name, tally);
      bar.set(tally.read);
    };
    try {
      return await runProgram(services, program, {
        name: key,
        session: ofSession,
        caughtUpWith: before,
        stop,
        onProgress,
      });
    } catch (error) {
      failed.abort();
      throw error;
    } finally {
      bar.end();
    }
  };
  const runs: Promise<RunTally>[] = [];
  for (const each of chosen) runs.push(one(each, caughtUpWith && (runs.at(-1) ?? caughtUpWith)));
  const ended = await Promise.allSettled(runs);
  endSummaries();
  const broken = ended.find((result) => result.status === "rejected");
  if (broken !== undefined) throw broken.reason;
  return Object.fromEntries(
    ended.flatMap((r, i) => (r.status === "fulfilled" ? [[chosen[i]!.program.name, r.value]] : [])),
  );
}

function tallyText(tallies: Readonly<Record<string, RunTally>>): string {
  const counts = (tally: RunTally) => Object.entries(tally.counts).map(([name, count]) => `${name} ${count}`);
  const rows = Object.entries(tallies).map(([name, tally]) => {
    return [name, tally.read, tally.published, counts(tally).join(", ") || "-"];
  });
  return table(["program", "read", "published", "counted"], rows);
}
