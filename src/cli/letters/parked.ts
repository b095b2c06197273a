import { CONSUMERS } from "../../../consumers/all.ts";
import { countParkedEvents, listParked, type ParkedGroup } from "../../table/letters/parked-groups.ts";
import type { CommandSpec } from "../command.ts";
import { EXIT } from "../exit.ts";
import { table } from "../output.ts";
import { count } from "../progress.ts";
import { asReader } from "../services.ts";
import { letterFilter } from "./letter-filter.ts";

interface ParkedFlags {
  readonly topic?: string;
}

export const parkedCommand: CommandSpec<ParkedFlags> = {
  name: "parked",
  summary: "events that wait for a parent, by topic and missing parent: how many, since when, an example",
  examples: ["tradetape parked", "tradetape parked --topic fills --json"],
  declare: (command) => {
    command.option("--topic <topic>", "of this topic only");
  },
  run: async ({ config, out }, _args, flags) => {
    const { topics } = letterFilter(config, flags);
    const parents = CONSUMERS.flatMap(({ landing }) => landing.parents);
    const result = await asReader(config, "parked", async (connection) => ({
      events: await countParkedEvents(connection, topics),
      groups: await listParked(connection, topics, parents),
    }));
    out.result(result, () => parkedText(result));
    return EXIT.good;
  },
};

function parkedText({ events, groups }: { events: number; groups: readonly ParkedGroup[] }): string {
  if (events === 0) return "nothing is parked";
  const rows = groups.map((g) => [
    g.topic,
    g.missing ?? "its turn",
    g.events,
    g.oldestAt,
    age(g.oldestSeconds),
    g.example,
    g.parentId ?? g.eventId,
  ]);
  const head = ["topic", "waits for", "events", "oldest", "age", "for example", "id it waits for"];
  return `${table(head, rows)}\n${count(events)} events are parked`;
}

/** In the largest unit that keeps two digits' worth of it. */
function age(seconds: number): string {
  if (seconds < 120) return `${seconds} s`;
  if (seconds < 7200) return `${Math.floor(seconds / 60)} min`;
  return seconds < 172_800 ? `${Math.floor(seconds / 3600)} h` : `${Math.floor(seconds / 86_400)} d`;
}
