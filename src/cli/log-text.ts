import { printable } from "./output.ts";

const LEVELS: Readonly<Record<number, string>> = { 20: "debug", 30: "info", 40: "warning", 50: "error", 60: "fatal" };
/** What a person at a terminal knows without being told. */
const KNOWN = new Set(["level", "time", "pid", "name", "msg"]);

/**
 * A line of the log for a person at a terminal: the time of day, what is the matter, and its facts.
 * @param line JSON, as the log writes it
 */
export function logText(line: string): string {
  const { level, time, msg, ...rest } = JSON.parse(line) as Record<string, unknown>;
  const at = new Date(time as number).toTimeString().slice(0, 8);
  const facts = Object.entries(rest).filter(([name]) => !KNOWN.has(name));
  const shown = facts.map(([name, value]) => `${name}=${typeof value === "string" ? value : JSON.stringify(value)}`);
  // What a group is to be helped by has lines of its own.
  const [head = "", ...more] = [`${at} ${LEVELS[level as number]}: ${msg as string}`, ...shown].join("  ").split("\n");
  return [head, ...more.map((text) => `  ${text}`)].map(printable).join("\n");
}
