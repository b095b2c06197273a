import { type Logger, pino } from "pino";
import type { Config } from "./config.ts";

export type Log = Logger;

/**
 * A logger of JSON lines on standard error, so that results on standard output stay clean.
 *
 * It writes synchronously: the last line before a process ends is the one that matters. It holds no redaction rules, as
 * none would be complete: connection URLs, passwords and event payloads are never passed to it.
 */
export function openLog(config: Pick<Config, "logLevel">): Log {
  const destination = pino.destination({ dest: 2, sync: true });
  return pino({ name: "tradetape", level: config.logLevel, base: { pid: process.pid } }, destination);
}
