import { readFileSync } from "node:fs";
import type { Command } from "commander";
import { addAudit } from "./audit/audit.ts";
import { addCommand, newProgram } from "./command.ts";
import { demoCommand } from "./demo/demo.ts";
import { addDesk } from "./desk/desk.ts";
import { scoreCommand } from "./desk/score.ts";
import { describeFailure, EXIT, type ExitCode } from "./exit.ts";
import { addFeeds } from "./feeds/feeds.ts";
import { consumeCommand } from "./flow/consume.ts";
import { publishCommand } from "./flow/publish.ts";
import { runCommand } from "./flow/run.ts";
import { statusCommand } from "./flow/status.ts";
import { addHelp } from "./help.ts";
import { addDeadLetters } from "./letters/dead-letters.ts";
import { parkedCommand } from "./letters/parked.ts";
import { addPartitions } from "./rebuild/partitions.ts";
import { replayCommand } from "./rebuild/replay.ts";
import { rewindCommand } from "./rebuild/rewind.ts";
import { verifyCommand } from "./rebuild/verify.ts";
import { lookaheadCommand } from "./sessions/lookahead.ts";
import { addSessions } from "./sessions/sessions.ts";
import { traceCommand } from "./sessions/trace.ts";
import { settings } from "./settings.ts";
import { downCommand } from "./stack/down.ts";
import { migrateCommand } from "./stack/migrate.ts";
import { topicsCommand } from "./stack/topics.ts";
import { upCommand } from "./stack/up.ts";

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
  // `tradetape status | head` closes the pipe early: that is no error of ours, and no reason to leave events behind.
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code !== "EPIPE") throw error;
  });
  let code: ExitCode = EXIT.good;
  const program = buildProgram((of) => {
    code = of;
  });
  try {
    await program.parseAsync(argv.length === 0 ? ["--help"] : [...argv], { from: "user" });
    return code;
  } catch (error) {
    const failure = describeFailure(error, argv.includes("--json"));
    process.stderr.write(failure.text);
    return failure.code;
  }
}

export function buildProgram(done: (code: ExitCode) => void): Command {
  const program = newProgram(packageVersion());
  program.description(
    "The tape of a trading agent: events on Kafka, landed in PostgreSQL, each exactly once in effect.",
  );
  addCommand(program, demoCommand, done);
  addCommand(program, upCommand, done);
  addCommand(program, downCommand, done);
  addCommand(program, publishCommand, done);
  addFeeds(program, done);
  addCommand(program, runCommand, done);
  addCommand(program, consumeCommand, done);
  addCommand(program, statusCommand, done);
  addCommand(program, replayCommand, done);
  addCommand(program, rewindCommand, done);
  addCommand(program, verifyCommand, done);
  addDeadLetters(program, done);
  addCommand(program, traceCommand, done);
  addCommand(program, lookaheadCommand, done);
  addDesk(program, done);
  addCommand(program, scoreCommand, done);
  addAudit(program, done);
  addCommand(program, parkedCommand, done);
  addSessions(program, done);
  addPartitions(program, done);
  addCommand(program, migrateCommand, done);
  addCommand(program, topicsCommand, done);
  addCommand(program, settings, done);
  addHelp(program);
  program.addHelpText("after", EXAMPLES);
  return program;
}

/** package.json lies two folders up in the sources and three in the published package. */
function packageVersion(): string {
  for (const up of ["../../package.json", "../../../package.json"]) {
    try {
      return (JSON.parse(readFileSync(new URL(up, import.meta.url), "utf8")) as { version: string }).version;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    }
  }
  throw new Error("no package.json above src/cli");
}
