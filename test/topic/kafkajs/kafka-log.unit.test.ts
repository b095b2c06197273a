import { pino } from "pino";
import { type LogEntry, logLevel } from "tradetape-kafkajs";
import { describe, expect, it } from "vitest";
import { kafkaLogCreator } from "../../../src/topic/kafkajs/kafka-log.ts";

/** The lines that a user sees at this level, as "level message". */
function seenAt(level: string, entries: { level: logLevel; message: string; error?: string }[]): string[] {
  const lines: string[] = [];
  const log = pino({ level }, { write: (line: string) => lines.push(line) });
  const write = kafkaLogCreator(log)();
  for (const { level: kafkaLevel, message, ...rest } of entries) {
    const content = { message, timestamp: "2026-01-01T00:00:00.000Z", ...rest };
    write({ namespace: "Connection", level: kafkaLevel, label: "", log: content } as LogEntry);
  }
  return lines.map((line) => JSON.parse(line)).map((line) => `${pino.levels.labels[line.level]} ${line.msg}`);
}

const { ERROR, WARN, INFO } = logLevel;

describe("kafkajs's log lines", () => {
  it.each([
    ["Response GroupCoordinator(key: 10, version: 2)", "The group coordinator is not available"],
    ["Response Heartbeat(key: 12, version: 3)", "The group is rebalancing, so a rejoin is needed"],
    ["Response JoinGroup(key: 11, version: 5)", "The coordinator is not aware of this member"],
    ["The coordinator is not aware of this member, re-joining the group", undefined],
    ["Response Metadata(key: 3, version: 6)", "This server does not host this topic-partition"],
    ["Response ListOffsets(key: 2, version: 3)", "This server is not the leader for that topic-partition"],
  ])("hide a cluster's ordinary life: %s", (message, error) => {
    const entry = { level: ERROR, message, ...(error === undefined ? {} : { error }) };
    expect(seenAt("info", [entry])).toEqual([]);
    expect(seenAt("debug", [entry])).toEqual([`debug ${message}`]);
  });

  it("keep what a consumer stands still for, and what it jumped over, errors", () => {
    const crash = "Crash: KafkaJSNumberOfRetriesExceeded: The group is rebalancing";
    const entries = [crash, "Offset out of range, resetting to default offset"].map((m) => ({
      level: ERROR,
      message: m,
    }));
    expect(seenAt("error", entries)).toEqual(entries.map(({ message }) => `error ${message}`));
  });

  it("warn of faults that kafkajs retries, and keep quiet of the rest", () => {
    const entries = [
      { level: ERROR, message: "Connection error: connect ECONNREFUSED" },
      { level: WARN, message: "Could not create topics" },
      { level: INFO, message: "Consumer has joined the group" },
    ];
    expect(seenAt("warn", entries)).toEqual(["warn Connection error: connect ECONNREFUSED"]);
    expect(seenAt("debug", entries)).toHaveLength(3);
  });
});
