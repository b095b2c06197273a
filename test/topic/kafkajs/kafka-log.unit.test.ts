import { EventEmitter } from "node:events";
import type { Socket } from "node:net";
import { pino } from "pino";
import { type LogEntry, logLevel } from "tradetape-kafkajs";
import { describe, expect, it } from "vitest";
import { kafkaLogCreator } from "../../../src/topic/kafkajs/kafka-log.ts";
import { Outages } from "../../../src/topic/kafkajs/outages.ts";

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
    expect(seenAt("warn", entries)).toEqual(["warn Kafka doesn't answer: tried again and again; told every 60 s"]);
    expect(seenAt("debug", entries)).toHaveLength(4);
    const noToken = {
      level: ERROR,
      message: "TradetapeError: no token to log in to Kafka by: the function returned none",
    };
    expect(seenAt("warn", [noToken, noToken])).toEqual([
      "warn Kafka doesn't answer: tried again and again; told every 60 s",
    ]);
    expect(seenAt("warn", [{ level: ERROR, message: "no rights for that" }])).toEqual(["warn no rights for that"]);
  });
});

/** A log, kafkajs's lines into it, and a broker's answers, by a clock of the test's own. */
function bed() {
  const lines: Record<string, unknown>[] = [];
  const log = pino({ level: "warn" }, { write: (line: string) => lines.push(JSON.parse(line)) });
  let nowMs = 0;
  const outages = new Outages(log, () => nowMs);
  const creator = kafkaLogCreator(log, outages)();
  const says = (message: string, broker?: string) => {
    const content = { message, timestamp: "", ...(broker === undefined ? {} : { broker }) };
    creator({ namespace: "Connection", level: ERROR, label: "", log: content } as LogEntry);
  };
  const connect = (broker: string) => {
    const socket = new EventEmitter();
    outages.watch(broker, socket as Socket);
    socket.emit("connect");
    return () => void socket.emit("data", Buffer.of(1));
  };
  const pass = (seconds: number) => {
    nowMs += seconds * 1000;
  };
  const told = () =>
    lines.splice(0).map(({ broker, seconds, linesLeftOut, msg }) => [broker, seconds, linesLeftOut, msg]);
  return { says, connect, pass, told, outages };
}

const BEGINS = "a broker is away: tried again and again; told every 60 s";
const STAYS = "the broker is still away";
const SETTLED = "nothing that was asked there has failed for 60 s";
const ENDS = "the broker answers again";

describe("a broker that is away", () => {
  /** What each try of each client says, as kafkajs 2.2.4 does. */
  const tries = ({ says }: ReturnType<typeof bed>, broker: string) => {
    says("Connection error: connect ECONNREFUSED", broker);
    says(
      "Failed to connect to seed broker, trying another broker from the list: Connection error: connect ECONNREFUSED",
    );
    says("Crash: KafkaJSNumberOfRetriesExceeded: Connection error: connect ECONNREFUSED");
  };

  it("is a line when it begins, one a minute, and one when it is over, with the count of those left out", () => {
    const one = bed();
    for (let n = 0; n < 130; n++) {
      tries(one, "a:1");
      one.pass(1);
    }
    const toldWhileAway = one.told();
    expect(toldWhileAway.map(([broker, seconds, , text]) => [broker, seconds, text])).toEqual([
      ["a:1", undefined, BEGINS],
      ["a:1", 60, STAYS],
      ["a:1", 120, STAYS],
    ]);
    one.connect("a:1")();
    expect(one.told()).toEqual([["a:1", 130, 389, ENDS]]);
    one.connect("a:1")();
    expect(one.told()).toEqual([]);
    expect(one.outages.goesOn).toBe(false);
  });

  it("is told of each broker by itself, and isn't over by what another one sends, or what was on its way", () => {
    const two = bed();
    const older = two.connect("a:1");
    two.pass(1);
    tries(two, "a:1");
    tries(two, "b:1");
    two.pass(1);
    older();
    two.connect("c:1")();
    expect(two.told().map(([broker, , , text]) => [broker, text])).toEqual([
      ["a:1", BEGINS],
      ["b:1", BEGINS],
    ]);
    two.connect("b:1")();
    expect(two.told().map(([broker, , , text]) => [broker, text])).toEqual([["b:1", ENDS]]);
    two.pass(60);
    older();
    expect(two.told().map(([broker, , , text]) => [broker, text])).toEqual([["a:1", ENDS]]);
  });

  it.each([["Request Fetch(key: 1, version: 11) timed out"], ["Closed connection"]])(
    "is one where nobody says which it is, too: %s",
    (message) => {
      const hung = bed();
      for (let n = 0; n < 5; n++) {
        hung.says(message);
        hung.pass(30);
      }
      const tells = ["Kafka doesn't answer: tried again and again; told every 60 s", "Kafka still doesn't answer"];
      expect(hung.told().map(([, , , text]) => text)).toEqual([...tells, tells[1]]);
      hung.connect("a:1")();
      expect(hung.told()).toEqual([]);
      hung.pass(30);
      hung.connect("a:1")();
      expect(hung.told().map(([, , , text]) => text)).toEqual(["Kafka answers again"]);
    },
  );

  it("is over when nobody fails to reach it any more, as after it was removed: it hides and explains nothing then", () => {
    const one = bed();
    tries(one, "a:1");
    one.told();
    one.pass(59);
    expect(one.outages.goesOn).toBe(true);
    one.connect("b:1")();
    expect(one.told()).toEqual([]);
    one.pass(1);
    expect(one.outages.goesOn).toBe(false);
    // Of another broker, which is well.
    one.says("Failed to connect: no rights for the coordinator");
    one.connect("b:1")();
    expect(one.told()).toEqual([
      [undefined, undefined, undefined, "Failed to connect: no rights for the coordinator"],
      ["a:1", 60, 2, SETTLED],
    ]);
    tries(one, "a:1");
    one.pass(60);
    tries(one, "b:1");
    expect(one.told().map(([broker, , , text]) => [broker, text])).toEqual([
      ["a:1", BEGINS],
      ["a:1", SETTLED],
      ["b:1", BEGINS],
    ]);
  });

  it("hides nothing that is about something else", () => {
    const one = bed();
    tries(one, "a:1");
    one.told();
    const others = ["Offset out of range, resetting to default offset", "Crash: TypeError: x", "no rights for that"];
    for (const other of others) one.says(other);
    expect(one.told().map(([, , , text]) => text)).toEqual(others);
  });
});
