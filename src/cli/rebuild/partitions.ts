import type { Command } from "commander";
import { isoDate } from "../../event/day.ts";
import { makeDays } from "../../table/landing/days.ts";
import { type DayPartition, keptFrom, listDays } from "../../table/upkeep/day-partitions.ts";
import { addCommand, type CommandSpec } from "../command.ts";
import { EXIT, type ExitCode } from "../exit.ts";
import { wrong } from "../flags.ts";
import { count } from "../progress.ts";
import { asReader, asRole } from "../services.ts";
import { dayFlag, daysOf, daysText, declareTopic, oneWithDays, type TopicFlag, today } from "./days.ts";
import { dropCommand, retainCommand } from "./partitions-drop.ts";

/** `partitions` with its commands. */
export function addPartitions(program: Command, done: (code: ExitCode) => void): void {
  const group = program
    .command("partitions")
    .description("the days of tables that have a partition each: see, create ahead, drop, keep so many");
  addCommand(group, listCommand, done);
  addCommand(group, createCommand, done);
  addCommand(group, dropCommand, done);
  addCommand(group, retainCommand, done);
}

/** The days of one table. */
interface TableDays {
  readonly topic: string;
  readonly table: string;
  readonly keepFrom: string | null;
  readonly days: readonly DayPartition[];
}

const listCommand: CommandSpec<TopicFlag> = {
  name: "list",
  summary: "the partitions of each table that has days: rows by the server's estimate, size, state",
  examples: ["tradetape partitions list", "tradetape partitions list --json | jq '[.tables[].days[].bytes] | add'"],
  declare: declareTopic,
  run: async ({ config, out }, _args, flags) => {
    const consumers = daysOf(config.namespace, flags);
    const tables: TableDays[] = [];
    await asReader(config, "partitions", async (connection) => {
      for (const { topic, landing } of consumers) {
        const { table } = landing;
        const keepFrom = (await keptFrom(connection, table)) ?? null;
        tables.push({ topic, table, keepFrom, days: await listDays(connection, table) });
      }
    });
    out.result({ tables }, () => tables.map(tableText).join("\n"));
    return EXIT.good;
  },
};

const tableText = ({ topic, keepFrom, days }: TableDays): string =>
  [
    ...(days.length === 0 ? [] : [daysText(days)]),
    `${count(days.length)} days of ${topic}${keepFrom === null ? "" : `, none before ${keepFrom} is kept`}`,
  ].join("\n");

const DAYS_MAX = 3660;

interface CreateFlags extends TopicFlag {
  readonly until?: string;
}

const createCommand: CommandSpec<CreateFlags> = {
  name: "create",
  summary: "make the partitions of today and the days ahead, or of the days named",
  examples: [
    "tradetape partitions create --topic ticks                                today and TRADETAPE_DAYS_AHEAD days more",
    "tradetape partitions create 2024-03-01 --until 2024-03-31 --topic ticks  before a file of that month",
  ],
  declare: (command) => {
    command.argument("[day]", "the first one, UTC");
    command.option("--until <day>", "the last one");
    declareTopic(command);
  },
  run: async ({ config, out }, [from], { until, ...flag }) => {
    const { topic, landing } = oneWithDays(config.namespace, flag);
    const first = from === undefined ? today() : dayFlag("the day", from);
    const last = until === undefined ? first + (from === undefined ? config.daysAhead : 0) : dayFlag("--until", until);
    if (last < first || last - first >= DAYS_MAX)
      throw wrong("--until", `a day from ${isoDate(first)} on, ${DAYS_MAX} at most`);
    const days = Array.from({ length: last - first + 1 }, (_, n) => first + n);
    const { made, past } = await asRole(config, "partitions", "tradetape_lander", async (connection) => {
      const there = new Set((await listDays(connection, landing.table)).map(({ day }) => day));
      const behind = await makeDays(connection, landing.table, days);
      return { made: days.map(isoDate).filter((day) => !there.has(day)), past: behind.map(isoDate) };
    });
    const created = made.filter((day) => !past.includes(day));
    out.result({ created, past }, () =>
      [
        `${count(created.length)} of ${count(days.length)} days made`,
        ...(past.length > 0 ? [`${past.join(", ")}: dropped for good, ${topic} of then are filtered`] : []),
      ].join("\n"),
    );
    return past.length > 0 ? EXIT.foundWrong : EXIT.good;
  },
};
