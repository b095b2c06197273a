import { afterEach, expect, it, vi } from "vitest";
import { openSessionOf } from "../../../src/batch/run/landing-services.ts";
import { TradetapeError } from "../../../src/errors.ts";
import { Connection } from "../../../src/table/connection.ts";

afterEach(() => vi.restoreAllMocks());

const bug = new TypeError("undefined is not a function");
const fault = (code: string) => Object.assign(new Error("said by the server"), { code, severity: "FATAL" });

/** What the question whose database it is throws, whether the session is there still, and what that comes to. */
const CASES = [
  ["the connection is cut", new Error("Client has encountered a connection error"), false, true],
  ["the server ends the session", fault("57P01"), true, true],
  ["the server refuses the question", fault("42P01"), true, false],
] as const;

it.each(CASES)(
  "a session that is no sooner open than %s is a fault of the environment",
  async (_, thrown, isOpen, canRetry) => {
    const drop = vi.fn();
    const query = () => Promise.reject(thrown);
    vi.spyOn(Connection, "open").mockResolvedValue({ isOpen, query, drop } as unknown as Connection);
    const opened = openSessionOf("the-id")("postgres://here/tape", { name: "test", role: "tradetape_lander" });
    await expect(opened).rejects.toMatchObject({ code: "database_unreachable", canRetry });
    expect(drop).toHaveBeenCalled();
  },
);

it.each([bug, new TradetapeError("database_copied", "whose is it?")])(
  "what isn't the session's is told as it is: %s",
  async (thrown) => {
    const query = () => Promise.reject(thrown);
    vi.spyOn(Connection, "open").mockResolvedValue({ isOpen: true, query, drop() {} } as unknown as Connection);
    const opened = openSessionOf("the-id")("postgres://here/tape", { name: "test", role: "tradetape_lander" });
    await expect(opened).rejects.toBe(thrown);
  },
);
