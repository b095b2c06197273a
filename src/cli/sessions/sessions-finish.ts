import { userName } from "../../audit/actor.ts";
import { ENDINGS, finishSession } from "../../session/finish.ts";
import { connectTape } from "../../tradetape/connect-tape.ts";
import type { CommandSpec } from "../command.ts";
import { EXIT } from "../exit.ts";
import { wrong } from "../flags.ts";
import { asRole } from "../services.ts";
import { jsonArgument } from "./json-argument.ts";
import { requireSession, sessionArgument } from "./session-argument.ts";

interface FinishFlags {
  readonly status: string;
  readonly result?: string;
}

export const finishCommand: CommandSpec<FinishFlags> = {
  name: "finish",
  summary: "end a session: completed or failed, when, and with which figures",
  examples: [
    "tradetape sessions finish 0198c5a4-8f6e-7c3a-9d2b-5e4f3a2b1c0d --result '{\"sharpe\": 1.31}'",
    "tradetape sessions finish 0198c5a4-8f6e-7c3a-9d2b-5e4f3a2b1c0d --status failed --result @why.json",
  ],
  declare: (command) => {
    command.argument("<session>", "its id");
    command.option("--status <status>", `of ${ENDINGS.join(", ")}`, "completed");
    command.option("--result <json>", "its figures, or why it failed, a JSON object, or @FILE");
  },
  run: async ({ config, log, out }, [text], flags) => {
    const id = sessionArgument(text);
    const status = ENDINGS.find((known) => known === flags.status);
    if (status === undefined) throw wrong(`--status ${flags.status}`, ENDINGS.join(", "));
    const result = flags.result === undefined ? null : jsonArgument("--result", flags.result);
    if (result !== null && !isObject(result)) throw wrong("--result", `a JSON object, as in '{"sharpe": 1.31}'`);
    const found = await asRole(config, "sessions", "tradetape_reader", (connection) => requireSession(connection, id));
    await using tape = await connectTape(config, log);
    const ending = { status, result, endedUs: Date.now() * 1000 };
    const event = await finishSession(tape, found, ending, userName());
    const ended = `session ${id} is ${status}`;
    out.result({ ...(event ?? found), finished: event !== undefined }, () =>
      event === undefined ? `${ended}, and was before` : ended,
    );
    return EXIT.good;
  },
};

function isObject(text: string): boolean {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null && !Array.isArray(value);
  } catch {
    return false;
  }
}
