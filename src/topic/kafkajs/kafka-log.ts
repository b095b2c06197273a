import { type LogEntry, logLevel } from "tradetape-kafkajs";
import type { Log } from "../../log.ts";
import { type Outages, outagesOf } from "./outages.ts";

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

/** What kafkajs says when it can't reach a broker, gets no answer or has no token: at each try, by each client. */
const FAILED = /^Connection (error|timeout|closed)|^Closed connection|timed out|no token to log in/i;
/** What it says because of that. */
const CONSEQUENCE = /connect|ECONN|ENOTFOUND|EAI_AGAIN|UNREACH|timed out|coordinator/i;
/** Crashes after which kafkajs, or `KafkaMember`, joins the group again as soon as the broker is back. */
const PASSING_CRASH =
  /^Crash: KafkaJS(NumberOfRetriesExceeded|Connection|RequestTimeout|Timeout|LockTimeout|Group|Broker)/;

/**
 * kafkajs's lines as lines of ours, each at the level that it deserves; what repeats while a broker is away at `debug`, because
 * `outages` says that.
 */
export function kafkaLogCreator(log: Log, outages = outagesOf(log)): () => (entry: LogEntry) => void {
  const child = log.child({ part: "kafka" });
  return () => (entry) => {
    const { timestamp: _time, logger: _name, stack: _stack, message: said, ...facts } = entry.log;
    const message = String(said);
    const told = levelOf(entry);
    const level = isOfOutage(outages, told, { message, broker: facts.broker }) ? "debug" : told;
    if (child.isLevelEnabled(level)) child[level]({ from: entry.namespace, ...facts }, message);
  };
}

/** Whether a line tells of an outage, which is noted then. */
function isOfOutage(
  outages: Outages,
  level: Level,
  { message, broker }: { message: string; broker?: unknown },
): boolean {
  if (level !== "warn" && !PASSING_CRASH.test(message)) return false;
  if (FAILED.test(message) && level === "warn") {
    outages.failed(typeof broker === "string" ? broker : undefined, message);
    return true;
  }
  const isLeftOut = outages.goesOn && CONSEQUENCE.test(message);
  if (isLeftOut) outages.leaveOut();
  return isLeftOut;
}
