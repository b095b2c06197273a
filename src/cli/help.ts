import type { Command } from "commander";
import { runbookText } from "../errors/runbook.ts";
import { wrong } from "./flags.ts";

/** `help A B` shows B's help, at any depth; commander's own would show A's. Without a name it shows the program's. */
export function addHelp(program: Command): void {
  program
    .command("help")
    .description("the help of a command, as in `tradetape help sessions create`, or of an error, by its code")
    .argument("[command...]", "its name, after the names of the groups that it stands in; or the code of an error")
    .action((names: readonly string[]) => {
      const advice = names.length === 1 ? runbookText(names[0]!) : undefined;
      if (advice === undefined) commandAt(program, names).outputHelp();
      else process.stdout.write(`${advice}\n`);
    });
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
