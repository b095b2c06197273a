import type { Command } from "commander";
import { wrong } from "./flags.ts";

/** `help A B` shows B's help, at any depth; commander's own would show A's. Without a name it shows the program's. */
export function addHelp(program: Command): void {
  program
    .command("help")
    .description("the help of a command, as in `tradetape help sessions create`")
    .argument("[command...]", "its name, after the names of the groups that it stands in")
    .action((names: readonly string[]) => commandAt(program, names).outputHelp());
}

/** @throws TradetapeError input_invalid that lists the commands there are, where a name is none of them */
function commandAt(program: Command, names: readonly string[]): Command {
  let at = program;
  for (const [index, name] of names.entries()) {
    const found = at.commands.find((command) => command.name() === name);
    if (found === undefined) throw unknown(at, names.slice(0, index + 1));
    at = found;
  }
  return at;
}

function unknown(group: Command, names: readonly string[]): Error {
  const known = group.commands.map((command) => command.name()).join(", ");
  return wrong(`help ${names.join(" ")}`, known || `${group.name()} alone, which has no commands of its own`);
}
