import type { Command } from "commander";
import { type LetterGroup, listLetters } from "../../table/letters/dead-letters.ts";
import { addCommand, type CommandSpec } from "../command.ts";
import { EXIT, type ExitCode } from "../exit.ts";
import { printable, table } from "../output.ts";
import { count } from "../progress.ts";
import { asReader } from "../services.ts";
import { discardCommand } from "./dead-letters-discard.ts";
import { redriveCommand } from "./dead-letters-redrive.ts";
import { showLetterCommand } from "./dead-letters-show.ts";
import { declareFilter, type FilterFlags, letterFilter } from "./letter-filter.ts";

/** `dead-letters` with its commands. */
export function addDeadLetters(program: Command, done: (code: ExitCode) => void): void {
  const group = program.command("dead-letters").description("events that were set aside: see, redrive, discard");
  addCommand(group, listCommand, done);
  addCommand(group, showLetterCommand, done);
  addCommand(group, redriveCommand, done);
  addCommand(group, discardCommand, done);
}

interface ListFlags extends FilterFlags {
  readonly all?: boolean;
}

const listCommand: CommandSpec<ListFlags> = {
  name: "list",
  summary: "letters by topic and reason: how many, since when, an example",
  examples: [
    "tradetape dead-letters list                          those that nobody has acted on",
    "tradetape dead-letters list --topic ticks --since 6h",
    "tradetape dead-letters list --all                    redriven and discarded ones, too",
  ],
  declare: (command) => {
    declareFilter(command);
    command.option("--all", "letters of every state");
  },
  run: async ({ config, out }, _args, flags) => {
    const filter = letterFilter(config, flags);
    const all = flags.all === true;
    const groups = await asReader(config, "dead letters", (connection) => listLetters(connection, filter, all));
    out.result(groups, () => listText(groups, all));
    return EXIT.good;
  },
};

function listText(groups: readonly LetterGroup[], all: boolean): string {
  if (groups.length === 0) return all ? "no letters" : "no open letters";
  const head = ["topic", "reason", "letters", ...(all ? ["open", "redriven", "discarded"] : [])];
  const rows = groups.map((g) => [
    g.topic,
    g.reason,
    g.letters,
    ...(all ? [g.open, g.redriven, g.discarded] : []),
    g.firstAt,
    g.lastAt,
    g.example,
    shortened(g.detail),
  ]);
  const total = groups.reduce((letters, group) => letters + group.letters, 0);
  return `${table([...head, "first", "last", "for example", "detail"], rows)}\n${count(total)} letters`;
}

/** The whole one is in `show`. */
const SHOWN_MAX = 80;
const shortened = (text: string) => printable(text.length <= SHOWN_MAX ? text : `${text.slice(0, SHOWN_MAX)}...`);
