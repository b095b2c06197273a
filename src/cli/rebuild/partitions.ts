import type { Command } from "commander";
import type { Connection } from "../../table/connection.ts";
import { isoDate, makeTickDays } from "../../table/landing/days.ts";
import { listTickDays, tickHorizon } from "../../table/upkeep/tick-days.ts";
import { addCommand, type CommandSpec } from "../command.ts";
import { EXIT, type ExitCode } from "../exit.ts";
import { wrong } from "../flags.ts";
import { count } from "../progress.ts";
import { asReader, asRole } from "../services.ts";
import { dayFlag, daysText, today } from "./days.ts";
import { dropCommand, retainCommand } from "./partitions-drop.ts";

/** `partitions` with its commands. */
export function addPartitions(program: Command, done: (code: ExitCode) => void): void {
  const group = program.command("partitions").description("the days of ticks: see, create ahead, drop, keep so many");
  addCommand(group, listCommand, done);
  addCommand(group, createCommand, done);
  addCommand(group, dropCommand, done);
  addCommand(group, retainCommand, done);
}

const listCommand: CommandSpec<object> = {
  name: "list",
  summary: "the day partitions of market_data_tick: rows by the server's estimate, size, state",
  examples: ["tradetape partitions list", "tradetape partitions list --json | jq '[.days[].bytes] | add'"],
  run: async ({ config, out }) => {
    const read = async (connection: Connection) => ({
      horizon: (await tickHorizon(connection)) ?? null,
      days: await listTickDays(connection),
    });
    const found = await asReader(config, "partitions", read);
    out.result(found, () =>
      [
        ...(found.days.length === 0 ? [] : [daysText(found.days)]),
        `${count(found.days.length)} days${found.horizon === null ? "" : `, none before ${found.horizon} is kept`}`,
      ].join("\n"),
    );
    return EXIT.good;
  },
};

const DAYS_MAX = 3660;

const createCommand: CommandSpec<{ readonly until?: string }> = {
  name: "create",
  summary: "make the partitions of today and the days ahead, or of the days named",
  examples: [
    "tradetape partitions create                                today and TRADETAPE_TICK_DAYS_AHEAD days more",
    "tradetape partitions create 2024-03-01 --until 2024-03-31  before a file of that month",
  ],
  declare: (command) => {
    command.argument("[day]", "the first one, UTC");
    command.option("--until <day>", "the last one");
  },
  run: async ({ config, out }, [from], { until }) => {
    const first = from === undefined ? today() : dayFlag("the day", from);
    const last =
      until === undefined ? first + (from === undefined ? config.tickDaysAhead : 0) : dayFlag("--until", until);
    if (last < first || last - first >= DAYS_MAX)
      throw wrong("--until", `a day from ${isoDate(first)} on, ${DAYS_MAX} at most`);
    const days = Array.from({ length: last - first + 1 }, (_, n) => first + n);
    const { made, past } = await asRole(config, "partitions", "tradetape_lander", async (connection) => {
      const there = new Set((await listTickDays(connection)).map(({ day }) => day));
      const behind = await makeTickDays(connection, days);
      return { made: days.map(isoDate).filter((day) => !there.has(day)), past: behind.map(isoDate) };
    });
    const created = made.filter((day) => !past.includes(day));
    out.result({ created, past }, () =>
      [
        `${count(created.length)} of ${count(days.length)} days made`,
        ...(past.length > 0 ? [`${past.join(", ")}: dropped for good, ticks of then are filtered`] : []),
      ].join("\n"),
    );
    return past.length > 0 ? EXIT.foundWrong : EXIT.good;
  },
};
