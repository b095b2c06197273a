import { CommanderError } from "commander";
import { describe, expect, test } from "vitest";
import { describeFailure, EXIT, logFailure } from "../../src/cli/exit.ts";
import { TradetapeError } from "../../src/errors.ts";
import { openLog } from "../../src/log.ts";

describe("what a failure says", () => {
  test("what, where, why and what next stand once, in this order", () => {
    const error = new TradetapeError("broker_unreachable", "Kafka at 127.0.0.1:9092 doesn't answer", {
      cause: new Error("connect ECONNREFUSED"),
      next: "Start it.",
      canRetry: true,
    });
    expect(describeFailure(error, false)).toEqual({
      code: EXIT.cannot,
      text:
        "tradetape: broker_unreachable: Kafka at 127.0.0.1:9092 doesn't answer\n" +
        "  because: connect ECONNREFUSED\n  next: Start it.\n  The same command may succeed later.\n",
    });
  });

  test("a cause that the message already tells isn't told again", () => {
    const error = new TradetapeError("input_invalid", "can't read x: no such file", {
      cause: new Error("no such file"),
    });
    expect(describeFailure(error, false).text).toBe("tradetape: input_invalid: can't read x: no such file\n");
  });

  test("a connection that failed on several addresses names each reason, though Node's own message is empty", () => {
    const cause = new AggregateError([new Error("refused by ::1"), new Error("refused by 127.0.0.1")]);
    const { text } = describeFailure(new TradetapeError("database_unreachable", "no answer", { cause }), false);
    expect(text).toContain("because: refused by ::1; refused by 127.0.0.1");
  });

  test("with --json it is one line that a script can read", () => {
    const { text } = describeFailure(new TradetapeError("config_invalid", "a\nb", { next: "Correct them." }), true);
    expect(text.trimEnd().split("\n")).toHaveLength(1);
    expect(JSON.parse(text).error).toEqual({
      code: "config_invalid",
      message: "a\nb",
      next: "Correct them.",
      canRetry: false,
    });
  });

  test.each([
    ["57P01", "terminating connection due to administrator command"],
    ["57P02", "terminating connection because of crash of another server process"],
    ["53100", "could not extend file: No space left on device"],
  ])("that PostgreSQL ended a command is no bug of ours: %s", (code, message) => {
    const fault = Object.assign(new Error(message), { code, severity: "FATAL" });
    const failure = describeFailure(fault, false);
    expect(failure.code).toBe(EXIT.cannot);
    expect(failure.text).toBe(
      `tradetape: database_unreachable: PostgreSQL: ${message} (SQLSTATE ${code})\n` +
        "  next: The server's log says why. Start the command again when that is over.\n  The same command may succeed later.\n",
    );
  });

  test("a statement that PostgreSQL doesn't understand is one", () => {
    const fault = Object.assign(new Error('relation "nothing" does not exist'), { code: "42P01", severity: "ERROR" });
    expect(describeFailure(fault, false).code).toBe(EXIT.bug);
  });

  test("a bug shows its stack and has an exit code of its own", () => {
    const failure = describeFailure(new RangeError("off by one"), false);
    expect(failure.code).toBe(EXIT.bug);
    expect(failure.text).toContain("RangeError: off by one");
    expect(failure.text).toContain("exit.unit.test.ts");
  });

  test("commander's own complaint isn't said twice, and is bad input unless it is the help", () => {
    expect(describeFailure(new CommanderError(1, "x", "unknown option"), false)).toEqual({
      code: EXIT.cannot,
      text: "",
    });
    expect(describeFailure(new CommanderError(0, "x", "help"), false).code).toBe(EXIT.good);
  });
});

describe("what a failure says in a service's log", () => {
  const logged = (error: unknown) => {
    const lines: string[] = [];
    const code = logFailure(
      error,
      openLog({ logLevel: "info" }, (line) => lines.push(line)),
    );
    expect(lines).toHaveLength(1);
    return { exits: code, ...(JSON.parse(lines[0]!) as { time: number; level: number; msg: string }) };
  };

  test("is a line with its time, its code, and what a script reads with --json", () => {
    const error = new TradetapeError("database_unreachable", "no answer", { next: "Start it.", canRetry: true });
    const facts = { code: "database_unreachable", message: "no answer", next: "Start it.", canRetry: true };
    const line = { level: 60, time: expect.any(Number), msg: "no answer", code: "database_unreachable", error: facts };
    expect(logged(error)).toMatchObject({ exits: EXIT.cannot, ...line });
  });

  test("is of a bug a line, too, with its stack", () => {
    const line = logged(new TypeError("x is undefined"));
    expect(line).toMatchObject({
      exits: EXIT.bug,
      level: 60,
      code: "bug",
      stack: expect.stringContaining("exit.unit.test.ts"),
    });
  });
});
