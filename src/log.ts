import { type Logger, pino } from "pino";
import type { Config } from "./config.ts";

export type Log = Logger;

/**
 * A logger of JSON lines on standard error, so that results on standard output stay clean.
 *
 * It writes as Node does there, synchronously: the last line before a process ends is the one that matters. It holds no
 * redaction rules, as none would be complete: connection URLs, passwords and event payloads are never passed to it.
 * @param show what is done with each line, where it isn't written to standard error
 */
export function openLog(config: Pick<Config, "logLevel">, show?: (line: string) => void): Log {
  const destination = { write: show ?? ((line: string) => void process.stderr.write(line)) };
  return pino({ name: "tradetape", level: config.logLevel, base: { pid: process.pid } }, destination);
}
