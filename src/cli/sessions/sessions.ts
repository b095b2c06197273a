import type { Command } from "commander";
import { type ListedSession, listSessions } from "../../table/sessions/session-list.ts";
import { addCommand, type CommandSpec } from "../command.ts";
import { EXIT, type ExitCode } from "../exit.ts";
import { printable, table } from "../output.ts";
import { count } from "../progress.ts";
import { asReader } from "../services.ts";
import { createCommand } from "./sessions-create.ts";
import { deleteCommand } from "./sessions-delete.ts";
import { diffCommand } from "./sessions-diff.ts";
import { finishCommand } from "./sessions-finish.ts";
import { showSessionCommand } from "./sessions-show.ts";

/** `sessions` with its commands. */
export function addSessions(program: Command, done: (code: ExitCode) => void): void {
  const group = program
    .command("sessions")
    .description("runs whose events are kept apart: create, finish, see, compare, delete");
  addCommand(group, createCommand, done);
  addCommand(group, finishCommand, done);
  addCommand(group, listCommand, done);
  addCommand(group, showSessionCommand, done);
  addCommand(group, diffCommand, done);
  addCommand(group, deleteCommand, done);
}

interface ListFlags {
  readonly all?: boolean;
}

const listCommand: CommandSpec<ListFlags> = {
  name: "list",
  summary: "sessions, the latest first: kind, status, times, what their agents made",
  examples: ["tradetape sessions list", "tradetape sessions list --all --json   deleted ones, too"],
  declare: (command) => {
    command.option("--all", "deleted ones, too");
  },
  run: async ({ config, out }, _args, flags) => {
    const sessions = await asReader(config, "sessions", (connection) =>
      listSessions(connection, flags.all === true, null),
    );
    out.result(sessions, () => listText(sessions));
    return EXIT.good;
  },
};

function listText(sessions: readonly ListedSession[]): string {
  if (sessions.length === 0) return "no sessions";
  const head = ["session", "kind", "status", "name", "started", "ended", "predictions", "decisions", "fills"];
  const rows = sessions.map((s) => [
    s.id,
    s.kind,
    s.status,
    s.name === null ? null : printable(s.name),
    s.startedAt,
    s.endedAt,
    s.predictions,
    s.decisions,
    s.fills,
  ]);
  return `${table(head, rows)}\n${count(sessions.length)} sessions`;
}
