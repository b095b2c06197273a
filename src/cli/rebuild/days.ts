import type { Command } from "commander";
import { DateTime } from "luxon";
import { CONSUMERS } from "../../../consumers/all.ts";
import type { Consumer } from "../../batch/consumer.ts";
import { TradetapeError } from "../../errors.ts";
import { DAY_MS, type Day } from "../../event/day.ts";
import type { DayPartition } from "../../table/upkeep/day-partitions.ts";
import { knownTopic, wrong } from "../flags.ts";
import { table } from "../output.ts";

/** Those whose tables have a partition per UTC day. */
const BY_DAY: readonly Consumer[] = CONSUMERS.filter(({ partitionedByDay }) => partitionedByDay);
const TOPICS = BY_DAY.map(({ topic }) => topic).join(", ");

export interface TopicFlag {
  readonly topic?: string;
}

export function declareTopic(command: Command): void {
  command.option("--topic <topic>", `of this topic's table; there is: ${TOPICS}`);
}

/** Whose days are meant: all that there are, or the topic's. @throws TradetapeError input_invalid */
export function daysOf(namespace: string, { topic }: TopicFlag): readonly Consumer[] {
  if (topic === undefined) return BY_DAY;
  const name = knownTopic(namespace, topic);
  const found = BY_DAY.filter((consumer) => consumer.topic === name);
  if (found.length === 0) throw wrong(`--topic ${topic}`, TOPICS);
  return found;
}

/** The same for what is done to one table: the flag may be left out as long as there is no other. */
export function oneWithDays(namespace: string, flag: TopicFlag): Consumer {
  const [first, ...others] = daysOf(namespace, flag);
  if (first !== undefined && others.length === 0) return first;
  throw new TradetapeError("input_invalid", "which table?", { next: `Give --topic: ${TOPICS}.` });
}

/** A UTC day as a number. @throws TradetapeError input_invalid */
export function dayFlag(flag: string, text: string): Day {
  const day = DateTime.fromFormat(text, "yyyy-MM-dd", { zone: "utc" });
  if (!day.isValid) throw wrong(`${flag} ${text}`, "a day, as 2024-03-05");
  return Math.floor(day.toMillis() / DAY_MS);
}

export const today = (): Day => Math.floor(Date.now() / DAY_MS);

export const daysText = (days: readonly DayPartition[]): string =>
  table(
    ["day", "rows about", "kB", "state"],
    days.map(({ day, rowsAbout, bytes, state }) => [day, rowsAbout, Math.round(bytes / 1000), state]),
  );
