import type { Command } from "commander";
import { bars } from "../../../producers/bars.ts";
import { quotes } from "../../../producers/quotes.ts";
import { ticks } from "../../../producers/ticks.ts";
import { addCommand, type CommandSpec } from "../command.ts";
import { EXIT, type ExitCode } from "../exit.ts";
import { sniffCommand } from "./feeds-sniff.ts";
import { feedsStatusCommand } from "./feeds-status.ts";

/** `feeds` with its commands. */
export function addFeeds(program: Command, done: (code: ExitCode) => void): void {
  const group = program
    .command("feeds")
    .description("market data: the formats of files, what a file is, and whether feeds are alive");
  addCommand(group, listCommand, done);
  addCommand(group, sniffCommand, done);
  addCommand(group, feedsStatusCommand, done);
}

const listCommand: CommandSpec<object> = {
  name: "list",
  summary: "every format that files of ticks, quotes and bars may have, with its first lines and what it asks",
  examples: ["tradetape feeds list", "tradetape feeds list --json"],
  run: async ({ out }) => {
    const formats = [ticks, quotes, bars].flatMap(({ topic, formats }) =>
      formats.map(({ name, about, sample, asks }) => ({ kind: topic, name, about, sample, asks })),
    );
    out.result(formats, () => formats.map(formatText).join("\n\n"));
    return EXIT.good;
  },
};

function formatText(format: {
  kind: string;
  name: string;
  about: string;
  sample: readonly string[];
  asks: string;
}): string {
  const { kind, name, about, sample, asks } = format;
  const lines = sample.map((line) => `    ${line.replaceAll("\t", "  ")}`);
  return [`${kind} ${name}: ${about}`, ...lines, ...(asks === "" ? [] : [`  asks: ${asks}`])].join("\n");
}
