import type { Argument, Command, Option } from "commander";
import { buildProgram } from "../../src/cli/program.ts";
import { cell, code, table } from "./markdown.ts";

const standard = (of: Option | Argument) =>
  of.defaultValue === undefined ? "" : code(of.defaultValueDescription ?? String(of.defaultValue));

function argumentName(argument: Argument): string {
  const name = `${argument.name()}${argument.variadic ? "..." : ""}`;
  return argument.required ? `<${name}>` : `[${name}]`;
}

/** What follows `tradetape` on the command line, without the flags. */
const usage = (path: readonly string[], { registeredArguments }: Command) =>
  ["tradetape", ...path, ...registeredArguments.map(argumentName)].join(" ");

function commandText(path: readonly string[], command: Command): string {
  const rows = [
    ...command.registeredArguments.map((a) => [code(argumentName(a)), standard(a), cell(a.description)]),
    ...command.options.map((o) => [code(o.flags), standard(o), cell(o.description)]),
  ];
  const parts = [`### \`${usage(path, command)}\``, command.description()];
  if (rows.length > 0) parts.push(table(["argument or flag", "default", "meaning"], rows));
  return parts.join("\n\n");
}

/** A command, or the commands of a group, in the order of the help. */
function commandTexts(above: readonly string[], command: Command): string[] {
  const path = [...above, command.name()];
  if (command.commands.length === 0) return [commandText(path, command)];
  return command.commands.flatMap((one) => commandTexts(path, one));
}

const program = await buildProgram(() => {});

/** Every command with its arguments, flags and defaults, as commander has them: what `help` shows. */
export function commandReference(): string {
  const flags = program.options.map((o) => [code(o.flags), cell(o.description)]);
  const common = ["### Flags of every command", table(["flag", "meaning"], flags)].join("\n\n");
  return [common, ...program.commands.flatMap((command) => commandTexts([], command))].join("\n\n");
}
