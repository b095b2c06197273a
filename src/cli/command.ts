import { Command } from "commander";
import { type Config, readConfig } from "../config.ts";
import { type Log, openLog } from "../log.ts";
import { packageVersion } from "../manifest.ts";
import type { Served } from "../metrics/served.ts";
import { SETTING_NAMES, SETTINGS, type SettingName } from "../settings.ts";
import { describeFailure, EXIT, type ExitCode, logFailure } from "./exit.ts";
import { watchSignals } from "./interrupt.ts";
import { logText } from "./log-text.ts";
import { type Output, openOutput } from "./output.ts";
import { loggedProgress, openProgress, type Progress } from "./progress.ts";
import { changedSettings } from "./shown-setting.ts";

/** What every command is handed: the settings, where results and progress go, and when to stop. */
export interface Session {
  readonly config: Config;
  readonly out: Output;
  readonly progress: Progress;
  /** Aborted by the first signal: stop in good order. */
  readonly signal: AbortSignal;
  /** Aborted by the second one: give up what hasn't been committed. */
  readonly force: AbortSignal;
  readonly log: Log;
  /** Where the command is asked about itself; undefined without --http. */
  readonly served?: Served | undefined;
}

/** A command as its file declares it; `declare` adds arguments and flags, `run` gets them as commander parsed them. */
export interface CommandSpec<Options> {
  readonly name: string;
  readonly summary: string;
  /** Lines under the help: a command line, two spaces or more, what it does. */
  readonly examples: readonly string[];
  /** Waits for services that are away: then warnings are all that a person sees of a fault that passes. */
  readonly isService?: boolean;
  /** Whether it runs until it is stopped. Without a terminal, all that it has to say is then lines of its log. */
  runsOn?(options: Options): boolean;
  /** Takes --http: it is asked about itself, and measured, while it runs. */
  readonly isServed?: boolean;
  /** A shell evaluates what it prints: then it prints `false` when it fails, or the shell would go on as if it hadn't. */
  readonly isEvaluated?: boolean;
  declare?(command: Command): void;
  /** Settings that neither a flag nor the environment has a say in. */
  fixed?(options: Options): readonly SettingName[];
  run(session: Session, args: readonly string[], options: Options): Promise<ExitCode>;
}

/** The program with the flags that every command takes. */
export function newProgram(version: string): Command {
  const program = new Command("tradetape").version(version).exitOverride();
  program.option("--json", "results as one JSON document on standard output");
  for (const { flag, doc } of Object.values(SETTINGS) as { flag?: string; doc: string }[]) {
    if (flag !== undefined) program.option(flag, doc);
  }
  return program;
}

const HTTP_DOC = "answer /metrics, /live, /ready and /status at HOST:PORT, as 127.0.0.1:9464; to whoever reaches it";

/** @param done is told the exit code: commander itself has no way to return one. */
export function addCommand<Options>(program: Command, spec: CommandSpec<Options>, done: (code: ExitCode) => void) {
  const command = program.command(spec.name).description(spec.summary).exitOverride();
  spec.declare?.(command);
  if (spec.isServed) command.option("--http <address>", HTTP_DOC);
  if (spec.examples.length > 0) {
    command.addHelpText("after", `\nExamples:\n${spec.examples.map((line) => `  ${line}`).join("\n")}`);
  }
  command.addHelpText("after", "\nEvery command takes --json and the settings of `tradetape help config`.");
  command.action(async () => {
    const args = command.processedArgs.flat().filter((a) => a !== undefined) as string[];
    done(await runSession(spec, args, command.optsWithGlobals()));
  });
}

/**
 * A command that ends by itself says its own error, once; a client library's warnings before it would say it five
 * times more. Who asks for them by TRADETAPE_LOG_LEVEL gets them.
 */
function logLevelOf(config: Config, isService: boolean, isLogged: boolean): Config["logLevel"] {
  if (process.env[SETTINGS.logLevel.env]) return config.logLevel;
  if (isLogged) return "info";
  return isService ? config.logLevel : "error";
}

/** Long enough for a session to be closed, short enough for somebody who has asked twice. */
const FORCED_WITHIN_MS = 3000;

function endForced(watchesForce: boolean): void {
  const end = () => process.exit(EXIT.interrupted);
  if (watchesForce) setTimeout(end, FORCED_WITHIN_MS).unref();
  else end();
}

async function runSession<Options>(
  spec: CommandSpec<Options>,
  args: readonly string[],
  options: Record<string, unknown>,
): Promise<ExitCode> {
  const json = options.json === true;
  const isLogged = !process.stderr.isTTY && spec.runsOn?.(options as Options) === true;
  // What a person would be told is said whatever TRADETAPE_LOG_LEVEL says, and so is what ends the command.
  const told = isLogged ? openLog({ logLevel: "info" }) : undefined;
  const progress = told ? loggedProgress(told) : openProgress();
  const interrupt = watchSignals(progress.line, () => endForced(spec.isService === true));
  let served: Served | undefined;
  try {
    const textOf = (flag: unknown) => (flag === true ? "true" : flag);
    const given = SETTING_NAMES.map((name) => [name, textOf(options[name])]);
    const flags = Object.fromEntries(given) as Record<SettingName, string>;
    const out = openOutput(json, (text) => process.stdout.write(text));
    const fixed = spec.fixed?.(options as Options) ?? [];
    const doubt = (text: string) => (told ? told.warn(text) : progress.line(`warning: ${text}`));
    const config = readConfig(flags, process.env, { fixed, doubt });
    const show = process.stderr.isTTY ? (line: string) => progress.line(logText(line)) : undefined;
    const log = openLog({ logLevel: logLevelOf(config, spec.isService === true, isLogged) }, show);
    if (isLogged) {
      log.info(
        { version: packageVersion(), command: [spec.name, ...args], settings: changedSettings(config) },
        "starts",
      );
    }
    served = await openServed(options.http as string | undefined, progress);
    const session = { config, out, progress, log, signal: interrupt.stop, force: interrupt.force, served };
    const code = await spec.run(session, args, options as Options);
    if (isLogged) log.info({ exitCode: code }, "ends");
    return code;
  } catch (error) {
    progress.close();
    if (told) return logFailure(error, told);
    const failure = describeFailure(error, json);
    process.stderr.write(failure.text);
    if (spec.isEvaluated && !json && !process.stdout.isTTY) process.stdout.write("false\n");
    return failure.code;
  } finally {
    await served?.close();
    progress.close();
    interrupt.dispose();
  }
}

/** @throws TradetapeError input_invalid */
async function openServed(address: string | undefined, { line }: Progress): Promise<Served | undefined> {
  if (address === undefined) return undefined;
  // Loaded where it is asked for, because what measures costs every other command its time to load.
  const { Served } = await import("../metrics/served.ts");
  const served = await Served.open(address);
  line(`serving ${served.url}/metrics, /live, /ready and /status`);
  return served;
}
