import { type LogEntry, logLevel } from "tradetape-kafkajs";
import type { Log } from "../../log.ts";

type Level = "error" | "warn" | "info" | "debug";

/**
 * Lines that kafkajs calls errors or warnings although they belong to a cluster's ordinary life: a coordinator that is
 * still starting, a member that joins, a leader that moves, a topic just made. kafkajs retries each of them by itself.
 */
const ORDINARY_LIFE = new RegExp(
  [
    "coordinator is not (available|aware)",
    "not the correct coordinator",
    "coordinator is loading",
    "rebalanc|re-?join|resync group",
    "generation id is not valid",
    "no leader for this|not the leader for",
    "does not host this topic",
    "group received unsubscribed topics|not aware of all assigned",
    "Response without match",
    "Topic creation errors",
  ].join("|"),
  "i",
);

/** Lines that stay errors, because the consumer has stopped or has skipped records when kafkajs writes them. */
const ALARMING = /^Crash:|Offset out of range|Failed to execute listener/;

/**
 * A crash over a broker that has just started, which passes by itself, and the line about a restart, which says nothing
 * that the line of the crash before it hasn't said.
 */
const STARTING = /^Crash:.*coordinator is (loading|not available)|^Restarting the consumer/;

function levelOf({ level, log }: LogEntry): Level {
  const message = String(log.message);
  if (STARTING.test(message)) return "debug";
  if (ALARMING.test(message)) return "error";
  if (ORDINARY_LIFE.test(`${message} ${String(log.error ?? "")}`)) return "debug";
  // kafkajs retries what it calls an error, so a warning is enough: an error that remains is thrown, and told there.
  if (level === logLevel.ERROR) return "warn";
  return level === logLevel.WARN ? "info" : "debug";
}

/** kafkajs's lines as lines of ours, each at the level that it deserves. */
export function kafkaLogCreator(log: Log): () => (entry: LogEntry) => void {
  const child = log.child({ part: "kafka" });
  return () => (entry) => {
    const level = levelOf(entry);
    if (!child.isLevelEnabled(level)) return;
    const { timestamp: _time, logger: _name, stack: _stack, message, ...facts } = entry.log;
    child[level]({ from: entry.namespace, ...facts }, String(message));
  };
}
