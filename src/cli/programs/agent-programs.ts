import { barsOfTicks } from "../../../producers/bars.ts";
import { decisionsOnPredictions } from "../../../producers/decisions.ts";
import { fillsOfDecisions } from "../../../producers/fills.ts";
import { indicatorsOfBars } from "../../../producers/indicators.ts";
import { outcomesOfPredictions } from "../../../producers/outcomes.ts";
import { performanceOfFills } from "../../../producers/performance.ts";
import { predictionsOfIndicators } from "../../../producers/predictions.ts";
import type { AgentIdentity } from "../../agent/fields.ts";
import { TradetapeError } from "../../errors.ts";
import { strategyId } from "../../event/identity.ts";
import { MODEL_VERSION } from "../../strategy/model.ts";
import { PAPER } from "../../strategy/paper/paper-broker.ts";
import type { Program } from "../../stream/program.ts";
import { type AgentRun, programKey } from "./agent-run.ts";
import { isFile, loadProgram } from "./own-program.ts";

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
export const PROGRAM_NAMES = Object.keys(PROGRAMS);
/** What needs no session. */
export const LIVE = PROGRAM_NAMES.filter((name) => name !== "fills");

/** A program that is to run, and the key under which its run keeps its place in the topics. */
export interface Chosen {
  readonly program: Program;
  readonly key: string;
}

/** Programs of the reference agent, in the order of the names. */
export function agentPrograms(names: readonly string[], run: AgentRun): readonly Chosen[] {
  const by = { ...run, modelVersion: MODEL_VERSION, strategyId: strategyId(run.strategy) };
  return names.map((name) => ({ program: PROGRAMS[name]!(run, by), key: programKey(name, run) }));
}

/**
 * The programs that a command names: ours in the order of the flow, and all of them where it names none. With a file among them
 * they keep the order of the command, for nobody else knows where in the flow a program of one's own belongs.
 * @throws TradetapeError input_invalid
 */
export async function choosePrograms(names: readonly string[], run: AgentRun): Promise<readonly Chosen[]> {
  requireKnown(names.filter((name) => !isFile(name)));
  if (names.length === 0) return agentPrograms(PROGRAM_NAMES, run);
  if (!names.some(isFile)) {
    return agentPrograms(
      PROGRAM_NAMES.filter((name) => names.includes(name)),
      run,
    );
  }
  const chosen: Chosen[] = [];
  for (const name of new Set(names)) {
    if (isFile(name)) chosen.push({ program: await loadProgram(name, PROGRAM_NAMES), key: ownKey(run) });
    else chosen.push(...agentPrograms([name], run));
  }
  const twice = chosen.find(({ program }, n) => chosen.findIndex((one) => one.program.name === program.name) < n);
  if (twice === undefined) return chosen;
  throw new TradetapeError("input_invalid", `two of the files define a program ${twice.program.name}`, {
    next: "Name one of them otherwise: a program's place in the topics goes by its name.",
  });
}

/** The session alone: who a program of one's own acts for, and by which settings, is in its own definition. */
const ownKey = ({ session }: AgentRun): string => session ?? "live";

/** @throws TradetapeError input_invalid that lists the programs there are */
function requireKnown(names: readonly string[]): void {
  const unknown = names.filter((name) => !PROGRAM_NAMES.includes(name));
  if (unknown.length === 0) return;
  throw new TradetapeError("input_invalid", `no program ${unknown.join(", ")}`, {
    next: `There are ${PROGRAM_NAMES.join(", ")}. A file of your own is named as ./${unknown[0]}.ts.`,
  });
}
