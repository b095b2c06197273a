import type { Command } from "commander";
import { packageVersion } from "../manifest.ts";
import { addCommand, type CommandSpec, newProgram } from "./command.ts";
import { describeFailure, EXIT, type ExitCode } from "./exit.ts";
import { addHelp } from "./help.ts";

type Done = (code: ExitCode) => void;
type Add = (program: Command, done: Done) => void;

const adding =
  <Options>(spec: CommandSpec<Options>): Add =>
  (program, done) =>
    addCommand(program, spec, done);

/**
 * Every command or group by its name, in the order of the help. Its file is loaded when it is asked for, because loading all
 * of them is most of a short command's time.
 */
const COMMANDS: Readonly<Record<string, () => Promise<Add>>> = {
  demo: async () => adding((await import("./demo/demo.ts")).demoCommand),
  up: async () => adding((await import("./stack/up.ts")).upCommand),
  down: async () => adding((await import("./stack/down.ts")).downCommand),
  publish: async () => adding((await import("./flow/publish.ts")).publishCommand),
  feeds: async () => (await import("./feeds/feeds.ts")).addFeeds,
  run: async () => adding((await import("./programs/run.ts")).runCommand),
  consume: async () => adding((await import("./flow/consume.ts")).consumeCommand),
  doctor: async () => adding((await import("./look/doctor.ts")).doctorCommand),
  status: async () => adding((await import("./flow/status.ts")).statusCommand),
  tail: async () => adding((await import("./look/tail.ts")).tailCommand),
  console: async () => adding((await import("./look/console.ts")).consoleCommand),
  mcp: async () => adding((await import("./mcp/mcp.ts")).mcpCommand),
  replay: async () => adding((await import("./rebuild/replay.ts")).replayCommand),
  rewind: async () => adding((await import("./rebuild/rewind.ts")).rewindCommand),
  verify: async () => adding((await import("./rebuild/verify.ts")).verifyCommand),
  "dead-letters": async () => (await import("./letters/dead-letters.ts")).addDeadLetters,
  trace: async () => adding((await import("./sessions/trace.ts")).traceCommand),
  lookahead: async () => adding((await import("./sessions/lookahead.ts")).lookaheadCommand),
  desk: async () => (await import("./desk/desk.ts")).addDesk,
  score: async () => adding((await import("./desk/score.ts")).scoreCommand),
  audit: async () => (await import("./audit/audit.ts")).addAudit,
  parked: async () => adding((await import("./letters/parked.ts")).parkedCommand),
  sessions: async () => (await import("./sessions/sessions.ts")).addSessions,
  partitions: async () => (await import("./rebuild/partitions.ts")).addPartitions,
  migrate: async () => adding((await import("./stack/migrate.ts")).migrateCommand),
  topics: async () => adding((await import("./stack/topics.ts")).topicsCommand),
  config: async () => adding((await import("./settings.ts")).settings),
};

const EXAMPLES = `
Examples:
  tradetape demo                                the whole pipeline on real bars, in about a minute
  eval "$(tradetape up --detach)"               a local stack, and where it is, into this shell
  tradetape publish ticks ibm_20131007.zip      a file of trades to its topic
  tradetape consume --until-caught-up           what the topics hold, into PostgreSQL
  tradetape status                              how far each partition has landed

Exit codes: 0 good, 1 found something wrong, 2 can't do it, 130 interrupted and resumable.
Settings: \`tradetape help config\`.`;

/**
 * Runs one command line (without node and script) and resolves with its exit code. Everything it has to say has been
 * written by then.
 */
export async function runCommandLine(argv: readonly string[]): Promise<ExitCode> {
  let code: ExitCode = EXIT.good;
  const done: Done = (of) => {
    code = of;
  };
  try {
    const program = await buildProgram(done, argv[0]);
    await program.parseAsync(argv.length === 0 ? ["--help"] : [...argv], { from: "user" });
    return code;
  } catch (error) {
    const failure = describeFailure(error, argv.includes("--json"));
    process.stderr.write(failure.text);
    return failure.code;
  }
}

/** @param first word of a command line; where it is a command's name, the program has no other command */
export async function buildProgram(done: Done, first?: string): Promise<Command> {
  const program = newProgram(packageVersion());
  program.description(
    "The tape of a trading agent: events on Kafka, landed in PostgreSQL, each exactly once in effect.",
  );
  const names = Object.keys(COMMANDS);
  const asked = names.filter((name) => name === first);
  const loaded = await Promise.all((asked.length > 0 ? asked : names).map((name) => COMMANDS[name]!()));
  for (const add of loaded) add(program, done);
  addHelp(program);
  program.addHelpText("after", EXAMPLES);
  return program;
}
