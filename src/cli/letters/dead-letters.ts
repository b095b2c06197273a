import type { Command } from "commander";
import { type HeardState, readStates } from "../../table/checks/group-states.ts";
import { type LetterGroup, listLetters } from "../../table/letters/dead-letters.ts";
import { addCommand, type CommandSpec } from "../command.ts";
import { EXIT, type ExitCode } from "../exit.ts";
import { rolledBackText } from "../flow/group-text.ts";
import { printable, table } from "../output.ts";
import { count } from "../progress.ts";
import { asReader } from "../services.ts";
import { discardCommand } from "./dead-letters-discard.ts";
import { previewCommand } from "./dead-letters-preview.ts";
import { redriveCommand } from "./dead-letters-redrive.ts";
import { setAsideCommand } from "./dead-letters-set-aside.ts";
import { showLetterCommand } from "./dead-letters-show.ts";
import { skipSchemaCommand } from "./dead-letters-skip-schema.ts";
import { declareFilter, type FilterFlags, letterFilter } from "./letter-filter.ts";

/** `dead-letters` with its commands. */
export function addDeadLetters(program: Command, done: (code: ExitCode) => void): void {
  const group = program.command("dead-letters").description("events that were set aside: see, redrive, discard, allow");
  addCommand(group, listCommand, done);
  addCommand(group, showLetterCommand, done);
  addCommand(group, redriveCommand, done);
  addCommand(group, discardCommand, done);
  addCommand(group, previewCommand, done);
  addCommand(group, setAsideCommand, done);
  addCommand(group, skipSchemaCommand, done);
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
    const [groups, states] = await asReader(config, "dead letters", async (connection) => [
      await listLetters(connection, filter, all),
      await readStates(connection),
    ]);
    const stops = states.filter(({ topic, letters }) => letters !== null && filter.topics.includes(topic));
    out.result([...groups, ...stops.flatMap(rolledBack)], () =>
      [listText(groups, all), ...stops.map(rolledBackText)].join("\n\n"),
    );
    return EXIT.good;
  },
};

/** Letters that are in no table, because they stopped their group: by reason, as the others. */
const rolledBack = ({ topic, letters, since }: HeardState) =>
  letters!.map((kind) => ({ topic, ...kind, rolledBack: true, stoppedSince: since }));

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
