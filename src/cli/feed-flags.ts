import { Command, InvalidArgumentError } from "commander";
import type { Decision } from "../feed/decision.ts";
import type { FeedOptions } from "../feed/feed.ts";
import { printable, table } from "./output.ts";

export const collect = (value: string, before: string[] | undefined) => [...(before ?? []), value];

/** What a person may say about files of market data, in `publish` and in `feeds sniff` alike. */
export function feedFlags(command: Command): Command {
  return command
    .option("--map <file>", "what the file is, as JSON or YAML (docs/feeds.md)")
    .option("--format <name>", "instead of detection; `tradetape feeds list` has the names")
    .option("--symbol <ticker[@exchange]>", "the instrument, where the file doesn't say it")
    .option("--symbols <all|A,B>", "which instruments to take from a file of several")
    .option("--make-symbols", "take ticker and exchange of JSON lines for symbol_id, and publish these symbols")
    .option("--tz <zone>", "the zone of times without one, as in America/New_York")
    .option("--date <yyyy-mm-dd>", "the day, where the lines hold only its time")
    .option("--date-format <format>", "how dates are written, as in dd/mm/yyyy, where the file can't tell")
    .option("--unit <unit>", "the unit of times that are numbers: s, ms, us or ns")
    .option("--interval <length>", "the bars' length: 1s, 1min, 5min, 1h, 1d")
    .option("--decimal <comma|dot>", "the decimal sign, where the numbers don't prove it")
    .option(
      "--column <field=name>",
      "which column is what, as in volume=Turnover or ignore=Note; may be repeated",
      collect,
    )
    .option("--missing-volume <0>", "the volume of bars where the file has none", noVolume)
    .option("--price-scale <factor>", "what prices are multiplied by, as in 0.0001")
    .option("--size-scale <factor>", "what sizes and volumes are multiplied by, as in 100 for lots of a hundred")
    .option("--market <market>", "of Binance's files: spot, um, cm, um-mark and so on")
    .option("--asset <class>", "of Lean's files: equity, option, index, future, forex, cfd, crypto")
    .option("--source <name>", "names the data set, and is part of the ids")
    .option("--session <id>", "the backtest session of every event")
    .option("--strict", "reject the lines that would be warned of, but no crossed or locked quotes");
}

/** What these flags are called in a command's options. */
export const FEED_FLAGS = feedFlags(new Command()).options.map((option) => option.attributeName() as keyof FeedOptions);

function noVolume(value: string): string {
  if (value === "0") return value;
  throw new InvalidArgumentError("It can only be 0: no other volume is known to be nothing.");
}

/** What was decided, a line each: what, how, by what. */
export function decisionsText(decisions: readonly Decision[]): string {
  return table(
    ["decided", "as", "by"],
    decisions.map(({ what, value, decidedBy }) => [what, printable(value), printable(decidedBy)]),
  );
}
