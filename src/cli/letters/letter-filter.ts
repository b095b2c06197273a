import type { Command } from "commander";
import type { Config } from "../../config.ts";
import { LETTER_REASONS, type LetterReason } from "../../event/letter.ts";
import type { LetterFilter } from "../../table/letters/dead-letters.ts";
import { topicName } from "../../topic/topics.ts";
import { CONSUMED_TOPICS, knownTopic, timeOf, wrong } from "../flags.ts";

/** Flags as commander gives them. */
export interface FilterFlags {
  readonly topic?: string;
  readonly reason?: string;
  readonly since?: string;
  readonly until?: string;
}

const REASONS = Object.keys(LETTER_REASONS) as LetterReason[];

export function declareFilter(command: Command): void {
  command.option("--topic <topic>", `of ${CONSUMED_TOPICS.join(", ")}`);
  command.option("--reason <reason>", `of ${REASONS.join(", ")}`);
  command.option(
    "--since <time>",
    "letters since then: 2026-07-01, 2026-07-01T14:30Z (UTC without a zone), 90m, 6h, 7d",
  );
}

/** The filter that flags mean, within this namespace. @throws TradetapeError input_invalid */
export function letterFilter({ namespace }: Config, flags: FilterFlags, nowMs = Date.now()): LetterFilter {
  const names = flags.topic === undefined ? CONSUMED_TOPICS : [knownTopic(namespace, flags.topic)];
  const { reason } = flags;
  const isReason = reason === undefined || Object.hasOwn(LETTER_REASONS, reason);
  if (!isReason) throw wrong(`--reason ${reason}`, REASONS.join(", "));
  return {
    topics: names.map((topic) => topicName(namespace, topic)),
    reason: reason as LetterReason | undefined,
    since: timeOf("--since", flags.since, nowMs),
    until: timeOf("--until", flags.until, nowMs),
  };
}
