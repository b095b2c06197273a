import { type Command, Option } from "commander";
import { bars } from "../../../producers/bars.ts";
import { quotes } from "../../../producers/quotes.ts";
import { ticks } from "../../../producers/ticks.ts";
import { TradetapeError } from "../../errors.ts";
import type { EventTopic } from "../../event/schemas.ts";
import type { FeedOptions, Producer, Sniffed } from "../../feed/feed.ts";
import { writeOwnFile } from "../../own-file.ts";
import type { CommandSpec } from "../command.ts";
import { EXIT } from "../exit.ts";
import { decisionsText, feedFlags } from "../feed-flags.ts";
import { printable } from "../output.ts";

interface SniffOptions extends FeedOptions {
  readonly kind?: "ticks" | "quotes" | "bars";
  readonly write?: string;
}

const PRODUCERS: Readonly<Record<string, Producer<EventTopic>>> = { bars, ticks, quotes };

export const sniffCommand: CommandSpec<SniffOptions> = {
  name: "sniff",
  summary: "what a file is, as far as it says so: what is decided, what isn't, and its first rows each way",
  examples: [
    "tradetape feeds sniff prices.csv",
    "tradetape feeds sniff prices.csv --write prices.map.json   a map, with ? where nothing decides",
  ],
  declare: (command) => declareFlags(command),
  run: async ({ out }, [file = ""], options) => {
    if (file === "-") {
      throw new TradetapeError("input_invalid", "standard input can't be read twice", {
        next: "Write it to a file first.",
      });
    }
    const sniffed = await sniff(file, options);
    if (options.write !== undefined) writeMap(options.write, sniffed);
    out.result(sniffed, () => sniffedText(sniffed, options.write));
    return sniffed.questions.length > 0 ? EXIT.foundWrong : EXIT.good;
  },
};

function declareFlags(command: Command): void {
  command
    .argument("<file>", "a file of ticks, quotes or bars; .zip and .gz are unpacked")
    .addOption(new Option("--kind <kind>", "what the rows are, where several could be").choices(Object.keys(PRODUCERS)))
    .option("--write <map>", "write the layout there, as JSON");
  feedFlags(command);
}

/** Bars name more columns than ticks, and trades with the quote beside them are trades: the first kind that can be is taken. */
async function sniff(file: string, options: SniffOptions): Promise<Sniffed> {
  const kinds = options.kind === undefined ? Object.keys(PRODUCERS) : [options.kind];
  let refused: unknown;
  for (const kind of kinds) {
    try {
      return await PRODUCERS[kind]!.sniff(file, options);
    } catch (error) {
      if (!(error instanceof TradetapeError) || error.code !== "input_invalid") throw error;
      refused ??= error;
    }
  }
  throw refused;
}

/** @throws TradetapeError input_invalid when there is no map, or the file can't be made */
function writeMap(path: string, { map, description }: Sniffed): void {
  if (map === undefined) {
    throw new TradetapeError("input_invalid", `no map can say the format ${description.format}`, {
      next: `Publish it with --format ${description.format} and the flags that it asks for.`,
    });
  }
  try {
    writeOwnFile(path, `${JSON.stringify(map, null, 2)}\n`, "create");
  } catch (cause) {
    throw new TradetapeError("input_invalid", `--write: ${(cause as Error).message}`, { cause });
  }
}

function sniffedText({ description, questions, lines, readings }: Sniffed, written: string | undefined): string {
  const asked = questions.map(({ why, flag }) => `undecided: ${printable(why)}\n           ${flag}`);
  const read = readings.map(({ answer, rows }) => {
    const first = rows.map((row) => (typeof row === "string" ? `rejected: ${printable(row)}` : rowText(row)));
    return [answer === "" ? "read as" : `read with ${answer}`, ...first].join("\n  ");
  });
  return [
    `${description.file}: ${description.format}, ${description.about}`,
    decisionsText(description.decisions),
    ...asked,
    ["first lines", ...lines.map(printable)].join("\n  "),
    ...read,
    ...(written === undefined
      ? []
      : [`${written} has the map${questions.length > 0 ? ", with ? for what is undecided" : ""}`]),
  ].join("\n\n");
}

/** An event as far as a person compares it with the line: its time, and what isn't an id. */
function rowText(event: object): string {
  const { timestamp, ends_at, market_data_id: _id, symbol_id: _symbol, ...rest } = event as Record<string, unknown>;
  const told = Object.entries(rest).filter(([, value]) => value !== null && value !== 0);
  const time = (us: unknown) => new Date((us as number) / 1000).toISOString();
  const end = typeof ends_at === "number" ? [`ends_at ${time(ends_at)}`] : [];
  return [time(timestamp), ...told.map(([name, value]) => `${name} ${String(value)}`), ...end].join("  ");
}
