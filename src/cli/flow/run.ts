import { type Command, Option } from "commander";
import { barsOfTicks } from "../../../producers/bars.ts";
import { decisionsOnPredictions } from "../../../producers/decisions.ts";
import { fillsOfDecisions } from "../../../producers/fills.ts";
import { indicatorsOfBars } from "../../../producers/indicators.ts";
import { outcomesOfPredictions } from "../../../producers/outcomes.ts";
import { performanceOfFills } from "../../../producers/performance.ts";
import { predictionsOfIndicators } from "../../../producers/predictions.ts";
import type { AgentIdentity } from "../../agent/fields.ts";
import { sumUp } from "../../batch/sum-up.ts";
import { SYSTEM_CLOCK } from "../../clock.ts";
import { requireServices } from "../../config.ts";
import { TradetapeError } from "../../errors.ts";
import { Admission } from "../../event/admission.ts";
import { strategyId } from "../../event/identity.ts";
import { openRegistry } from "../../event/registry.ts";
import { MODEL_VERSION } from "../../strategy/model.ts";
import { PAPER } from "../../strategy/paper/paper-broker.ts";
import type { Program } from "../../stream/program.ts";
import { type RunServices, type RunTally, runProgram } from "../../stream/run.ts";
import { openKafka } from "../../topic/kafkajs/open-kafka.ts";
import type { Tape } from "../../tradetape/tape.ts";
import type { CommandSpec, Session } from "../command.ts";
import { EXIT } from "../exit.ts";
import { table } from "../output.ts";
import { type AgentRun, agentRunOf, programKey, type RunFlags } from "./agent-run.ts";
import { declareBarFlags, lengthFlag } from "./bar-flags.ts";
import { connectForPrograms, openForService } from "./service-start.ts";

/** In the order of the flow: what one publishes the next one reads. */
const PROGRAMS: Readonly<Record<string, (run: AgentRun, by: AgentIdentity) => Program>> = {
  bars: (run) => barsOfTicks(run),
  indicators: (run) => indicatorsOfBars(run),
  predictions: (run, by) => predictionsOfIndicators(by, run),
  decisions: (run, by) => decisionsOnPredictions(by, run),
  fills: (run, by) => fillsOfDecisions(by, run, { ...PAPER, seed: run.seed, outOfOrder: run.outOfOrder }),
  performance: (run, by) => performanceOfFills(by, run),
  outcomes: (run) => outcomesOfPredictions(run),
};
const PROGRAM_NAMES = Object.keys(PROGRAMS);
/** What needs no session. */
const LIVE = PROGRAM_NAMES.filter((name) => name !== "fills");

export const runCommand: CommandSpec<RunFlags> = {
  name: "run",
  summary: "run programs of the reference agent on the topics: all of them, or those named",
  examples: [
    "tradetape run bars                                         bars of the ticks, until Ctrl-C",
    "tradetape run bars --until-caught-up                       of the ticks there are now, then end",
    "tradetape run bars --calendar XNYS --intervals 1min,1d     of New York's regular hours",
    "tradetape run --session 0198c5a4-... --interval 1d         a whole agent, on paper",
    "tradetape run bars indicators predictions decisions        live, but for orders: those are a broker's",
  ],
  isService: true,
  runsOn: ({ untilCaughtUp = false }) => !untilCaughtUp,
  isServed: true,
  declare: (command) => declareFlags(command),
  run: async (session, names, flags) => {
    const programs = pick(names);
    const run = agentRunOf(flags, programs, LIVE);
    const { untilCaughtUp = false, failFast = false } = flags;
    const connect = () => connectForPrograms(session, programsOf(programs, run));
    const tape = await openForService(session, !untilCaughtUp && !failFast, connect);
    if (tape === undefined) return EXIT.good;
    let tallies: Readonly<Record<string, RunTally>>;
    try {
      tallies = await runPrograms(session, tape, programs, run, untilCaughtUp ? Promise.resolve() : undefined);
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
    .argument("[program...]", `of ${PROGRAM_NAMES.join(", ")}`)
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

/** @throws TradetapeError input_invalid that lists the programs there are */
function pick(names: readonly string[]): readonly string[] {
  const unknown = names.filter((name) => !PROGRAM_NAMES.includes(name));
  if (unknown.length > 0) {
    const next = `There are ${PROGRAM_NAMES.join(", ")}.`;
    throw new TradetapeError("input_invalid", `no program ${unknown.join(", ")}`, { next });
  }
  return names.length === 0 ? PROGRAM_NAMES : PROGRAM_NAMES.filter((name) => names.includes(name));
}

function programsOf(names: readonly string[], run: AgentRun): readonly Program[] {
  const by = { ...run, modelVersion: MODEL_VERSION, strategyId: strategyId(run.strategy) };
  return names.map((name) => PROGRAMS[name]!(run, by));
}

/**
 * Runs programs side by side until a stop, or until the last one has taken all that follows from what the topics held
 * when `caughtUpWith` resolved: each ends at what it has been handed when the one before it has ended.
 */
export async function runPrograms(
  { config, log, signal, progress }: Pick<Session, "config" | "log" | "signal" | "progress">,
  tape: Tape,
  names: readonly string[],
  run: AgentRun,
  caughtUpWith?: Promise<unknown>,
): Promise<Readonly<Record<string, RunTally>>> {
  const registry = openRegistry(requireServices(config, "schemaRegistryUrl"), new Admission(config, log));
  const publish: RunServices["publish"] = ({ topic, event, headers }) =>
    tape.publish(topic, event as never, { headers });
  const services = { client: openKafka(config, log), registry, config, log, publish };
  const programs = programsOf(names, run);
  const failed = new AbortController();
  const stop = AbortSignal.any([signal, failed.signal]);
  const told = new Map<string, RunTally>();
  const done = () => [...told].map(([program, { read, published }]) => [{ program }, { read, published }] as const);
  const endSummaries = sumUp({ log, clock: SYSTEM_CLOCK }, "read and published", done);
  const one = async (program: Program, before: Promise<unknown> | undefined) => {
    const { name } = program;
    const bar = progress.bar(name, undefined, "events read");
    const onProgress = (tally: RunTally) => {
      told.set(name, tally);
      bar.set(tally.read);
    };
    try {
      return await runProgram(services, program, {
        name: programKey(name, run),
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
  for (const program of programs) runs.push(one(program, caughtUpWith && (runs.at(-1) ?? caughtUpWith)));
  const ended = await Promise.allSettled(runs);
  endSummaries();
  const broken = ended.find((result) => result.status === "rejected");
  if (broken !== undefined) throw broken.reason;
  return Object.fromEntries(ended.flatMap((r, i) => (r.status === "fulfilled" ? [[names[i]!, r.value]] : [])));
}

function tallyText(tallies: Readonly<Record<string, RunTally>>): string {
  const counts = (tally: RunTally) => Object.entries(tally.counts).map(([name, count]) => `${name} ${count}`);
  const rows = Object.entries(tallies).map(([name, tally]) => {
    return [name, tally.read, tally.published, counts(tally).join(", ") || "-"];
  });
  return table(["program", "read", "published", "counted"], rows);
}
